"""A reminder that somebody sends by hand, from the list of invoices."""

from collections import namedtuple

from django.db import transaction
from django.utils.translation import gettext as _

from hms.domain import audit, outbox
from hms.domain.settings import hospital

Done = namedtuple("Done", "sent again no_address")


def remind(invoices, *, by):
    """Mail the patients of these unpaid invoices, at most once a day for each. Returns how many, and why not others."""
    sent = again = no_address = 0
    today = hospital().today()
    with transaction.atomic():
        for invoice in invoices.select_related("patient__user"):
            user = invoice.patient.user
            if not user.email or not user.is_active:
                no_address += 1
                continue
            mail = outbox.post(
                kind="invoice.reminded",
                to=user.email,
                user=user,
                subject=_("Reminder: invoice %(number)s") % {"number": invoice.number},
                text=_text(invoice),
                key=f"invoice.reminded:{invoice.pk}:{today:%Y-%m-%d}",
            )
            if mail is None:
                again += 1
                continue
            sent += 1
            audit.viewed(invoice.patient, by=by, action="invoice.reminded")
    return Done(sent, again, no_address)


def _text(invoice):
    # Amounts and what was done stay out of mails: the portal shows them to whoever signs in.
    return _(
        "Hello,\n\ninvoice %(number)s of %(issued)s is due on %(due)s and not yet paid.\n"
        "Sign in to the portal to see it, or call us on %(phone)s.\n"
        "If you have paid meanwhile, thank you.\n\n%(hospital)s"
    ) % {
        "number": invoice.number,
        "issued": f"{invoice.issued_on:%d-%b-%Y}",
        "due": f"{invoice.due_date:%d-%b-%Y}",
        "phone": hospital().phone or "–",
        "hospital": hospital().name,
    }
