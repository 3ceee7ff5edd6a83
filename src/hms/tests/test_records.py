"""Signing, addenda, and noticing what was altered past the application."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from hms.domain import notes, records
from hms.errors import DomainError
from hms.models import MedicalRecord
from hms.testing import local, make_appointment, make_doctor, make_record, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def record():
    return make_record(notes="Cough.", treatment="Tea.")


def doctor_of(record):
    return record.doctor.user


def test_signing_seals_what_is_there(record):
    signed = records.sign(record, by=doctor_of(record))
    assert signed.signed_by == doctor_of(record)
    assert signed.sealed["notes"] == "Cough."
    assert len(signed.content_hash) == 64
    assert list(records.verify()) == []


def test_each_seal_stands_on_the_one_before(record):
    first = records.sign(record, by=doctor_of(record))
    later = make_record(
        make_appointment(patient=record.patient, start=local(days=2), status="IN_PROGRESS"), notes="Better."
    )
    second = records.sign(later, by=doctor_of(later))
    assert second.predecessor == first
    other = make_record(notes="Somebody else.")
    assert records.sign(other, by=doctor_of(other)).predecessor is None
    assert list(records.verify()) == []


def test_nobody_signs_for_another(record):
    with pytest.raises(DomainError, match="Only Dr"):
        records.sign(record, by=make_doctor().user)


def test_nothing_is_signed_twice(record):
    records.sign(record, by=doctor_of(record))
    with pytest.raises(DomainError, match="is signed"):
        records.sign(record, by=doctor_of(record))


def test_nobody_signs_what_somebody_else_wrote_after_they_read(record):
    colleague = make_doctor().user
    visit, read = record.appointment, record.version

    def write(text, by, session):
        version = MedicalRecord.objects.get(pk=record.pk).version
        notes.save(visit, texts={"notes": text}, versions={"notes": version}, session=session, sequence=1, by=by)

    write("Cough, and fever.", doctor_of(record), "page-1")
    write("Cough, fever, and a rash.", colleague, "page-2")
    with pytest.raises(DomainError, match="Read it again"):
        records.sign(record, by=doctor_of(record), version=read)
    now = MedicalRecord.objects.get(pk=record.pk).version
    write("Cough, fever, a rash.", doctor_of(record), "page-3")  # one's own is no surprise
    assert records.sign(record, by=doctor_of(record), version=now).is_signed


def test_what_is_empty_is_not_signed():
    empty = make_record()
    with pytest.raises(DomainError, match="nothing written"):
        records.sign(empty, by=doctor_of(empty))


def test_what_did_not_take_place_is_not_signed(record):
    type(record.appointment).objects.filter(pk=record.appointment_id).update(status="CANCELLED")
    with pytest.raises(DomainError, match="This visit is cancelled"):
        records.sign(record, by=doctor_of(record))


def test_later_text_is_an_addendum_signed_at_once(record):
    signed = records.sign(record, by=doctor_of(record))
    colleague = make_doctor()
    addendum = records.addend(signed, text="  Seen again: well. ", by=colleague.user)
    assert (addendum.amends, addendum.notes, addendum.doctor) == (signed, "Seen again: well.", colleague)
    assert addendum.is_signed
    again = records.addend(addendum, text="More.", by=colleague.user)
    assert again.amends == signed
    assert list(records.verify()) == []


@pytest.mark.parametrize(("text", "words"), [("  ", "Write what"), ("x" * 20_001, "holds")])
def test_an_addendum_has_something_to_say_and_an_end(record, text, words):
    signed = records.sign(record, by=doctor_of(record))
    with pytest.raises(DomainError, match=words):
        records.addend(signed, text=text, by=doctor_of(record))


def test_only_what_is_signed_is_amended_and_only_by_doctors(record):
    with pytest.raises(DomainError, match="not signed yet"):
        records.addend(record, text="x", by=doctor_of(record))
    signed = records.sign(record, by=doctor_of(record))
    with pytest.raises(DomainError, match="Only doctors"):
        records.addend(signed, text="x", by=make_user())


class TestPastTheApplication:
    @pytest.mark.parametrize(
        "sql", ["UPDATE hms_medicalrecord SET notes = 'No cough.'", "DELETE FROM hms_medicalrecord"]
    )
    def test_the_database_refuses_to_change_what_is_signed(self, record, sql):
        records.sign(record, by=doctor_of(record))
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    @pytest.mark.parametrize(
        "change",
        [
            "notes = 'No cough.'",
            "signed_at = signed_at - interval '1 day'",
            "content_hash = repeat('0', 64)",
            "sealed = jsonb_set(sealed, '{notes}', '\"No cough.\"')",
            "doctor_id = (SELECT min(id) FROM hms_doctor)",
            "predecessor_id = NULL",
        ],
    )
    def test_whoever_gets_past_the_trigger_is_noticed(self, record, change, capsys):
        make_doctor()
        first = records.sign(record, by=doctor_of(record))
        later = make_record(
            make_appointment(patient=record.patient, start=local(days=2), status="IN_PROGRESS"), notes="Better."
        )
        second = records.sign(later, by=doctor_of(later))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(f"UPDATE hms_medicalrecord SET {change} WHERE id = %s", [second.pk])
            cursor.execute("SET LOCAL session_replication_role = origin")
        assert second.pk in {p.record.pk for p in records.verify()}
        with pytest.raises(SystemExit) as end:
            call_command("verify_records")
        assert end.value.code == 1
        assert f"record {second.pk}" in capsys.readouterr().err
        assert MedicalRecord.objects.get(pk=first.pk).notes == "Cough."

    def test_when_all_is_as_signed_it_says_so(self, record, capsys):
        records.sign(record, by=doctor_of(record))
        call_command("verify_records")
        assert "All 1 signed records" in capsys.readouterr().out
