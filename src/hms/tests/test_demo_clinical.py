"""What the demo's doctors wrote: enough of it, signed so that it verifies, and left alone by a second run."""

from datetime import timedelta

import pytest
from django.db.models import Count, Q

from hms.demo import load
from hms.domain import allergies, records
from hms.models import (
    Allergy,
    Appointment,
    Department,
    Diagnosis,
    Doctor,
    MedicalRecord,
    Patient,
    Phrase,
    PrescriptionLine,
    Problem,
    Vitals,
)
from hms.tests.test_demo import TUESDAY, hospital_once  # noqa: F401


@pytest.mark.django_db
@pytest.mark.usefixtures("hospital_once")
class TestWhatWasWritten:
    def test_every_visit_that_is_over_has_a_record_and_each_doctor_a_few_to_finish(self):
        over = Appointment.objects.filter(status="COMPLETED")
        assert not over.filter(medicalrecord=None).exists()
        waiting = Doctor.objects.annotate(n=Count("medicalrecord", filter=Q(medicalrecord__signed_at=None)))
        assert {2, 3, 4} >= set(waiting.values_list("n", flat=True))
        assert not MedicalRecord.objects.filter(notes="").exists()

    def test_lists_are_filled(self):
        assert Diagnosis.objects.count() >= MedicalRecord.objects.count()
        assert Vitals.objects.count() > 500
        assert PrescriptionLine.objects.count() > 100
        assert Problem.objects.count() > 50
        assert Phrase.objects.filter(doctor=None).exists()
        assert not Diagnosis.objects.filter(code=None).exists()

    def test_allergies_and_their_summaries_say_the_same(self):
        assert Allergy.objects.count() > 40
        said = set()
        for patient in Patient.objects.all():
            state, _found = allergies.state(patient)
            said.add(state)
            before = (patient.allergies, patient.no_allergies_at)
            allergies._summarise(patient, patient.no_allergies_at)
            assert (patient.allergies, patient.no_allergies_at) == before
        assert said == {"known", "none", "unasked"}

    def test_signatures_hold(self):
        some = Patient.objects.annotate(n=Count("medicalrecord")).order_by("-n")[:40].values_list("pk", flat=True)
        assert list(records.verify(list(some))) == []

    def test_a_changed_one_is_found(self):
        record = MedicalRecord.objects.filter(signed_at__isnull=False).first()
        Diagnosis.objects.filter(record=record).update(text="Something else")
        assert [p.record for p in records.verify([record.patient_id])] == [record]

    def test_the_sample_patient_has_a_year_behind_her(self):
        mine = MedicalRecord.objects.filter(patient__user__email="patient@hms.example", signed_at__isnull=False)
        assert mine.count() >= 12
        assert mine.order_by("created_at").first().created_at < TUESDAY - timedelta(days=350)
        assert Vitals.objects.filter(record__in=mine, systolic__isnull=False).count() >= 9

    def test_history_says_who_wrote_and_when(self):
        record = MedicalRecord.objects.filter(signed_at__isnull=False).first()
        first, last = record.events.order_by("pgh_id")
        assert (first.pgh_created_at, last.pgh_created_at) == (record.created_at, record.signed_at)
        assert (first.signed_at, last.signed_at) == (None, record.signed_at)
        assert first.pgh_context["user"] == record.doctor.user_id

    def test_one_department_is_asked_and_the_others_are_booked(self):
        found = dict(Department.objects.values_list("online").annotate(n=Count("pk")).order_by())
        assert found == {"REQUEST": 1, "BOOK": 5}

    def test_again_at_once_changes_nothing(self):
        before = list(MedicalRecord.objects.order_by("pk").values())
        load.load(now=TUESDAY + timedelta(minutes=2))
        assert list(MedicalRecord.objects.order_by("pk").values()) == before

    def test_later_what_was_left_is_signed_and_what_a_person_touched_stays(self):
        mine, theirs = MedicalRecord.objects.filter(signed_at=None, doctor=Doctor.objects.first())[:2]
        theirs.notes = "Mine."
        theirs.save(update_fields=["notes"])
        load.load(now=TUESDAY + timedelta(days=4))
        mine.refresh_from_db()
        theirs.refresh_from_db()
        assert mine.is_signed
        assert not theirs.is_signed
        assert list(records.verify([mine.patient_id, theirs.patient_id])) == []
