"""What the database refuses of the ledger, by plain SQL: states without rows, false drawers, odd reversals."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from hms.domain import payments, shifts
from hms.domain.payments import Part
from hms.domain.settings import forget
from hms.errors import DomainError
from hms.models import Hospital, Payment
from hms.testing import make_invoice, make_user

pytestmark = pytest.mark.django_db


def by_sql(sql, *params):
    """Run it as a transaction of its own would: what waits for the commit is checked now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def settled():
    by_sql("SELECT 1")  # so that a later refusal is of what is done then


@pytest.fixture
def clerk():
    user = make_user()
    shifts.open_(by=user, opening_float=Decimal(50))
    return user


@pytest.fixture
def payment(clerk):
    invoice = make_invoice(amount=100)
    (row,) = payments.take(
        patient=invoice.patient, parts=[Part("CASH", Decimal(100))], invoices=[invoice], by=clerk, key="k"
    )
    settled()
    return row


class TestInvoices:
    def test_not_paid_without_a_payment(self):
        invoice = make_invoice(amount=100)
        settled()
        with pytest.raises(DatabaseError, match="invoice_paid_by_ledger"):
            by_sql("UPDATE hms_invoice SET status = 'PAID', paid_date = current_date WHERE id = %s", invoice.pk)

    @pytest.mark.parametrize("status", ["PENDING", "OVERDUE"])
    def test_not_owed_again_while_the_payment_stands(self, payment, status):
        with pytest.raises(DatabaseError, match="invoice_paid_by_ledger"):
            by_sql("UPDATE hms_invoice SET status = %s, paid_date = NULL", status)

    def test_late_while_it_is_owed(self):
        invoice = make_invoice(amount=100)
        settled()
        by_sql("UPDATE hms_invoice SET status = 'OVERDUE' WHERE id = %s", invoice.pk)


class TestCurrencies:
    @pytest.mark.parametrize(
        ("currency", "total", "part", "odd", "coins"),
        [("JPY", 8001, 8000, "0.5", {5000: 1, 1000: 3}), ("KWD", "5.255", "5.250", "0.0005", {5: 1, "0.250": 1})],
    )
    def test_paid_and_counted_to_the_smallest_coin(self, currency, total, part, odd, coins):
        Hospital.objects.current()
        Hospital.objects.update(currency=currency)
        forget()
        clerk, invoice = make_user(), make_invoice(amount=total)
        shift = shifts.open_(by=clerk, opening_float=Decimal(0))
        pay = lambda amount, method: payments.take(  # noqa: E731
            patient=invoice.patient, parts=[Part(method, Decimal(amount))], invoices=[invoice], by=clerk, key=amount
        )
        with pytest.raises(DomainError, match=f"{currency} has no coin smaller"):
            pay(odd, "CASH")
        pay(str(part), "CASH")
        pay(str(Decimal(total) - Decimal(part)), "CARD")
        invoice.refresh_from_db()
        assert invoice.status == "PAID"
        counted = {Decimal(coin): n for coin, n in coins.items()}
        assert shifts.close(shift, counted=counted, by=clerk).counted_total == Decimal(part)
        settled()


CLOSE = "UPDATE hms_shift SET closed_at = now(), expected = %s, counted_total = %s, counted = %s, explanation = 'x'"


class TestDrawer:
    @pytest.mark.parametrize(
        ("expected", "total", "counted"),
        [(1, 1, '{"1": 1}'), (150, 150, "{}"), (150, 149, '{"50": 3}'), (50, 50, '{"50": 1}')],
    )
    def test_what_does_not_tie_is_not_closed(self, payment, expected, total, counted):
        with pytest.raises(DatabaseError, match="shift_ties_to_ledger"):
            by_sql(CLOSE, expected, total, counted)

    @pytest.mark.parametrize(("total", "counted"), [(150, '{"50": 3}'), (140, '{"50": 2, "0.50": 80}')])
    def test_what_ties_is(self, payment, total, counted):
        by_sql(CLOSE, 150, total, counted)

    @pytest.mark.parametrize("change", ["opening_float = 1", "opened_at = now() - interval '2 days'"])
    def test_it_stays_as_it_was_opened(self, payment, change):
        with pytest.raises(DatabaseError, match="shift_stays_as_opened"):
            by_sql(f"UPDATE hms_shift SET {change}")


class TestWhatFollows:
    def follow(self, row, kind, value):
        by_sql(
            """INSERT INTO hms_payment (patient_id, kind, method, value, currency, shift_id, key, fingerprint, number,
                received_by_id, of_id) VALUES (%s, %s, %s, %s, 'GBP', %s, 'x', '', 'x', %s, %s)""",
            row.patient_id, kind, row.method, value, row.shift_id, row.received_by_id, row.pk,
        )  # fmt: skip

    @pytest.mark.parametrize(("kind", "value"), [("REVERSAL", 100), ("REFUND", -1)])
    def test_nothing_follows_a_reversal(self, payment, clerk, kind, value):
        row = payments.reverse(payment, by=clerk, key="r", reason="x")
        settled()
        with pytest.raises(DatabaseError, match="reversal_is_final"):
            self.follow(row, kind, value)

    def test_what_was_taken_back_is_not_given_back_too(self, payment, clerk):
        payments.reverse(payment, by=clerk, key="r", reason="x")
        settled()
        with pytest.raises(DatabaseError, match="refund_of_payment"):
            self.follow(payment, "REFUND", -1)
        assert Payment.objects.count() == 2
