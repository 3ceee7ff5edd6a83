"""One appointment: its panel, moving, editing, cancelling, and who may."""

import re
from datetime import timedelta

import pytest

from frontdesk.tests.forms import NEW, at, error_at, page, row, url
from hms.models import AccessLog, Appointment
from hms.testing import local, make_appointment, make_doctor, make_patient

# --- the panel


def test_the_panel_says_what_the_desk_needs_and_nothing_clinical(reception, htmx):
    patient = make_patient(
        allergies="penicillin", medical_history="asthma", desk_note="Wheelchair", phone="+442079460123"
    )
    appointment = make_appointment(patient=patient, reason="Cough")
    text = page(reception.get(url(appointment), headers=htmx))
    record_number = f"{patient.record_number[:4]} {patient.record_number[4:]}"
    for shown in ("PATIENT", record_number, "Cough", "Wheelchair", "+44 20 7946 0123", "Confirm", "Booked"):
        assert shown in text
    assert "penicillin" not in text
    assert "asthma" not in text
    assert "<html" not in text


def test_without_htmx_it_is_a_page(reception):
    text = page(reception.get(url(make_appointment(reason="Cough"))))
    assert "<html" in text
    assert "Cough" in text


def test_a_look_is_written_down_but_not_the_panel_that_refreshes_itself(reception, htmx):
    appointment = make_appointment()
    reception.get(url(appointment), headers=htmx)
    reception.get(url(appointment), headers=htmx | {"X-Background": "1"})
    log = AccessLog.objects.get()
    assert (log.user, log.patient, log.action) == (reception.user, appointment.patient, "appointment.viewed")


# --- moving


def test_moving_to_another_doctor_and_time(reception, htmx):
    appointment, other = make_appointment(), make_doctor()
    form = at(local(at="11:15")) | {"doctor": other.pk, "duration": "45", "version": appointment.version}
    response = reception.post(url(appointment, "move/"), form, headers=htmx)
    assert response.status_code == 200
    now = Appointment.objects.get()
    assert (now.doctor, now.appointment_date, now.duration) == (other, local(at="11:15"), timedelta(minutes=45))
    back = f'name="back" value="{appointment.doctor_id}@{appointment.appointment_date:%Y%m%dT%H%MZ}@30"'
    assert back in page(response)
    day = {"X-Board-Day": f"{local():%Y-%m-%d}"}
    again = reception.post(
        url(now, "move/"), form | at(local(at="12:00")) | {"version": now.version}, headers=htmx | day
    )
    assert f"#column-{other.pk}" in page(again)


def test_both_columns_of_a_move_come_back(reception, htmx):
    appointment, other = make_appointment(), make_doctor()
    form = at(local()) | {"doctor": other.pk, "duration": "30"}
    day = {"X-Board-Day": f"{local():%Y-%m-%d}"}
    text = page(reception.post(url(appointment, "move/"), form, headers=htmx | day))
    assert f"#column-{other.pk}" in text
    assert f"#column-{appointment.doctor_id}" in text


def test_a_move_is_undone(reception, htmx):
    appointment, other = make_appointment(), make_doctor()
    back = f"{appointment.doctor_id}@{appointment.appointment_date:%Y%m%dT%H%MZ}@30"
    reception.post(
        url(appointment, "move/"), at(local(at="12:00")) | {"doctor": other.pk, "duration": "30"}, headers=htmx
    )
    response = reception.post(url(appointment, "move-back/"), {"back": back}, headers=htmx)
    assert response.status_code == 200
    now = Appointment.objects.get()
    assert (now.doctor, now.appointment_date) == (appointment.doctor, appointment.appointment_date)


def test_a_move_back_to_a_time_given_away_says_to_whom(reception, htmx):
    appointment, other = make_appointment(), make_doctor()
    back = f"{appointment.doctor_id}@{appointment.appointment_date:%Y%m%dT%H%MZ}@30"
    form = at(local(at="12:00")) | {"doctor": other.pk, "duration": "30"}
    reception.post(url(appointment, "move/"), form, headers=htmx)
    taken = make_appointment(doctor=appointment.doctor, start=appointment.appointment_date)
    response = reception.post(url(appointment, "move-back/"), {"back": back}, headers=htmx)
    assert response.status_code == 409
    assert taken.patient.user.formal_name in page(response)


@pytest.mark.parametrize(
    "back",
    [
        "",
        "@",
        "1@",
        "1@20261122T1015Z",
        "1@20261122T1015Z@-5",
        "x@20261122T1015Z",
        "9" * 30 + "@20261122T1015Z",
        "²@20261122T1015Z",
    ],
)
def test_an_odd_way_back_is_refused_in_words(reception, htmx, back):
    appointment = make_appointment()
    response = reception.post(url(appointment, "move-back/"), {"back": back}, headers=htmx)
    assert response.status_code == 409
    assert "could not be undone" in page(response)


def test_a_move_without_htmx_leads_to_the_board(reception):
    appointment = make_appointment()
    form = at(local(days=2)) | {"doctor": appointment.doctor_id, "duration": "30"}
    response = reception.post(url(appointment, "move/"), form)
    assert response.headers["Location"] == f"/desk/?day={local(days=2):%Y-%m-%d}#appointment-{appointment.pk}"


def test_a_move_onto_a_taken_time_is_refused_with_others(reception, htmx):
    there, mine = make_appointment(), make_appointment(start=local(days=3))
    was = row(mine)
    form = at(local()) | {"doctor": there.doctor_id, "duration": "30"}
    response = reception.post(url(mine, "move/"), form, headers=htmx)
    assert response.status_code == 409
    assert url(there) in page(response)
    assert page(response).count('name="instead"') == 5
    assert row(mine) == was


@pytest.mark.parametrize("what", ["move/", "edit/"])
def test_a_stale_form_is_told_what_changed_and_keeps_what_was_typed(reception, htmx, what):
    appointment = make_appointment()
    Appointment.objects.filter(pk=appointment.pk).update(status="CONFIRMED")
    was = row(appointment)
    form = at(local(at="13:00")) | {
        "doctor": appointment.doctor_id,
        "duration": "45",
        "reason": "typed by me",
        "notes": "",
    }
    response = reception.post(url(appointment, what), form | {"version": appointment.version}, headers=htmx)
    assert response.status_code == 409
    assert "Somebody changed this appointment" in error_at(response, "")
    assert ("typed by me" if what == "edit/" else 'value="13:00"') in page(response)
    assert row(appointment) == was


@pytest.mark.parametrize("status", ["CANCELLED", "NO_SHOW", "COMPLETED", "IN_PROGRESS"])
def test_what_is_over_or_under_way_does_not_move(reception, htmx, status):
    appointment = make_appointment(status=status)
    form = at(local(at="13:00")) | {"doctor": appointment.doctor_id, "duration": "30"}
    response = reception.post(url(appointment, "move/"), form, headers=htmx)
    assert response.status_code == 422
    assert "cannot be moved" in page(response)


# --- editing


def test_editing_changes_reason_notes_and_length(reception, htmx):
    appointment = make_appointment()
    form = {"reason": "Fever", "notes": "two\r\nlines", "duration": "45", "version": appointment.version}
    response = reception.post(url(appointment, "edit/"), form, headers=htmx)
    assert response.status_code == 200
    now = row(appointment)
    assert (now["reason"], now["notes"].split(), now["duration"]) == ("Fever", ["two", "lines"], timedelta(minutes=45))


def test_editing_without_htmx_leads_to_the_board(reception):
    appointment = make_appointment()
    response = reception.post(url(appointment, "edit/"), {"reason": "Fever", "duration": "30"})
    assert response.status_code == 302
    assert row(appointment)["reason"] == "Fever"


def test_a_longer_visit_meets_the_next_one(reception, htmx):
    appointment = make_appointment()
    make_appointment(doctor=appointment.doctor, start=appointment.end)
    response = reception.post(url(appointment, "edit/"), {"reason": "typed by me", "duration": "45"}, headers=htmx)
    assert response.status_code == 409
    assert "typed by me" in page(response)
    assert row(appointment)["duration"] == timedelta(minutes=30)


def test_a_longer_visit_takes_one_of_the_free_times_offered(reception, htmx):
    appointment = make_appointment()
    make_appointment(doctor=appointment.doctor, start=appointment.end)
    form = {"reason": "typed by me", "duration": "45", "version": appointment.version}
    refused = page(reception.post(url(appointment, "edit/"), form, headers=htmx))
    instead = re.search(r'name="instead" value="([^"]+)"', refused)[1]
    assert reception.post(url(appointment, "edit/"), form | {"instead": instead}, headers=htmx).status_code == 200
    now = row(appointment)
    assert (now["reason"], now["duration"]) == ("typed by me", timedelta(minutes=45))
    assert f"{now['appointment_date']:%Y%m%dT%H%MZ}" == instead.partition("@")[2]


# --- cancelling


def test_cancelling_keeps_the_reason_and_frees_the_time(reception, htmx):
    appointment = make_appointment()
    response = reception.post(url(appointment, "cancel/"), {"reason": "On holiday"}, headers=htmx)
    assert response.status_code == 200
    assert (row(appointment)["status"], row(appointment)["cancel_reason"]) == ("CANCELLED", "On holiday")
    assert url(appointment, "reinstate/") in page(response)
    assert make_appointment(doctor=appointment.doctor, start=appointment.appointment_date).is_live


def test_cancelling_without_htmx_leads_to_the_board(reception):
    appointment = make_appointment()
    assert reception.post(url(appointment, "cancel/"), {"reason": "On holiday"}).status_code == 302
    assert row(appointment)["status"] == "CANCELLED"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_cancelling_wants_a_reason(reception, htmx, reason):
    appointment = make_appointment()
    response = reception.post(url(appointment, "cancel/"), {"reason": reason}, headers=htmx)
    assert response.status_code == 422
    assert error_at(response, "reason")
    assert row(appointment)["status"] == "SCHEDULED"


def test_what_is_done_cannot_be_cancelled(reception, htmx):
    appointment = make_appointment(status="COMPLETED")
    response = reception.post(url(appointment, "cancel/"), {"reason": "a typed reason"}, headers=htmx)
    assert response.status_code == 409
    assert "already completed" in error_at(response, "")
    assert "a typed reason" in page(response)


# --- who, how, which


FORMS = ["", "edit/", "move/", "cancel/"]


@pytest.mark.parametrize("what", FORMS)
def test_the_panels_open_for_htmx_and_without(reception, htmx, what):
    appointment = make_appointment()
    part, whole = reception.get(url(appointment, what), headers=htmx), reception.get(url(appointment, what))
    assert "<html" not in page(part)
    assert "<html" in page(whole)
    assert part.status_code == whole.status_code == 200


@pytest.mark.parametrize("what", [*FORMS, "move-back/"])
@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_may(request, db, role, what):
    appointment = make_appointment()
    was = row(appointment)
    client = request.getfixturevalue(role)
    for answer in (client.get(url(appointment, what)), client.post(url(appointment, what), {"reason": "x"})):
        assert answer.status_code == 403
    assert row(appointment) == was


@pytest.mark.parametrize("what", [*FORMS, "move-back/"])
def test_missing_ones_are_not_found(reception, what):
    for number in ("999999", "9" * 30):
        path = f"/desk/appointments/{number}/{what}"
        assert (reception.post if what == "move-back/" else reception.get)(path).status_code == 404


def test_wrong_methods_are_refused(reception):
    appointment = make_appointment()
    assert reception.post(url(appointment)).status_code == 405
    assert reception.get(url(appointment, "move-back/")).status_code == 405
    assert reception.delete(NEW).status_code == 405
    assert reception.post("/desk/free-times/").status_code == 405
