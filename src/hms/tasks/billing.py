"""Billing's mails."""

from datetime import date

from hms import billing_letters
from hms.domain import overdue
from hms.jobs import task
from hms.models import CreditNote, Invoice, Patient, Payment


@task("billing.mail_invoice")
def mail_invoice(invoice_id, key):
    """Mail an invoice with its PDF."""
    billing_letters.write_invoice(Invoice.objects.with_people().get(pk=invoice_id), key)


@task("billing.mail_receipt")
def mail_receipt(payment_id, key):
    """Mail a receipt with its PDF."""
    payment = Payment.objects.select_related("patient__user", "received_by").get(pk=payment_id)
    billing_letters.write_receipt(payment, key)


@task("billing.mail_credit_note")
def mail_credit_note(note_id, key):
    """Mail a credit note with its PDF."""
    note = CreditNote.objects.select_related("invoice__patient__user").get(pk=note_id)
    billing_letters.write_credit_note(note, key)


@task("billing.mail_statement")
def mail_statement(patient_id, first, last, key):
    """Mail a patient's account between two days with its PDF."""
    patient = Patient.objects.select_related("user").get(pk=patient_id)
    billing_letters.write_statement(patient, date.fromisoformat(first), date.fromisoformat(last), key)


@task("billing.remind")
def remind(invoice_id, step):
    """Mail one step of the reminders of an invoice; a job for each, so that none waits for another."""
    billing_letters.write_reminder(Invoice.objects.with_people().get(pk=invoice_id), step)


@task("billing.overdue", cron="20 5 * * *")
def overdue_(timestamp=None):
    """Each morning: mark what is overdue, and remind, each step once."""
    overdue.sweep()
    overdue.remind()
