"""Reminders of unpaid invoices: three steps, each sent once with its PDF, by the clock or by hand from the list.

Whoever sends one by hand sends the next step, at most one a day; the clock then finds that step done. What is asked
for is computed when the letter is written, so a payment that came in meanwhile stops it.
"""

from collections import namedtuple

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from hms import jobs
from hms.domain import audit
from hms.domain.settings import hospital
from hms.models import OutboxMail

STEPS = 3
MOST = 500  # of one go over a list
# The rows to remind of, the longest overdue first; how many they are, and how many are left out, and why.
Plan = namedtuple("Plan", "rows ready again no_address")
# How many, and the patients whom no mail reaches.
Done = namedtuple("Done", "sent again not_due no_address")


def key(pk, step):
    """What keeps a step from being sent twice."""
    return f"invoice:{pk}:reminder:{step}"


def steps_sent(invoices):
    """``{invoice id: how many of its steps were sent}``, in one query."""
    keys = {key(invoice.pk, step): invoice.pk for invoice in invoices for step in range(1, STEPS + 1)}
    sent = dict.fromkeys((invoice.pk for invoice in invoices), 0)
    for found in OutboxMail.objects.filter(key__in=keys).values_list("key", flat=True):
        sent[keys[found]] = max(sent[keys[found]], int(found.rpartition(":")[2]))
    return sent


def sent_since(invoices, day):
    """The ids of those of which a reminder was sent on this calendar day or later."""
    begins, _ends = hospital().day_bounds(day)
    keys = {key(invoice.pk, step): invoice.pk for invoice in invoices for step in range(1, STEPS + 1)}
    sent = OutboxMail.objects.filter(key__in=keys, created_at__gte=begins)
    return {keys[found] for found in sent.values_list("key", flat=True)}


def queue(invoice, step):
    """Have one step written and mailed by a job of its own."""
    jobs.later("billing.remind", once=f"remind:{invoice.pk}:{step}", invoice_id=invoice.pk, step=step)


def plan(invoices):
    """What reminding of all of these would come to (Plan), asked in the database: a list may be long."""
    today = hospital().today()
    begins, _ends = hospital().day_bounds(today)

    def of(step):
        return Concat(Value("invoice:"), Cast(OuterRef("pk"), CharField()), Value(f":reminder:{step}"))

    steps = [OutboxMail.objects.filter(key=of(step)) for step in range(1, STEPS + 1)]
    done = Q(Exists(steps[-1]))
    for sent in steps:
        done |= Q(Exists(sent.filter(created_at__gte=begins)))
    late = invoices.overdue(today)
    reached = late.filter(patient__user__is_active=True).exclude(patient__user__email=None)
    ready = reached.exclude(done)
    counts = [rows.order_by().count() for rows in (late, reached, ready)]
    return Plan(ready.order_by("due_date", "pk"), counts[2], counts[1] - counts[2], counts[0] - counts[1])


def remind(invoices, *, by):
    """Queue the next reminder of each of these unpaid invoices; who is left out never stops the rest (Done)."""
    invoices = list(invoices.select_related("patient__user"))
    today, sent, no_address = hospital().today(), 0, []
    done, today_already = steps_sent(invoices), sent_since(invoices, today)
    again = not_due = 0
    with transaction.atomic():
        for invoice in invoices:
            user = invoice.patient.user
            if not invoice.is_overdue(today):
                not_due += 1
            elif not user.email or not user.is_active:
                no_address.append(invoice.patient)
            elif invoice.pk in today_already or done[invoice.pk] >= STEPS:
                again += 1
            else:
                step = done[invoice.pk] + 1
                audit.viewed(invoice.patient, by=by, action="invoice.reminded")
                queue(invoice, step)
                sent += 1
    return Done(sent, again, not_due, no_address)
