"""Overdue: computed from the due date wherever it counts. Here the stored status is brought along."""

from datetime import timedelta

from hms.domain import reminding
from hms.domain.settings import hospital
from hms.models import Invoice

AFTER = (7, 21, 42)  # days after the due date on which each step of the reminders is due
WEEK = timedelta(days=7)


def sweep():
    """Mark what is overdue today; returns how many. Lists and totals are right without it."""
    today = hospital().today()
    return Invoice.objects.overdue(today).filter(status=Invoice.Status.PENDING).update(status=Invoice.Status.OVERDUE)


def remind():
    """Queue the reminders that are due by the clock; returns how many.

    A step that was sent by hand is done. Whoever missed one gets that first: nobody reads "second" before "first".
    """
    today, queued = hospital().today(), 0
    for step, days in enumerate(AFTER, 1):
        latest = today - timedelta(days=days)
        # Not those whose step came long ago, before there was anybody to remind.
        due = Invoice.objects.overdue(today).filter(due_date__lte=latest, due_date__gt=latest - WEEK)
        due = list(due.filter(patient__user__is_active=True, patient__user__email__isnull=False))
        sent, lately = reminding.steps_sent(due), reminding.sent_since(due, today - WEEK)
        for invoice in due:
            if sent[invoice.pk] < step and invoice.pk not in lately:
                reminding.queue(invoice, sent[invoice.pk] + 1)
                queued += 1
    return queued
