"""Billing's mails."""

from hms import documents
from hms.domain import overdue
from hms.jobs import task
from hms.models import Invoice


@task("billing.mail_invoice")
def mail_invoice(invoice_id):
    """Mail an invoice with its PDF."""
    documents.send_invoice(Invoice.objects.with_people().get(pk=invoice_id))


@task("billing.overdue", cron="20 5 * * *")
def overdue_(timestamp=None):
    """Each morning: mark what is overdue, and remind, each step once."""
    overdue.sweep()
    overdue.remind()
