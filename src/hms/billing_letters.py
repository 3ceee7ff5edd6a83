"""Billing's mails, each with its PDF: asked for at the desk or by the clock, written by a job, sent by the outbox.

What is asked for carries a key of the form that asked: pressed twice it is sent once, asked for again later it goes
again. A key is in the job and in the letter, so that a job that runs twice writes once.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from hms import account_papers, documents, jobs
from hms.domain import audit, outbox, payments, reminding, statements
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
    _queue("invoice", invoice.patient, by, key, invoice_id=invoice.pk)


def mail_receipt(payment, *, by, key):
    """Queue the mailing of a receipt to its patient; the same key once."""
    _queue("receipt", payment.patient, by, key, payment_id=payment.pk)


def mail_credit_note(note, *, by, key):
    """Queue the mailing of a credit note to its patient; the same key once."""
    _queue("credit_note", note.invoice.patient, by, key, note_id=note.pk)


def mail_statement(patient, first, last, *, by, key):
    """Queue the mailing of a patient's account between two days; the same key once."""
    _queue("statement", patient, by, key, patient_id=patient.pk, first=f"{first}", last=f"{last}")


def _queue(what, patient, by, key, **of):
    _check(patient, key)
    with transaction.atomic():
        audit.viewed(patient, by=by, action=f"{what}.mailed")
        jobs.later(f"billing.mail_{what}", once=f"{what}:{key}", key=key, **of)


# --- what the jobs do


def write_invoice(invoice, key):
    """The letter with an invoice; None if it was written before."""
    text = _("Hello,\n\nattached is invoice %(number)s, due on %(due)s.\n\n%(hospital)s")
    return _post("invoice.mailed", invoice.patient, _("Invoice %(number)s"), text, invoice, key, documents.invoice_pdf)


def write_receipt(payment, key):
    """The letter with a receipt; None if it was written before."""
    text = _("Hello,\n\nattached is receipt %(number)s.\n\n%(hospital)s")
    return _post("receipt.mailed", payment.patient, _("Receipt %(number)s"), text, payment, key, documents.receipt_pdf)


def write_credit_note(note, key):
    """The letter with a credit note; None if it was written before."""
    text = _("Hello,\n\nattached is credit note %(number)s.\n\n%(hospital)s")
    patient, paper = note.invoice.patient, documents.credit_note_pdf
    return _post("credit_note.mailed", patient, _("Credit note %(number)s"), text, note, key, paper)


def write_statement(patient, first, last, key):
    """The letter with a patient's account between two days; None if it was written before."""
    found = statements.statement(patient, first, last)
    days = {"first": clinical_date(first), "last": clinical_date(last), "hospital": hospital().name}
    return _letter(
        "statement.mailed",
        patient,
        _("Account statement, %(first)s to %(last)s") % days,
        _("Hello,\n\nattached is your account from %(first)s to %(last)s.\n\n%(hospital)s") % days,
        (f"statement-{last}.pdf", account_papers.statement_pdf(patient, found)),
        f"{patient.pk}:{key}",
    )


def _post(kind, patient, subject, text, document, key, paper):
    due = getattr(document, "due_date", None)
    words = {"number": document.number, "due": clinical_date(due), "hospital": hospital().name}
    attached = (f"{document.number}.pdf", paper(document))
    return _letter(kind, patient, subject % words, text % words, attached, f"{document.pk}:{key}")


def _letter(kind, patient, subject, text, attached, key):
    name, content = attached
    return outbox.post(
        kind=kind,
        to=patient.user.email,
        user=patient.user,
        subject=subject,
        text=text,
        attachments=[(name, "application/pdf", content)],
        key=f"{kind}:{key}",
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
