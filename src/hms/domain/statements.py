"""A patient's account between two days, with the balance after each row; and what of it is due."""

from collections import namedtuple
from decimal import Decimal

from django.utils.translation import gettext as _

from hms.domain.settings import hospital
from hms.models import CreditNote, Invoice, Payment

Statement = namedtuple("Statement", "first last opening rows closing charged received")
# One of charged and received is None; kind and pk name the document.
Row = namedtuple("Row", "day what number charged received balance kind pk")
Entry = namedtuple("Entry", "day what number amount balance kind pk")


def account(patient):
    """Everything that moved the patient's balance, oldest first: Entries.

    Invoices add to it, credit notes and payments take from it; below zero is credit.
    """
    rows = []
    for i in Invoice.objects.issued().filter(patient=patient):
        rows.append((i.issued_on, 0, _("Invoice"), i.number, i.total_amount, "invoice", i.pk))
    for c in CreditNote.objects.filter(invoice__patient=patient):
        rows.append((c.issued_on, 1, _("Credit note"), c.number, -c.total_amount, "credit_note", c.pk))
    zone = hospital().zone
    for p in Payment.objects.filter(patient=patient):
        day = p.received_at.astimezone(zone).date()
        rows.append((day, 2, p.get_kind_display(), p.number, -p.value, "payment", p.pk))
    rows.sort(key=lambda row: (row[0], row[1], row[3]))
    balance, found = Decimal(0), []
    for day, _order, what, number, amount, kind, pk in rows:
        balance += amount
        found.append(Entry(day, what, number, amount, balance, kind, pk))
    return found


def statement(patient, first, last):
    """What moved the patient's balance from ``first`` to ``last``, both included, oldest first.

    Above zero the patient owes, below zero the hospital does. ``charged`` and ``received`` are what went up and down.
    """
    rows = [
        Row(e.day, e.what, e.number, *((e.amount, None) if e.amount >= 0 else (None, -e.amount)), *e[4:])
        for e in account(patient)
    ]
    before = [row for row in rows if row.day < first]
    opening = before[-1].balance if before else Decimal(0)
    found = [row for row in rows if first <= row.day <= last]
    return Statement(
        first,
        last,
        opening,
        found,
        found[-1].balance if found else opening,
        sum((row.charged or 0 for row in found), Decimal(0)),
        sum((row.received or 0 for row in found), Decimal(0)),
    )
