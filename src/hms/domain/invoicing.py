"""Invoices: drafted from the visit, edited, issued. What is issued stays; domain.credit_notes takes it back."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pghistory
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from hms import money
from hms.domain import numbers, prices, printing
from hms.domain.settings import hospital
from hms.errors import DomainError, Stale
from hms.models import Appointment, Invoice, InvoiceLine, MedicalRecord, VisitService

Kind = InvoiceLine.Kind
Status = Invoice.Status
MOST_LINES = 200


class PriceChanged(DomainError):
    """The price list changed since the draft was made. ``changes``: ``[(line, price now), …]``; which one counts?"""

    def __init__(self, message, changes):
        super().__init__(message)
        self.changes = changes


# --- drafting


def draft_for_visit(appointment, *, by):
    """The draft of a completed visit: the doctor's fee under the follow-up rule, and what the doctor ticked.

    Made once: a draft that is there (the visit was reopened meanwhile) only gets what was ticked since. Returns it, or
    None if the visit has been invoiced already.
    """
    with transaction.atomic(), pghistory.context(user=by.pk, action="invoice.drafted"):
        if Invoice.objects.issued().filter(appointment=appointment).exclude(status=Status.CANCELLED).exists():
            return None
        invoice = Invoice.objects.select_for_update().filter(appointment=appointment, number=None).first()
        if invoice is None:
            invoice = _new(appointment.patient, appointment=appointment)
            invoice.save()
            _consultation(invoice, appointment)
        for ticked in VisitService.objects.filter(appointment=appointment, line=None).select_related("service"):
            _from_tick(invoice, ticked)
        return _sum(invoice, version=invoice.version)


def drop_untouched_draft(appointment, *, by):
    """The visit goes on: its draft goes, unless somebody worked on it. Refuses if the invoice has been issued."""
    # Locked before it is decided: somebody may be issuing the draft in this moment.
    invoices = list(Invoice.objects.select_for_update().filter(appointment=appointment))
    for invoice in invoices:
        if not invoice.is_draft and invoice.status != Status.CANCELLED:
            raise DomainError(
                _("Invoice %(number)s of this visit has been issued. Cancel it by a credit note first.")
                % {"number": invoice.number}
            )
    with pghistory.context(user=by.pk, action="invoice.discarded"):
        for invoice in invoices:
            if invoice.is_draft and invoice.version == 1:
                invoice.delete()


def new_draft(patient, *, by, appointment=None):
    """An empty draft by hand: something that no visit brought."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="invoice.drafted"):
        if appointment and appointment.patient_id != patient.pk:
            raise DomainError(_("This visit is another patient's."))
        if appointment:
            draft = Invoice.objects.filter(appointment=appointment, number=None).first()
            if draft:
                return draft
        invoice = _new(patient, appointment=appointment)
        invoice.save()
        return invoice


def _new(patient, *, appointment=None):
    doctor = appointment.doctor if appointment else None
    return Invoice(
        patient=patient,
        appointment=appointment,
        doctor=doctor,
        department_id=doctor.department_id if doctor else None,
        currency=hospital().currency,
        due_date=hospital().today() + timedelta(days=hospital().payment_days),
    )


def _consultation(invoice, appointment):
    doctor = appointment.doctor
    price, kind = money.rounded(doctor.consultation_fee, invoice.currency), Kind.CONSULTATION
    text = _("Consultation, %(doctor)s") % {"doctor": doctor}
    rule, earlier = prices.followed_up(appointment)
    if rule:
        kind, price = Kind.FOLLOW_UP, money.rounded(price * rule.percent / 100, invoice.currency)
        day = earlier.appointment_date.astimezone(hospital().zone)
        text = _("Follow-up of %(day)s, %(doctor)s") % {"day": f"{day:%d-%b-%Y}", "doctor": doctor}
    _line(
        invoice,
        kind=kind,
        text=text[:200],
        unit_price=price,
        tax_rate=hospital().fee_tax_rate,
        department_id=doctor.department_id,
    )


def _from_tick(invoice, ticked):
    service = ticked.service
    return _from_service(invoice, service, quantity=Decimal(ticked.quantity), ticked=ticked)


def _from_service(invoice, service, *, quantity, **extra):
    return _line(
        invoice,
        kind=Kind.SERVICE,
        service=service,
        code=service.code,
        text=service.name,
        quantity=quantity,
        unit_price=money.rounded(service.price, invoice.currency),
        tax_rate=service.tax_rate,
        department_id=service.department_id or invoice.department_id,
        **extra,
    )


def _line(invoice, *, unit_price, quantity=Decimal(1), discount=Decimal(0), **values):
    last = invoice.lines.aggregate(last=Max("position"))["last"] or 0
    if last >= MOST_LINES:
        raise DomainError(_("An invoice holds at most %(most)s lines.") % {"most": MOST_LINES})
    line = InvoiceLine(
        invoice=invoice,
        position=last + 1,
        unit_price=unit_price,
        quantity=quantity,
        discount=discount,
        net=net(quantity, unit_price, discount, invoice.currency),
        **values,
    )
    line.save()
    return line


def net(quantity, unit_price, discount, currency):
    """What a line comes to. Refuses a discount above its price, and more than an invoice can hold."""
    gross = money.rounded(quantity * unit_price, currency)
    if discount > gross:
        raise DomainError(_("The discount is more than the line's price."), field="discount")
    if gross > money.MOST:
        raise DomainError(
            _("This is more than %(most)s.") % {"most": money.shown(money.MOST, currency)}, field="unit_price"
        )
    return gross - discount


def totals(lines, currency):
    """``(amount, tax, tax table)`` of lines: what every document adds up to."""
    table = money.tax_table([(line.tax_rate, line.net) for line in lines], currency)
    return sum((row[1] for row in table), Decimal(0)), sum((row[2] for row in table), Decimal(0)), table


def _sum(invoice, *, version=None):
    """Write the sums of the lines; the version goes on, unless told to stay."""
    invoice.amount, invoice.tax_amount, _table = totals(invoice.lines.all(), invoice.currency)
    invoice.total_amount = invoice.amount + invoice.tax_amount
    if invoice.total_amount > money.MOST:
        raise DomainError(
            _("An invoice comes to at most %(most)s.") % {"most": money.shown(money.MOST, invoice.currency)}
        )
    invoice.version = version or invoice.version + 1
    invoice.save(update_fields=["amount", "tax_amount", "total_amount", "version"])
    return invoice


# --- what the doctor ticks


def visit_day(appointment):
    """The hospital's calendar day of a visit: its prices are charged."""
    return appointment.appointment_date.astimezone(hospital().zone).date()


def tick_service(appointment, service, *, by, quantity=1):
    """The doctor did this at the visit. Ticked again, the quantity changes; a draft that is there follows."""
    with _ticking(appointment, by, "service.ticked") as invoice:
        if not 1 <= quantity <= 999:
            raise DomainError(_("Write a quantity from 1 to 999."), field="quantity")
        if not service.is_valid_on(visit_day(appointment)):
            raise DomainError(_("%(service)s is not on the price list of that day.") % {"service": service.name})
        ticked, made = VisitService.objects.get_or_create(
            appointment=appointment, service=service, defaults={"quantity": quantity, "ticked_by": by}
        )
        if not made:
            ticked.quantity, ticked.ticked_by = quantity, by
            ticked.save(update_fields=["quantity", "ticked_by"])
        if invoice:
            line = InvoiceLine.objects.filter(ticked=ticked).first()
            if line:
                line.quantity = Decimal(quantity)
                line.net = net(line.quantity, line.unit_price, line.discount, invoice.currency)
                line.save(update_fields=["quantity", "net"])
            else:
                _from_tick(invoice, ticked)
            _sum(invoice)
        return ticked


def untick_service(appointment, service, *, by):
    """It was not done after all."""
    with _ticking(appointment, by, "service.unticked") as invoice:
        ticked = VisitService.objects.filter(appointment=appointment, service=service).first()
        if ticked is None:
            return
        InvoiceLine.objects.filter(ticked=ticked, invoice__number=None).delete()
        ticked.delete()
        if invoice:
            _sum(invoice)


@contextmanager
def _ticking(appointment, by, action):
    """Lock the visit, then its draft; refuse once the invoice has been issued."""
    with transaction.atomic(), pghistory.context(user=by.pk, action=action):
        appointment = Appointment.objects.select_for_update().get(pk=appointment.pk)
        if not appointment.is_live:
            raise DomainError(_("This appointment is cancelled or missed."))
        if MedicalRecord.objects.filter(appointment=appointment, amends=None, signed_at__isnull=False).exists():
            raise DomainError(_("The record of this visit is signed; the desk can still add to its invoice."))
        invoice = Invoice.objects.select_for_update().filter(appointment=appointment).order_by("-number").first()
        issued = Invoice.objects.issued().filter(appointment=appointment).exclude(status=Status.CANCELLED)
        if found := issued.first():
            raise DomainError(
                _("Invoice %(number)s of this visit has been issued; the desk can write another one.")
                % {"number": found.number}
            )
        yield invoice if invoice and invoice.is_draft else None


# --- editing a draft


@contextmanager
def _draft(invoice, by, action, version):
    """Lock and re-read a draft. Refuses an issued one, and one that somebody changed since ``version`` was read."""
    with transaction.atomic(), pghistory.context(user=by.pk, action=action):
        try:
            current = Invoice.objects.select_for_update().get(pk=invoice.pk)
        except Invoice.DoesNotExist:
            raise Stale(_("Somebody else has discarded this draft.")) from None
        if not current.is_draft:
            raise Stale(
                _("This invoice has been issued as %(number)s; it cannot be edited.") % {"number": current.number},
                current=current,
            )
        if version is not None and version != current.version:
            raise Stale(
                _("Somebody else changed this draft meanwhile. What you typed is kept; compare, and send it again."),
                current=current,
            )
        yield current


def edit(invoice, *, by, version=None, head=None, lines=None, removed=(), added=None):
    """Everything that one look at a draft changed, in one go.

    ``head``: ``bill_to`` and ``note``; ``lines``: ``{line id: {text, quantity, unit_price, tax_rate, discount,
    discount_reason}}``; ``removed``: line ids; ``added``: a new line, ``{service}`` or ``{text, unit_price, …}``.
    A refusal names its line by ``error.line`` (an id, or "new").
    """
    with _draft(invoice, by, "invoice.edited", version) as draft:
        found = {line.pk: line for line in draft.lines.all()}
        for pk, values in (lines or {}).items():
            with _refusing(pk):
                if pk not in found:
                    raise Stale(_("Somebody else has removed this line."), current=draft)
                if pk not in removed:
                    _change(draft, found[pk], values, by)
        draft.lines.filter(pk__in=removed).delete()
        if added:
            with _refusing("new"):
                _add(draft, added)
        if head:
            draft.bill_to, draft.note = head["bill_to"].strip()[:500], " ".join(head["note"].split())[:500]
            draft.save(update_fields=["bill_to", "note"])
        return _sum(draft)


@contextmanager
def _refusing(line):
    try:
        yield
    except DomainError as e:
        e.line = line
        raise


def _change(draft, line, values, by):
    before = (line.discount, line.gross)
    changed = [name for name, value in values.items() if getattr(line, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(line, name, values[name])
    line.text = _text(line.text)
    _check_quantity(line.quantity)
    prices.check_amount(line.unit_price, field="unit_price")
    prices.check_amount(line.discount, field="discount")
    line.net = net(line.quantity, line.unit_price, line.discount, draft.currency)
    line.discount_reason = " ".join(line.discount_reason.split())[:200] if line.discount else ""
    if (line.discount, line.gross) != before or (line.discount and not line.discount_reason):
        _check_discount(line, by)
    line.save()


def _add(draft, added):
    quantity = added.get("quantity", Decimal(1))
    _check_quantity(quantity)
    if service := added.get("service"):
        return _from_service(draft, service, quantity=quantity)
    unit_price = added.get("unit_price")
    if unit_price is None:
        raise DomainError(_("This is no code of the price list; write its price too."), field="unit_price")
    prices.check_amount(unit_price, field="unit_price")
    return _line(
        draft,
        text=_text(added["text"]),
        unit_price=unit_price,
        quantity=quantity,
        tax_rate=added.get("tax_rate") or Decimal(0),
        department_id=draft.department_id,
    )


def add_service(invoice, service, *, by, quantity=Decimal(1), version=None):
    """A service of the price list, at its price."""
    return edit(invoice, by=by, version=version, added={"service": service, "quantity": quantity})


def add_line(invoice, *, text, unit_price, by, quantity=Decimal(1), tax_rate=Decimal(0), version=None):
    """Something that is not on the price list."""
    added = {"text": text, "unit_price": unit_price, "quantity": quantity, "tax_rate": tax_rate}
    return edit(invoice, by=by, version=version, added=added)


def change_line(invoice, line, *, by, version=None, **changes):
    """Change ``text``, ``quantity``, ``unit_price``, ``tax_rate``, ``discount`` or ``discount_reason`` of a line."""
    return edit(invoice, by=by, version=version, lines={line.pk: changes})


def remove_line(invoice, line, *, by, version=None):
    """Take a line off a draft."""
    return edit(invoice, by=by, version=version, removed=[line.pk])


def discard(invoice, *, by, version=None):
    """Throw a draft away; what the doctor ticked stays ticked, and the history keeps what it held."""
    with _draft(invoice, by, "invoice.discarded", version) as draft:
        draft.delete()


def _text(text):
    text = " ".join(text.split())
    if not text:
        raise DomainError(_("Write what is charged."), field="text")
    return text[:200]


def _check_quantity(quantity):
    if not 0 < quantity <= Decimal("9999.99"):
        raise DomainError(_("The quantity is above zero and at most 9999.99."), field="quantity")
    if quantity != quantity.quantize(Decimal("0.01")):
        raise DomainError(_("A quantity has at most two decimals."), field="quantity")


def _check_discount(line, by):
    if not line.discount:
        line.discount_by = None
        return
    if not line.discount_reason:
        raise DomainError(_("Say why there is a discount."), field="discount_reason")
    limit = hospital().discount_limit
    if not by.is_admin and line.discount > line.gross * limit / 100:
        raise DomainError(
            _("The desk may take off at most %(limit)s %% of a line; an administrator more.")
            % {"limit": f"{limit.normalize():f}"},
            field="discount",
        )
    line.discount_by = by


# --- issuing


def price_changes(invoice):
    """``[(line, price now), …]``: services whose price on the day of the visit differs from what the draft says."""
    day = visit_day(invoice.appointment) if invoice.appointment_id else hospital().today()
    changes = []
    for line in invoice.lines.filter(service__isnull=False).select_related("service"):
        now = prices.find(line.code, day)
        if now and (now.price, now.tax_rate) != (line.unit_price, line.tax_rate):
            changes.append((line, now))
    return changes


def issue(invoice, *, by, version=None, prices_seen=False):
    """Number a draft, copy what is printed, and owe it. One that comes to nothing is paid at once.

    Raises PriceChanged if the price list says otherwise by now, unless ``prices_seen`` (the draft's own prices count).
    """
    with _draft(invoice, by, "invoice.issued", version) as draft:
        lines = list(draft.lines.all())
        if not lines:
            raise DomainError(_("There is nothing on this draft yet."))
        visit = draft.appointment
        if visit and visit.status != Appointment.Status.COMPLETED:
            raise DomainError(_("The visit is not over yet."))
        if not prices_seen and (changes := price_changes(draft)):
            raise PriceChanged(_("The price list has changed since this was drafted."), changes)
        if draft.currency != hospital().currency:
            raise DomainError(_("This draft is in %(currency)s.") % {"currency": draft.currency})
        today = hospital().today()
        draft.issued_on, draft.issued_by = today, by
        draft.due_date = today + timedelta(days=hospital().payment_days)
        draft.printed = printing.copy_for(draft)
        if draft.total_amount == 0:
            draft.status, draft.paid_date = Status.PAID, today
        draft.year = today.year
        draft.serial = numbers.take(numbers.Series.INVOICE, draft.year)  # last: others wait from here
        draft.number = numbers.text("", draft.year, draft.serial)
        draft.save()
        return draft


def take_list_prices(invoice, *, by, version=None):
    """The draft follows the price list as it is now, discounts as far as they still fit."""
    with _draft(invoice, by, "invoice.prices_renewed", version) as draft:
        for line, service in price_changes(draft):
            line.service, line.unit_price, line.tax_rate = service, service.price, service.tax_rate
            gross = money.rounded(line.quantity * line.unit_price, draft.currency)
            line.discount = min(line.discount, gross)
            line.net = gross - line.discount
            line.save()
        return _sum(draft)


def open_drafts():
    """What is left to issue: drafts of visits that are over, and those made by hand."""
    return Invoice.objects.drafts().filter(Q(appointment=None) | Q(appointment__status=Appointment.Status.COMPLETED))
