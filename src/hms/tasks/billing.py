"""Billing's mails."""

from hms import documents
from hms.jobs import task
from hms.models import Invoice


@task("billing.mail_invoice")
def mail_invoice(invoice_id):
    """Mail an invoice with its PDF."""
    documents.send_invoice(Invoice.objects.with_people().get(pk=invoice_id))
