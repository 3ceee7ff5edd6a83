"""Taking money and giving it back. Locks, in this order everywhere: the key, the shift, the patient, invoices by id.

Every post carries a key. The same key with the same content finds what it made; with other content it is refused.
"""

import hashlib
import json
from collections import namedtuple
from decimal import Decimal

import pghistory
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from hms import money
from hms.domain import cash, credit_notes, numbers
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Allocation, CreditNote, Invoice, Payment, Shift

Kind, Method, Status = Payment.Kind, Payment.Method, Invoice.Status
PAYING = 5  # the first key of the two-key advisory lock: one at a time for each patient
KEYED = 6  # … and for each key of a post
MOST_PARTS = 6
LONGEST_KEY = 70  # room for the part's number behind it

Part = namedtuple("Part", "method amount tendered", defaults=[None])


class MoreThanOwed(DomainError):
    """More than the invoices ask for: ``over`` can be kept as the patient's credit if that is meant."""

    def __init__(self, over, currency):
        super().__init__(
            _("That is %(over)s more than is owed. Take less, or keep the rest as credit.")
            % {"over": money.shown(over, currency)},
            field="keep_rest",
        )
        self.over = over


def rest(invoice):
    """What an issued invoice still says: its total less its credit notes."""
    return invoice.total_amount - credit_notes.credited(invoice)


def paid(invoice):
    """What of the ledger is for this invoice."""
    return invoice.allocations.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def balance(invoice):
    """What is still to be paid of it; nothing of a draft or a cancelled one."""
    if invoice.is_draft or invoice.status == Status.CANCELLED:
        return Decimal(0)
    return rest(invoice) - paid(invoice)


def credit(patient):
    """The patient's money that is for no invoice yet."""
    value = Payment.objects.filter(patient=patient).aggregate(sum=Sum("value"))["sum"] or Decimal(0)
    used = Allocation.objects.filter(invoice__patient=patient).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    return value - used


def owed(patient):
    """``[(invoice, balance), …]`` of a patient, the oldest first, in one statement."""

    def of_invoice(model, field):
        rows = model.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice").annotate(sum=Sum(field))
        return Coalesce(Subquery(rows.values("sum")), Decimal(0))

    found = Invoice.objects.owed().filter(patient=patient).order_by("issued_on", "pk")
    found = found.annotate(credited=of_invoice(CreditNote, "total_amount"), paid=of_invoice(Allocation, "amount"))
    return [(i, left) for i in found if (left := i.total_amount - i.credited - i.paid) > 0]


def open_shift(user):
    """The clerk's open shift, or None."""
    return Shift.objects.filter(clerk=user, closed_at=None).first()


def take(*, patient, parts, invoices, by, key, keep_rest=False):
    """Take money in one or several Parts for these invoices, in their order; returns the Payments.

    A part in cash that says only what was tendered pays what is left to pay, and the rest is change.
    ``keep_rest``: what is above them becomes the patient's credit, else MoreThanOwed is raised.
    """
    parts = [part for part in parts if part.amount or (part.amount is None and part.tendered)]
    currency = hospital().currency
    if not parts:
        raise DomainError(_("Write how much was paid."), field="cash")
    if len(parts) > MOST_PARTS:
        raise DomainError(_("At most %(n)d parts at a time.") % {"n": MOST_PARTS})
    for part in parts:
        _check(part, currency)
    content = _fingerprint("take", patient.pk, [list(map(str, p)) for p in parts], [i.pk for i in invoices], keep_rest)
    return _once(key, content, lambda: _take(patient, parts, invoices, by, key, content, keep_rest))


def _check(part, currency):
    if part.method not in Method.values or part.method == Method.ROUNDING:
        raise DomainError(_("Choose how it was paid."), field="method")
    field = part.method.lower()
    if part.amount is not None:
        check_amount(part.amount, currency, field=field)
        if part.method == Method.CASH:
            cash.check(part.amount, field=field)
    if part.tendered is not None:
        check_amount(part.tendered, currency, field="tendered")
        if part.method != Method.CASH:
            raise DomainError(_("Only cash is tendered."), field="tendered")
        cash.check(part.tendered, field="tendered")
        if part.amount is not None and part.tendered < part.amount:
            raise DomainError(_("That is less than is to be paid. Write a smaller amount."), field="tendered")


def check_amount(amount, currency, field="amount"):
    """Refuse what is no amount of money: not above zero, finer than the smallest coin, beyond all reason."""
    if amount <= 0:
        raise DomainError(_("The amount must be above zero."), field=field)
    cash.check_unit(amount, currency, field=field)
    if amount > money.MOST:
        raise DomainError(_("That is too much for one payment."), field=field)


def _take(patient, parts, invoices, by, key, content, keep_rest):
    shift = _shift(by)
    locked = _lock(patient, invoices)
    wanted = [(invoice, balance(invoice)) for invoice in locked]
    for invoice, left in wanted:
        if invoice.status == Status.CANCELLED:
            raise DomainError(_("%(number)s is cancelled; nothing is owed for it.") % {"number": invoice})
        if left <= 0:
            raise DomainError(_("%(number)s has been paid already.") % {"number": invoice})
    asked = sum((left for _i, left in wanted), Decimal(0))
    parts = _worked_out(parts, asked)
    over = sum((p.amount for p in parts), Decimal(0)) - asked
    rounding = cash.rounding(sum((p.amount for p in parts if p.method == Method.CASH), Decimal(0)), over)
    if over + rounding > 0 and not keep_rest:
        raise MoreThanOwed(over, hospital().currency)
    made = [
        _write(patient, Kind.PAYMENT, p.method, p.amount, shift, by, f"{key}:{n}", content, tendered=p.tendered)
        for n, p in enumerate(parts)
    ]
    purse = [[payment, payment.value] for payment in made]
    if rounding:
        entry = next(entry for entry in purse if entry[0].method == Method.CASH)
        entry[1] += rounding  # it pays as much as it was rounded from
        made.append(_write_rounding(rounding, entry[0], shift, by, f"{key}:{len(parts)}", content))
    for invoice, left in wanted:
        for entry in purse:
            part = min(entry[1], left)
            if part > 0:
                Allocation.objects.create(invoice=invoice, payment=entry[0], amount=part, by=by)
                entry[1] -= part
                left -= part
        settle(invoice)
    return made


def _worked_out(parts, asked):
    """The parts with an amount each: of cash that was only tendered, what the others leave to pay."""
    left = cash.in_cash(asked - sum((p.amount for p in parts if p.amount is not None), Decimal(0)))
    if left <= 0 and any(p.amount is None for p in parts):
        raise DomainError(_("Nothing is left to pay in cash."), field="tendered")
    return [p if p.amount is not None else p._replace(amount=min(p.tendered, left)) for p in parts]


def apply_credit(invoice, *, by):
    """Pay an invoice from the patient's credit, as far as it goes; returns what was used."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="credit.applied"):
        (invoice,) = _lock(invoice.patient, [invoice])
        part = min(credit(invoice.patient), balance(invoice))
        if part <= 0:
            raise DomainError(_("There is no credit to use, or nothing to pay."))
        Allocation.objects.create(invoice=invoice, amount=part, by=by)
        settle(invoice)
        return part


def refund(payment, *, amount, by, key, reason):
    """Give back a part of a payment, by the method by which it came, out of the patient's credit.

    What is paid for an invoice becomes credit by a credit note. Cash comes out of the clerk's own drawer.
    """
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise DomainError(_("Say why it is given back."), field="reason")
    check_amount(amount, payment.currency)
    content = _fingerprint("refund", payment.pk, str(amount), reason)
    return _once(key, content, lambda: [_refund(payment, amount, by, key, content, reason)])[0]


def _refund(payment, amount, by, key, content, reason):
    shift = _shift(by)
    _lock(payment.patient, [])
    if payment.kind != Kind.PAYMENT or _reversed(payment):
        raise DomainError(_("Only a payment that stands can be given back."))
    left = refundable(payment)
    if amount > left:
        raise DomainError(
            _("Of this payment %(left)s can still be given back.") % {"left": money.shown(left, payment.currency)},
            field="amount",
        )
    have = credit(payment.patient)
    rounding = Decimal(0)
    if payment.method == Method.CASH:
        cash.check(amount)
        rounding = -cash.rounding(amount, amount - have)
    if amount - rounding > have:
        raise DomainError(
            _("Only %(have)s is not for an invoice. Take back the invoice by a credit note first.")
            % {"have": money.shown(have, payment.currency)},
            field="amount",
        )
    _enough_cash(shift, payment.method, amount)
    made = _write(
        payment.patient, Kind.REFUND, payment.method, -amount, shift, by, f"{key}:0", content, payment, reason
    )
    if rounding:
        _write_rounding(rounding, made, shift, by, f"{key}:1", content)
    return made


def kept(payment):
    """What of a payment was for no invoice when it was taken: the patient's credit."""
    if payment.kind != Kind.PAYMENT:
        return Decimal(0)
    rounding = cash.rounding_of(payment)
    used = sum((a.amount for a in payment.allocations.all() if a.amount > 0), Decimal(0))
    return payment.value + (rounding.value if rounding else 0) - used


def refundable(payment):
    """What of a payment was not given back yet."""
    given = Decimal(0)
    for row in payment.followed.filter(kind=Kind.REFUND):
        if not _reversed(row):
            given -= row.value
    return payment.value - given


def reverse(payment, *, by, key, reason):
    """Take back a row that was a mistake, by a second one; what it paid is owed again."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise DomainError(_("Say what the mistake was."), field="reason")
    content = _fingerprint("reverse", payment.pk, reason)
    return _once(key, content, lambda: [_reverse(payment, by, key, content, reason)])[0]


def _reverse(payment, by, key, content, reason):
    shift = _shift(by)
    rows = [row for row in (payment, cash.rounding_of(payment)) if row]
    invoices = list(Invoice.objects.filter(allocations__payment=payment).distinct())
    locked = _lock(payment.patient, invoices)
    if payment.kind == Kind.ROUNDING:
        raise DomainError(_("Rounding goes with its cash. Reverse that."))
    if payment.kind == Kind.REVERSAL:
        raise DomainError(_("A reversal is not reversed. Take the payment again."))
    if _reversed(payment):
        raise DomainError(_("This has been reversed already."))
    if payment.kind == Kind.PAYMENT and refundable(payment) != payment.value:
        raise DomainError(_("A part of it was given back. Reverse that first."))
    if payment.value > 0:
        _enough_cash(shift, payment.method, payment.value)
    for invoice in locked:
        mine = invoice.allocations.filter(payment=payment).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
        back = min(mine, paid(invoice))
        if back > 0:
            Allocation.objects.create(invoice=invoice, payment=payment, amount=-back, by=by)
            settle(invoice)
    if payment.value > 0 and credit(payment.patient) < sum(row.value for row in rows):
        raise DomainError(_("This money has been used for another invoice since. Reverse what came after it first."))
    made = [
        _write(row.patient, Kind.REVERSAL, row.method, -row.value, shift, by, f"{key}:{n}", content, row, reason)
        for n, row in enumerate(rows)
    ]
    return made[0]


def settle(invoice, by=None):
    """Bring an invoice's status along with what is paid of it; what is above its rest becomes credit."""
    left, have = rest(invoice), paid(invoice)
    if have > left:
        by = by or invoice.issued_by
        Allocation.objects.create(invoice=invoice, amount=left - have, by=by)
        have = left
    if invoice.status == Status.CANCELLED:
        return
    today = hospital().today()
    if have == left:
        status = Status.PAID
    else:
        status = Status.OVERDUE if invoice.due_date < today else Status.PENDING
    if status != invoice.status:
        invoice.status = status
        invoice.paid_date = today if status == Status.PAID else None
        invoice.save(update_fields=["status", "paid_date"])


def _after_credit_note(invoice, *, by):
    settle(invoice, by=by)


credit_notes.AFTER.append(_after_credit_note)


def _shift(by):
    shift = Shift.objects.select_for_update().filter(clerk=by, closed_at=None).first()
    if shift is None:
        raise DomainError(_("You have no open shift. Open your drawer first."), field="shift")
    return shift


def drawer(shift):
    """The cash that should be in the drawer."""
    taken = shift.payments.filter(method=Method.CASH).aggregate(sum=Sum("value"))["sum"] or Decimal(0)
    return shift.opening_float + taken


def _enough_cash(shift, method, amount):
    if method == Method.CASH and amount > drawer(shift):
        raise DomainError(_("There is not so much cash in your drawer."), field="amount")


def _lock(patient, invoices):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PAYING, patient.pk % 2**31])
    pks = [invoice.pk for invoice in invoices]
    rows = {i.pk: i for i in Invoice.objects.select_for_update().filter(pk__in=pks).order_by("pk")}
    for pk in pks:
        if pk not in rows or rows[pk].patient_id != patient.pk or rows[pk].is_draft:
            raise DomainError(_("This invoice is not there, or not issued."))
    return [rows[pk] for pk in dict.fromkeys(pks)]


def _reversed(payment):
    return payment.followed.filter(kind=Kind.REVERSAL).exists()


def _write(patient, kind, method, value, shift, by, key, content, of=None, reason="", tendered=None):
    year = hospital().today().year
    number = numbers.text("R", year, numbers.take(numbers.Series.RECEIPT, year))
    return Payment.objects.create(
        patient=patient, kind=kind, method=method, value=value, shift=shift, received_by=by, key=key,
        fingerprint=content, of=of, reason=reason, number=number, tendered=tendered,
    )  # fmt: skip


def _write_rounding(value, of, shift, by, key, content):
    return _write(of.patient, Kind.ROUNDING, Method.ROUNDING, value, shift, by, key, content, of)


def _fingerprint(*content):
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def _once(key, content, make):
    """What this key made before, or what ``make`` makes now."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise DomainError(_("This form is too old. Reload the page."))
    with transaction.atomic(), pghistory.context(action="payment.taken"):
        # The second of two equal posts waits here: what it asks for has been done when its turn comes, and what it
        # would pay is paid, so nothing else may be looked at first.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [KEYED, key])
        return _there(key, content) or make()


def _of_post(key):
    rows = Payment.objects.filter(key__startswith=f"{key}:").order_by("pk")
    return [row for row in rows if row.key.rpartition(":")[0] == key]


def together(payment):
    """The other rows of money that were made by the same post."""
    rows = _of_post(payment.key.rpartition(":")[0])
    return [row for row in rows if row.pk != payment.pk and row.kind != Kind.ROUNDING]


def _there(key, content):
    rows = _of_post(key)
    if rows and rows[0].fingerprint != content:
        raise DomainError(_("This form was sent before with other amounts. Nothing was taken now: reload the page."))
    return rows
