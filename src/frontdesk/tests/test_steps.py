"""The steps of a visit, as buttons on the board send them."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from hms.models import Appointment
from hms.testing import local, make_appointment, make_it_midday

FORBIDDEN = ["doctor", "patient"]
# verb → (the appointment it is taken on, what it changes)
STEPS = {
    "confirm": ({}, {"status": "CONFIRMED"}),
    "unconfirm": ({"status": "CONFIRMED"}, {"status": "SCHEDULED"}),
    "check-in": ({}, {"checked_in_at": True}),
    "undo-check-in": ({"checked_in_at": timezone.now()}, {"checked_in_at": None}),
    "start": ({}, {"status": "IN_PROGRESS", "started_at": True}),
    "undo-start": ({"status": "IN_PROGRESS"}, {"status": "SCHEDULED", "started_at": None}),
    "complete": ({"status": "IN_PROGRESS"}, {"status": "COMPLETED", "ended_at": True}),
    "reopen": ({"status": "COMPLETED"}, {"status": "IN_PROGRESS", "ended_at": None}),
    "no-show": ({}, {"status": "NO_SHOW"}),
    "reinstate": ({"status": "CANCELLED"}, {"status": "SCHEDULED"}),
}
# verb → an appointment on which it is refused, and what is then said
REFUSED = {
    "confirm": ({"status": "IN_PROGRESS"}, "already in progress"),
    "unconfirm": ({}, "not confirmed"),
    "check-in": ({"checked_in_at": timezone.now()}, "already arrived"),
    "undo-check-in": ({}, "not marked as waiting"),
    "start": ({"status": "COMPLETED"}, "already completed"),
    "undo-start": ({}, "not in progress"),
    "complete": ({}, "not in progress"),
    "reopen": ({"status": "IN_PROGRESS"}, "not completed"),
    "no-show": ({"checked_in_at": timezone.now()}, "has arrived"),
    "reinstate": ({}, "neither cancelled nor missed"),
}
UNDO = {
    "confirm": "unconfirm",
    "check-in": "undo-check-in",
    "start": "undo-start",
    "complete": "reopen",
    "no-show": "reinstate",
}


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def an_appointment(**fields):
    return make_appointment(start=timezone.now() - timedelta(minutes=10), **fields)


def url(appointment, verb):
    return f"/desk/appointments/{appointment.pk}/{verb}/"


def row(appointment):
    return Appointment.objects.filter(pk=appointment.pk).values().get()


@pytest.mark.parametrize("verb", STEPS)
def test_a_step_is_taken_and_the_column_comes_back(reception, htmx, verb):
    before, expected = STEPS[verb]
    appointment = an_appointment(**before)
    response = reception.post(url(appointment, verb), headers=htmx)
    assert response.status_code == 200
    now = row(appointment)
    for field, value in expected.items():
        assert (now[field] is not None) if value is True else (now[field] == value)
    page = response.content.decode()
    assert f'<hx-partial hx-target="#column-{appointment.doctor_id}"' in page
    assert f'id="appointment-{appointment.pk}"' in page
    assert "toast-success" in page


@pytest.mark.parametrize("verb", STEPS)
def test_without_htmx_it_leads_back_to_the_board(reception, verb):
    before, _expected = STEPS[verb]
    appointment = an_appointment(**before)
    response = reception.post(url(appointment, verb))
    day = appointment.appointment_date.astimezone(local().tzinfo).date()
    assert response.status_code == 302
    assert response.headers["Location"] == f"/desk/?day={day}#appointment-{appointment.pk}"
    assert row(appointment)["updated_at"] > appointment.updated_at


@pytest.mark.parametrize("verb", REFUSED)
def test_a_step_that_does_not_fit_is_refused_in_words(reception, htmx, verb):
    before, words = REFUSED[verb]
    appointment = an_appointment(**before)
    was = row(appointment)
    response = reception.post(url(appointment, verb), headers=htmx)
    page = response.content.decode()
    assert response.status_code == 409
    assert words in page
    assert "toast-error" in page
    assert f'id="appointment-{appointment.pk}"' in page  # the card as it is now
    assert row(appointment) == was
    assert words in reception.post(url(appointment, verb), follow=True).content.decode()


def test_a_visit_of_a_later_day_is_not_started_and_says_what_to_do(reception, htmx):
    appointment = make_appointment(start=local(1))
    was = row(appointment)
    response = reception.post(url(appointment, "start"), headers=htmx)
    assert response.status_code == 409
    assert "have it moved to today first" in response.content.decode()
    assert row(appointment) == was


@pytest.mark.parametrize("verb", UNDO)
def test_each_step_offers_its_way_back(reception, htmx, verb):
    appointment = an_appointment(**STEPS[verb][0])
    page = reception.post(url(appointment, verb), headers=htmx).content.decode()
    assert f'formaction="{url(appointment, UNDO[verb])}">Undo' in page
    assert reception.post(url(appointment, UNDO[verb]), headers=htmx).status_code == 200
    assert row(appointment)["status"] == appointment.status


@pytest.mark.parametrize("reason", ["Wrote to ann@example.org", ""])
def test_undoing_a_reinstatement_cancels_again_for_the_same_reason(reception, htmx, reason):
    appointment = make_appointment(status="CANCELLED", cancel_reason=reason)
    page = reception.post(url(appointment, "reinstate"), headers=htmx).content.decode()
    undo = re.search(r'formaction="([^"]+)" name="(\w+)" value="([^"]+)">Undo', page)
    assert reception.post(undo[1], {undo[2]: undo[3]}, headers=htmx).status_code == 200
    now = row(appointment)
    assert now["status"] == "CANCELLED"
    assert now["cancel_reason"] == (reason or "Reinstated by mistake")


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize("role", FORBIDDEN)
def test_only_the_desk_takes_steps(request, role, verb):
    appointment = an_appointment(**STEPS[verb][0])
    was = row(appointment)
    assert request.getfixturevalue(role).post(url(appointment, verb)).status_code == 403
    assert row(appointment) == was


@pytest.mark.parametrize("verb", STEPS)
def test_looking_takes_no_step(reception, verb):
    appointment = an_appointment(**STEPS[verb][0])
    was = row(appointment)
    assert reception.get(url(appointment, verb)).status_code == 405
    assert row(appointment) == was


@pytest.mark.parametrize("verb", STEPS)
def test_a_missing_appointment_is_not_found(reception, htmx, verb):
    for number in ("999999", "9" * 30):
        assert reception.post(f"/desk/appointments/{number}/{verb}/", headers=htmx).status_code == 404


def test_checking_in_is_for_today(reception, htmx):
    appointment = make_appointment()
    response = reception.post(url(appointment, "check-in"), headers=htmx)
    assert response.status_code == 409
    assert "not today" in response.content.decode()


def test_a_time_that_was_given_away_is_not_taken_back_and_others_are_offered(reception, htmx):
    gone = make_appointment(status="CANCELLED")
    taken = make_appointment(doctor=gone.doctor, start=gone.appointment_date)
    response = reception.post(url(gone, "reinstate"), headers=htmx)
    page = response.content.decode()
    assert response.status_code == 409
    assert "given to somebody else" in page
    assert f'href="/desk/appointments/{taken.pk}/"' in page
    assert taken.patient.user.formal_name in page
    assert page.count(f"/desk/appointments/new/?patient={gone.patient_id}&amp;doctor={gone.doctor_id}&amp;at=") == 5
    assert list(Appointment.objects.live()) == [taken]


def test_a_screen_of_another_day_gets_no_column_of_this_one(reception, htmx):
    appointment = an_appointment()
    response = reception.post(url(appointment, "confirm"), headers=htmx | {"X-Board-Day": "2020-01-01"})
    assert f"#column-{appointment.doctor_id}" not in response.content.decode()
    assert response.status_code == 200
