"""Reports, computed anew by plain SQL over random histories; and behind each figure rows whose sum it is."""

import random
from datetime import timedelta
from decimal import Decimal

import pgtrigger
import pytest
from django.db import connection

from hms.domain import credit_notes, invoicing, payments, reports, shifts, statements
from hms.domain.payments import Part
from hms.domain.report_kinds import REPORTS
from hms.domain.settings import forget, hospital
from hms.errors import DomainError
from hms.models import Allocation, CreditNote, Hospital, Invoice, Payment
from hms.testing import for_many_tests, make_appointment, make_doctor, make_invoice, make_patient, make_user

pytestmark = pytest.mark.django_db
DAYS = 150


def rows(sql, **params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


class History:
    """Half a year of a small hospital: each day something is issued, paid, credited, given back or taken back."""

    def __init__(self, seed, monkeypatch):
        self.rng = random.Random(seed)
        self.clerks = [make_user() for _ in range(2)]
        self.doctors = [make_doctor() for _ in range(3)]
        self.patients = [make_patient() for _ in range(4)]
        self.today = hospital().today()
        self.first = self.today - timedelta(days=DAYS)
        for clerk in self.clerks:
            shifts.open_(by=clerk, opening_float=Decimal(500))
        days = sorted(self.rng.randrange(DAYS) for _ in range(70))
        at = {}
        for day in (self.first + timedelta(days=n) for n in days):
            monkeypatch.setattr(Hospital, "today", lambda _hospital, day=day: day)
            self.something(day)
            for row in [*Payment.objects.all(), *Allocation.objects.all()]:
                at.setdefault((type(row), row.pk), hospital().day_bounds(day)[0] + timedelta(hours=12))
        monkeypatch.undo()
        with pgtrigger.ignore():  # these rows never change, but here they are to be of other days
            for (model, pk), moment in at.items():
                model.objects.filter(pk=pk).update(**{"received_at" if model is Payment else "at": moment})
        connection.check_constraints()

    def something(self, day):
        pick, clerk, n = self.rng.choice, self.rng.choice(self.clerks), Payment.objects.count()
        what = pick(["issue", "issue", "issue", "pay", "pay", "credit", "refund", "reverse"])
        # In an order of their own: the same seed is the same history, wherever the rows lie.
        owed, paid = list(Invoice.objects.owed().order_by("pk")), list(Payment.objects.order_by("pk"))
        issued = list(Invoice.objects.issued().exclude(status="CANCELLED").order_by("pk"))
        try:
            if what == "issue":
                self.issue(day, clerk)
            elif what == "pay" and owed:
                invoice = pick(owed)
                amount = Decimal(self.rng.randrange(1, 200))
                part = Part(pick(["CASH", "CARD", "TRANSFER"]), amount)
                payments.take(
                    patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key=f"p{n}", keep_rest=True
                )
            elif what == "credit" and issued:
                invoice = pick(issued)
                line, left = pick(credit_notes.left(invoice))
                amounts = None if self.rng.random() < 0.3 else {line.pk: min(left, Decimal(self.rng.randrange(1, 50)))}
                credit_notes.credit(invoice, amounts=amounts, reason="Not done", by=clerk)
            elif what == "refund" and paid:
                payment = pick(paid)
                amount = min(payments.credit(payment.patient), payment.value)
                payments.refund(payment, amount=amount, by=clerk, key=f"r{n}", reason=pick(["Overpaid", "Moved away"]))
            elif what == "reverse" and paid:
                payments.reverse(pick(paid), by=clerk, key=f"v{n}", reason="Mistake")
        except DomainError:
            pass

    def issue(self, day, clerk):
        pick = self.rng.choice
        visit = pick([None, *self.doctors])
        visit = visit and make_appointment(
            patient=pick(self.patients), doctor=visit, start=hospital().day_bounds(day)[0] - timedelta(
                minutes=30 * Invoice.objects.count() + 30
            ), status="COMPLETED",
        )  # fmt: skip
        draft = make_invoice(appointment=visit, patient=visit.patient if visit else pick(self.patients), issued=False)
        for _ in range(self.rng.randrange(3)):
            price, rate = Decimal(self.rng.randrange(100, 9999)) / 100, Decimal(pick(["0", "5", "7.70", "20"]))
            text = pick(["X-ray", "Bandage", "Blood count"])
            invoicing.add_line(draft, text=text, unit_price=price, tax_rate=rate, by=clerk)
        for line in draft.lines.all():
            if self.rng.random() < 0.3:
                less = (line.net / 10).quantize(Decimal("0.01"))
                reason = pick(["Staff", "Hardship"])
                invoicing.change_line(draft, line, discount=less, discount_reason=reason, by=clerk)
        Hospital.objects.update(payment_days=pick([0, 14, 30]))
        forget()
        invoicing.issue(draft, by=clerk)


@pytest.fixture(scope="module", params=[1, 2, 3])
def history(request, django_db_setup, django_db_blocker):
    with for_many_tests(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        yield History(request.param, patch)


def figures(name, params, by):
    """``{key: (sum, …)}`` as the report says it."""
    return {g.key: tuple(g.sums.values()) for g in reports.summary(name, params, by).groups}


def put_together(found):
    """``{key: (sum, …)}`` of rows ``(key, value, …)``; the sums of each key."""
    sums = {}
    for key, *values in found:
        sums[key] = tuple(a + b for a, b in zip(sums.get(key, (0,) * len(values)), values, strict=True))
    return sums


COLUMN = {
    "day": "day", "month": "date_trunc('month', day)::date", "doctor": "doctor_id", "department": "department_id",
    "patient": "patient_id",
}  # fmt: skip


class TestAgainstPlainSQL:
    def test_revenue(self, history):
        params = reports.period(history.first + timedelta(days=20), history.today - timedelta(days=10))
        for by in REPORTS["revenue"].by:
            found = rows(
                f"""SELECT {COLUMN[by]}, amount, tax_amount, total_amount FROM (
                    SELECT issued_on AS day, doctor_id, department_id, patient_id, amount, tax_amount, total_amount
                    FROM hms_invoice WHERE number IS NOT NULL) i WHERE day >= %(first)s AND day <= %(last)s""",
                **params,
            )
            back = rows(
                f"""SELECT {COLUMN[by]}, -c.amount, -c.tax_amount, -c.total_amount
                    FROM (SELECT *, issued_on AS day FROM hms_creditnote) c
                    JOIN (SELECT id, doctor_id, department_id, patient_id FROM hms_invoice) i ON i.id = c.invoice_id
                    WHERE day >= %(first)s AND day <= %(last)s""",
                **params,
            )
            assert figures("revenue", params, by) == put_together([*found, *back])

    def test_services(self, history):
        params = reports.period(history.first, history.today)
        found = rows("SELECT l.text, l.net FROM hms_invoiceline l JOIN hms_invoice i ON i.id = l.invoice_id")
        found += rows("SELECT l.text, -b.net FROM hms_creditnoteline b JOIN hms_invoiceline l ON l.id = b.line_id")
        assert figures("services", params, "service") == put_together(found)
        (total,) = rows("SELECT sum(amount) - (SELECT sum(amount) FROM hms_creditnote) FROM hms_invoice")
        for by in REPORTS["services"].by:
            assert reports.summary("services", params, by).totals["net"] == total[0]

    def test_tax(self, history):
        params = reports.period(history.first, history.today)
        found = rows(
            """SELECT rate, round(net * rate / 100, 2), net FROM (
                SELECT l.tax_rate AS rate, sum(l.net) AS net FROM hms_invoiceline l GROUP BY l.invoice_id, l.tax_rate
            ) of_document"""
        )
        for note in CreditNote.objects.all():  # one at a time, as its paper says it
            found += [(rate, -tax, -net) for rate, net, tax in credit_notes.tax_rows(note)]
        assert figures("tax", params, "rate") == put_together(found)
        (total,) = rows("SELECT sum(tax_amount) - (SELECT sum(tax_amount) FROM hms_creditnote) FROM hms_invoice")
        for by in REPORTS["tax"].by:
            assert reports.summary("tax", params, by).totals["tax"] == total[0]
        revenue = figures("revenue", params, "month")
        assert {k: (v[1], v[0]) for k, v in revenue.items()} == figures("tax", params, "month")

    def test_discounts(self, history):
        params = reports.period(history.first, history.today)
        columns = {"reason": "discount_reason", "clerk": "discount_by_id", "service": "text"}
        for by, column in columns.items():
            found = rows(f"SELECT {column}, discount, net + discount FROM hms_invoiceline WHERE discount > 0")
            assert figures("discounts", params, by) == put_together(found)

    def test_refunds(self, history):
        params = reports.period(history.first, history.today)
        found = rows(
            """SELECT p.method, coalesce(o.reason, p.reason), p.received_by_id, -p.value FROM hms_payment p
            LEFT JOIN hms_payment o ON o.id = p.of_id AND o.kind = 'REFUND'
            WHERE p.kind = 'REFUND' OR o.id IS NOT NULL"""
        )
        for n, by in enumerate(["method", "reason", "clerk"]):
            assert figures("refunds", params, by) == put_together([(row[n], row[3]) for row in found])

    def test_takings(self, history):
        params = reports.period(history.first, history.today)
        found = rows(
            "SELECT method, received_by_id, shift_id, greatest(value, 0), least(value, 0), 0, value FROM hms_payment"
        )
        for n, by in enumerate(["method", "clerk", "drawer"]):
            assert figures("takings", params, by) == put_together([(row[n], *row[3:]) for row in found])
        owed, credit = rows(
            "SELECT sum(total_amount) FROM hms_invoice UNION ALL SELECT sum(total_amount) FROM hms_creditnote"
        )
        accounts = sum(row.balance for p in history.patients for row in statements.account(p)[-1:])
        assert accounts == owed[0] - credit[0] - reports.summary("takings", params, "day").totals["total"]

    @pytest.mark.parametrize("back", [0, 1, 17, 45, 90, DAYS])
    def test_ageing(self, history, back):
        day = history.today - timedelta(days=back)
        for by in REPORTS["ageing"].by:
            found = rows(
                f"""SELECT {by}_id, rest, {", ".join(f"CASE WHEN {late} THEN rest ELSE 0 END" for late in LATE)} FROM (
                    SELECT i.*, %(day)s::date - due_date AS late, total_amount - coalesce(c.sum, 0) - coalesce(a.sum, 0)
                        AS rest
                    FROM hms_invoice i
                    LEFT JOIN (SELECT invoice_id, sum(total_amount) FROM hms_creditnote WHERE issued_on <= %(day)s
                        GROUP BY 1) c ON c.invoice_id = i.id
                    LEFT JOIN (SELECT invoice_id, sum(amount) FROM hms_allocation WHERE at < %(end)s
                        GROUP BY 1) a ON a.invoice_id = i.id
                    WHERE issued_on <= %(day)s
                ) o WHERE rest <> 0""",
                **reports.as_of(day),
            )
            assert figures("ageing", reports.as_of(day), by) == put_together(found)


LATE = ["late <= 0", "late > 0 AND late < 31", "late > 30 AND late < 61", "late > 60 AND late < 91",
        "late > 90 AND late < 121", "late > 120"]  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_the_rows_behind_each_figure_add_up_to_it(history, name):
    report = REPORTS[name]
    days = [reports.as_of(history.today), reports.as_of(history.today - timedelta(days=40))]
    for params in days if report.as_of else [reports.period(history.first, history.today)]:
        for by in report.by:
            found = reports.summary(name, params, by)
            assert found.count == len(found.groups)
            assert found.rows == sum(g.rows for g in found.groups)
            for figure, f in report.figures.items():
                assert found.totals[figure] == sum(g.sums[figure] for g in found.groups)
                for group in found.groups:
                    behind = reports.listing(name, params, by=by, key=group.key, figure=figure)
                    assert sum(row.values[f.column] for row in behind.rows) == group.sums[figure]
                    assert behind.sums[f.column] == group.sums[figure]
            for group in found.groups:
                assert reports.listing(name, params, by=by, key=group.key).count == group.rows
        everything = reports.listing(name, params)
        assert everything.count == found.rows
        part = reports.listing(name, params, limit=2, offset=1)
        assert (part.rows, part.sums, part.count) == (everything.rows[1:3], everything.sums, everything.count)


def test_the_history_holds_something_of_everything(monkeypatch):
    history = History(1, monkeypatch)
    for name, report in REPORTS.items():
        params = reports.as_of(history.today) if report.as_of else reports.period(history.first, history.today)
        assert reports.summary(name, params, next(iter(report.by))).count > 1, name


def test_sorted_as_asked_and_not_by_what_is_no_figure(history):
    params = reports.period(history.first, history.today)
    keys = lambda **more: [g.key for g in reports.summary("revenue", params, "day", **more).groups]  # noqa: E731
    assert keys() == sorted(keys())
    assert keys(sort="-key") == sorted(keys(), reverse=True)
    assert keys(sort="key; DROP TABLE hms_invoice") == keys(sort="password") == keys()
    nets = [g.sums["net"] for g in reports.summary("revenue", params, "day", sort="-net").groups]
    assert nets == sorted(nets, reverse=True)
    assert keys(limit=3, offset=2) == keys()[2:5]
