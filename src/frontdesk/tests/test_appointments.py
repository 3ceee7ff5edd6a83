"""One appointment: its panel, booking, editing, moving, cancelling."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from hms.domain.settings import forget
from hms.models import AccessLog, Appointment, Hospital, Patient, TimeOff
from hms.testing import local, make_appointment, make_doctor, make_patient

NEW = "/desk/appointments/new/"


def url(appointment, what=""):
    return f"/desk/appointments/{appointment.pk}/{what}"


def at(moment):
    """Day and time fields of a moment."""
    moment = moment.astimezone(local().tzinfo)
    return {"date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


def booking(**fields):
    """What the booking form sends for a visit tomorrow at ten."""
    people = {"patient": make_patient, "doctor": make_doctor}
    people = {name: make().pk for name, make in people.items() if name not in fields}
    return at(local()) | {"duration": "30", "reason": "Cough", "notes": "Ring first"} | people | fields


def row(appointment):
    return Appointment.objects.filter(pk=appointment.pk).values().get()


def page(response):
    return response.content.decode()


def error_at(response, name):
    """The message at a field; with an empty name, those of the whole form. None if there is none."""
    errors = response.context["form"].errors
    return " ".join(errors[name or "__all__"]) if (name or "__all__") in errors else None


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


# --- booking


def test_booking_writes_the_appointment_and_shows_it(reception, htmx):
    form = booking()
    response = reception.post(NEW, form, headers=htmx)
    appointment = Appointment.objects.get()
    assert response.status_code == 200
    assert (appointment.patient_id, appointment.doctor_id) == (form["patient"], form["doctor"])
    assert (appointment.appointment_date, appointment.duration) == (local(), timedelta(minutes=30))
    assert (appointment.reason, appointment.notes, appointment.status) == ("Cough", "Ring first", "SCHEDULED")
    assert f'id="appointment-{appointment.pk}"' in page(response)
    assert f'id="panel-appointment-{appointment.pk}"' in page(response)
    event = apps.get_model("hms", "AppointmentEvent").objects.get()
    assert event.pgh_context == {"user": reception.user.pk, "action": "appointment.booked"}


def test_booking_without_htmx_leads_to_the_board(reception):
    response = reception.post(NEW, booking())
    appointment = Appointment.objects.get()
    assert response.headers["Location"] == f"/desk/?day={at(local())['date']}#appointment-{appointment.pk}"


def test_a_new_patient_is_registered_with_the_booking(reception, htmx):
    new = {"new_family": "Okafor", "new_given": "Ngozi", "new_born": "3 Mar 1990", "new_phone": "020 7946 0123"}
    response = reception.post(NEW, booking() | {"patient": ""} | new, headers=htmx)
    assert response.status_code == 200
    patient = Appointment.objects.get().patient
    assert (patient.user.last_name, patient.date_of_birth) == ("Okafor", date(1990, 3, 3))
    assert str(patient.user.phone.as_e164) == "+442079460123"


def test_a_refused_booking_registers_nobody(reception, htmx):
    there = make_appointment()
    before = Patient.objects.count()
    new = {"new_family": "Okafor", "new_given": "Ngozi", "new_born": "1990-03-03"}
    form = booking(doctor=there.doctor_id, patient="") | new
    response = reception.post(NEW, form, headers=htmx)
    assert response.status_code == 409
    assert Patient.objects.count() == before
    assert "Okafor" in page(response)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"patient": ""}, "patient", "Choose a patient"),
        ({"patient": "999999"}, "patient", "not in the system"),
        ({"patient": "abc"}, "patient", "not in the system"),
        ({"patient": "9" * 30}, "patient", "not in the system"),
        ({"doctor": "999999"}, "doctor", "does not work here"),
        ({"doctor": "'; DROP TABLE hms_user; --"}, "doctor", "does not work here"),
        ({"date": "2026-02-31"}, "date", "There is no 2026-02-31"),
        ({"date": "someday"}, "date", "is not a date"),
        ({"date": ""}, "date", "Choose a day"),
        ({"time": "25:00"}, "time", "is not a time"),
        ({"time": "soon"}, "time", "is not a time"),
        ({"duration": "0"}, "duration", "between 5 minutes and 8 hours"),
        ({"duration": "600"}, "duration", "between 5 minutes and 8 hours"),
        ({"duration": "9" * 30}, "duration", "between 5 minutes and 8 hours"),
        ({"duration": "half an hour"}, "duration", "whole minutes"),
        ({"date": "2020-01-01"}, "time", "is in the past"),
        ({"date": "2060-01-01"}, "date", "two years ahead"),
        ({"date": "9999-12-31"}, "date", "two years ahead"),
        ({"date": "0001-01-01"}, "time", "is in the past"),
        ({"reason": "x" * 501}, "reason", "at most 500"),
        ({"reason": "a\x07b"}, "reason", "control character"),
        ({"new_born": "tomorrow", "patient": ""}, "new_born", "is not a date"),
        ({"new_family": "A", "new_born": "2190-01-01", "patient": ""}, "new_born", "future"),
        ({"new_family": "A", "patient": ""}, "new_born", "Write the date of birth"),
        ({"new_phone": "0", "patient": ""}, "new_phone", "phone"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field_and_nothing_typed_is_lost(reception, htmx, change, field, words):
    form = booking(reason="Cough & <fever>") | change
    response = reception.post(NEW, form, headers=htmx)
    assert response.status_code == 422
    assert words in error_at(response, field)
    text = page(response)
    assert "There is a problem" in text
    if "reason" not in change:
        assert "Cough &amp; &lt;fever&gt;" in text
    assert "Ring first" in text
    assert not Appointment.objects.exists()


def test_an_inactive_patient_cannot_be_booked(reception, htmx):
    response = reception.post(NEW, booking(patient=make_patient(is_active=False).pk), headers=htmx)
    assert response.status_code == 422
    assert "inactive" in error_at(response, "patient")


def test_a_doctor_who_takes_no_appointments_cannot_be_booked(reception, htmx):
    response = reception.post(NEW, booking(doctor=make_doctor(is_available=False).pk), headers=htmx)
    assert response.status_code == 422
    assert "takes no appointments" in error_at(response, "doctor")


def test_a_taken_time_names_who_is_in_the_way_and_offers_others(reception, htmx):
    there = make_appointment()
    response = reception.post(NEW, booking(doctor=there.doctor_id), headers=htmx)
    assert response.status_code == 409
    assert url(there) in page(response)
    assert page(response).count('name="instead"') == 5
    assert "Ring first" in page(response)


def test_another_time_is_one_click(reception, htmx):
    there = make_appointment()
    instead = f"{there.doctor_id}@{there.end.astimezone(UTC):%Y%m%dT%H%MZ}"
    response = reception.post(NEW, booking(doctor=there.doctor_id) | {"instead": instead}, headers=htmx)
    assert response.status_code == 200
    assert Appointment.objects.exclude(pk=there.pk).get().appointment_date == there.end


@pytest.mark.parametrize(
    "instead", ["@", "1@", "@20261122T1015Z", "x@20269999T9999Z", "²@20261122T1015Z", "1" * 30 + "@x"]
)
def test_an_odd_other_time_is_no_time(reception, htmx, instead):
    response = reception.post(NEW, booking() | {"instead": instead}, headers=htmx)
    assert response.status_code in {200, 422}


@pytest.mark.parametrize("why", ["hours", "leave"])
def test_outside_the_hours_a_reason_is_asked_and_kept(reception, htmx, why):
    doctor, start = make_doctor(), local(at="19:00")
    if why == "leave":
        start = local()
        TimeOff.objects.create(doctor=doctor, start=start - timedelta(hours=1), end=start + timedelta(hours=3))
    form = booking(doctor=doctor.pk) | at(start)
    response = reception.post(NEW, form, headers=htmx)
    assert response.status_code == 422
    assert "Give a reason" in error_at(response, "override_reason")
    assert 'name="override_reason"' in page(response)
    assert not Appointment.objects.exists()
    response = reception.post(NEW, form | {"override_reason": "Emergency"}, headers=htmx)
    assert response.status_code == 200
    assert Appointment.objects.get().override_reason == "Emergency"
    assert "Emergency" in page(response)  # in the panel, with the history


class TestClockChanges:
    """A hospital in London; the clocks go forward on 28-Mar-2027 and back on 31-Oct-2027, both at 01:00 UTC."""

    @pytest.fixture(autouse=True)
    def _london(self, db, monkeypatch):
        Hospital.objects.current()
        Hospital.objects.update(time_zone="Europe/London")
        forget()
        monkeypatch.setattr("hms.domain.scheduling.timezone.now", lambda: datetime(2027, 1, 15, 12, tzinfo=UTC))

    def test_an_hour_that_is_skipped_does_not_exist(self, reception, htmx):
        form = booking() | {"date": "2027-03-28", "time": "01:30", "override_reason": "Night"}
        response = reception.post(NEW, form, headers=htmx)
        assert response.status_code == 422
        assert "does not exist" in error_at(response, "time")
        assert "Ring first" in page(response)

    def test_an_hour_that_happens_twice_is_asked_about(self, reception, htmx):
        form = booking() | {"date": "2027-10-31", "time": "01:30", "override_reason": "Night"}
        response = reception.post(NEW, form, headers=htmx)
        assert response.status_code == 422
        assert "happens twice" in error_at(response, "fold")
        assert "BST" in page(response)
        assert "GMT" in page(response)
        for fold, hour in (("0", 0), ("1", 1)):
            assert reception.post(NEW, form | {"fold": fold}, headers=htmx).status_code == 200
            expected = datetime(2027, 10, 31, hour, 30, tzinfo=UTC)
            assert Appointment.objects.latest("pk").appointment_date == expected

    @pytest.mark.parametrize("fold", ["2", "x", "-1"])
    def test_an_odd_answer_is_asked_again(self, reception, htmx, fold):
        form = booking() | {"date": "2027-10-31", "time": "01:30", "override_reason": "Night", "fold": fold}
        assert reception.post(NEW, form, headers=htmx).status_code == 422


def test_the_form_opens_with_what_is_known(reception, htmx):
    doctor, patient = make_doctor(), make_patient(last_name="Known")
    query = {"doctor": doctor.pk, "patient": patient.pk, "at": f"{local().astimezone(UTC):%Y%m%dT%H%MZ}"}
    text = page(reception.get(NEW, query, headers=htmx))
    assert "KNOWN" in text
    assert f'value="{doctor.pk}" selected' in text
    assert 'value="10:00"' in text


@pytest.mark.parametrize(
    "query", ["doctor=x&patient=9999999999999999999999&at=never&until=x", "doctor=&patient=&at=%F0"]
)
def test_the_form_opens_whatever_the_address_says(reception, htmx, query):
    assert reception.get(f"{NEW}?{query}", headers=htmx).status_code == 200


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


# --- free times


def test_free_times_are_those_that_can_be_booked(reception, htmx):
    there = make_appointment(start=local(at="08:00"), minutes=30)
    query = {"doctor": there.doctor_id, "duration": "30", "date": f"{local():%Y-%m-%d}"}
    text = page(reception.get("/desk/free-times/", query, headers=htmx))
    assert text.count('name="instead"') == 5
    assert f"{there.doctor_id}@{there.end:%Y%m%dT%H%MZ}" in text
    assert f"{there.doctor_id}@{there.appointment_date:%Y%m%dT%H%MZ}" not in text


@pytest.mark.parametrize(
    "query", ["doctor=x&duration=x&after=x", "doctor=" + "9" * 30, "department=-1&duration=" + "9" * 30]
)
def test_free_times_answer_whatever_is_asked(reception, htmx, query):
    assert reception.get(f"/desk/free-times/?{query}", headers=htmx).status_code == 200


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


def test_ten_minutes_ago_still_counts_as_this_slot(reception, htmx):
    start = timezone.now() - timedelta(minutes=10)
    response = reception.post(NEW, booking() | at(start) | {"override_reason": "walk-in"}, headers=htmx)
    assert response.status_code == 200
