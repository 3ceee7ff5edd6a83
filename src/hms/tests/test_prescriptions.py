"""Prescribing, and what speaks against it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from hms.domain import allergies, prescriptions, records
from hms.errors import DomainError
from hms.models import Drug, PrescriptionLine
from hms.testing import local, make_appointment, make_record, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("codes")]


@pytest.fixture
def record():
    return make_record(notes="x")


def prescribe(record, drug="Amoxicillin", **more):
    fields = {"dose": "1 capsule", "frequency": "three times a day", "days": 7} | more
    return prescriptions.prescribe(record, drug_name=drug, by=record.doctor.user, **fields)


def test_the_shipped_list_is_readable_and_long():
    rows, problems = prescriptions.read_csv(prescriptions.SHIPPED.read_text())
    assert problems == []
    assert len(rows) > 300
    assert all(row["classes"] and row["forms"] and row["strengths"] for row in rows)


def test_a_line_is_written_with_its_quantity_and_the_summary_follows(record):
    line = prescribe(record, strength="500 mg", form="capsule")
    record.refresh_from_db()
    assert line.drug == Drug.objects.get(name="Amoxicillin")
    assert line.quantity == "21"
    assert record.prescription == "Amoxicillin 500 mg capsule, 1 capsule, three times a day, 7 days"
    prescriptions.withdraw(line, by=record.doctor.user)
    record.refresh_from_db()
    assert record.prescription == ""


@pytest.mark.parametrize(
    ("allergic_to", "drug", "found"),
    [
        ("Penicillin", "Amoxicillin", True),
        ("penicillins", "Flucloxacillin", True),
        ("Penicillin", "Cefalexin", True),
        ("Amoxicillin", "Amoxicillin", True),
        ("Amoxicillin", "Amoxicillin with clavulanic acid", True),
        ("Aspirin", "Ibuprofen", False),
        ("NSAIDs", "Ibuprofen", True),
        ("Sulfonamides", "Trimethoprim with sulfamethoxazole", True),
        ("Penicillin", "Doxycycline", False),
        ("Nuts", "Amoxicillin", False),
    ],
)
def test_allergies_speak_against_their_drugs(record, allergic_to, drug, found):
    allergies.note(record.patient, substance=allergic_to, by=record.doctor.user)
    warnings = prescriptions.check(record.patient, drug=Drug.objects.get(name=drug), drug_name=drug)
    assert bool(warnings) is found


def test_what_speaks_against_it_needs_a_reason_which_is_kept(record):
    allergies.note(record.patient, substance="Penicillin", reaction="rash", by=record.doctor.user)
    with pytest.raises(prescriptions.NeedsAcknowledgement, match=r"Allergic to Penicillin \(rash\)"):
        prescribe(record)
    line = prescribe(record, acknowledged="Tested negative last year")
    assert line.warning.startswith("Allergic to Penicillin")
    assert line.acknowledged == "Tested negative last year"


def test_the_same_and_its_like_are_noticed(record):
    prescribe(record, "Ibuprofen")
    with pytest.raises(prescriptions.NeedsAcknowledgement, match="already"):
        prescribe(record, "Ibuprofen")
    with pytest.raises(prescriptions.NeedsAcknowledgement, match="NSAIDs"):
        prescribe(record, "Naproxen")
    assert prescribe(record, "Paracetamol").warning == ""


def test_what_has_run_out_or_was_stopped_does_not_count(record):
    line = prescribe(record, "Ibuprofen")
    PrescriptionLine.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert prescriptions.taken(record.patient) == []
    PrescriptionLine.objects.update(created_at=timezone.now())
    assert prescriptions.taken(record.patient) == [line]
    prescriptions.stop(line, reason="Stomach ache", by=record.doctor.user)
    assert prescriptions.taken(record.patient) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"drug": " "}, "drug_name"),
        ({"dose": ""}, "dose"),
        ({"frequency": ""}, "frequency"),
        ({"days": 0}, "days"),
        ({"days": 400}, "days"),
        ({"instructions": "x" * 301}, "instructions"),
    ],
)
def test_refusals_stand_beside_their_field(record, fields, field):
    with pytest.raises(DomainError) as refusal:
        prescribe(record, **fields)
    assert refusal.value.field == field


def test_only_doctors_prescribe(record):
    with pytest.raises(DomainError, match="Only doctors"):
        prescriptions.prescribe(record, drug_name="x", dose="1", frequency="daily", by=make_user())


def test_signed_lines_stay_but_can_be_stopped_and_repeated(record):
    by = record.doctor.user
    line = prescribe(record)
    records.sign(record, by=by)
    with pytest.raises(DomainError, match="signed"):
        prescriptions.withdraw(line, by=by)
    later = make_record(make_appointment(patient=record.patient, start=local(days=3), status="IN_PROGRESS"))
    again = prescriptions.repeat(line, record=later, by=later.doctor.user)
    assert (again.drug_name, again.days, again.prescription.record) == ("Amoxicillin", 7, later)
    with pytest.raises(DomainError, match="Say why"):
        prescriptions.stop(line, reason="", by=by)
    prescriptions.stop(line, reason="Rash", by=by)
    with pytest.raises(DomainError, match="already"):
        prescriptions.stop(line, reason="Rash", by=by)
    assert list(records.verify()) == []


def test_a_warning_without_a_reason_is_refused_by_the_database(record):
    line = prescribe(record)
    with pytest.raises(DatabaseError, match="acknowledged"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE hms_prescriptionline SET warning = 'x' WHERE id = %s", [line.pk])


def test_drugs_are_found_by_parts_and_with_a_letter_wrong():
    assert prescriptions.find_drugs("amox")[0].name == "Amoxicillin"
    assert "Trimethoprim with sulfamethoxazole" in [d.name for d in prescriptions.find_drugs("sulfameth")]
    assert "Paracetamol" in [d.name for d in prescriptions.find_drugs("paracetmol")]
    assert prescriptions.find_drugs("  ") == []


class TestImport:
    def test_new_ones_are_added_and_known_ones_changed(self):
        by = make_user("ADMIN")
        rows, problems = prescriptions.read_csv(
            "name;classes;forms;strengths\nAmoxicillin;penicillins;tablet;1 g\nNovamed;new class;tablet;5 mg\n"
        )
        assert problems == []
        assert prescriptions.import_drugs(rows, by=by) == (1, 1)
        assert prescriptions.import_drugs(rows, by=by) == (0, 0)
        assert Drug.objects.get(name="Amoxicillin").strengths == ["1 g"]

    def test_each_line_that_cannot_be_taken_says_why(self):
        text = "name;classes;forms;strengths\n;a;b;c\nX;a;b;c\nx;a;b;c\n" + "y" * 130 + ";a;b;c\n"
        rows, problems = prescriptions.read_csv(text)
        assert [row["name"] for row in rows] == ["X"]
        assert [number for number, _words in problems] == [2, 4, 5]
        assert prescriptions.read_csv("a,b\n1,2")[1][0][0] == 1
