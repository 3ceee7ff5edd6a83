"""What can no longer be written is refused in words, and what was typed is shown again; nobody reads by posting."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hms.domain import allergies, diagnoses, prescriptions, problems, records, vitals
from hms.models import (
    Allergy,
    Appointment,
    Diagnosis,
    MedicalRecord,
    PrescriptionLine,
    Problem,
    SetAsideText,
    Vitals,
)
from hms.testing import local, make_appointment, make_doctor, make_record

pytestmark = pytest.mark.usefixtures("codes")
WAYS = pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {}], ids=["htmx", "plain"])
LINE = {"drug_name": "Amoxicillin", "dose": "1 capsule", "frequency": "three times a day", "instructions": "With food"}
OF_THE_RECORD = [
    ("vitals/", {"pulse": "72", "temperature": "37.2"}),
    ("vitals/", {"temperature": "400"}),
    ("diagnoses/", {"diagnosis": "Tired"}),
    ("prescriptions/", LINE),
    ("prescriptions/", LINE | {"dose": ""}),
]
OF_THE_PATIENT = [
    ("allergies/", {"substance": "Nuts", "reaction": "Hives", "severity": "MILD"}),
    ("allergies/", {"none": "1"}),
    ("problems/", {"text": "Lives alone"}),
]


def url(visit, rest=""):
    return f"/clinic/appointments/{visit.pk}/{rest}"


def text(response):
    return response.content.decode()


def all_of(response, fields):
    words = {"MILD": "Mild"}
    return [value for value in fields.values() if words.get(value, value) not in text(response) and value != "1"]


def written():
    return sum(model.objects.count() for model in (Vitals, Diagnosis, PrescriptionLine, Allergy, Problem))


@WAYS
@pytest.mark.parametrize(("rest", "fields"), OF_THE_RECORD)
def test_a_signed_record_takes_nothing_and_loses_nothing(doctor, visit, rest, fields, headers):
    record = make_record(visit, notes="x", signed=True)
    response = doctor.post(url(visit, rest), fields, headers=headers)
    assert response.status_code == 422
    assert "This record is signed" in text(response)
    assert all_of(response, fields) == []
    assert written() == 0
    assert MedicalRecord.objects.get().version == record.version


@WAYS
@pytest.mark.parametrize(("rest", "fields"), OF_THE_PATIENT)
def test_what_is_learnt_of_the_patient_is_written_beside_a_signed_record(doctor, visit, rest, fields, headers):
    make_record(visit, notes="x", signed=True)
    assert doctor.post(url(visit, rest), fields, headers=headers).status_code in {200, 302}


@WAYS
@pytest.mark.parametrize("status", ["CANCELLED", "NO_SHOW"])
@pytest.mark.parametrize("begun", [True, False], ids=["begun", "empty"])
@pytest.mark.parametrize(("rest", "fields"), OF_THE_RECORD + OF_THE_PATIENT)
def test_a_visit_called_off_takes_nothing_and_loses_nothing(doctor, visit, rest, fields, begun, status, headers):
    make_appointment(patient=visit.patient, doctor=visit.doctor, start=local(-7), status="COMPLETED")
    if begun:
        make_record(visit, notes="x")
    Appointment.objects.filter(pk=visit.pk).update(status=status)
    response = doctor.post(url(visit, rest), fields, headers=headers)
    assert response.status_code == 422
    assert f"This visit is {Appointment.Status(status).label.lower()}" in text(response)
    assert all_of(response, fields) == []
    assert written() == 0


@WAYS
@pytest.mark.parametrize("close", ["signed", "called off"])
def test_rows_of_a_closed_visit_stay_and_the_reason_is_shown_again(doctor, visit, close, headers):
    make_appointment(patient=visit.patient, doctor=visit.doctor, start=local(-7), status="COMPLETED")
    by, record = doctor.user, make_record(visit, notes="x")
    taken = vitals.take(record, values={"pulse": 72}, by=by)
    named = diagnoses.add(record, text="Tired", by=by)
    line = prescriptions.prescribe(record, drug_name="x", dose="1", frequency="daily", by=by)
    allergy = allergies.note(visit.patient, substance="bees", by=by)
    problem = problems.note(visit.patient, text="p", by=by)
    rests = [f"vitals/{taken.pk}/wrong/", f"diagnoses/{named.pk}/remove/", f"prescriptions/{line.pk}/withdraw/"]
    if close == "signed":
        records.sign(record, by=by)
    else:
        Appointment.objects.filter(pk=visit.pk).update(status="CANCELLED")
        rests += [f"allergies/{allergy.pk}/end/", f"problems/{problem.pk}/end/", f"prescriptions/{line.pk}/stop/"]
    for rest in rests:
        response = doctor.post(url(visit, rest), {"reason": "Because of reasons"}, headers=headers)
        assert response.status_code == 422, rest
        assert ("is signed" if close == "signed" else "is cancelled") in text(response), rest
        if rest.endswith(("wrong/", "stop/")) or rest.startswith("allergies"):
            assert "Because of reasons" in text(response), rest
    assert written() == 5
    assert not Vitals.objects.exclude(error_reason="").exists()
    assert not PrescriptionLine.objects.filter(stopped_at__isnull=False).exists()
    assert not Allergy.objects.filter(ended_at__isnull=False).exists()


@pytest.mark.parametrize("status", ["CANCELLED", "NO_SHOW"])
def test_a_visit_called_off_offers_no_form(doctor, visit, status):
    make_appointment(patient=visit.patient, doctor=visit.doctor, start=local(-7), status="COMPLETED")
    allergies.note(visit.patient, substance="bees", by=doctor.user)
    problems.note(visit.patient, text="p", by=doctor.user)
    Appointment.objects.filter(pk=visit.pk).update(status=status)
    page = text(doctor.get(url(visit)))
    assert "did not take place" in page
    assert f'action="{url(visit)}' not in page


class TestNoRelationButACancelledVisit:
    """Anybody can be booked and called off again: that alone lets nobody read."""

    SECRETS = ("Penicillin", "Diabetes", "Sprained ankle")

    @pytest.fixture
    def closed(self, doctor, visit):
        other = make_appointment(patient=visit.patient, doctor=make_doctor(), start=local(-7), status="COMPLETED")
        make_record(other, notes="Sprained ankle", signed=True)
        allergies.note(visit.patient, substance="Penicillin", by=other.doctor.user)
        problems.note(visit.patient, text="Diabetes", by=other.doctor.user)
        self.line = prescriptions.prescribe(
            make_record(make_appointment(patient=visit.patient, doctor=other.doctor, start=local(-6))),
            drug_name="Insulin", dose="1", frequency="daily", by=other.doctor.user,
        )  # fmt: skip
        Appointment.objects.filter(pk=visit.pk).update(status="CANCELLED")
        return visit

    @WAYS
    @pytest.mark.parametrize(("rest", "fields"), OF_THE_RECORD + OF_THE_PATIENT)
    def test_a_post_is_refused_without_a_word_of_the_record(self, doctor, closed, rest, fields, headers):
        before = written()
        response = doctor.post(url(closed, rest), fields, headers=headers)
        assert response.status_code == 409
        assert "This visit is cancelled" in text(response)
        assert not [secret for secret in self.SECRETS if secret in text(response)]
        assert headers or all_of(response, fields) == []
        assert written() == before

    def test_a_note_and_an_addendum_too(self, doctor, closed):
        response = doctor.post(url(closed, "note/"), {"notes": "Half a sentence", "version": "0"})
        assert response.status_code == 409
        assert "Half a sentence" in text(response)
        assert not [secret for secret in self.SECRETS if secret in text(response)]
        assert SetAsideText.objects.get().texts == {"notes": "Half a sentence"}
        make_record(closed, notes="x")
        response = doctor.post(url(closed, "addenda/"), {"text": "Half a sentence"})
        assert response.status_code == 409
        assert "Half a sentence" in text(response)
        assert not [secret for secret in self.SECRETS if secret in text(response)]

    def test_nothing_of_the_patient_is_changed_or_read(self, doctor, closed):
        assert doctor.post(url(closed, "diagnoses/"), {"diagnosis": "Tired", "find": "1"}).status_code == 404
        assert doctor.post(url(closed, f"prescriptions/{self.line.pk}/stop/"), {"reason": "Mine"}).status_code == 409
        assert not PrescriptionLine.objects.filter(stopped_at__isnull=False).exists()
        for rest in ("vitals/course/", "prescription.pdf", "phrases/", "drafts/"):
            assert doctor.get(url(closed, rest)).status_code == 404, rest


@WAYS
@pytest.mark.parametrize(("rest", "fields"), OF_THE_RECORD + OF_THE_PATIENT)
def test_somebody_elses_visit_is_not_there(doctor, rest, fields, headers):
    other = make_appointment(doctor=make_doctor(), status="IN_PROGRESS")
    allergies.note(other.patient, substance="Penicillin", by=other.doctor.user)
    response = doctor.post(url(other, rest), fields, headers=headers)
    assert response.status_code == 404
    assert "not yours to see" in text(response)
    assert "Penicillin" not in text(response)
    # For htmx a notice beside the page, which keeps what is typed in it.
    assert not headers or text(response).startswith('<hx-partial hx-target="#toasts"')
    assert written() == 1


def test_a_visit_that_is_still_to_come_is_prepared_but_neither_prescribed_for_nor_signed(doctor):
    visit = make_appointment(doctor=doctor.user.doctor, start=local(days=3))
    page = text(doctor.get(url(visit)))
    assert "Sign the record" not in page
    assert "Prescribe once the patient is here" in page
    doctor.post(url(visit, "note/"), {"notes": "Ask about the scan", "version": "0"})
    refused = doctor.post(url(visit, "prescriptions/"), LINE, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert "still to come" in text(refused)
    assert not PrescriptionLine.objects.exists()
    assert "still to come" in text(doctor.post(url(visit, "sign/"), follow=True))
    record = MedicalRecord.objects.get()
    assert (record.notes, record.is_signed) == ("Ask about the scan", False)


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived early", "was due"])
def test_who_has_arrived_or_was_due_can_be_prescribed_for_before_being_called_in(doctor, arrived):
    hour = timedelta(hours=1) if arrived else -timedelta(hours=1)
    here = {"checked_in_at": timezone.now()} if arrived else {}
    visit = make_appointment(doctor=doctor.user.doctor, start=timezone.now() + hour, **here)
    assert doctor.post(url(visit, "prescriptions/"), LINE, headers={"HX-Request": "true"}).status_code == 200
    doctor.post(url(visit, "sign/"))
    assert MedicalRecord.objects.get().is_signed
