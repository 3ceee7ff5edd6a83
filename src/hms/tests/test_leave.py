"""Hours and leave: visits in the way are named first, and left to the desk."""

import threading
from datetime import date, datetime, time, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from hms.domain import hours, leave, scheduling, visits
from hms.domain.settings import hospital
from hms.errors import DomainError, NeedsReason
from hms.models import Appointment, TimeOff, WorkingHours
from hms.testing import local, make_appointment, make_doctor, make_patient, make_user

pytestmark = pytest.mark.django_db
HALF = timedelta(minutes=30)


@pytest.fixture
def doctor():
    return make_doctor()


@pytest.fixture
def rita():
    return make_user("RECEPTIONIST")


def take(doctor, first=1, last=2, **more):
    return leave.take(doctor, start=local(first, "00:00"), end=local(last, "00:00"), by=doctor.user, **more)


def weekday(days):
    return (hospital().today() + timedelta(days=days)).weekday()


WEEK = {day: [(time(8), time(18))] for day in range(7)}


# --- leave


def test_leave_where_nobody_is_booked_is_taken_at_once(doctor):
    make_appointment(doctor=doctor, start=local(3))
    off = take(doctor, reason=" Training ")
    assert off.reason == "Training"
    assert hours.working(doctor, local(1, "10:00"), local(1, "10:30")) == "leave"
    assert not leave.to_move()


def test_visits_in_the_way_are_named_first(doctor):
    visit = make_appointment(doctor=doctor)
    make_appointment(doctor=doctor, start=local(1, "12:00"), status="CANCELLED")
    make_appointment(start=local(1, "12:00"))
    with pytest.raises(leave.VisitsInTheWay) as refused:
        take(doctor)
    assert refused.value.visits == [visit]
    assert not TimeOff.objects.exists()


def test_taken_all_the_same_it_leaves_them_to_the_desk(doctor):
    visit = make_appointment(doctor=doctor)
    off = take(doctor, seen=[visit.pk])
    (row,) = leave.to_move()
    assert (row.appointment, row.time_off, row.noted_by) == (visit, off, doctor.user)
    visit.refresh_from_db()
    assert visit.status == "SCHEDULED"  # nothing is cancelled behind the patient's back


def test_a_visit_booked_meanwhile_is_named_too(doctor):
    seen = make_appointment(doctor=doctor)
    late = make_appointment(doctor=doctor, start=local(1, "12:00"))
    with pytest.raises(leave.VisitsInTheWay) as refused:
        take(doctor, seen=[seen.pk])
    assert refused.value.visits == [seen, late]


def test_a_visit_that_reaches_into_the_time_is_in_the_way(doctor):
    visit = make_appointment(doctor=doctor, start=local(1, "10:00"))
    start = local(1, "10:15")
    assert leave.in_the_way(doctor, start, start + HALF) == [visit]
    assert leave.in_the_way(doctor, local(1, "10:30"), local(1, "11:00")) == []


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [(2, 2, "until"), (2, 1, "until"), (-3, -2, "until"), (1, 400, "until"), (1200, 1201, "since")],
)
def test_odd_leave_is_refused(doctor, start, end, field):
    with pytest.raises(DomainError) as refused:
        take(doctor, start, end)
    assert refused.value.field == field


def test_leave_over_leave_is_refused(doctor):
    take(doctor, 1, 3)
    with pytest.raises(DomainError, match="Already away"):
        take(doctor, 2, 4)
    take(doctor, 3, 4)


def test_only_the_doctor_and_the_desk_decide(doctor, rita):
    for user in (make_doctor().user, make_user("PATIENT")):
        with pytest.raises(DomainError):
            leave.take(doctor, start=local(1), end=local(2), by=user)
        with pytest.raises(DomainError):
            leave.set_week(doctor, week=WEEK, valid_from=hospital().today(), by=user)
    assert leave.take(doctor, start=local(1), end=local(2), by=rita)


def test_withdrawn_leave_asks_nothing_of_the_desk_any_more(doctor):
    visit = make_appointment(doctor=doctor)
    off = take(doctor, seen=[visit.pk])
    leave.withdraw(off, by=doctor.user)
    assert not leave.to_move()
    assert hours.working(doctor, local(1, "10:00"), local(1, "10:30")) == "yes"
    with pytest.raises(DomainError, match="withdrawn already"):
        leave.withdraw(off, by=doctor.user)


def test_leave_that_is_over_stays(doctor):
    off = TimeOff.objects.create(doctor=doctor, start=local(-3), end=local(-2))
    with pytest.raises(DomainError, match="over"):
        leave.withdraw(off, by=doctor.user)


# --- what the desk does


@pytest.fixture
def row(doctor):
    visit = make_appointment(doctor=doctor)
    take(doctor, seen=[visit.pk])
    (row,) = leave.to_move()
    return row


def test_another_time_resolves_it(row, rita):
    scheduling.reschedule(row.appointment, doctor=row.doctor, start=local(3), by=rita)
    assert not leave.to_move()


def test_another_doctor_resolves_it(row, rita):
    scheduling.reschedule(row.appointment, doctor=make_doctor(), start=row.start, by=rita)
    assert not leave.to_move()


def test_cancelling_resolves_it_and_reinstating_brings_it_back(row, rita):
    visits.cancel(row.appointment, reason="Doctor away", by=rita)
    assert not leave.to_move()
    Appointment.objects.filter(pk=row.appointment_id).update(status="SCHEDULED")
    assert leave.to_move() == [row]


def test_keeping_it_needs_a_reason(row, rita):
    with pytest.raises(DomainError) as refused:
        leave.keep(row, reason="  ", by=rita)
    assert refused.value.field == "reason"
    with pytest.raises(DomainError):
        leave.keep(row, reason="I come in", by=row.doctor.user)
    leave.keep(row, reason="Comes in for it", by=rita)
    assert not leave.to_move()
    row.refresh_from_db()
    assert (row.kept_reason, row.kept_by) == ("Comes in for it", rita)
    with pytest.raises(DomainError, match="already"):
        leave.keep(row, reason="Once more", by=rita)


# --- hours


def test_new_hours_begin_on_their_day(doctor):
    begins = hospital().today() + timedelta(days=14)
    leave.set_week(
        doctor,
        week=WEEK | {begins.weekday(): [(time(9), time(12)), (time(13), time(17))]},
        valid_from=begins,
        by=doctor.user,
    )

    def on(day):
        found = WorkingHours.objects.filter(doctor=doctor).on(day).order_by("start")
        return list(found.values_list("start", "end"))

    assert on(begins - timedelta(days=7)) == [(time(8), time(18))]
    assert on(begins) == [(time(9), time(12)), (time(13), time(17))]
    leave.set_week(doctor, week={}, valid_from=begins, by=doctor.user)  # changed again before they began
    assert on(begins) == []
    assert on(begins - timedelta(days=1)) == [(time(8), time(18))]


def test_a_visit_outside_the_new_hours_is_named_and_left_to_the_desk(doctor):
    visit = make_appointment(doctor=doctor, start=local(2, "16:00"))
    make_appointment(doctor=doctor, start=local(2, "10:00"))
    week = WEEK | {weekday(2): [(time(8), time(13))]}
    with pytest.raises(leave.VisitsInTheWay) as refused:
        leave.set_week(doctor, week=week, valid_from=hospital().today(), by=doctor.user)
    assert refused.value.visits == [visit]
    leave.set_week(doctor, week=week, valid_from=hospital().today(), by=doctor.user, seen=[visit.pk])
    (row,) = leave.to_move()
    assert (row.appointment, row.time_off) == (visit, None)
    leave.set_week(doctor, week=WEEK, valid_from=hospital().today(), by=doctor.user)
    assert not leave.to_move()


def test_a_visit_in_the_new_break_is_named(doctor):
    visit = make_appointment(doctor=doctor, start=local(2, "12:15"))
    week = WEEK | {weekday(2): [(time(8), time(12, 30)), (time(13), time(18))]}
    with pytest.raises(leave.VisitsInTheWay) as refused:
        leave.set_week(doctor, week=week, valid_from=hospital().today(), by=doctor.user)
    assert refused.value.visits == [visit]


def test_what_was_booked_outside_the_hours_on_purpose_is_not_in_the_way(doctor):
    make_appointment(doctor=doctor, start=local(2, "19:00"), override_reason="Urgent")
    leave.set_week(doctor, week=WEEK, valid_from=hospital().today(), by=doctor.user)


@pytest.mark.parametrize(
    "spans",
    [
        [(time(9), time(9))],
        [(time(12), time(9))],
        [(time(9), time(12)), (time(11), time(13))],
        [(time(1), time(2))] * 5,
    ],
)
def test_odd_hours_are_refused(doctor, spans):
    with pytest.raises(DomainError) as refused:
        leave.set_week(doctor, week={2: spans}, valid_from=hospital().today(), by=doctor.user)
    assert refused.value.field == "day_2"
    assert WorkingHours.objects.filter(doctor=doctor, valid_until=None).count() == 7


def test_hours_do_not_begin_in_the_past(doctor):
    with pytest.raises(DomainError) as refused:
        leave.set_week(doctor, week=WEEK, valid_from=hospital().today() - timedelta(days=1), by=doctor.user)
    assert refused.value.field == "valid_from"
    with pytest.raises(DomainError):
        leave.set_week(doctor, week=WEEK, valid_from=date(2200, 1, 1), by=doctor.user)


def test_extra_hours_of_one_day(doctor):
    day = hospital().today() + timedelta(days=5)
    row = leave.add_hours(doctor, day=day, start=time(19), end=time(21), by=doctor.user)
    assert hours.working(doctor, local(5, "19:00"), local(5, "20:00")) == "yes"
    assert hours.working(doctor, local(12, "19:00"), local(12, "20:00")) == "off"
    with pytest.raises(DomainError, match="overlaps"):
        leave.add_hours(doctor, day=day, start=time(17), end=time(19), by=doctor.user)
    leave.set_week(doctor, week=WEEK, valid_from=hospital().today(), by=doctor.user)
    assert WorkingHours.objects.filter(pk=row.pk).exists()
    with pytest.raises(DomainError, match="overlaps"):
        leave.set_week(
            doctor, week={day.weekday(): [(time(8), time(20))]}, valid_from=hospital().today(), by=doctor.user
        )
    visit = make_appointment(doctor=doctor, start=local(5, "19:00"))
    with pytest.raises(leave.VisitsInTheWay):
        leave.remove_hours(row, by=doctor.user)
    leave.remove_hours(row, by=doctor.user, seen=[visit.pk])
    assert [r.appointment for r in leave.to_move()] == [visit]
    with pytest.raises(DomainError, match="removed already"):
        leave.remove_hours(row, by=doctor.user)


def test_weekly_hours_are_no_extra_hours(doctor):
    with pytest.raises(DomainError, match="weekly"):
        leave.remove_hours(doctor.hours.first(), by=doctor.user)
    with pytest.raises(DomainError):
        leave.add_hours(doctor, day=hospital().today() - timedelta(days=1), start=time(1), end=time(2), by=doctor.user)


def test_hours_follow_the_wall_through_a_clock_change(doctor):
    """The visit at 10:00 on the wall stays within 08:00 to 18:00, whatever the offset is that day."""
    zone = hospital().zone
    day = hospital().today() + timedelta(days=200)
    start = datetime.combine(day, time(17, 30), tzinfo=zone)
    make_appointment(doctor=doctor, start=start)
    leave.set_week(doctor, week=WEEK, valid_from=hospital().today(), by=doctor.user)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE hms_visittomove SET kept_at = now()",
        "UPDATE hms_visittomove SET kept_reason = 'so'",
        "INSERT INTO hms_visittomove (appointment_id, doctor_id, start, time_off_id, noted_by_id)"
        " SELECT appointment_id, doctor_id, start, time_off_id, noted_by_id FROM hms_visittomove",
    ],
)
def test_the_database_keeps_it_whole(row, sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


# --- races


def both(*calls):
    """Run them at once, each on a connection of its own; what each returned or raised."""
    gate, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(n, call):
        try:
            gate.wait()
            found[n] = call()
        except Exception as e:
            found[n] = e
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def rounds(number=12):
    """How often a visit ended up in leave without anybody being told."""
    forgotten = 0
    for _ in range(number):
        doctor, patient, rita = make_doctor(), make_patient(), make_user()
        booked, off = both(
            lambda d=doctor, p=patient, r=rita: scheduling.book(
                patient=p, doctor=d, start=local(1, "10:00"), duration=HALF, by=r
            ),
            lambda d=doctor: take(d),
        )
        assert isinstance(booked, (Appointment, NeedsReason)), booked
        assert isinstance(off, (TimeOff, leave.VisitsInTheWay)), off
        forgotten += isinstance(booked, Appointment) and isinstance(off, TimeOff)
    return forgotten


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_leave_and_a_booking_at_once_never_miss_each_other():
    assert rounds() == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_doctors_turn_they_would(monkeypatch):
    from hms.domain import locks

    take_turn = hours.working

    def slowly(*args, **kwargs):
        found = take_turn(*args, **kwargs)
        gate.wait(timeout=2)
        return found

    looked = leave.in_the_way

    def slowly_too(*args, **kwargs):
        found = looked(*args, **kwargs)
        gate.wait(timeout=2)
        return found

    gate = threading.Barrier(2)
    monkeypatch.setattr(locks, "take", lambda **kwargs: None)
    monkeypatch.setattr(hours, "working", slowly)
    monkeypatch.setattr(leave, "in_the_way", slowly_too)
    assert rounds(1) == 1
