"""Who may read whose record: by an appointment, or by giving a reason for a while."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from hms.domain import breakglass, relations
from hms.errors import DomainError
from hms.models import AccessLog, BreakGlass, MedicalRecord, Patient
from hms.testing import make_appointment, make_doctor, make_patient, make_record, make_user

pytestmark = pytest.mark.django_db
REASON = "Found unconscious in the entrance hall"


def glass(patient, user, minutes=60):
    at = timezone.now() - timedelta(minutes=90)
    return BreakGlass.objects.create(
        patient=patient, user=user, reason=REASON, at=at, expires_at=timezone.now() + timedelta(minutes=minutes)
    )


@pytest.mark.parametrize(
    ("status", "may"),
    [
        ("SCHEDULED", True),
        ("CONFIRMED", True),
        ("IN_PROGRESS", True),
        ("COMPLETED", True),
        ("NO_SHOW", True),
        ("CANCELLED", False),
    ],
)
def test_an_appointment_gives_a_relation_but_not_a_cancelled_one(status, may):
    visit = make_appointment(status=status)
    user = visit.doctor.user
    record = MedicalRecord.objects.create(patient=visit.patient, doctor=make_doctor())
    assert Patient.objects.clinical_for(user).filter(pk=visit.patient.pk).exists() is may
    assert Patient.objects.visible_to(user).filter(pk=visit.patient.pk).exists() is may
    assert MedicalRecord.objects.visible_to(user).filter(pk=record.pk).exists() is may
    assert (relations.access(visit.patient.pk, by=user) is not None) is may


def test_a_doctor_without_a_relation_reads_nothing():
    record, user = make_record(), make_doctor().user
    assert not Patient.objects.clinical_for(user).exists()
    assert not MedicalRecord.objects.visible_to(user).exists()
    assert relations.access(record.patient_id, by=user) is None


@pytest.mark.parametrize("role", ["ADMIN", "RECEPTIONIST"])
def test_the_desk_reads_nothing_clinical(role):
    make_record()
    user = make_user(role)
    assert not Patient.objects.clinical_for(user).exists()
    assert not MedicalRecord.objects.visible_to(user).exists()


def test_patients_read_their_own():
    record = make_record()
    make_record()
    assert list(Patient.objects.clinical_for(record.patient.user)) == [record.patient]


def test_a_reason_opens_the_record_for_a_while(settings):
    settings.BREAK_GLASS = timedelta(minutes=20)
    record, user = make_record(), make_doctor().user
    opened = breakglass.open_record(record.patient, reason=f"  {REASON}\n", by=user)
    assert opened.reason == REASON
    left = opened.expires_at - timezone.now()
    assert timedelta(minutes=19) < left <= timedelta(minutes=20)
    assert relations.access(record.patient_id, by=user).glass == opened
    assert list(MedicalRecord.objects.visible_to(user)) == [record]
    assert list(Patient.objects.clinical_for(user)) == [record.patient]
    assert not Patient.objects.visible_to(user).exists()  # not in their care by that
    entry = AccessLog.objects.get(patient=record.patient)
    assert (entry.action, entry.reason, entry.break_glass, entry.why) == (
        "record.glass_broken",
        REASON,
        opened,
        REASON,
    )


def test_it_ends():
    record, user = make_record(), make_doctor().user
    over = glass(record.patient, user, minutes=-1)
    assert relations.access(record.patient_id, by=user) is None
    assert not MedicalRecord.objects.visible_to(user).exists()
    assert breakglass.current(record.patient, by=user) is None
    assert breakglass.ended(record.patient, by=user) == over
    breakglass.open_record(record.patient, reason=REASON, by=user)
    assert breakglass.ended(record.patient, by=user) is None


def test_it_lets_in_nobody_else():
    record, user = make_record(), make_doctor().user
    other = make_record()
    glass(record.patient, user)
    assert relations.access(other.patient_id, by=user) is None
    assert relations.access(record.patient_id, by=make_doctor().user) is None


@pytest.mark.parametrize("reason", ["", "   ", "because", "..........", "1234567890", "x" * 501])
def test_a_reason_must_say_something(reason):
    with pytest.raises(DomainError) as refused:
        breakglass.open_record(make_patient(), reason=reason, by=make_doctor().user)
    assert refused.value.field == "reason"
    assert not BreakGlass.objects.exists()


def test_only_doctors_break_the_glass():
    for role in ("ADMIN", "RECEPTIONIST", "PATIENT"):
        with pytest.raises(DomainError):
            breakglass.open_record(make_patient(), reason=REASON, by=make_user(role))


def test_somebody_is_found_by_number_and_birth_date_together():
    patient, user = make_patient(), make_doctor().user
    found = breakglass.find(record_number=patient.record_number, date_of_birth=patient.date_of_birth, by=user)
    assert found == patient
    with pytest.raises(DomainError):
        breakglass.find(
            record_number=patient.record_number, date_of_birth=patient.date_of_birth + timedelta(days=1), by=user
        )
    assert AccessLog.objects.filter(user=user, action="patient.not_found", patient=None).count() == 1


def test_guessing_ends_soon():
    patient, user = make_patient(), make_doctor().user
    for _ in range(breakglass.TRIES):
        with pytest.raises(DomainError):
            breakglass.find(record_number="99999999", date_of_birth=patient.date_of_birth, by=user)
    with pytest.raises(DomainError, match="wait an hour"):
        breakglass.find(record_number=patient.record_number, date_of_birth=patient.date_of_birth, by=user)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE hms_breakglass SET expires_at = expires_at + interval '1 hour'",
        "UPDATE hms_breakglass SET reason = 'something else'",
        "DELETE FROM hms_breakglass",
        "INSERT INTO hms_breakglass (user_id, patient_id, reason, expires_at)"
        " SELECT user_id, patient_id, '', now() + interval '1 hour' FROM hms_breakglass",
        "INSERT INTO hms_breakglass (user_id, patient_id, reason, expires_at)"
        " SELECT user_id, patient_id, 'for ever', now() + interval '2 days' FROM hms_breakglass",
    ],
)
def test_the_database_keeps_it_as_it_was_written(sql):
    glass(make_patient(), make_doctor().user)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert BreakGlass.objects.count() == 1
