"""Taking an issued invoice back, wholly or in part, by a second document."""

from decimal import Decimal

import pghistory
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from hms import money
from hms.domain import numbers, prices, printing
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine


def left(invoice):
    """``[(line, net not credited yet), …]`` of an invoice, in its order."""
    lines = list(invoice.lines.all())
    taken = dict(
        CreditNoteLine.objects.filter(line__in=lines).values("line").annotate(net=Sum("net")).values_list("line", "net")
    )
    return [(line, line.net - taken.get(line.pk, Decimal(0))) for line in lines]


def credited(invoice):
    """The sum of the invoice's credit notes, tax included."""
    return invoice.credit_notes.aggregate(total=Sum("total_amount"))["total"] or Decimal(0)


def _tax(rows, currency):
    return sum((tax for _rate, _net, tax in money.tax_table(rows, currency)), Decimal(0))


def cancel(invoice, *, reason, by):
    """Take back all that is left of an issued invoice; it is cancelled by that."""
    return credit(invoice, amounts=None, reason=reason, by=by)


def credit(invoice, *, amounts, reason, by):
    """Write a credit note over ``{line id: amount before tax}``; None means all that is left.

    What is left of the invoice is taxed like an invoice over just that, so the tax that is taken back is the
    difference. With nothing left the invoice is cancelled.
    """
    with transaction.atomic(), pghistory.context(user=by.pk, action="invoice.credited"):
        invoice = Invoice.objects.select_for_update().select_related("patient__user").get(pk=invoice.pk)
        reason = " ".join(reason.split())[:200]
        if invoice.is_draft:
            raise DomainError(_("A draft is discarded, not credited."))
        if invoice.status == Invoice.Status.CANCELLED:
            raise DomainError(_("This invoice is already cancelled."))
        if not reason:
            raise DomainError(_("Say why it is taken back."), field="reason")
        before = left(invoice)
        taken = _amounts(invoice, before, amounts)
        after = [(line, rest - taken.get(line.pk, 0)) for line, rest in before]
        tax = _tax([(x.tax_rate, rest) for x, rest in before], invoice.currency) - _tax(
            [(x.tax_rate, rest) for x, rest in after], invoice.currency
        )
        amount = sum(taken.values(), Decimal(0))
        if amount + tax <= 0:
            raise DomainError(_("There is nothing to take back."))
        note = _write(invoice, taken, amount, tax, reason, by)
        if not any(rest for _line, rest in after):
            invoice.status, invoice.paid_date = Invoice.Status.CANCELLED, None
            invoice.save(update_fields=["status", "paid_date"])
        _settle(invoice, by)
        return note


def _amounts(invoice, before, amounts):
    if amounts is None:
        return {line.pk: rest for line, rest in before if rest}
    rests = {line.pk: (line, rest) for line, rest in before}
    for pk, amount in amounts.items():
        if pk not in rests:
            raise DomainError(_("This line is not of this invoice."))
        prices.check_amount(amount, field=f"line_{pk}")
        line, rest = rests[pk]
        if amount > rest:
            raise DomainError(
                _("Of “%(text)s” only %(rest)s is left to take back.")
                % {"text": line.text, "rest": money.shown(rest, invoice.currency)},
                field=f"line_{pk}",
            )
    return {pk: amount for pk, amount in amounts.items() if amount}


def _write(invoice, taken, amount, tax, reason, by):
    today = hospital().today()
    printed = invoice.printed | {"hospital": printing.hospital_lines(), "issued_by": str(by)}
    serial = numbers.take(numbers.Series.CREDIT_NOTE, today.year)
    note = CreditNote.objects.create(
        invoice=invoice,
        number=numbers.text("C", today.year, serial),
        year=today.year,
        serial=serial,
        amount=amount,
        tax_amount=tax,
        total_amount=amount + tax,
        reason=reason,
        issued_on=today,
        issued_by=by,
        printed=printed,
    )
    CreditNoteLine.objects.bulk_create(
        CreditNoteLine(credit_note=note, line_id=pk, net=net) for pk, net in sorted(taken.items())
    )
    return note


# What the ledger does once an invoice is worth less: money paid above it becomes the patient's credit, and what is
# paid wholly by now is paid. domain.payments appends itself: ``f(invoice, by=)``, in the same transaction.
AFTER = []


def _settle(invoice, by):
    for follow in AFTER:
        follow(invoice, by=by)


def tax_rows(note):
    """The tax table of a credit note: ``[(rate, net, tax), …]``, tax being what the invoice's fell by."""
    earlier = {}
    for net in CreditNoteLine.objects.filter(line__invoice=note.invoice_id, credit_note__lt=note.pk).select_related(
        "line"
    ):
        earlier[net.line_id] = earlier.get(net.line_id, Decimal(0)) + net.net
    taken = {row.line_id: row.net for row in note.lines.all()}
    lines = list(InvoiceLine.objects.filter(invoice=note.invoice_id))
    currency = note.invoice.currency
    before = money.tax_table([(x.tax_rate, x.net - earlier.get(x.pk, 0)) for x in lines], currency)
    after = {
        rate: (net, tax)
        for rate, net, tax in money.tax_table(
            [(x.tax_rate, x.net - earlier.get(x.pk, 0) - taken.get(x.pk, 0)) for x in lines], currency
        )
    }
    rows = [(rate, net - after[rate][0], tax - after[rate][1]) for rate, net, tax in before]
    return [row for row in rows if row[1] or row[2]]
