"""What else than visits is on the record: each kind on the line, beside it, on paper."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic import record_paper
from clinic.views.record import Asked
from hms.domain import relations, timeline
from hms.models import (
    AccessLog,
    Allergy,
    BreakGlass,
    Diagnosis,
    Prescription,
    PrescriptionLine,
    Problem,
    Vitals,
)
from hms.testing import local, make_appointment, make_doctor, make_it_midday, make_patient, make_record


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def fill(patient, user, days=2):
    """One row of each kind."""
    visit = make_appointment(doctor=user.doctor, patient=patient, start=local(-days), status="COMPLETED")
    record = make_record(visit, notes="Seen")
    Vitals.objects.create(
        patient=patient, record=record, taken_at=visit.appointment_date, taken_by=user, pulse=72, weight=70, height=175
    )
    Diagnosis.objects.create(record=record, text=f"Bronchitis {days}", is_primary=True)
    paper = Prescription.objects.create(record=record)
    PrescriptionLine.objects.create(
        prescription=paper, patient=patient, drug_name="Amoxicillin", dose="1 capsule", frequency="daily", days=7
    )
    Allergy.objects.create(patient=patient, substance=f"Penicillin {days}", reaction="Rash", noted_by=user)
    Problem.objects.create(patient=patient, text=f"Asthma {days}", onset=date(2020, 1, 1), noted_by=user)
    return record


@pytest.fixture
def mine(doctor):
    patient = make_patient()
    fill(patient, doctor.user)
    return patient


def url(patient, part=""):
    return f"/clinic/patients/{patient.pk}/{part}"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("vitals", "pulse 72 /min"),
        ("diagnosis", "Bronchitis 2"),
        ("prescription", "Amoxicillin, 1 capsule, daily, 7 days"),
        ("allergy", "Allergy: Penicillin 2"),
        ("problem", "Problem: Asthma 2"),
        ("visit", "Seen"),
    ],
)
def test_each_kind_is_on_the_line(doctor, mine, kind, text):
    page = timeline.page(mine, kinds=[kind])
    assert [e.kind for e in page.entries] == [kind]
    assert text in doctor.get(url(mine), {"kind": kind}).content.decode()


def test_all_of_them_in_one_line_newest_first(mine):
    entries = timeline.page(mine).entries
    assert {e.kind for e in entries} == {"visit", "vitals", "allergy", "problem"}  # visits tell the rest
    assert [e.at for e in entries] == sorted((e.at for e in entries), reverse=True)


@pytest.mark.parametrize("word", ["PENICILLIN", "rash", "asthmà"])
def test_search_finds_what_they_hold(mine, word):
    assert timeline.page(mine, words=timeline.search_words(word)).entries


def test_medication_problems_allergies_and_vitals_stand_beside(doctor, mine):
    page = doctor.get(url(mine)).content.decode()
    for text in ("Current medication", "Amoxicillin", "Asthma 2", "Known allergies", "Penicillin 2", "Trends", "22.9"):
        assert text in page


def test_what_ran_out_or_was_stopped_is_no_current_medication(doctor, mine):
    PrescriptionLine.objects.update(days=1, created_at=timezone.now() - timedelta(days=2))
    assert "Nothing is prescribed at present" in doctor.get(url(mine)).content.decode()
    PrescriptionLine.objects.update(days=None)
    assert "Nothing is prescribed at present" not in doctor.get(url(mine)).content.decode()
    PrescriptionLine.objects.update(stopped_at=timezone.now(), stopped_by=doctor.user, stop_reason="Rash")
    assert "Nothing is prescribed at present" in doctor.get(url(mine)).content.decode()
    assert "Rash" in doctor.get(url(mine), {"kind": "prescription"}).content.decode()


def test_measurements_entered_in_error_are_said_to_be(doctor, mine):
    Vitals.objects.update(error_reason="Other patient")
    assert "Entered in error: Other patient" in doctor.get(url(mine)).content.decode()


def test_the_trends_of_a_record(doctor, mine):
    page = doctor.get(url(mine, "vitals/")).content.decode()
    assert "Weight" in page
    assert "line-chart" in page
    assert doctor.get(url(make_record().patient, "vitals/")).status_code == 404


def test_the_record_as_pdf(doctor, mine):
    mine.user.first_name = '#panic("x") <b>*'
    mine.user.save()
    response = doctor.get(url(mine, "record.pdf"))
    assert response.status_code == 200
    assert response.content.startswith(b"%PDF")
    assert response.headers["Content-Type"] == "application/pdf"
    entry = AccessLog.objects.filter(user=doctor.user).latest("pk")
    assert (entry.action, entry.detail) == ("record.exported", "PDF")


def test_paper_says_which_part_of_the_record_it_is_and_what_is_taken(doctor, mine):
    PrescriptionLine.objects.update(days=None)
    query = {"kind": "vitals", "since": "2020-01-01", "q": "weight"}
    part = "Vitals, from 01-Jan-2020, “weight”"
    page = doctor.get(url(mine, "print/"), query).content.decode()
    assert f"A part of it: <bdi>{part}</bdi>." in page
    assert "Current medication" in page
    assert "A part of it" not in doctor.get(url(mine, "print/")).content.decode()
    asked = Asked(QueryDict("kind=vitals&since=2020-01-01&q=weight"))
    data = record_paper.data(relations.access(mine.pk, by=doctor.user), asked, asked.page(mine))
    assert data["notices"] == [f"A part of the record: {part}"]


def test_the_pdf_by_break_glass_is_logged_with_the_reason(doctor):
    record = make_record()
    now = timezone.now()
    glass = BreakGlass.objects.create(
        patient=record.patient, user=doctor.user, reason="Found unconscious", expires_at=now + timedelta(hours=1)
    )
    assert doctor.get(url(record.patient, "record.pdf"), {"kind": "visit"}).status_code == 200
    entry = AccessLog.objects.filter(user=doctor.user).latest("pk")
    assert (entry.break_glass, entry.reason, entry.detail) == (glass, "Found unconscious", "PDF, visit")


def test_a_strangers_pdf_is_not_found(doctor):
    assert doctor.get(url(make_record().patient, "record.pdf")).status_code == 404


def test_the_number_of_queries_does_not_grow(doctor, mine):
    def count(part=""):
        doctor.get(url(mine, part))
        with CaptureQueriesContext(connection) as seen:
            doctor.get(url(mine, part))
        return len(seen)

    one = count(), count("print/")
    for days in (3, 4):
        fill(mine, doctor.user, days)
    assert (count(), count("print/")) == one
    assert one[0] <= 22


def test_a_thousand_visits_cost_no_more_queries_than_ten(doctor):
    patient, other = make_patient(), make_doctor()
    make_appointment(doctor=doctor.user.doctor, patient=patient, start=local(-1), status="COMPLETED")
    for days in range(2, 12):
        make_appointment(doctor=other, patient=patient, start=local(-days), status="COMPLETED")
    page = timeline.page(patient, size=5)
    assert len(page.entries) == 5
    assert page.older


def test_weight_is_shown_as_it_was_measured(mine):
    Vitals.objects.update(weight=Decimal("70.5"))
    (entry,) = timeline.page(mine, kinds=["vitals"]).entries
    assert "weight 70.5 kg" in entry.title
