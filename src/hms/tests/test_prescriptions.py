"""Prescribing, and what speaks against it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hms import drug_import
from hms.domain import allergies, drug_names, prescriptions, records
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
    rows = drug_import.read(prescriptions.SHIPPED.read_bytes())
    assert not [row for row in rows if row.errors]
    assert len(rows) > 300
    assert all(row.values["classes"] and row.values["forms"] and row.values["strengths"] for row in rows)
    assert Drug.objects.count() == len(rows)


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
        ("Aspirin", "Ibuprofen", True),
        ("Ibuprofen", "Aspirin", True),
        ("salicylates", "Naproxen", True),
        ("NSAID", "Aspirin", True),
        ("Augmentin", "Flucloxacillin", True),
        ("Amoxicillin", "Cefalexin", True),
        ("Keflex", "Amoxicillin", True),
        ("acetaminophen", "Paracetamol", True),
        ("co-trimoxazole", "Trimethoprim", True),
        ("Co-trimoxazole", "Silver sulfadiazine", True),
        ("sulfa", "Trimethoprim with sulfamethoxazole", True),
        ("Sulpha drugs", "Trimethoprim with sulfamethoxazole", True),
        ("penicilin", "Amoxicillin", True),
        ("Asprin", "Ibuprofen", True),
        ("amoxicilin (rash as a child); bees", "Flucloxacillin", True),
        ("Trimethoprim", "Trimethoprim with sulfamethoxazole", True),
        ("insulin", "Insulin glargine", True),
        ("s", "Amoxicillin", False),
        ("sss", "Ibuprofen", False),
        ("a", "Paracetamol", False),
        ("Amoxicillin", "Doxycycline", False),
        ("Trimethoprim", "Silver sulfadiazine", False),
        ("Latex, peanuts, house dust", "Ibuprofen", False),
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


def test_a_brand_that_is_prescribed_is_understood_too(record):
    allergies.note(record.patient, substance="Penicillin", by=record.doctor.user)
    assert prescriptions.check(record.patient, drug=None, drug_name="Augmentin 875")
    assert prescriptions.check(record.patient, drug=None, drug_name="Amoxicilin")
    assert not prescriptions.check(record.patient, drug=None, drug_name="Novamed")
    allergies.note(record.patient, substance="Oat", drug_class="macrolide", by=record.doctor.user)
    assert prescriptions.check(record.patient, drug=None, drug_name="Zithromax")


def test_synonyms_lead_to_drugs_and_classes_that_are_there():
    names = set(Drug.objects.values_list("name", flat=True))
    classes = {c for d in Drug.objects.all() for c in d.classes}
    alone = {part.capitalize() for name in set(drug_names.SYNONYMS) - names for part in name.split(" with ")}
    assert alone - names <= {"Metamizole"}
    assert set(drug_names.CLASS_SYNONYMS) <= classes
    assert set(prescriptions.CROSS) <= classes


def test_a_reason_counts_only_for_what_was_shown(record):
    by = record.doctor.user
    allergies.note(record.patient, substance="Penicillin", by=by)
    with pytest.raises(prescriptions.NeedsAcknowledgement) as first:
        prescribe(record, acknowledged="Typed without having seen it")
    allergies.note(record.patient, substance="Augmentin", by=by)
    with pytest.raises(prescriptions.NeedsAcknowledgement) as second:
        prescribe(record, acknowledged="Tested", shown=first.value.seal)
    assert len(second.value.warnings) == 2
    with pytest.raises(prescriptions.NeedsAcknowledgement):
        prescribe(record, "Ampicillin", acknowledged="Tested", shown=second.value.seal)
    assert prescribe(record, acknowledged="Tested", shown=second.value.seal).acknowledged == "Tested"


def test_repeating_needs_a_reason_for_all_that_is_new(record):
    by = record.doctor.user
    line = prescribe(record, "Ibuprofen", days=None)
    later = make_record(make_appointment(patient=record.patient, start=local(days=3), status="IN_PROGRESS"))
    allergies.note(record.patient, substance="Aspirin", by=by)
    with pytest.raises(prescriptions.NeedsAcknowledgement) as refusal:
        prescriptions.repeat(line, record=later, by=by)
    assert len(refusal.value.warnings) == 2
    prescriptions.allergies.end(record.patient.allergy_list.get(), reason="Wrong", by=by)
    assert prescriptions.repeat(line, record=later, by=by).acknowledged.startswith("Repeat of")
    with pytest.raises(prescriptions.NeedsAcknowledgement):  # now it is taken by another line too
        prescriptions.repeat(line, record=later, by=by)


def test_nothing_is_repeated_for_somebody_else(record):
    line = prescribe(record)
    with pytest.raises(DomainError, match="somebody else"):
        prescriptions.repeat(line, record=make_record(), by=record.doctor.user)


def test_only_doctors_stop_and_withdraw_and_what_was_stopped_stays(record):
    line, other = prescribe(record), make_user()
    for verb in (prescriptions.withdraw, lambda line, by: prescriptions.stop(line, reason="x", by=by)):
        with pytest.raises(DomainError, match="Only doctors"):
            verb(line, by=other)
    prescriptions.stop(line, reason="Rash\x00", by=record.doctor.user)
    with pytest.raises(DomainError, match="stopped"):
        prescriptions.withdraw(line, by=record.doctor.user)
    gone = prescribe(record, "Paracetamol")
    prescriptions.withdraw(gone, by=record.doctor.user)
    with pytest.raises(DomainError, match="removed"):
        prescriptions.withdraw(gone, by=record.doctor.user)


def test_an_allergy_noted_meanwhile_is_waited_for(record):
    """The patient's row is locked before the check reads."""
    with CaptureQueriesContext(connection) as queries:
        prescribe(record)
    sql = [q["sql"] for q in queries]
    locked = next(i for i, q in enumerate(sql) if "hms_patient" in q and "FOR NO KEY UPDATE" in q)
    assert locked < next(i for i, q in enumerate(sql) if 'FROM "hms_allergy"' in q)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hms_prescriptionline SET dose = '9' WHERE id = %(id)s",
        "UPDATE hms_prescriptionline SET dose = '9', stopped_at = now(), stopped_by_id = %(by)s WHERE id = %(id)s",
        "DELETE FROM hms_prescriptionline WHERE id = %(id)s",
        """INSERT INTO hms_prescriptionline
            (prescription_id, patient_id, drug_name, strength, form, dose, frequency, quantity, instructions)
            SELECT prescription_id, patient_id, 'x', '', '', '1', 'daily', '', '' FROM hms_prescriptionline""",
        "UPDATE hms_prescriptionline SET prescription_id = %(open)s WHERE id = %(id)s",
    ],
)
def test_the_database_keeps_the_lines_of_a_signed_record(record, statement):
    by = record.doctor.user
    line, still_open = prescribe(record), prescribe(make_record())
    values = {"id": line.pk, "by": by.pk, "open": still_open.prescription_id}
    with transaction.atomic(), connection.cursor() as cursor:
        if "SELECT" not in statement:
            cursor.execute(statement, values)  # allowed before the signature
            transaction.set_rollback(True)
    records.sign(record, by=by)
    refused = pytest.raises(DatabaseError, match="prescription_is_signed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    prescriptions.stop(line, reason="Rash", by=by)
    with pytest.raises(DatabaseError, match="prescription_is_signed"), transaction.atomic():
        PrescriptionLine.objects.filter(pk=line.pk).update(stopped_at=None, stopped_by=None)


def test_what_speaks_against_it_needs_a_reason_which_is_kept(record):
    allergies.note(record.patient, substance="Penicillin", reaction="rash", by=record.doctor.user)
    with pytest.raises(prescriptions.NeedsAcknowledgement, match=r"Allergic to Penicillin \(rash\)") as refusal:
        prescribe(record)
    line = prescribe(record, acknowledged="Tested negative last year", shown=refusal.value.seal)
    assert line.warning.startswith("Allergic to Penicillin")
    assert line.acknowledged == "Tested negative last year"


def test_the_same_and_its_like_are_noticed(record):
    prescribe(record, "Ibuprofen")
    with pytest.raises(prescriptions.NeedsAcknowledgement, match="already"):
        prescribe(record, "Ibuprofen")
    with pytest.raises(prescriptions.NeedsAcknowledgement, match="NSAIDs"):
        prescribe(record, "Naproxen")
    assert prescribe(record, "Paracetamol").warning == ""


@pytest.mark.parametrize(
    ("taken", "drug", "said"),
    [
        ("Tylenol", "Paracetamol", "Takes it already"),
        ("Co-codamol", "Paracetamol", "Takes paracetamol already"),
        ("Paracetamol", "Co-codamol 30/500", "Takes paracetamol already"),
        ("Paracetamol/codeine", "Co-dydramol", "Takes paracetamol already"),
        ("Percocet", "Morphine", "Takes another of the opioids"),
        ("Amoxicillin", "Augmentin", "Takes amoxicillin already"),
        ("Amoxicillin with clavulanic acid", "Amoxicillin", "Takes amoxicillin already"),
        ("Hyzaar", "Losartan", "Takes losartan already"),
        ("Exforge", "Losartan", "Takes another of the angiotensin receptor blockers"),
        ("Sinemet", "Paracetamol", ""),
    ],
)
def test_what_earlier_visits_prescribed_counts_whatever_it_is_called(record, taken, drug, said):
    before = make_record(make_appointment(patient=record.patient, start=local(days=-3), status="COMPLETED"), notes="x")
    prescribe(before, taken, days=None)
    records.sign(before, by=before.doctor.user)
    found = prescriptions.check(record.patient, drug=None, drug_name=drug)
    assert [text.startswith(said) for text in found] == [True] * bool(said)


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


def test_a_brand_leads_to_its_drug():
    assert [d.name for d in prescriptions.find_drugs("augm")] == ["Amoxicillin with clavulanic acid"]
    assert [d.name for d in prescriptions.find_drugs("Tylenol")] == ["Paracetamol"]


def test_an_allergy_noted_after_a_draft_line_must_be_answered_before_signing(record):
    by, patient = record.doctor.user, record.patient
    line, harmless = prescribe(record), prescribe(record, "Paracetamol")
    assert prescriptions.unanswered(patient, [line, harmless]) == {}
    allergies.note(patient, substance="Penicillin", reaction="rash", by=by)
    assert prescriptions.unanswered(patient, [line, harmless]) == {line.pk: ["Allergic to Penicillin (rash)."]}
    with pytest.raises(DomainError, match=r"Amoxicillin.*Allergic to Penicillin \(rash\)") as refusal:
        records.sign(record, by=by)
    assert "why" in str(refusal.value)  # and what to do about it
    record.refresh_from_db()
    assert not record.is_signed
    prescriptions.acknowledge(line, reason="Only a stomach ache then", by=by, shown=shown_of(line))
    line.refresh_from_db()
    assert line.warning == "Allergic to Penicillin (rash)."
    assert line.acknowledged == "Only a stomach ache then"
    assert records.sign(record, by=by).is_signed


def shown_of(line):
    return prescriptions.seal(line.patient_id, line.drug_name, prescriptions.unanswered(line.patient, [line])[line.pk])


def test_a_line_that_is_taken_back_leaves_nothing_to_answer(record):
    line = prescribe(record)
    allergies.note(record.patient, substance="Penicillin", by=record.doctor.user)
    prescriptions.withdraw(line, by=record.doctor.user)
    assert records.sign(record, by=record.doctor.user).is_signed


def test_an_answer_counts_only_for_what_was_shown_and_needs_words(record):
    by = record.doctor.user
    line = prescribe(record)
    allergies.note(record.patient, substance="Penicillin", by=by)
    shown = shown_of(line)
    with pytest.raises(DomainError, match="Say why") as refusal:
        prescriptions.acknowledge(line, reason="  ", by=by, shown=shown)
    assert refusal.value.field == "reason"
    allergies.note(record.patient, substance="Amoxicillin", by=by)
    with pytest.raises(DomainError, match="Allergic to Amoxicillin"):
        prescriptions.acknowledge(line, reason="Tolerated", by=by, shown=shown)
    prescriptions.acknowledge(line, reason="Tolerated", by=by, shown=shown_of(line))
    line.refresh_from_db()
    assert line.warning.split("\n") == ["Allergic to Penicillin.", "Allergic to Amoxicillin."]
    with pytest.raises(DomainError, match="Only doctors"):
        prescriptions.acknowledge(line, reason="x", by=make_user(), shown=shown)


def test_an_earlier_reason_stays_beside_the_later_one(record):
    by = record.doctor.user
    prescribe(record)
    with pytest.raises(prescriptions.NeedsAcknowledgement) as refusal:
        prescribe(record)
    line = prescribe(record, acknowledged="Two strengths", shown=refusal.value.seal)
    allergies.note(record.patient, substance="Penicillin", by=by)
    prescriptions.acknowledge(line, reason="Tolerated", by=by, shown=shown_of(line))
    line.refresh_from_db()
    assert line.warning.startswith("Takes it already")
    assert line.warning.endswith("Allergic to Penicillin.")
    assert line.acknowledged == "Two strengths; Tolerated"
