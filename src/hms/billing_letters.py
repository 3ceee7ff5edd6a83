"""Billing's mails, each with its PDF: asked for at the desk or by the clock, written by a job, sent by the outbox.

What is asked for carries a key of the form that asked: pressed twice it is sent once, asked for again later it goes
again. A key is in the job and in the letter, so that a job that runs twice writes once.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from hms import account_papers, documents, jobs
from hms.domain import audit, outbox, payments, reminding
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.templatetags.hms import clinical_date
from hms.templatetags.hms import money as shown

LONGEST_KEY = 64


def _check(patient, key):
    user = patient.user
    if not user.email or not user.is_active:
        raise DomainError(_("%(name)s has no e-mail address: print it instead.") % {"name": user.formal_name})
    if not 0 < len(key) <= LONGEST_KEY:
        raise DomainError(_("This form is too old. Reload the page."))


def mail_invoice(invoice, *, by, key):
    """Queue the mailing of an issued invoice to its patient; the same key once."""
    if invoice.is_draft:
        raise DomainError(_("A draft is not mailed; issue it first."))
    _check(invoice.patient, key)
    with transaction.atomic():
        audit.viewed(invoice.patient, by=by, action="invoice.mailed")
        jobs.later("billing.mail_invoice", once=f"invoice:{key}", invoice_id=invoice.pk, key=key)


def mail_receipt(payment, *, by, key):
    """Queue the mailing of a receipt to its patient; the same key once."""
    _check(payment.patient, key)
    with transaction.atomic():
        audit.viewed(payment.patient, by=by, action="receipt.mailed")
        jobs.later("billing.mail_receipt", once=f"receipt:{key}", payment_id=payment.pk, key=key)


# --- what the jobs do


def write_invoice(invoice, key):
    """The letter with an invoice; None if it was written before."""
    text = _("Hello,\n\nattached is invoice %(number)s, due on %(due)s.\n\n%(hospital)s")
    return _post("invoice.mailed", invoice.patient, _("Invoice %(number)s"), text, invoice, key, documents.invoice_pdf)


def write_receipt(payment, key):
    """The letter with a receipt; None if it was written before."""
    text = _("Hello,\n\nattached is receipt %(number)s.\n\n%(hospital)s")
    return _post("receipt.mailed", payment.patient, _("Receipt %(number)s"), text, payment, key, documents.receipt_pdf)


def _post(kind, patient, subject, text, document, key, paper):
    due = getattr(document, "due_date", None)
    words = {"number": document.number, "due": clinical_date(due), "hospital": hospital().name}
    return outbox.post(
        kind=kind,
        to=patient.user.email,
        user=patient.user,
        subject=subject % words,
        text=text % words,
        attachments=[(f"{document.number}.pdf", "application/pdf", paper(document))],
        key=f"{kind}:{document.pk}:{key}",
    )


def write_reminder(invoice, step):
    """One step of the reminders of an invoice, unless it was sent or the invoice has been paid meanwhile."""
    left = payments.balance(invoice)
    if left <= 0 or not invoice.is_overdue(hospital().today()):
        return None
    user = invoice.patient.user
    title = account_papers.titles()[step - 1]
    return outbox.post(
        kind="invoice.reminded",
        to=user.email,
        user=user,
        subject=_("%(title)s: invoice %(number)s") % {"title": title, "number": invoice.number},
        text=_(
            "Hello %(name)s,\n\n%(left)s of invoice %(number)s was due on %(due)s. The attached letter says more.\n"
            "You can see the invoice in the portal, or call us on %(phone)s.\n"
            "If you have paid meanwhile, thank you.\n\n%(hospital)s"
        )
        % {
            "name": user,
            "left": shown(left, invoice.currency),
            "number": invoice.number,
            "due": clinical_date(invoice.due_date),
            "phone": hospital().phone or "–",
            "hospital": hospital().name,
        },
        attachments=[
            (f"{invoice.number}-reminder-{step}.pdf", "application/pdf", account_papers.reminder_pdf(invoice, step))
        ],
        key=reminding.key(invoice.pk, step),
    )
