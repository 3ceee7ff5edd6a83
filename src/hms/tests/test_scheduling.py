"""Booking, moving, editing: the rules and their refusals, without HTTP."""

from datetime import date, time, timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hms.domain import hours, scheduling
from hms.domain.settings import hospital
from hms.errors import DomainError, NeedsReason, SlotTaken, Stale
from hms.models import Appointment, TimeOff, WorkingHours
from hms.testing import local, make_appointment, make_doctor, make_patient, make_user

pytestmark = pytest.mark.django_db
HALF = timedelta(minutes=30)


@pytest.fixture
def desk():
    return make_user()


def book(desk, **fields):
    values = {"start": local(), "duration": HALF} | fields
    values.setdefault("patient", None) or values.update(patient=make_patient())
    values["doctor"] = values.get("doctor") or make_doctor()
    return scheduling.book(by=desk, **values)


def test_booking_writes_the_row_and_who_did_it(desk):
    a = book(desk, reason="Cough")
    assert (a.status, a.reason, a.duration) == ("SCHEDULED", "Cough", HALF)
    event = apps.get_model("hms", "AppointmentEvent").objects.get(pgh_obj_id=a.pk)
    assert event.pgh_context == {"user": desk.pk, "action": "appointment.booked"}


def test_a_taken_time_names_who_is_in_the_way_and_offers_the_next_five(desk):
    there = make_appointment(start=local(at="10:00"), minutes=30)
    with pytest.raises(SlotTaken) as e:
        book(desk, doctor=there.doctor, start=local(at="10:15"))
    assert e.value.in_the_way == [there]
    offered = [start for _doctor, start in e.value.free_times]
    assert offered == [local(at=t) for t in ("10:30", "10:45", "11:00", "11:15", "11:30")]


def test_whoever_comes_too_late_hears_so_without_waiting_for_a_turn(desk):
    there = make_appointment()
    with CaptureQueriesContext(connection) as queries, pytest.raises(SlotTaken):
        book(desk, doctor=there.doctor, start=there.appointment_date)
    assert not any("advisory" in query["sql"] for query in queries)


def test_what_is_offered_can_be_booked(desk):
    there = make_appointment()
    with pytest.raises(SlotTaken) as e:
        book(desk, doctor=there.doctor, start=there.appointment_date)
    for doctor, start in e.value.free_times[::2]:
        assert book(desk, doctor=doctor, start=start).pk


def test_a_patient_who_is_elsewhere_then_is_named(desk):
    there = make_appointment()
    with pytest.raises(SlotTaken, match="already has an appointment with") as e:
        book(desk, patient=there.patient, start=there.appointment_date)
    assert e.value.in_the_way == [there]
    assert all(start >= there.end for _d, start in e.value.free_times)


def test_a_cancelled_slot_can_be_booked_again(desk):
    gone = make_appointment(status="CANCELLED")
    assert book(desk, doctor=gone.doctor, start=gone.appointment_date).is_live


def test_the_past_is_refused(desk):
    with pytest.raises(DomainError, match="is in the past"):
        book(desk, start=timezone.now() - timedelta(hours=1))


def test_the_running_slot_can_still_be_given_to_a_walk_in(desk):
    start = timezone.now() - timedelta(minutes=5)
    assert book(desk, start=start, override_reason="walk-in").appointment_date == start


@pytest.mark.parametrize("minutes", [0, 4, 481, -10, 600])
def test_odd_lengths_are_refused(desk, minutes):
    with pytest.raises(DomainError, match="between 5 minutes and 8 hours"):
        book(desk, duration=timedelta(minutes=minutes))


def test_two_years_ahead_is_far_enough(desk):
    with pytest.raises(DomainError, match="two years"):
        book(desk, start=local(days=800))


@pytest.mark.parametrize("at", ["07:45", "17:45", "22:00"])
def test_outside_the_hours_a_reason_is_asked_and_kept(desk, at):
    doctor = make_doctor()
    with pytest.raises(NeedsReason, match="outside"):
        book(desk, doctor=doctor, start=local(at=at))
    a = book(desk, doctor=doctor, start=local(at=at), override_reason="Came from far")
    event = apps.get_model("hms", "AppointmentEvent").objects.get(pgh_obj_id=a.pk)
    assert event.override_reason == "Came from far"


def test_over_a_break_a_reason_is_asked(desk):
    doctor = make_doctor(works=False)
    for start, end in ((time(8), time(12)), (time(13), time(17))):
        for day in range(7):
            WorkingHours.objects.create(doctor=doctor, weekday=day, start=start, end=end, valid_from=date(2020, 1, 1))
    with pytest.raises(NeedsReason):
        book(desk, doctor=doctor, start=local(at="11:45"))
    assert book(desk, doctor=doctor, start=local(at="11:30"))


def test_during_leave_a_reason_is_asked_even_within_the_hours(desk):
    doctor = make_doctor()
    TimeOff.objects.create(doctor=doctor, start=local(at="09:00"), end=local(at="12:00"), reason="Course")
    with pytest.raises(NeedsReason, match="is away"):
        book(desk, doctor=doctor)


def test_no_reason_ever_overrules_an_overlap(desk):
    there = make_appointment()
    with pytest.raises(SlotTaken):
        book(desk, doctor=there.doctor, start=there.appointment_date, override_reason="please")


def test_nobody_books_with_a_doctor_who_takes_none(desk):
    with pytest.raises(DomainError, match="takes no appointments"):
        book(desk, doctor=make_doctor(is_available=False))


def test_nobody_books_with_a_doctor_who_left(desk):
    doctor = make_doctor()
    doctor.user.is_active = False
    doctor.user.save()
    with pytest.raises(DomainError, match="no longer works here"):
        book(desk, doctor=doctor)


def test_an_inactive_patient_is_refused(desk):
    with pytest.raises(DomainError, match="inactive"):
        book(desk, patient=make_patient(is_active=False))


class TestMove:
    def test_to_another_doctor_and_time(self, desk):
        a, other = make_appointment(), make_doctor()
        moved = scheduling.reschedule(a, doctor=other, start=local(days=2, at="11:00"), by=desk)
        assert (moved.doctor, moved.appointment_date) == (other, local(days=2, at="11:00"))

    def test_to_where_it_is_changes_nothing(self, desk):
        a = make_appointment()
        assert scheduling.reschedule(a, doctor=a.doctor, start=a.appointment_date, by=desk).version == a.version

    def test_by_less_than_its_length(self, desk):
        a = make_appointment()
        start = a.appointment_date + timedelta(minutes=15)
        assert scheduling.reschedule(a, doctor=a.doctor, start=start, by=desk).appointment_date == start

    def test_onto_somebody_is_refused_and_leaves_it_where_it_was(self, desk):
        a = make_appointment()
        b = make_appointment(doctor=a.doctor, start=a.end)
        with pytest.raises(SlotTaken) as e:
            scheduling.reschedule(b, doctor=a.doctor, start=a.appointment_date, by=desk)
        assert e.value.in_the_way == [a]
        b.refresh_from_db()
        assert b.appointment_date == a.end

    @pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED", "CANCELLED", "NO_SHOW"])
    def test_of_what_is_under_way_or_over_is_refused(self, desk, status):
        a = make_appointment(status=status)
        with pytest.raises(DomainError, match="cannot be moved"):
            scheduling.reschedule(a, doctor=a.doctor, start=a.end, by=desk)

    def test_of_a_stale_card_is_refused(self, desk):
        a = make_appointment()
        version = a.version
        scheduling.edit(a, reason="new", notes="", duration=a.duration, by=desk)
        with pytest.raises(Stale):
            scheduling.reschedule(a, doctor=a.doctor, start=a.end, by=desk, version=version)

    def test_into_the_past_is_refused(self, desk):
        a = make_appointment()
        with pytest.raises(DomainError, match="past"):
            scheduling.reschedule(a, doctor=a.doctor, start=timezone.now() - timedelta(days=1), by=desk)


class TestEdit:
    def test_changes_what_it_is_about(self, desk):
        a = make_appointment()
        edited = scheduling.edit(a, reason="Knee", notes="left", duration=a.duration, by=desk, version=a.version)
        assert (edited.reason, edited.notes, edited.duration) == ("Knee", "left", HALF)

    def test_a_longer_visit_is_checked_like_a_move(self, desk):
        a = make_appointment()
        make_appointment(doctor=a.doctor, start=a.end)
        with pytest.raises(SlotTaken):
            scheduling.edit(a, reason="", notes="", duration=timedelta(minutes=45), by=desk)
        a.refresh_from_db()
        assert a.duration == HALF


class TestFreeTimes:
    def test_lie_on_the_grid_of_the_hours_and_skip_what_is_taken(self):
        a = make_appointment(start=local(at="08:00"), minutes=20)
        found = hours.free_times([a.doctor], after=local(at="00:00"), duration=HALF, limit=3)
        assert [s for _d, s in found] == [local(at=t) for t in ("08:30", "08:45", "09:00")]

    def test_end_within_the_hours(self):
        doctor = make_doctor()
        found = hours.free_times([doctor], after=local(at="17:00"), duration=HALF, until=local(at="18:00"), limit=99)
        assert [s for _d, s in found] == [local(at=t) for t in ("17:00", "17:15", "17:30")]

    def test_of_several_doctors_come_earliest_first(self):
        a, b = make_doctor(), make_doctor()
        make_appointment(doctor=a, start=local(at="08:00"), minutes=60)
        found = hours.free_times([a, b], after=local(at="08:00"), duration=HALF, limit=3)
        assert [(d, s) for d, s in found] == [(b, local(at="08:00")), (b, local(at="08:15")), (b, local(at="08:30"))]

    def test_respect_when_hours_are_valid(self):
        doctor = make_doctor(works=False)
        day = local(days=10).date()
        WorkingHours.objects.create(
            doctor=doctor, weekday=day.weekday(), start=time(9), end=time(10), valid_from=day, valid_until=day
        )
        found = hours.free_times([doctor], after=local(0), duration=HALF, limit=99)
        assert [s for _d, s in found] == [local(days=10, at=t) for t in ("09:00", "09:15", "09:30")]

    def test_take_as_many_queries_for_many_doctors_as_for_one(self, django_assert_num_queries):
        doctors = [make_doctor() for _ in range(4)]
        hospital()
        for some in (doctors[:1], doctors):
            with django_assert_num_queries(2):
                hours.free_times(some, after=local(), duration=HALF)


def test_a_visit_over_midnight_counts_on_both_days(desk):
    a = make_appointment(start=local(at="23:45"), minutes=60)
    begins, ends = hospital().day_bounds(local(days=2).date())
    assert list(Appointment.objects.between(begins, ends)) == [a]


def test_a_reason_is_kept_only_where_it_was_needed(desk):
    assert book(desk, override_reason="late clinic").override_reason == ""


def test_a_visit_that_has_begun_can_be_made_longer(desk):
    doctor = make_doctor()
    a = make_appointment(doctor=doctor, start=timezone.now() - timedelta(minutes=40), minutes=45)
    longer = scheduling.edit(a, reason="", notes="", duration=timedelta(hours=1), by=desk, override_reason="talks")
    assert longer.duration == timedelta(hours=1)


def test_what_is_in_the_way_is_named_with_its_own_time(desk):
    there = make_appointment(start=local(at="10:15"))
    with pytest.raises(SlotTaken, match=r"already has a patient at .* 10:15"):
        book(desk, doctor=there.doctor, start=local(at="10:00"))
