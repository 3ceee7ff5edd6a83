"""Billing's mails."""

from hms import billing_letters
from hms.domain import overdue
from hms.jobs import task
from hms.models import Invoice, Payment


@task("billing.mail_invoice")
def mail_invoice(invoice_id, key):
    """Mail an invoice with its PDF."""
    billing_letters.write_invoice(Invoice.objects.with_people().get(pk=invoice_id), key)


@task("billing.mail_receipt")
def mail_receipt(payment_id, key):
    """Mail a receipt with its PDF."""
    payment = Payment.objects.select_related("patient__user", "received_by").get(pk=payment_id)
    billing_letters.write_receipt(payment, key)


@task("billing.remind")
def remind(invoice_id, step):
    """Mail one step of the reminders of an invoice; a job for each, so that none waits for another."""
    billing_letters.write_reminder(Invoice.objects.with_people().get(pk=invoice_id), step)


@task("billing.overdue", cron="20 5 * * *")
def overdue_(timestamp=None):
    """Each morning: mark what is overdue, and remind, each step once."""
    overdue.sweep()
    overdue.remind()
