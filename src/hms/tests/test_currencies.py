"""Currencies without cents, with a thousandth, and with cash that is rounded: through verbs, pages and drawers."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hms import money
from hms.domain import cash, credit_notes, payments, reports, shifts
from hms.domain.settings import forget, hospital
from hms.errors import DomainError
from hms.models import Hospital, Invoice, Payment
from hms.testing import make_invoice, make_user

pytestmark = pytest.mark.django_db


def currency(code, step=0):
    Hospital.objects.current()
    Hospital.objects.update(currency=code, cash_rounding=Decimal(step))
    forget()


def clerk_of(client=None):
    user = client.user if client else make_user()
    shifts.open_(by=user, opening_float=Decimal(50))
    return user


def take(invoice, by, *parts, key="k", **more):
    parts = [payments.Part(method, Decimal(amount)) for method, amount in parts]
    return payments.take(patient=invoice.patient, parts=parts, invoices=[invoice], by=by, key=key, **more)


def check_now():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def by_sql(sql, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("amount", "step", "rounded"),
    [("10.02", "0.05", "10.00"), ("10.03", "0.05", "10.05"), ("10.025", "0.05", "10.05"), ("7", "0", "7")],
)
def test_to_the_nearest_step(amount, step, rounded):
    assert money.to_step(Decimal(amount), Decimal(step)) == Decimal(rounded)


class TestRoundedCash:
    @pytest.mark.parametrize(("owed", "coins", "rounding"), [("10.03", "10.05", "-0.02"), ("10.02", "10", "0.02")])
    def test_the_invoice_is_paid_and_the_difference_a_row_of_its_own(self, owed, coins, rounding):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount=owed)
        paid, row = take(invoice, by, ("CASH", coins))
        check_now()
        invoice.refresh_from_db()
        assert (invoice.status, payments.credit(invoice.patient)) == ("PAID", 0)
        assert (paid.value, row.kind, row.value) == (Decimal(coins), "ROUNDING", Decimal(rounding))
        shift = payments.open_shift(by)
        assert payments.drawer(shift) == 50 + Decimal(coins)
        assert shifts.totals(shift)["Rounding"][2] == 1
        counted = {Decimal(50): 1, Decimal(10): 1, Decimal("0.05"): int(Decimal(coins) == Decimal("10.05"))}
        assert shifts.close(shift, counted=counted, by=by).difference == 0

    def test_beside_a_card_only_the_cash_is_rounded(self):
        currency("CHF", "0.05")
        invoice = make_invoice(amount="10.03")
        rows = take(invoice, clerk_of(), ("CARD", "5"), ("CASH", "5.05"))
        assert [row.value for row in rows] == [Decimal("5"), Decimal("5.05"), Decimal("-0.02")]
        assert rows[2].of == rows[1]

    def test_the_card_beside_rounded_cash_can_be_a_mistake_of_its_own(self):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.03")
        _cash, card, _rounding = take(invoice, by, ("CASH", "5.05"), ("CARD", "5"))
        payments.reverse(card, by=by, key="back", reason="declined")
        check_now()
        assert (payments.balance(invoice), payments.credit(invoice.patient)) == (5, 0)

    def test_a_card_is_not_rounded(self):
        currency("CHF", "0.05")
        invoice = make_invoice(amount="10.03")
        assert len(take(invoice, clerk_of(), ("CARD", "10.03"))) == 1

    def test_a_part_in_cash_is_a_part(self):
        currency("CHF", "0.05")
        invoice = make_invoice(amount="10.03")
        assert len(take(invoice, clerk_of(), ("CASH", "5"))) == 1
        assert payments.balance(invoice) == Decimal("5.03")

    def test_there_is_no_smaller_coin(self):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.03")
        with pytest.raises(DomainError, match=r"nothing smaller than CHF\s0.05: CHF\s10.05"):
            take(invoice, by, ("CASH", "10.03"))
        with pytest.raises(DomainError, match=r"nothing smaller than CHF\s0.05: CHF\s20.00"):
            payments.take(
                patient=invoice.patient,
                parts=[payments.Part("CASH", None, Decimal("20.01"))],
                invoices=[invoice],
                by=by,
                key="k",
            )

    def test_a_drawer_opens_with_what_there_are_coins_for(self):
        currency("CHF", "0.05")
        with pytest.raises(DomainError, match=r"nothing smaller than CHF\s0\.05"):
            shifts.open_(by=make_user(), opening_float=Decimal("50.01"))

    def test_two_parts_in_cash_are_rounded_once(self):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.03")
        first, second, row = take(invoice, by, ("CASH", "5"), ("CASH", "5.05"))
        assert (row.of, row.value) == (first, Decimal("-0.02"))
        payments.reverse(second, by=by, key="second", reason="x")
        payments.reverse(first, by=by, key="first", reason="x")
        check_now()
        assert (payments.balance(invoice), payments.credit(invoice.patient)) == (Decimal("10.03"), 0)

    def test_more_than_rounding_is_more_than_owed(self):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.03")
        with pytest.raises(payments.MoreThanOwed):
            take(invoice, by, ("CASH", "10.10"))

    def test_a_mistake_takes_the_rounding_back_too(self):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.02")
        paid, row = take(invoice, by, ("CASH", "10"))
        with pytest.raises(DomainError, match="goes with its cash"):
            payments.reverse(row, by=by, key="x", reason="no")
        payments.reverse(paid, by=by, key="back", reason="wrong patient")
        check_now()
        assert payments.balance(invoice) == Decimal("10.02")
        assert payments.credit(invoice.patient) == 0
        assert payments.drawer(payments.open_shift(by)) == 50

    @pytest.mark.parametrize(("owed", "coins"), [("10.03", "10.05"), ("10.02", "10")])
    def test_what_is_given_back_in_cash_is_what_was_taken(self, owed, coins):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount=owed)
        paid, _row = take(invoice, by, ("CASH", coins))
        credit_notes.cancel(invoice, reason="twice", by=by)
        payments.refund(paid, amount=Decimal(coins), by=by, key="back", reason="twice")
        check_now()
        assert payments.credit(invoice.patient) == 0
        assert payments.drawer(payments.open_shift(by)) == 50

    def test_the_same_key_finds_the_same_rows(self):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.03")
        first = take(invoice, by, ("CASH", "10.05"))
        assert take(invoice, by, ("CASH", "10.05")) == first
        assert Payment.objects.count() == 2

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(cents=st.integers(1, 100_000), step=st.sampled_from(["0.05", "0.10", "1"]))
    def test_whatever_is_owed_can_be_paid_in_cash(self, cents, step):
        sid = transaction.savepoint()
        currency("CHF", step)
        by, invoice = clerk_of(), make_invoice(amount=Decimal(cents) / 100)
        if coins := cash.in_cash(invoice.total_amount):
            take(invoice, by, ("CASH", coins))
            check_now()
            assert Invoice.objects.get(pk=invoice.pk).status == "PAID"
            assert payments.credit(invoice.patient) == 0
        transaction.savepoint_rollback(sid)

    @pytest.mark.parametrize(
        ("kind", "method", "value", "refusal"),
        [
            ("ROUNDING", "CASH", "0.02", "payment_rounding_is_no_money"),
            ("PAYMENT", "ROUNDING", "0.02", "payment_rounding_is_no_money"),
            ("ROUNDING", "ROUNDING", "0.03", "rounding_of_cash"),
            ("REVERSAL", "CASH", "5", "rounding_goes_with_cash"),
        ],
    )
    def test_the_database_knows_no_rounding_that_is_money(self, kind, method, value, refusal):
        currency("CHF", "0.05")
        by, invoice = clerk_of(), make_invoice(amount="10.02")
        (plain,) = take(invoice, by, ("CASH", "5"), key="a")
        rounded, _row = take(invoice, by, ("CASH", "5"), key="b")
        credit_notes.cancel(invoice, reason="twice", by=by)
        payments.refund(rounded, amount=Decimal(5), by=by, key="c", reason="twice")
        refund = payments.refund(plain, amount=Decimal(5), by=by, key="d", reason="twice")
        assert cash.rounding_of(refund).value == Decimal("-0.02")
        of = refund if kind == "REVERSAL" else plain
        with pytest.raises(DatabaseError, match=refusal):
            by_sql(
                """INSERT INTO hms_payment (patient_id, kind, method, value, currency, shift_id, key, fingerprint,
                    number, received_by_id, of_id) SELECT patient_id, %s, %s, %s, currency, shift_id, 'e', '', 'R1',
                    received_by_id, CASE WHEN %s = 'PAYMENT' THEN NULL ELSE id END FROM hms_payment WHERE id = %s""",
                kind, method, value, kind, of.pk,
            )  # fmt: skip

    def test_the_rule_is_a_coin_of_the_currency(self):
        currency("JPY")
        here = Hospital.objects.get()
        here.cash_rounding = Decimal("0.05")
        with pytest.raises(ValidationError, match="no such coin"):
            here.clean()


@pytest.mark.parametrize(
    ("code", "amount", "shown", "coin"),
    [
        ("JPY", "1235", "¥1,235", "¥500"),
        ("KWD", "1.235", "KWD 1.235", "KWD 0.250"),
        ("CHF", "1.25", "CHF 1.25", "CHF 0.05"),
    ],
)
def test_whole_pages_in_a_currency(reception, code, amount, shown, coin):
    currency(code, "0.05" if code == "CHF" else 0)
    by = clerk_of(reception)
    invoice = make_invoice(amount=amount)
    take(invoice, by, ("CARD", amount))
    make_invoice(patient=invoice.patient, amount=amount)
    (payment,) = Payment.objects.all()
    for path in (
        "/billing/", f"/billing/invoices/{invoice.pk}/", f"/billing/patients/{invoice.patient_id}/",
        f"/billing/patients/{invoice.patient_id}/statement/", f"/billing/payments/{payment.pk}/",
        "/billing/payments/", f"/desk/patients/{invoice.patient_id}/", "/billing/shift/",
    ):  # fmt: skip
        page = reception.get(path).content.decode().replace("\u00a0", " ")
        assert shown in page, path
    assert coin in page  # of the drawer, to be counted
    for path in ("/billing/export/csv/", "/billing/payments/export/csv/"):
        assert amount in b"".join(reception.get(path)).decode(), path
    assert b"%PDF-" in reception.get(f"/billing/patients/{invoice.patient_id}/statement/pdf/").content


@pytest.mark.parametrize(("code", "typed"), [("JPY", "10.5"), ("KWD", "1.2345"), ("GBP", "1.005")])
def test_a_form_refuses_what_the_currency_has_no_coin_for(reception, code, typed):
    currency(code)
    clerk_of(reception)
    invoice = make_invoice(amount=100)
    form = {"key": "k", "invoice": invoice.pk, "card": typed}
    response = reception.post(f"/billing/patients/{invoice.patient_id}/", form)
    assert response.status_code == 422
    assert "no coin smaller" in response.content.decode()
    assert not Payment.objects.exists()


def test_of_rounding_the_ledger_the_close_and_the_report_say_the_same():
    currency("CHF", "0.05")
    by, day = clerk_of(), hospital().today()
    for n, (owed, coins) in enumerate([("10.03", "10.05"), ("10.02", "10"), ("7.01", "7"), ("5.04", "5.05")]):
        invoice = make_invoice(amount=owed)
        made = take(invoice, by, ("CASH", coins), key=f"k{n}")
    payments.reverse(made[0], by=by, key="back", reason="Another's")
    take(invoice, by, ("CARD", "5.04"), key="again")
    coins = {Decimal(coin): 1 for coin in ("50", "20", "5", "2", "0.05")}
    closed = shifts.close(payments.open_shift(by), counted=coins, by=by)
    kept = shifts.totals_kept(closed)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT sum(value) FILTER (WHERE method = 'ROUNDING' AND value > 0),
                sum(value) FILTER (WHERE method = 'ROUNDING' AND value < 0),
                sum(value) FILTER (WHERE method = 'ROUNDING'), sum(value) FILTER (WHERE method = 'CASH'), sum(value)
            FROM hms_payment"""
        )
        up, down, rounded, in_cash, everything = cursor.fetchone()
    assert rounded == Decimal("0.01")
    assert [Decimal(n) for n in kept["Rounding"]] == [up, -down, 5]
    assert closed.expected == 50 + in_cash

    params = reports.period(day, day)
    by_method = {g.key: g.sums for g in reports.summary("takings", params, "method").groups}
    assert list(by_method["ROUNDING"].values()) == [0, 0, rounded, rounded]
    assert list(by_method["CASH"].values()) == [Decimal(kept["Cash"][0]), -Decimal(kept["Cash"][1]), 0, in_cash]
    (drawer,) = reports.summary("takings", params, "drawer").groups
    assert (drawer.key, drawer.sums["rounding"], drawer.sums["total"]) == (closed.pk, rounded, everything)
    assert everything == Decimal("32.10")  # what the four were billed: nothing is owed, nobody has credit
    behind = reports.listing("takings", params, by="drawer", key=closed.pk, figure="rounding")
    assert (behind.count, behind.sums["value"]) == (5, rounded)


def test_coins_smaller_than_the_rule_are_not_counted():
    currency("GBP", "0.05")
    assert shifts.coins()[-1] == Decimal("0.05")
    currency("XXX", 0)
    assert shifts.coins() == [money.unit("XXX")]
    assert hospital().currency == "XXX"
