"""Overdue: computed from the due date wherever it counts. Here the stored status is brought along."""

from datetime import timedelta

from django.utils.translation import gettext as _

from hms.domain import outbox, payments
from hms.domain.settings import hospital
from hms.models import Invoice
from hms.templatetags.hms import money as shown

STEPS = (7, 21, 42)  # days after the due date


def sweep():
    """Mark what is overdue today; returns how many. Lists and totals are right without it."""
    today = hospital().today()
    return Invoice.objects.overdue(today).filter(status=Invoice.Status.PENDING).update(status=Invoice.Status.OVERDUE)


def remind():
    """Post the reminders that are due: each step once for each invoice, never for what has been paid. How many."""
    today, sent = hospital().today(), 0
    for step, days in enumerate(STEPS, 1):
        latest = today - timedelta(days=days)
        # Not those whose step came long ago, before there was anybody to remind.
        due = Invoice.objects.overdue(today).filter(due_date__lte=latest, due_date__gt=latest - timedelta(days=7))
        for invoice in due.with_people():
            left = payments.balance(invoice)
            user = invoice.patient.user
            if left > 0 and outbox.post(
                kind="invoice.reminded",
                to=user.email,
                user=user,
                subject=_("Reminder: invoice %(number)s") % {"number": invoice.number},
                text=_(
                    "Dear %(name)s,\n\n%(left)s of invoice %(number)s was due on %(day)s. Please pay it, or call us."
                )
                % {
                    "name": user,
                    "left": shown(left, invoice.currency),
                    "number": invoice.number,
                    "day": f"{invoice.due_date:%d-%b-%Y}",
                },
                key=f"invoice:{invoice.pk}:reminder:{step}",
            ):
                sent += 1
    return sent
