"""Prescriptions on paper: the patient's own, and the page behind the code."""

import pytest
from django.utils import timezone

from conftest import sign_in
from hms import prescription_paper
from hms.domain import prescriptions, records
from hms.models import AccessLog, Prescription, PrescriptionLine
from hms.testing import make_patient, make_record, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper():
    record = make_record(notes="x")
    by = record.doctor.user
    for drug in ("Amoxicillin", "#strong[Paracetamol] $x$"):
        prescriptions.prescribe(record, drug_name=drug, dose="1", frequency="daily", days=7, by=by)
    return Prescription.objects.select_related("record__patient__user", "record__doctor__user").get()


def sign(paper):
    records.sign(paper.record, by=paper.record.doctor.user)
    paper.record.refresh_from_db()


def test_the_paper_names_everybody_and_is_a_draft_until_signed(paper):
    data = prescription_paper.data(paper)
    assert (data["mark"], data["qr"]) == ("DRAFT", "")
    sign(paper)
    data = prescription_paper.data(paper)
    assert data["mark"] == ""
    assert data["qr"].startswith("<svg")
    assert data["doctor"]["licence"] == paper.record.doctor.license_number
    assert [line["what"] for line in data["lines"]] == ["Amoxicillin", "#strong[Paracetamol] $x$"]
    assert prescription_paper.render(paper).startswith(b"%PDF")


def test_the_page_says_genuine_and_nothing_of_the_patient(client, paper):
    url = f"/p/prescription/{paper.token}/"
    assert client.get(url).status_code == 404  # not signed yet
    sign(paper)
    response = client.get(url)
    page = response.content.decode()
    assert response.status_code == 200
    assert "is genuine" in page
    assert paper.record.doctor.license_number in page
    assert "<dd>2</dd>" in page
    patient = paper.record.patient
    hidden = [patient.user.last_name, patient.record_number, "Amoxicillin", f"{patient.date_of_birth.year}"]
    assert not [text for text in hidden if text in page]
    assert "No line was stopped" in page
    prescriptions.stop(PrescriptionLine.objects.first(), reason="Secret rash", by=paper.record.doctor.user)
    page = client.get(url).content.decode()
    assert "1 of its lines was stopped" in page
    assert "Secret rash" not in page


@pytest.mark.parametrize("token", ["x", "%00", "9" * 500, "%3Cscript%3E"])
def test_anything_else_is_not_genuine(client, token):
    response = client.get(f"/p/prescription/{token}/")
    assert response.status_code in {400, 404}


def test_the_patient_gets_their_own_once_it_is_signed(client, paper):
    url = f"/portal/record/prescriptions/{paper.pk}.pdf"
    sign_in(client, paper.record.patient.user)
    assert client.get(url).status_code == 404
    sign(paper)
    assert url in client.get("/portal/record/").content.decode()
    response = client.get(url)
    assert response.headers["Content-Type"] == "application/pdf"
    assert AccessLog.objects.filter(patient=paper.record.patient, action="prescription.printed").count() == 1
    for other in (make_patient().user, make_user("RECEPTIONIST")):
        client.logout()
        sign_in(client, other)
        assert client.get(url).status_code in {403, 404}


def test_the_doctor_prints_it_and_no_other_does(client, paper):
    url = f"/clinic/appointments/{paper.record.appointment_id}/prescription.pdf"
    sign_in(client, paper.record.doctor.user)
    assert client.get(url).headers["Content-Type"] == "application/pdf"
    assert AccessLog.objects.filter(action="prescription.printed").count() == 1
    assert paper.created_at <= timezone.now()
    client.logout()
    sign_in(client, make_record().doctor.user)
    assert client.get(url).status_code == 404
