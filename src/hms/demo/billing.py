"""The demo's invoices and money: what was charged for each visit that is over, and how much of it has come in.

Written at once and past the verbs, because it happened on days gone by; equal to what they would have written. What
the database checks at commit (sums, numbers without a gap, paid by the ledger) is checked of these rows too. A later
run bills the visits that have ended since; invoices, drawers and payments that are there stay as they are.
"""

import random
from collections import defaultdict
from datetime import UTC, timedelta
from decimal import Decimal
from itertools import groupby

from django.apps import apps
from django.db import connection
from django.db.models import Max

from hms import money
from hms.demo import history
from hms.demo.clock import at, day_of
from hms.domain import invoicing, numbers, printing, shifts
from hms.domain.settings import hospital
from hms.models import (
    Allocation,
    Appointment,
    CreditNote,
    CreditNoteLine,
    DocumentCounter,
    FollowUpRule,
    Invoice,
    InvoiceLine,
    Payment,
    Service,
    Shift,
    VisitService,
)

Status, Kind, Method = Invoice.Status, InvoiceLine.Kind, Payment.Method
MINUTE = timedelta(minutes=1)
FLOAT = Decimal(100)  # in each drawer in the morning
ZERO = Decimal(0)


def load(seed, doctors, desk, now):
    """Bill what has ended by ``now``; returns how many invoices and payments were made."""
    return _Billing(seed, doctors, desk, now.astimezone(UTC)).run()


class _Billing:
    def __init__(self, seed, doctors, desk, now):
        self.seed, self.now, self.today = seed, now, day_of(now)
        self.doctors = {d.pk: d for d in doctors}
        # Who has a drawer open keeps it: those are theirs.
        self.first = not Shift.objects.exists()
        self.desk = [c for c in desk if not Shift.objects.filter(clerk=c, closed_at=None).exists()]
        self.clerk = desk[0]
        self.currency = hospital().currency
        self.since = self._last_closed()
        self.services = list(Service.objects.select_related("department"))
        self.rules = {r.department_id: r for r in FollowUpRule.objects.all()}
        self.lines, self.ticks, self.payments, self.allocations = [], [], [], []
        self.credits, self.credit_lines, self.shifts = [], [], []

    def _last_closed(self):
        last = Shift.objects.aggregate(last=Max("closed_at"))["last"]
        return day_of(last) if last else None

    def run(self):
        visits = self._visits()
        if not visits:
            return 0, 0
        invoices = self._draft(visits)
        issued = sorted((i for i in invoices if i.issued_on), key=lambda i: (i.issued_on, i.created_at))
        self._number(issued, Invoice, "", "issued_on")
        for invoice in issued:
            invoice.printed = printing.copy_for(invoice)
            self._pay(invoice)
        self._drawers()
        self._save(invoices)
        return len(invoices), len(self.payments)

    def _visits(self):
        mine = apps.get_model("hms", "AppointmentEvent").objects.filter(pgh_label="insert", pgh_context__has_key="demo")
        rows = Appointment.objects.filter(
            pk__in=mine.values("pgh_obj_id"), status="COMPLETED", doctor__in=self.doctors, invoice=None,
            ended_at__lte=self.now,
        )  # fmt: skip
        return list(rows.select_related("patient__user").order_by("ended_at", "pk"))

    # --- invoices

    def _draft(self, visits):
        full = self._full_fees()
        made = []
        for visit in visits:
            doctor = visit.doctor = self.doctors[visit.doctor_id]
            rng = random.Random(f"{self.seed}:bill:{doctor.license_number}:{visit.appointment_date.isoformat()}")  # noqa: S311
            day = day_of(visit.ended_at)
            invoice = Invoice(
                patient=visit.patient, appointment=visit, doctor=doctor, department=doctor.department,
                currency=self.currency, created_at=visit.ended_at.astimezone(UTC), status=Status.PENDING,
                due_date=day + timedelta(days=hospital().payment_days), bill_to="", note="", printed={}, version=1,
            )  # fmt: skip
            invoice.rng = rng
            lines = self._lines(invoice, visit, day, rng, full)
            invoice.amount, invoice.tax_amount, _table = invoicing.totals(lines, self.currency)
            invoice.total_amount = invoice.amount + invoice.tax_amount
            age = (self.today - day).days
            if rng.random() >= (0.65 if age < 1 else 0.3 if age < 2 else 0.02 if age < 12 else 0):
                invoice.issued_on, invoice.issued_by = day, rng.choice(self.desk or [self.clerk])
            made.append(invoice)
        return made

    def _full_fees(self):
        """``{(doctor, patient): day of the last visit at the full fee}`` of what has been billed already."""
        rows = InvoiceLine.objects.filter(kind=Kind.CONSULTATION, invoice__appointment__isnull=False)
        rows = rows.filter(invoice__appointment__appointment_date__gt=self.now - timedelta(days=120))
        return {
            (doctor, patient): day_of(moment)
            for doctor, patient, moment in rows.order_by("invoice__appointment__appointment_date").values_list(
                "invoice__doctor", "invoice__patient", "invoice__appointment__appointment_date"
            )
        }

    def _lines(self, invoice, visit, day, rng, full):
        doctor, who = visit.doctor, (visit.doctor_id, visit.patient_id)
        rule = self.rules.get(doctor.department_id, self.rules.get(None))
        price, kind = money.rounded(doctor.consultation_fee, self.currency), Kind.CONSULTATION
        text, earlier = f"Consultation, {doctor}", full.get(who)
        if rule and earlier and day - timedelta(days=rule.days) <= earlier < day:
            kind, price = Kind.FOLLOW_UP, money.rounded(price * rule.percent / 100, self.currency)
            text = f"Follow-up of {earlier:%d-%b-%Y}, {doctor}"
        else:
            full[who] = day
        lines = [self._line(invoice, 1, text[:200], price, hospital().fee_tax_rate, doctor.department_id, kind=kind)]
        if kind == Kind.CONSULTATION and rng.random() < 0.02:
            lines[0].discount = money.rounded(price / 10, self.currency)
            lines[0].net, lines[0].discount_reason = price - lines[0].discount, "Waited for over an hour"
            lines[0].discount_by = self.clerk
        fitting = [
            s
            for s in self.services
            if s.valid_from <= day and (s.valid_until is None or s.valid_until >= day)
            and (s.department_id == doctor.department_id or (s.department_id is None and rng.random() < 0.3))
        ]  # fmt: skip
        for service in rng.sample(fitting, min(rng.choices([0, 1, 2], [52, 38, 10])[0], len(fitting))):
            tick = VisitService(
                appointment=visit, service=service, quantity=1, ticked_by=doctor.user,
                ticked_at=visit.ended_at - 3 * MINUTE,
            )  # fmt: skip
            self.ticks.append(tick)
            department = service.department_id or doctor.department_id
            more = {"kind": Kind.SERVICE, "service": service, "code": service.code, "ticked": tick}
            price = money.rounded(service.price, self.currency)
            lines.append(self._line(invoice, len(lines) + 1, service.name, price, service.tax_rate, department, **more))
        self.lines += lines
        invoice.its_lines = lines
        return lines

    def _line(self, invoice, position, text, price, tax_rate, department, **more):
        return InvoiceLine(
            invoice=invoice, position=position, text=text, unit_price=price, quantity=Decimal(1), net=price,
            tax_rate=tax_rate, department_id=department, discount=ZERO, discount_reason="", **more,
        )  # fmt: skip

    def _number(self, rows, model, series, on):
        """Numbers without a gap, in the order given."""
        for year, group in groupby(rows, key=lambda row: self._year(getattr(row, on))):
            theirs = list(group)
            DocumentCounter.objects.get_or_create(series=series, year=year)
            counter = DocumentCounter.objects.select_for_update().get(series=series, year=year)
            for row in theirs:
                counter.last += 1
                row.number = numbers.text(series, year, counter.last)
                if model is not Payment:
                    row.year, row.serial = year, counter.last
            counter.save(update_fields=["last"])

    def _year(self, moment):
        return (day_of(moment) if hasattr(moment, "hour") else moment).year

    # --- money

    def _pay(self, invoice):
        rng, total = invoice.rng, invoice.total_amount
        if not total:
            invoice.status, invoice.paid_date = Status.PAID, invoice.issued_on
            return
        leaving, luck = invoice.created_at + MINUTE * rng.randint(2, 9), rng.random()
        first, before = self._choose(luck), len(self.allocations)
        if first == "credited":
            self._credit(invoice, invoice.its_lines, "Charged to the wrong patient")
        elif first == "parts":
            half = money.rounded(total / 2, self.currency)
            self._take(invoice, half, Method.CASH, leaving)
            if rng.random() < 0.4:
                self._take(invoice, total - half, Method.TRANSFER, leaving + timedelta(days=6))
        elif first == "split":
            half = money.rounded(total / 3, self.currency)
            self._take(invoice, half, Method.CASH, leaving)
            self._take(invoice, total - half, Method.CARD, leaving)
        elif first == "later":
            self._take(invoice, total, Method.TRANSFER, leaving + timedelta(days=rng.randint(3, 11)))
        elif first != "unpaid":
            method = rng.choices([Method.CARD, Method.CASH, Method.TRANSFER], [58, 32, 10])[0]
            paid = self._take(invoice, total, method, leaving)
            if paid and len(invoice.its_lines) > 1 and first in {"refunded", "credit"}:
                back = paid if first == "refunded" else None
                self._credit(invoice, invoice.its_lines[-1:], "Was not done after all", paid=True, refunded=back)
        mine = self.allocations[before:]
        have = sum((a.amount for a in mine), ZERO)
        if invoice.status == Status.CANCELLED:
            return
        left = total - getattr(invoice, "taken_back", ZERO)
        if have == left:
            invoice.status = Status.PAID
            invoice.paid_date = max(day_of(a.at) for a in mine)
        elif invoice.due_date < self.today:
            invoice.status = Status.OVERDUE

    def _choose(self, luck):
        for what, share in (
            ("credited", 0.008), ("refunded", 0.015), ("credit", 0.015), ("parts", 0.045), ("split", 0.03),
            ("unpaid", 0.05), ("later", 0.14),
        ):  # fmt: skip
            if luck < share:
                return what
            luck -= share
        return "at once"

    def _take(self, invoice, amount, method, when):
        """Money of an invoice, if its time has come and somebody is at a drawer then; returns the Payment or None."""
        day = day_of(when)
        if when > self.now or (self.since and day <= self.since) or not self.desk:
            return None
        paid = self._write(invoice, Payment.Kind.PAYMENT, method, amount, when)
        if method == Method.CASH:
            paid.tendered = (amount / 10).to_integral_value(rounding="ROUND_CEILING") * 10
        self.allocations.append(Allocation(invoice=invoice, payment=paid, amount=amount, at=when, by=paid.received_by))
        return paid

    def _write(self, invoice, kind, method, value, when, clerk=None, of=None, reason=""):
        clerk = clerk or invoice.rng.choice(self.desk)
        row = Payment(
            patient=invoice.patient, kind=kind, method=method, value=value, currency=self.currency, of=of,
            reason=reason, received_at=when, received_by=clerk, fingerprint="demo",
            key=f"demo:{invoice.number}:{len(self.payments)}:0",
        )  # fmt: skip
        self.payments.append(row)
        return row

    def _credit(self, invoice, lines, reason, *, paid=False, refunded=None):
        """Take lines back; what was paid of them becomes credit, or is given back at once."""
        when = invoice.created_at + MINUTE * 15
        if when > self.now:
            return
        table = lambda rows: invoicing.totals(rows, self.currency)[1] if rows else ZERO  # noqa: E731
        kept = [line for line in invoice.its_lines if line not in lines]
        amount = sum((line.net for line in lines), ZERO)
        tax = invoice.tax_amount - table(kept)
        if amount + tax <= 0:
            return
        note = CreditNote(
            invoice=invoice, amount=amount, tax_amount=tax, total_amount=amount + tax, reason=reason,
            issued_on=day_of(when), issued_by=self.clerk, created_at=when,
            printed=invoice.printed | {"issued_by": str(self.clerk)},
        )  # fmt: skip
        self.credits.append(note)
        self.credit_lines += [CreditNoteLine(credit_note=note, line=line, net=line.net) for line in lines]
        invoice.taken_back = note.total_amount
        if not any(line.net for line in kept):
            invoice.status = Status.CANCELLED
        if not paid:
            return
        back = Allocation(invoice=invoice, amount=-note.total_amount, at=when, by=self.clerk)
        self.allocations.append(back)
        if refunded:
            self._write(
                invoice, Payment.Kind.REFUND, refunded.method, -note.total_amount, when,
                refunded.received_by, refunded, reason,
            )  # fmt: skip

    def _drawers(self):
        """A drawer for each clerk and day with money; closed on past days, open today."""
        days = defaultdict(list)
        self.payments.sort(key=lambda p: p.received_at)
        for row in self.payments:
            days[day_of(row.received_at), row.received_by.pk].append(row)
        if self.first:
            days.setdefault((self.today, self.clerk.pk), [])
        people = {c.pk: c for c in [self.clerk, *self.desk]}
        for (day, pk), rows in sorted(days.items()):
            opened = min([at(day, 7 * 60 + 50), *(r.received_at - 20 * MINUTE for r in rows), self.now - MINUTE])
            shift = Shift(
                clerk=people[pk], opened_at=opened, opening_float=FLOAT, explanation="", counted={}, totals={}
            )
            for row in rows:
                row.shift = shift
            if day < self.today:
                self._close(shift, rows, max([at(day, 18 * 60 + 20), *(r.received_at + 20 * MINUTE for r in rows)]))
            self.shifts.append(shift)

    def _close(self, shift, rows, when):
        cash = sum((r.value for r in rows if r.method == Method.CASH), ZERO)
        shift.closed_at, shift.expected = min(when, self.now), FLOAT + cash
        rng = random.Random(f"{self.seed}:{when}")  # noqa: S311
        shift.counted_total = shift.expected
        if rng.random() < 0.07:
            shift.counted_total -= Decimal("0.50")
            shift.explanation = "A coin fell behind the counter."
        left = shift.counted_total
        for coin in shifts.coins():
            if n := int(left // coin):
                shift.counted[str(coin)] = n
                left -= n * coin
        for method, label in Method.choices:
            mine = [r.value for r in rows if r.method == method]
            if method == Method.ROUNDING and not mine:
                continue
            taken, given = sum((v for v in mine if v > 0), ZERO), -sum((v for v in mine if v < 0), ZERO)
            shift.totals[str(label)] = [str(taken), str(given), len(mine)]

    # --- writing

    def _save(self, invoices):
        self._number(self.payments, Payment, "R", "received_at")
        self.credits.sort(key=lambda c: (c.issued_on, c.created_at))
        self._number(self.credits, CreditNote, "C", "issued_on")
        resting = [(InvoiceLine, "of_a_draft"), (Payment, "open_shift")]  # they are written in their last state
        with history.own_history(Invoice, InvoiceLine, VisitService, resting=resting):
            self._insert(Invoice, invoices, "patient", "appointment")
            self._insert(VisitService, self.ticks)
            self._insert(InvoiceLine, self.lines, "invoice", "ticked")
            self._insert(Shift, self.shifts)
            for kinds in ([Payment.Kind.PAYMENT], [Payment.Kind.REFUND]):
                self._insert(Payment, [p for p in self.payments if p.kind in kinds], "shift", "of")
            self._insert(CreditNote, self.credits, "invoice")
            self._insert(CreditNoteLine, self.credit_lines, "credit_note", "line")
            self._insert(Allocation, self.allocations, "invoice", "payment")
        draft = dict.fromkeys(["number", "year", "serial", "paid_date", "issued_on", "issued_by_id"])
        draft |= {"status": "PENDING", "printed": "{}"}
        groups = defaultdict(list)
        for invoice in invoices:
            groups[invoice.doctor.user_id].append(invoice)
        for user, rows in groups.items():
            history.record_inserts(Invoice, rows, by=user, action="invoice.drafted", but=draft)
        groups = defaultdict(list)
        for invoice in invoices:
            if invoice.issued_on:
                groups[invoice.issued_by_id].append(invoice)
        for user, rows in groups.items():
            history.record_inserts(Invoice, rows, by=user, action="invoice.issued", label="update")
        if len(invoices) > 500:
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE hms_invoice, hms_invoiceline, hms_payment, hms_allocation, hms_medicalrecord")

    def _insert(self, model, rows, *parents):
        for row in rows:
            for name in parents:
                if parent := getattr(row, name):
                    setattr(row, f"{name}_id", parent.pk)
        history.copy_new(model, rows)
