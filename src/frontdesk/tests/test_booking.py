"""Booking: what the form takes, refuses and offers instead."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from frontdesk.tests.forms import NEW, at, booking, error_at, page, url
from hms.domain.settings import forget
from hms.models import Appointment, Hospital, Patient, TimeOff
from hms.testing import local, make_appointment, make_doctor, make_patient


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


def test_ten_minutes_ago_still_counts_as_this_slot(reception, htmx):
    start = timezone.now() - timedelta(minutes=10)
    response = reception.post(NEW, booking() | at(start) | {"override_reason": "walk-in"}, headers=htmx)
    assert response.status_code == 200


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
