"""Two records of one person made one, and two again."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction

from hms.domain import allergies, merging, outbox, payments, problems, records, shifts
from hms.errors import DomainError
from hms.models import (
    AccessLog,
    Appointment,
    Invitation,
    Invoice,
    MedicalRecord,
    Merge,
    Patient,
    Payment,
    User,
    Vitals,
    Wish,
)
from hms.testing import local, make_appointment, make_doctor, make_invoice, make_patient, make_record, make_user

pytestmark = pytest.mark.django_db
BORN = date(1950, 2, 3)


@pytest.fixture
def clerk():
    return make_user()


@pytest.fixture
def pair(clerk):
    """Two records of one person, each with something of everything."""
    keep = make_patient(last_name="Quigley", first_name="Ann", date_of_birth=BORN, email=None)
    gone = make_patient(
        last_name="Quigly", first_name="Ann", date_of_birth=BORN, email="ann@home.example", phone="+442079460123"
    )
    shifts.open_(by=clerk, opening_float=0)
    for n, patient in enumerate((keep, gone)):
        visit = make_appointment(patient=patient, status="IN_PROGRESS", start=local(days=-1, at=f"1{n}:00"))
        record = make_record(visit, diagnosis=f"Diagnosis {n}", signed=True)
        make_record(make_appointment(patient=patient, start=local(days=n + 2)), notes="draft")
        doctor = visit.doctor.user
        Vitals.objects.create(patient=patient, taken_at=visit.appointment_date, taken_by=doctor, pulse=70)
        allergies.note(patient, substance=f"Substance {n}", by=doctor)
        problems.note(patient, text=f"Problem {n}", by=doctor)
        records.addend(record, text="more", by=doctor)
        invoice = make_invoice(appointment=visit, by=clerk)
        parts = [payments.Part("CARD", Decimal(40))]
        payments.take(patient=patient, parts=parts, invoices=[invoice], by=clerk, key=f"pay-{n}")
        Wish.objects.create(patient=patient, kind="CORRECT", text="x")
        Invitation.objects.issue(patient, by=clerk)
        AccessLog.objects.create(user=clerk, role=clerk.role, action="patient.viewed", patient=patient)
        outbox.post(kind="test", to="a@b.example", user=patient.user, subject="s", text="t", key=f"m{n}")
    keep, gone = (Patient.objects.select_related("user").get(pk=p.pk) for p in (keep, gone))
    return keep, gone


def everything():
    """Every row of every table, but the history, which only grows."""
    left_out = ("event", "procrastinate", "hms_merge", "django_session", "hms_cache")
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            if not any(word in table for word in left_out):
                cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t ORDER BY 1')
                found[table] = [row for (row,) in cursor.fetchall()]
    return found


def test_everything_moves_and_the_seals_hold(pair, clerk):
    keep, gone = pair
    before = {m: m.objects.filter(patient__in=pair).count() for m in merging.MOVES.values()}
    made = merging.merge(keep, gone, by=clerk)
    for model, count in before.items():
        assert model.objects.filter(patient=keep).count() == count, model
        assert not model.objects.filter(patient=gone).exists()
    assert all(before[m] >= 2 for m in (Appointment, MedicalRecord, Invoice, Payment, Vitals, Wish))
    assert list(records.verify()) == []
    keep.refresh_from_db()
    gone.user.refresh_from_db()
    assert (gone.user.email, gone.user.is_active) == (None, False)
    assert (keep.user.email, keep.user.phone.as_e164) == ("ann@home.example", "+442079460123")
    assert "Substance 0" in keep.allergies
    assert "Substance 1" in keep.allergies
    assert "Problem 1" in keep.medical_history
    assert not Invitation.objects.filter(patient=gone, revoked_at=None).exists()
    assert AccessLog.objects.filter(patient=gone).count() == 1
    assert made.by == clerk


def test_undo_restores_every_row_of_every_table(pair, clerk):
    before = everything()
    made = merging.merge(*pair, by=clerk)
    assert everything() != before
    merging.undo(made, by=clerk)
    after = everything()
    assert {t: rows for t, rows in after.items() if rows != before[t]} == {}
    assert list(records.verify()) == []
    made.refresh_from_db()
    assert made.undone_by == clerk


def test_the_guards_stand_again_once_it_is_done(pair, clerk):
    merging.merge(*pair, by=clerk)
    for rows, change in (
        (MedicalRecord.objects.filter(signed_at__isnull=False), {"patient": pair[1]}),
        (Invoice.objects.issued(), {"patient": pair[1]}),
        (Payment.objects.all(), {"patient": pair[1]}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)


def test_a_record_that_no_merge_explains_is_found(pair, clerk):
    made = merging.merge(*pair, by=clerk)
    Merge.objects.filter(pk=made.pk).update(undone_at=made.at, undone_by=clerk)
    assert {p.what for p in records.verify()} == {"changed after signing: patient"}


def test_what_is_signed_later_stays_with_the_kept_one(pair, clerk):
    keep, gone = pair
    made = merging.merge(keep, gone, by=clerk)
    late = make_record(
        make_appointment(patient=keep, status="IN_PROGRESS", start=local(days=-3)), notes="late", signed=True
    )
    assert list(records.verify()) == []
    merging.undo(made, by=clerk)
    late.refresh_from_db()
    assert late.patient_id == keep.pk
    assert list(records.verify()) == []


def test_every_reference_to_a_patient_is_handled():
    pointing = {
        model._meta.label_lower
        for model in apps.get_models()
        for field in [*model._meta.concrete_fields, *model._meta.many_to_many]
        if field.related_model is Patient and field.name != "pgh_obj" and not hasattr(model, "pgh_id")
    }
    pointing = {label for label in pointing if not label.endswith("event")}
    assert pointing == set(merging.MOVES) | (set(merging.STAYS)), "Say in hms.domain.merging whether it moves or stays"


# --- refusals


def refused(keep, gone, clerk, words):
    before = everything()
    with pytest.raises(DomainError, match=words):
        merging.merge(keep, gone, by=clerk)
    assert everything() == before


def test_one_and_the_same(clerk):
    patient = make_patient()
    refused(patient, patient, clerk, "one and the same")


def test_merged_already(clerk):
    a, b, c = make_patient(), make_patient(), make_patient()
    merging.merge(a, b, by=clerk)
    refused(c, b, clerk, "merged into another record already")
    refused(b, c, clerk, "merged into another record already")


def test_both_sign_in(clerk):
    a, b = make_patient(), make_patient()
    _password(b)
    refused(a, b, clerk, "Keep that one")
    _password(a)
    refused(a, b, clerk, "Both sign in")


def _password(patient):
    patient.user.set_password("correct-horse-battery")
    User.objects.filter(pk=patient.user_id).update(password=patient.user.password)


def test_visits_that_overlap(clerk):
    a, b = make_patient(), make_patient()
    make_appointment(patient=a, start=local(at="10:00"), minutes=60)
    other = make_appointment(patient=b, start=local(at="10:30"), doctor=make_doctor())
    refused(a, b, clerk, "at the same time")
    Appointment.objects.filter(pk=other.pk).update(status="CANCELLED")
    merging.merge(a, b, by=clerk)


def test_undone_once_and_in_order(clerk):
    a, b, c = make_patient(), make_patient(), make_patient()
    first = merging.merge(a, b, by=clerk)
    second = merging.merge(c, a, by=clerk)
    with pytest.raises(DomainError, match="Undo that first"):
        merging.undo(first, by=clerk)
    merging.undo(second, by=clerk)
    merging.undo(first, by=clerk)
    with pytest.raises(DomainError, match="undone already"):
        merging.undo(first, by=clerk)


def test_no_undo_once_something_was_added_to_what_would_go_back(pair, clerk):
    keep, gone = pair
    record = MedicalRecord.objects.filter(patient=gone, signed_at__isnull=False, amends=None).get()
    made = merging.merge(keep, gone, by=clerk)
    records.addend(record, text="since", by=record.doctor.user)
    with pytest.raises(DomainError, match="can no longer be undone"):
        merging.undo(made, by=clerk)


def test_the_database_refuses_a_merge_with_itself_twice_or_thrown_away(clerk):
    a, b, c = make_patient(), make_patient(), make_patient()
    made = merging.merge(a, b, by=clerk)
    for kept, gone in ((a, a), (c, b)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Merge.objects.create(kept=kept, gone=gone, by=clerk)
    with pytest.raises(DatabaseError), transaction.atomic():
        made.delete()


# --- finding them


def test_pairs_are_found_by_birth_date_or_phone_with_a_similar_name():
    a = make_patient(last_name="Quigley", first_name="Ann", date_of_birth=BORN)
    b = make_patient(last_name="Quigly", first_name="Ann", date_of_birth=BORN, phone="+442079460123")
    c = make_patient(
        last_name="Quigly", first_name="Anne", date_of_birth=BORN + timedelta(days=900), phone="+442079460123"
    )
    make_patient(last_name="Other", first_name="Olaf", date_of_birth=BORN)
    make_patient(last_name="Zorn", first_name="Max", phone="+442079460123")
    found = {(x.pk, y.pk): reasons for x, y, reasons in merging.suspects()}
    assert found == {(a.pk, b.pk): ["same birth date"], (b.pk, c.pk): ["same phone"]}
    merging.merge(a, b, by=make_user())
    # The kept one has the other's phone now, and is still like the third; the one that is gone is no longer shown.
    assert [(x.pk, y.pk) for x, y, _reasons in merging.suspects()] == [(a.pk, c.pk)]


def test_they_are_found_by_two_queries(django_assert_num_queries):
    for _n in range(4):
        make_patient(last_name="Quigley", first_name="Ann", date_of_birth=BORN)
    with django_assert_num_queries(2):
        assert len(merging.suspects()) == 6
    assert len(merging.suspects(limit=3)) == 3
