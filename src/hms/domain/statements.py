"""A patient's account between two days, with the balance after each row; and what of it is due."""

from collections import namedtuple
from decimal import Decimal

from hms.domain import payments

Statement = namedtuple("Statement", "first last opening rows closing charged received")
Row = namedtuple("Row", "day what number charged received balance")  # one of charged and received is None


def statement(patient, first, last):
    """What moved the patient's balance from ``first`` to ``last``, both included, oldest first.

    Above zero the patient owes, below zero the hospital does. ``charged`` and ``received`` are what went up and down.
    """
    rows = [
        Row(day, what, number, amount if amount >= 0 else None, -amount if amount < 0 else None, balance)
        for day, what, number, amount, balance in payments.account(patient)
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
