"""Random histories of money, beside a book kept in plain Python: whatever is done, in whatever currency, they agree.

The book knows nothing of the verbs' SQL: it holds what was issued, credited, taken and given back, and says from that
alone what each verb should do or refuse, and what every sum should be, today and on the days gone by.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pgtrigger
import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hms.domain import credit_notes, invoicing, payments, reports, shifts, statements
from hms.domain.payments import Part
from hms.domain.settings import forget, hospital
from hms.errors import DomainError
from hms.models import Allocation, CreditNote, Hospital, Invoice, Payment, Shift
from hms.testing import make_it_midday, make_patient, make_user

pytestmark = pytest.mark.django_db
DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
RATES = ["0", "5", "7.70", "20"]
METHODS = ["CASH", "CARD", "TRANSFER"]
MOVED = {
    Invoice: ["issued_on", "due_date", "paid_date"],
    CreditNote: ["issued_on"],
    Payment: ["received_at"],
    Allocation: ["at"],
    Shift: ["opened_at", "closed_at"],
}

coins = st.integers(1, 20_000)  # amounts, in the smallest coin
LINE = st.tuples(coins, st.integers(1, 3), st.sampled_from(RATES))  # price, quantity, tax
which = st.integers(0, 7)  # a row, counted round


class Bill:
    """An invoice in the book."""

    def __init__(self, patient, lines, digits):
        self.patient, self.digits, self.paid, self.cancelled = patient, digits, Decimal(0), False
        self.lines = lines  # [[id, rate, net left], …]
        self.total = self.rest

    @property
    def rest(self):
        """What the lines that are left come to, taxed once for each rate."""
        nets = defaultdict(Decimal)
        for _pk, rate, net in self.lines:
            nets[rate] += net
        tax = sum((n * rate / 100).quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP) for rate, n in nets.items())
        return sum(nets.values()) + tax

    @property
    def owed(self):
        return self.rest - self.paid


class Money(RuleBasedStateMachine):
    def __init__(self, currency):
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        make_it_midday()  # a day goes by in this test, and none by itself
        Hospital.objects.update(currency=currency, payment_days=1)
        forget()
        self.coin = Decimal(1).scaleb(-DIGITS[currency])
        self.currency, self.n = currency, 0
        self.clerks = [make_user() for _ in range(2)]
        self.patients = [make_patient() for _ in range(2)]
        self.bills, self.rows, self.drawers, self.closed = {}, {}, {}, {}
        self.had = defaultdict(Decimal)  # patient → what of their money is in the house
        self.past = []  # what was owed at the end of each day gone by, the latest first
        for clerk in self.clerks:
            self.open(clerk, 5_000)

    def teardown(self):
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)
        forget()

    # --- helpers

    def key(self):
        self.n += 1
        return f"k{self.n}"

    def amount(self, n):
        return n * self.coin

    def credit(self, patient):
        return self.had[patient.pk] - sum(b.paid for b in self.bills.values() if b.patient == patient)

    def of(self, patient):
        return [pk for pk, bill in self.bills.items() if bill.patient == patient]

    @staticmethod
    def done(verb, expected):
        """What the verb gives; None when it refuses, which it does exactly when the book expects it."""
        try:
            with transaction.atomic():
                made = verb()
        except DomainError:
            assert not expected, "refused what is all right"
            return None
        assert expected, "did what should be refused"
        return made

    def write(self, payment, clerk, parts=()):
        self.rows[payment.pk] = {"row": payment, "parts": dict(parts), "given": Decimal(0), "reversed": False}
        self.had[payment.patient_id] += payment.value
        drawer = self.drawers[clerk.pk]
        drawer[payment.method].append(payment.value)

    def cash(self, clerk):
        drawer = self.drawers[clerk.pk]
        return drawer["float"] + sum(drawer["CASH"])

    # --- what may happen

    @rule(
        who=which, lines=st.lists(st.tuples(coins, st.integers(1, 3), st.sampled_from(RATES)), min_size=1, max_size=3)
    )
    def issue(self, who, lines):
        clerk, patient = self.clerks[0], self.patients[who % 2]
        draft = invoicing.new_draft(patient, by=clerk)
        for n, quantity, rate in lines:
            price = self.amount(n)
            more = {"quantity": Decimal(quantity), "tax_rate": Decimal(rate)}
            invoicing.add_line(draft, text="x", unit_price=price, by=clerk, **more)
        invoice = invoicing.issue(draft, by=clerk)
        kept = zip(invoice.lines.all(), lines, strict=True)
        copied = [[line.pk, Decimal(rate), self.amount(n) * quantity] for line, (n, quantity, rate) in kept]
        bill = self.bills[invoice.pk] = Bill(patient, copied, DIGITS[self.currency])
        assert invoice.total_amount == bill.total

    @precondition(lambda self: self.bills)
    @rule(
        who=which, first=which, more=st.booleans(), by=which, keep=st.booleans(), exact=st.booleans(),
        parts=st.lists(st.tuples(coins, st.sampled_from(METHODS)), min_size=1, max_size=2),
    )  # fmt: skip
    def take(self, who, first, more, by, keep, exact, parts):
        clerk, patient = self.clerks[by % 2], self.patients[who % 2]
        theirs = self.of(patient)
        if not theirs:
            return
        pks = list(dict.fromkeys([theirs[first % len(theirs)], *([theirs[-1]] if more else [])]))
        chosen = [self.bills[pk] for pk in pks]
        parts = [Part(method, self.amount(n)) for n, method in parts]
        if exact and (left := sum(b.owed for b in chosen)) > 0:
            parts = [Part(parts[0].method, left)]
        over = sum(p.amount for p in parts) - sum(b.owed for b in chosen)
        fine = clerk.pk in self.drawers and all(b.owed > 0 and not b.cancelled for b in chosen) and (over <= 0 or keep)
        invoices, key = [Invoice.objects.get(pk=pk) for pk in pks], self.key()
        wanted = {"patient": patient, "parts": parts, "invoices": invoices, "by": clerk, "key": key, "keep_rest": keep}
        made = self.done(lambda: payments.take(**wanted), fine)
        if not made:
            return
        assert payments.take(**wanted) == made  # sent twice
        for payment, part in zip(made, parts, strict=True):
            left, used = part.amount, {}
            for pk, bill in zip(pks, chosen, strict=True):
                if (now := min(left, bill.owed)) > 0:
                    bill.paid += now
                    left -= now
                    used[pk] = now
            self.write(payment, clerk, used)

    @precondition(lambda self: self.bills)
    @rule(at=which)
    def use_credit(self, at):
        pk = list(self.bills)[at % len(self.bills)]
        bill = self.bills[pk]
        part = Decimal(0) if bill.cancelled else min(self.credit(bill.patient), bill.owed)
        invoice = Invoice.objects.get(pk=pk)
        if self.done(lambda: payments.apply_credit(invoice, by=self.clerks[0]), part > 0):
            bill.paid += part

    @precondition(lambda self: self.bills)
    @rule(at=which, line=which, n=coins, whole=st.booleans())
    def credit_note(self, at, line, n, whole):
        pk = list(self.bills)[at % len(self.bills)]
        bill = self.bills[pk]
        entry = bill.lines[line % len(bill.lines)]
        amounts = None if whole else {entry[0]: self.amount(n)}
        fine = not bill.cancelled and (whole or self.amount(n) <= entry[2])
        invoice, before = Invoice.objects.get(pk=pk), bill.rest
        note = self.done(lambda: credit_notes.credit(invoice, amounts=amounts, reason="x", by=self.clerks[0]), fine)
        if not note:
            return
        for entry in bill.lines:
            entry[2] -= entry[2] if whole else amounts.get(entry[0], 0)
        assert note.total_amount == before - bill.rest
        bill.cancelled = not any(net for _pk, _rate, net in bill.lines)
        bill.paid = min(bill.paid, bill.rest)  # what is above it is the patient's credit

    @precondition(lambda self: self.rows)
    @rule(at=which, by=which, n=coins, all_of_it=st.booleans())
    def refund(self, at, by, n, all_of_it):
        clerk, entry = self.clerks[by % 2], list(self.rows.values())[at % len(self.rows)]
        row = entry["row"]
        amount = min(self.credit(row.patient), abs(row.value)) if all_of_it else self.amount(n)
        fine = (
            clerk.pk in self.drawers
            and row.kind == "PAYMENT"
            and not entry["reversed"]
            and 0 < amount <= min(row.value - entry["given"], self.credit(row.patient))
            and (row.method != "CASH" or amount <= self.cash(clerk))
        )
        key = self.key()
        made = self.done(lambda: payments.refund(row, amount=amount, by=clerk, key=key, reason="x"), fine)
        if made:
            entry["given"] += amount
            self.write(made, clerk)

    @precondition(lambda self: self.rows)
    @rule(at=which, by=which)
    def reverse(self, at, by):
        clerk, entry = self.clerks[by % 2], list(self.rows.values())[at % len(self.rows)]
        row = entry["row"]
        back = {pk: min(part, self.bills[pk].paid) for pk, part in entry["parts"].items()}
        fine = (
            clerk.pk in self.drawers
            and row.kind != "REVERSAL"
            and not entry["reversed"]
            and (row.kind == "REFUND" or not entry["given"])
            and (row.value < 0 or row.method != "CASH" or row.value <= self.cash(clerk))
            and (row.value < 0 or self.credit(row.patient) + sum(back.values()) >= row.value)
        )
        key = self.key()
        made = self.done(lambda: payments.reverse(row, by=clerk, key=key, reason="x"), fine)
        if not made:
            return
        entry["reversed"] = True
        if row.kind == "REFUND":
            self.rows[row.of_id]["given"] += row.value
        for pk, part in back.items():
            self.bills[pk].paid -= part
        self.write(made, clerk)

    def open(self, clerk, n):
        shift = shifts.open_(by=clerk, opening_float=self.amount(n))
        self.drawers[clerk.pk] = {"shift": shift, "float": self.amount(n)} | {method: [] for method in METHODS}

    @rule(by=which, n=st.integers(0, 10_000), wrong=st.integers(-2, 2))
    def close_or_open(self, by, n, wrong):
        clerk = self.clerks[by % 2]
        drawer = self.drawers.get(clerk.pk)
        if drawer is None:
            return self.open(clerk, n)
        counted = max(int(self.cash(clerk) / self.coin) + wrong, 0)
        off = counted * self.coin - self.cash(clerk)
        close = lambda why: shifts.close(drawer["shift"], counted={self.coin: counted}, by=clerk, explanation=why)  # noqa: E731
        shift = self.done(lambda: close(""), not off)
        shift = shift or self.done(lambda: close("Miscounted"), True)
        assert shift.difference == off
        del self.drawers[clerk.pk]
        self.closed[shift.pk] = drawer | {"expected": self.cash_of(drawer), "counted": counted * self.coin}

    @staticmethod
    def cash_of(drawer):
        return drawer["float"] + sum(drawer["CASH"])

    @rule()
    def a_day_goes_by(self):
        """Everything becomes a day older; what was owed this evening is remembered."""
        self.past.insert(0, {pk: bill.owed for pk, bill in self.bills.items() if bill.owed})
        connection.check_constraints()
        with pgtrigger.ignore():
            for model, fields in MOVED.items():
                model.objects.update(**{name: F(name) - timedelta(days=1) for name in fields})
        connection.check_constraints()

    # --- what is so after each step

    @invariant()
    def the_database_is_content(self):
        connection.check_constraints()

    @invariant()
    def invoices_say_what_the_book_says(self):
        today = hospital().today()
        for invoice in Invoice.objects.all():
            bill = self.bills[invoice.pk]
            assert payments.paid(invoice) == bill.paid
            assert payments.balance(invoice) == bill.owed >= 0
            state = "CANCELLED" if bill.cancelled else "PAID" if not bill.owed else "PENDING"
            assert invoice.status.replace("OVERDUE", "PENDING") == state
            assert (invoice.paid_date is not None) == (state == "PAID")
            assert invoice.is_overdue(today) == (state == "PENDING" and invoice.due_date < today)

    @invariant()
    def accounts_and_receipts_add_up(self):
        for patient in self.patients:
            assert payments.credit(patient) == self.credit(patient) >= 0
            owed = sum(self.bills[pk].owed for pk in self.of(patient))
            assert sum(left for _i, left in payments.owed(patient)) == owed
            account = statements.account(patient)
            assert (account[-1][4] if account else 0) == owed - self.credit(patient)
        receipts = list(Payment.objects.order_by("pk").prefetch_related("allocations"))
        assert [int(p.number[-6:]) for p in receipts] == list(range(1, len(receipts) + 1))
        for payment in receipts:
            entry = self.rows[payment.pk]
            said = {a.invoice_id: Decimal(0) for a in payment.allocations.all()}
            for a in payment.allocations.all():
                said[a.invoice_id] += a.amount
            assert payment.value == entry["row"].value
            if not entry["reversed"]:
                assert said == entry["parts"]
            if payment.kind == "PAYMENT" and not entry["reversed"]:
                assert payments.refundable(payment) == payment.value - entry["given"]

    @invariant()
    def drawers_hold_their_float_and_their_cash(self):
        for drawer in self.drawers.values():
            assert payments.drawer(Shift.objects.get(pk=drawer["shift"].pk)) == self.cash_of(drawer)
            self.totals_agree(shifts.totals(drawer["shift"]), drawer)
        for pk, drawer in self.closed.items():
            shift = Shift.objects.get(pk=pk)
            assert (shift.expected, shift.counted_total) == (drawer["expected"], drawer["counted"])
            assert payments.drawer(shift) == drawer["expected"] == self.cash_of(drawer)
            self.totals_agree(shifts.totals_kept(shift), drawer)

    @staticmethod
    def totals_agree(totals, drawer):
        for method, (came, went, n) in zip(METHODS, totals.values(), strict=True):
            values = drawer[method]
            assert Decimal(came) == sum(v for v in values if v > 0)
            assert Decimal(went) == -sum(v for v in values if v < 0)
            assert n == len(values)

    @invariant()
    def ageing_says_the_same_today_and_on_each_day_gone_by(self):
        today = hospital().today()
        owed = {pk: bill.owed for pk, bill in self.bills.items() if bill.owed}
        for back, then in enumerate([owed, *self.past]):
            params = reports.as_of(today - timedelta(days=back))
            found = reports.listing("ageing", params)
            assert {row.id: row.values["rest"] for row in found.rows} == then
            sums = reports.summary("ageing", params, "patient").totals
            assert sums["total"] == sum(then.values()) == sum(v for name, v in sums.items() if name != "total")

    @invariant()
    def revenue_and_refunds_are_the_same_rows(self):
        today = hospital().today()
        params = reports.period(today - timedelta(days=len(self.past)), today)
        billed = reports.summary("revenue", params, "day").totals
        assert billed["total"] == sum(bill.rest for bill in self.bills.values())
        assert reports.summary("tax", params, "rate").totals["tax"] == billed["tax"]
        given = reports.summary("refunds", params, "method").totals["given"]
        assert given == sum(entry["given"] for entry in self.rows.values())


@pytest.mark.parametrize("currency", DIGITS)
def test_whatever_happens_every_sum_agrees(currency):
    run_state_machine_as_test(
        lambda: Money(currency),
        settings=settings(
            max_examples=5,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
