from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hms.models import AccessLog, Appointment
from hms.testing import local, make_appointment, make_it_midday, make_record


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def mine(doctor, at="10:00", **fields):
    return make_appointment(doctor=doctor.user.doctor, start=local(days=fields.pop("days", 0), at=at), **fields)


def arrived(doctor, at, minutes_ago):
    return mine(doctor, at, checked_in_at=timezone.now() - timedelta(minutes=minutes_ago))


def test_my_list_shows_my_visits_and_nobody_elses(doctor):
    visit = mine(doctor, reason="Cough")
    other = make_appointment(start=local(days=0))
    page = doctor.get("/clinic/").content.decode()
    assert visit.patient.user.formal_name in page
    assert "Cough" in page
    assert other.patient.user.formal_name not in page
    assert AccessLog.objects.filter(user=doctor.user).exists()


def test_other_days_and_the_week(doctor):
    visit = mine(doctor, days=1)
    tomorrow = f"{local(days=1):%Y-%m-%d}"
    assert visit.patient.user.formal_name not in doctor.get("/clinic/").content.decode()
    assert visit.patient.user.formal_name in doctor.get(f"/clinic/?day={tomorrow}").content.decode()


@pytest.mark.parametrize("day", ["nonsense", "31/02/2026", "99999-01-01", "0001-01-01"])
def test_a_day_that_is_none_is_said(doctor, day):
    page = doctor.get("/clinic/", {"day": day}).content.decode()
    assert "is not a day" in page


def test_whoever_waited_longest_is_called_in_next(doctor):
    arrived(doctor, "09:00", 10)
    first = arrived(doctor, "11:00", 40)
    response = doctor.post("/clinic/next/")
    assert response.headers["Location"] == f"/clinic/appointments/{first.pk}/"
    first.refresh_from_db()
    assert first.status == "IN_PROGRESS"


def test_when_nobody_waits_it_says_so(doctor):
    assert "Nobody is waiting" in doctor.post("/clinic/next/", follow=True).content.decode()


def test_notes_that_were_left_stay_in_sight(doctor):
    left = mine(doctor, days=-3, status="COMPLETED")
    written = mine(doctor, days=-2, status="COMPLETED")
    make_record(written, notes="Half a sentence")
    finished = mine(doctor, days=-1, status="COMPLETED")
    make_record(finished, notes="Done.", signed=True)
    page = doctor.get("/clinic/").content.decode()
    assert left.patient.user.formal_name in page
    assert written.patient.user.formal_name in page
    assert finished.patient.user.formal_name not in page


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("start", "CONFIRMED", "IN_PROGRESS"),
        ("complete", "IN_PROGRESS", "COMPLETED"),
        ("reopen", "COMPLETED", "IN_PROGRESS"),
        ("undo-start", "IN_PROGRESS", "SCHEDULED"),
    ],
)
def test_each_step_is_taken(doctor, step, before, after):
    visit = mine(doctor, status=before)
    response = doctor.post(f"/clinic/appointments/{visit.pk}/step/{step}/")
    assert response.status_code == 302
    assert Appointment.objects.get(pk=visit.pk).status == after


def test_a_visit_of_a_later_day_is_not_started(doctor):
    visit = mine(doctor, days=1)
    step = f"/clinic/appointments/{visit.pk}/step/start/"
    assert step not in doctor.get(f"/clinic/appointments/{visit.pk}/").content.decode()
    page = doctor.post(step, follow=True).content.decode()
    assert "have it moved to today first" in page
    assert Appointment.objects.get(pk=visit.pk).status == "SCHEDULED"


def test_a_step_that_is_not_allowed_is_refused_in_words(doctor):
    visit = mine(doctor, status="CANCELLED")
    page = doctor.post(f"/clinic/appointments/{visit.pk}/step/complete/", follow=True).content.decode()
    assert "not in progress" in page
    assert Appointment.objects.get(pk=visit.pk).status == "CANCELLED"


def test_somebody_elses_visit_is_not_there(doctor):
    other = make_appointment(start=local(days=0))
    assert doctor.get(f"/clinic/appointments/{other.pk}/").status_code == 404
    assert doctor.post(f"/clinic/appointments/{other.pk}/step/start/").status_code == 404
    assert doctor.get(f"/live/visit/{other.pk}/").status_code == 404


def test_others_are_refused(reception, patient, admin):
    for client in (reception, patient, admin):
        assert client.get("/clinic/").status_code == 403
        assert client.post("/clinic/next/").status_code == 403


def test_it_asks_as_much_for_three_as_for_one(doctor):
    def count():
        with CaptureQueriesContext(connection) as queries:
            doctor.get("/clinic/")
        return len(queries)

    mine(doctor, "09:00")
    count()
    one = count()
    mine(doctor, "10:00", status="COMPLETED")
    arrived(doctor, "11:00", 5)
    assert count() == one


def test_all_notes_to_finish_are_counted_and_the_oldest_shown(doctor, monkeypatch):
    monkeypatch.setattr("clinic.day.MOST", 2)
    for days in (-1, -2, -3, -4):
        make_appointment(doctor=doctor.user.doctor, start=local(days=days), status="COMPLETED")
    part = doctor.get("/clinic/").content.decode().split('id="unfinished"')[1].split("</live-section>")[0]
    assert '<span class="tag tag-warning">4</span>' in part
    assert part.count("not written") == 2
    assert "2 later ones follow" in part
