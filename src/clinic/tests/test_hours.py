"""My hours: what a doctor sees and changes of them."""

from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms.domain import leave
from hms.domain.settings import hospital
from hms.models import TimeOff, VisitToMove, WorkingHours
from hms.testing import local, make_appointment, make_doctor, make_it_midday


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def day(days):
    return f"{hospital().today() + timedelta(days=days):%Y-%m-%d}"


def week_form(**changes):
    form = {"valid_from": day(7)}
    for n in range(7):
        form |= {f"day_{n}_from1": "08:00", f"day_{n}_until1": "18:00"}
    return form | changes


def test_my_hours_show_week_leave_and_what_the_desk_has_to_move(doctor):
    me = doctor.user.doctor
    visit = make_appointment(doctor=me)
    leave.take(me, start=local(1, "00:00"), end=local(2, "00:00"), reason="Training", by=me.user, seen=[visit.pk])
    leave.add_hours(me, day=hospital().today() + timedelta(days=3), start=time(19), end=time(20), by=me.user)
    TimeOff.objects.create(doctor=make_doctor(), start=local(1), end=local(2), reason="Somebody else's")
    page = doctor.get("/clinic/hours/").content.decode()
    for text in ("Monday", "08:00–18:00", "Training", "19:00–20:00", visit.patient.user.formal_name):
        assert text in page
    assert "Somebody else" not in page.split("session-watch")[0]


def test_time_off_for_whole_days(doctor):
    response = doctor.post("/clinic/hours/leave/", {"since": day(3), "until": day(5), "reason": "Leave"})
    assert response.headers["Location"] == "/clinic/hours/"
    off = TimeOff.objects.get(doctor=doctor.user.doctor)
    assert (off.start, off.end) == (local(3, "00:00"), local(6, "00:00"))
    page = doctor.get("/clinic/hours/").content.decode()
    assert f"<span>{local(3):%d-%b-%Y} – {local(5):%d-%b-%Y}</span>" in page


def test_time_off_for_hours(doctor):
    doctor.post("/clinic/hours/leave/", {"since": day(3), "since_time": "13:00", "until_time": "15:30"})
    off = TimeOff.objects.get(doctor=doctor.user.doctor)
    assert (off.start, off.end) == (local(3, "13:00"), local(3, "15:30"))
    assert f"<span>{local(3):%d-%b-%Y} 13:00 – 15:30</span>" in doctor.get("/clinic/hours/").content.decode()


def test_visits_in_the_way_are_listed_before_it_takes_effect(doctor):
    visit = make_appointment(doctor=doctor.user.doctor, start=local(3))
    form = {"since": day(3), "reason": "Conference"}
    response = doctor.post("/clinic/hours/leave/", form)
    page = response.content.decode()
    assert response.status_code == 409
    assert visit.patient.user.formal_name in page
    assert f'name="seen" value="{visit.pk}"' in page
    assert "Conference" in page
    assert not TimeOff.objects.exists()
    assert doctor.post("/clinic/hours/leave/", form | {"seen": visit.pk}).status_code == 409  # only checked again
    assert not TimeOff.objects.exists()
    response = doctor.post("/clinic/hours/leave/", form | {"seen": [visit.pk, "x", "9" * 40], "go_on": "1"})
    assert response.status_code == 302
    assert VisitToMove.objects.get().appointment == visit


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"since": "31/02/2027"},
        {"since": "soon", "since_time": "25:00"},
        {"since": "0001-01-01"},
        {"since": "9999-12-31"},
        {"since": "2026-01-01"},
        {"since": "1 Jan 2027", "until": "1 Jan 2026"},
        {"since": "1 Jan 2027", "reason": "x" * 300},
        {"since": "1 Jan 2027", "reason": "a\x07b"},
    ],
)
def test_odd_time_off_is_answered_in_words(doctor, form):
    response = doctor.post("/clinic/hours/leave/", form)
    assert response.status_code == 422
    assert "There is a problem" in response.content.decode()
    assert not TimeOff.objects.exists()


def test_time_off_is_withdrawn_by_its_doctor_alone(doctor):
    mine = TimeOff.objects.create(doctor=doctor.user.doctor, start=local(1), end=local(2))
    theirs = TimeOff.objects.create(doctor=make_doctor(), start=local(1), end=local(2))
    assert doctor.post(f"/clinic/hours/leave/{theirs.pk}/withdraw/").status_code == 404
    assert doctor.post(f"/clinic/hours/leave/{mine.pk}/withdraw/").status_code == 302
    assert list(TimeOff.objects.all()) == [theirs]


def test_the_week_is_changed_from_a_day_on(doctor):
    me = doctor.user.doctor
    assert 'value="08:00"' in doctor.get("/clinic/hours/week/").content.decode()
    form = week_form(day_0_until1="12:00", day_0_from2="13:00", day_0_until2="17:00", day_6_from1="", day_6_until1="")
    assert doctor.post("/clinic/hours/week/", form).status_code == 302
    rows = WorkingHours.objects.filter(doctor=me, valid_until=None)
    assert rows.count() == 7
    assert sorted(rows.filter(weekday=0).values_list("start", "end")) == [
        (time(8), time(12)),
        (time(13), time(17)),
    ]
    page = doctor.get("/clinic/hours/").content.decode()
    assert "08:00–12:00, 13:00–17:00" in page


def test_a_week_with_visits_in_the_way(doctor):
    visit = make_appointment(doctor=doctor.user.doctor, start=local(8, "17:00"))
    short = {f"day_{n}_until1": "13:00" for n in range(7)}
    response = doctor.post("/clinic/hours/week/", week_form(**short))
    assert response.status_code == 409
    assert visit.patient.user.formal_name in response.content.decode()
    assert doctor.post("/clinic/hours/week/", week_form(**short, seen=visit.pk, go_on=1)).status_code == 302
    assert VisitToMove.objects.get().time_off is None


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_from": ""},
        {"valid_from": "2020-01-01"},
        {"day_2_until1": ""},
        {"day_2_until1": "07:00"},
        {"day_2_from2": "17:00", "day_2_until2": "19:00"},
        {"day_2_from1": "early"},
        {"valid_from": "9999-12-31"},
    ],
)
def test_an_odd_week_is_answered_in_words(doctor, changes):
    response = doctor.post("/clinic/hours/week/", week_form(**changes))
    assert response.status_code == 422
    assert "There is a problem" in response.content.decode()
    assert WorkingHours.objects.filter(doctor=doctor.user.doctor, valid_until=None).count() == 7


def test_extra_hours_are_entered_and_removed(doctor):
    me = doctor.user.doctor
    assert "Write when you begin." in doctor.post("/clinic/hours/extra/", {"day": day(4)}).content.decode()
    form = {"day": day(4), "start": "19:00", "end": "20:30"}
    assert doctor.post("/clinic/hours/extra/", form).status_code == 302
    again = doctor.post("/clinic/hours/extra/", form)
    assert again.status_code == 422
    assert "overlaps" in again.content.decode()
    row = me.hours.get(valid_until__isnull=False)
    visit = make_appointment(doctor=me, start=local(4, "19:00"))
    response = doctor.post(f"/clinic/hours/extra/{row.pk}/remove/")
    assert response.status_code == 409
    assert visit.patient.user.formal_name in response.content.decode()
    assert doctor.post(f"/clinic/hours/extra/{row.pk}/remove/", {"seen": visit.pk, "go_on": "1"}).status_code == 302
    assert not WorkingHours.objects.filter(pk=row.pk).exists()
    other = make_doctor().hours.first()
    assert doctor.post(f"/clinic/hours/extra/{other.pk}/remove/").status_code == 404


@pytest.mark.parametrize("role", ["reception", "admin", "patient"])
def test_others_do_not_come_in(request, role):
    client = request.getfixturevalue(role)
    for part in ("", "week/", "leave/", "extra/"):
        assert client.get(f"/clinic/hours/{part}").status_code == 403


def test_the_number_of_queries_does_not_grow(doctor):
    me = doctor.user.doctor

    def count():
        doctor.get("/clinic/hours/")
        with CaptureQueriesContext(connection) as seen:
            doctor.get("/clinic/hours/")
        return len(seen)

    def more(n):
        visit = make_appointment(doctor=me, start=local(n))
        leave.take(me, start=local(n, "00:00"), end=local(n + 1, "00:00"), by=me.user, seen=[visit.pk])

    more(1)
    one = count()
    more(2)
    more(3)
    assert count() == one
