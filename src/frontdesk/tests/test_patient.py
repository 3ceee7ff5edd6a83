"""A patient's page."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from hms.domain import patients as domain
from hms.models import AccessLog
from hms.testing import local, make_appointment, make_doctor, make_patient


def url(patient):
    return reverse("frontdesk:patient", args=[patient.pk])


def test_the_page_says_who_it_is(reception):
    patient = make_patient(
        last_name="Quigley", first_name="Ann", phone="+442079460123", email="ann@home.example", gender="FEMALE"
    )
    page = reception.get(url(patient)).content.decode()
    number = f"{patient.record_number[:4]} {patient.record_number[4:]}"
    for text in ["QUIGLEY, Ann", "31-Jan-1980", "Female", number, "+44 20 7946 0123", "ann@home.example"]:
        assert text in page


def test_what_is_to_come_and_what_was_stand_apart_and_lead_to_the_day(reception):
    patient = make_patient()
    coming = make_appointment(patient=patient, start=local(days=4), reason="Check-up")
    was = make_appointment(patient=patient, start=timezone.now() - timedelta(days=40), status="COMPLETED")
    page = reception.get(url(patient)).content.decode()
    to_come, past = page.split('id="past"')
    assert f"#appointment-{coming.pk}" in to_come
    assert "Check-up" in to_come
    assert f"#appointment-{was.pk}" in past
    assert f"{reverse('frontdesk:day')}?day={local(days=4):%Y-%m-%d}#appointment-{coming.pk}" in page


def test_past_visits_come_in_pages_newest_first(reception):
    patient = make_patient()
    visits = [
        make_appointment(patient=patient, start=timezone.now() - timedelta(days=n), status="COMPLETED")
        for n in range(1, 13)
    ]
    seen = []
    for page in ("1", "2"):
        text = reception.get(url(patient), {"page": page}).content.decode()
        seen += [int(pk) for pk in re.findall(r"#appointment-(\d+)", text)]
    assert seen == [visit.pk for visit in visits]
    assert reception.get(url(patient), {"page": "77"}).status_code == 200
    assert reception.get(url(patient), {"page": "٣x"}).status_code == 200


def test_nothing_clinical_is_shown_or_read(reception):
    patient = make_patient(allergies="Canary penicillin", medical_history="Canary history", blood_type="AB-")
    patient.allergies = "Canary peanuts"
    patient.save()
    with CaptureQueriesContext(connection) as queries:
        page = reception.get(url(patient)).content.decode()
    assert "Canary" not in page
    assert "AB−" not in page
    assert not any("medical_history" in q["sql"] or "allergies" in q["sql"] for q in queries)


def test_the_history_says_who_changed_what(reception):
    patient = domain.register(
        last_name="Old", first_name="Ann", date_of_birth=make_patient().date_of_birth, by=reception.user
    )
    domain.edit(patient, last_name="New", phone="+442079460123", by=reception.user)
    page = reception.get(url(patient)).content.decode()
    assert "Registered" in page
    assert "<bdi>Old</bdi> → <bdi>New</bdi>" in page
    assert "<bdi>–</bdi> → <bdi>+44 20 7946 0123</bdi>" in page
    assert page.count("Rita Reception") >= 2


def test_every_look_is_written_down(reception):
    patient = make_patient()
    reception.get(url(patient))
    row = AccessLog.objects.get()
    assert (row.user, row.role, row.patient, row.action) == (reception.user, "RECEPTIONIST", patient, "patient.viewed")


def test_an_inactive_patient_cannot_be_booked(reception):
    patient = make_patient(is_active=False)
    page = reception.get(url(patient)).content.decode()
    assert "This record is inactive" in page
    assert f"?patient={patient.pk}" not in page


def test_the_number_of_queries_does_not_depend_on_the_visits(reception):
    patient, doctor = make_patient(), make_doctor()
    reception.get(url(patient))
    counts = []
    for n in (1, 2, 5):
        for i in range(n):
            make_appointment(patient=patient, doctor=doctor, start=local(days=10 * n + i))
            start = timezone.now() - timedelta(days=10 * n + i)
            make_appointment(patient=patient, doctor=doctor, start=start, status="COMPLETED")
        with CaptureQueriesContext(connection) as queries:
            reception.get(url(patient))
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] <= 10


def test_there_is_no_such_patient(reception):
    assert reception.get("/desk/patients/999999999/").status_code == 404
    assert reception.get(f"/desk/patients/{'9' * 40}/").status_code == 404
    assert reception.get("/desk/patients/one/").status_code == 404


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_may_look(role, request, db):
    patient = make_patient(last_name="Canaryname")
    response = request.getfixturevalue(role).get(url(patient))
    assert response.status_code == 403
    assert "anaryname" not in response.content.decode()
    assert not AccessLog.objects.exists()
