"""Plain functions that make what tests need. Used by every test suite, and by nothing else."""

import json
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count

from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from hms.domain import invoicing, numbers, printing
from hms.domain.settings import forget, hospital
from hms.models import (
    Appointment,
    Department,
    Doctor,
    Hospital,
    Invoice,
    MedicalRecord,
    Patient,
    Service,
    User,
    WorkingHours,
)

PASSWORD = "correct-horse-battery"
_numbers = count(1)


@contextmanager
def for_many_tests(blocker):
    """A transaction around every test of a class or a module; each test's own lies in it and is taken back as ever.

    For fixtures of that scope, which ask for ``django_db_setup`` and give ``django_db_blocker``; not beside tests with
    transactions of their own.
    """
    with blocker.unblock(), transaction.atomic():
        forget()
        yield
        transaction.set_rollback(True)
    forget()


def make_user(role="RECEPTIONIST", **fields):
    """A user who can sign in with PASSWORD."""
    n = next(_numbers)
    fields = {"email": f"user{n}@hms.example", "first_name": "Una", "last_name": f"User{n}"} | fields
    user = User(role=role, **fields)
    # Hashing a password well takes 50 ms; tests that sign in by form ask for it.
    user.set_unusable_password()
    user.save()
    return user


def make_department(**fields):
    return Department.objects.create(**({"name": f"Department {next(_numbers)}"} | fields))


def make_doctor(*, works=True, user=None, department=None, **fields):
    """A doctor; with ``works`` every day from 08:00 until 18:00 in the hospital's time."""
    n = next(_numbers)
    user = user or make_user("DOCTOR", first_name="Dora", last_name=f"Doctor{n}")
    fields = {"license_number": f"L-{n}", "specialization": "General medicine", "consultation_fee": 80} | fields
    doctor = Doctor.objects.create(user=user, department=department or make_department(), **fields)
    if works:
        WorkingHours.objects.bulk_create(
            WorkingHours(doctor=doctor, weekday=day, start=time(8), end=time(18), valid_from=date(2020, 1, 1))
            for day in range(7)
        )
    return doctor


def make_patient(*, user=None, **fields):
    n = next(_numbers)
    names = {k: fields.pop(k) for k in ("first_name", "last_name", "email", "phone", "is_active") if k in fields}
    user = user or make_user("PATIENT", **({"first_name": "Pat", "last_name": f"Patient{n}"} | names))
    patient = Patient.objects.create(user=user, **({"date_of_birth": date(1980, 1, 31)} | fields))
    patient.refresh_from_db()
    return patient


def local(days=1, at="10:00"):
    """A moment ``days`` from the hospital's today, at this time on the wall."""
    hour, minute = map(int, at.split(":"))
    day = hospital().today() + timedelta(days=days)
    return datetime.combine(day, time(hour, minute), tzinfo=hospital().zone)


def make_it_midday():
    """Move the hospital to a time zone where it is about noon: "today" neither begins nor ends during the test."""
    offset = 12 - timezone.now().hour
    row = Hospital.objects.current()
    row.time_zone = f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"  # POSIX signs: west is plus
    row.save()
    return row


def make_appointment(*, patient=None, doctor=None, start=None, minutes=30, **fields):
    """An appointment tomorrow at ten, unless told otherwise, written past every rule but the database's."""
    appointment = Appointment.objects.create(
        patient=patient or make_patient(),
        doctor=doctor or make_doctor(),
        appointment_date=start or local(),
        duration=timedelta(minutes=minutes),
        **({"started_at": timezone.now()} if fields.get("status") == "IN_PROGRESS" else {}) | fields,
    )
    return Appointment.objects.with_people().get(pk=appointment.pk)


def make_invoice(*, patient=None, issued=True, amount=100, tax_rate=0, by=None, **fields):
    """An invoice of one line, issued unless told otherwise; ``fields`` (status, due_date, …) go past the verbs.

    Paid or overdue ones are just said to be so: no payment is made.
    """
    by = by or make_user()
    appointment = fields.pop("appointment", None)
    patient = patient or (appointment.patient if appointment else make_patient())
    invoice = Invoice(patient=patient, appointment=appointment, due_date=hospital().today())
    if appointment:
        invoice.doctor, invoice.department = appointment.doctor, appointment.doctor.department
    invoice.save()
    invoicing.add_line(invoice, text="Consultation", unit_price=Decimal(amount), tax_rate=Decimal(tax_rate), by=by)
    invoice.refresh_from_db()
    if not issued:
        return invoice
    today = hospital().today()
    values = {"issued_on": today, "issued_by": by, "due_date": today + timedelta(days=14)} | fields
    if values.get("status") == "PAID":
        values.setdefault("paid_date", today)
    for name, value in values.items():
        setattr(invoice, name, value)
    invoice.printed = printing.copy_for(invoice)
    invoice.year = invoice.issued_on.year
    invoice.serial = numbers.take("", invoice.year)
    invoice.number = numbers.text("", invoice.year, invoice.serial)
    invoice.save()
    return invoice


def make_service(*, code=None, price=25, tax_rate=0, valid_from=date(2020, 1, 1), **fields):
    n = next(_numbers)
    values = {"code": code or f"S{n}", "name": f"Service {n}", "price": price, "tax_rate": tax_rate}
    return Service.objects.create(**(values | {"valid_from": valid_from} | fields))


def make_record(appointment=None, *, signed=False, **fields):
    """A record of a visit (of a new one, unless told), written past every rule; ``signed`` by its doctor."""
    from hms.domain import records

    appointment = appointment or make_appointment(status="IN_PROGRESS")
    record = MedicalRecord.objects.create(
        patient=appointment.patient, doctor=appointment.doctor, appointment=appointment, **fields
    )
    return records.sign(record, by=appointment.doctor.user) if signed else record


def run_jobs(*, until=None):
    """Do every job that is due (by ``until``, now unless told), and those that these queue; returns their names.

    In the test's own transaction, one after the other; what a task raises, the test sees.
    """
    done = []
    while job := _next_job(until or timezone.now()):
        pk, name, arguments = job
        app.tasks[name].func(**arguments)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [pk])
        done.append(name)
    return done


def _next_job(until):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo'"
            " AND (scheduled_at IS NULL OR scheduled_at <= %s) ORDER BY id LIMIT 1",
            [until],
        )
        row = cursor.fetchone()
    return row and (row[0], row[1], row[2] if isinstance(row[2], dict) else json.loads(row[2]))


def make_history(patient, word, *, clerk=None):
    """Something of everything that can be kept of a patient, each text holding ``word``; drafts say ``draft-word``."""
    from hms.domain import allergies, audit, breakglass, credit_notes, outbox, payments, problems, records, shifts
    from hms.models import Diagnosis, Prescription, PrescriptionLine, Vitals, Wish

    clerk = clerk or make_user()
    visit = make_appointment(
        patient=patient, start=local(-9), status="IN_PROGRESS", reason=f"reason-{word}", notes=f"visit-notes-{word}"
    )
    doctor = visit.doctor.user
    texts = {name: f"{name}-{word}" for name in ("diagnosis", "treatment", "notes")}
    signed = make_record(visit, **texts)
    Appointment.objects.filter(pk=visit.pk).update(status="COMPLETED")
    draft = make_record(
        make_appointment(patient=patient, doctor=visit.doctor, start=local(-5), status="COMPLETED"),
        notes=f"draft-{word}",
    )
    for record, said in ((signed, word), (draft, f"draft-{word}")):
        PrescriptionLine.objects.create(
            prescription=Prescription.objects.create(record=record),
            patient=patient,
            drug_name=f"drug-{said}",
            dose="1 capsule",
            frequency="daily",
        )
        Diagnosis.objects.create(record=record, text=f"coded-{said}")
    records.sign(signed, by=doctor)
    records.addend(signed, text=f"addendum-{word}", by=doctor)
    Vitals.objects.create(patient=patient, taken_at=visit.appointment_date, taken_by=doctor, pulse=71)
    allergies.note(patient, substance=f"substance-{word}", by=doctor)
    problems.note(patient, text=f"problem-{word}", by=doctor)
    invoice = make_invoice(appointment=visit, by=clerk, note=f"note-{word}")
    credit_notes.credit(invoice, amounts={invoice.lines.get().pk: 1}, reason=f"credit-{word}", by=clerk)
    make_invoice(patient=patient, issued=False, by=clerk, note=f"draft-{word}")
    shifts.open_(by=clerk, opening_float=0)
    part = payments.Part("CARD", payments.balance(invoice))
    payments.take(patient=patient, parts=[part], invoices=[invoice], by=clerk, key=f"history-{patient.pk}")
    outbox.post(
        kind="visit.booked",
        to=patient.user.email,
        user=patient.user,
        subject=f"letter-{word}",
        text=f"Dear {patient.user}",
        key=f"history-{patient.pk}",
    )
    Wish.objects.create(patient=patient, kind="CORRECT", text=f"wish-{word}")
    breakglass.open_record(patient, reason=f"needed urgently, {word}", by=make_doctor().user)
    audit.viewed(patient, by=clerk)
    return invoice
