"""The ledger: taking, giving back, taking back; what the database refuses; and sums that always agree."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, connections, transaction

from hms.domain import credit_notes, overdue, payments, shifts
from hms.domain.payments import Part
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Invoice, Payment
from hms.testing import make_invoice, make_patient, make_user, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    user = make_user()
    shifts.open_(by=user, opening_float=Decimal(50))
    return user


@pytest.fixture
def invoice():
    return make_invoice(amount=100)


def now(row):
    return type(row).objects.get(pk=row.pk)


def take(invoice, clerk, amount, *, method="CARD", key=None, **more):
    tendered = more.pop("tendered", None)
    return payments.take(
        patient=invoice.patient,
        parts=[Part(method, Decimal(amount), tendered)],
        invoices=[invoice],
        by=clerk,
        key=key or f"k{Payment.objects.count()}-{amount}",
        **more,
    )


def test_in_parts_until_it_is_paid(invoice, clerk):
    take(invoice, clerk, 40)
    assert (now(invoice).status, payments.balance(now(invoice))) == ("PENDING", Decimal(60))
    take(invoice, clerk, 60)
    assert (now(invoice).status, now(invoice).paid_date) == ("PAID", hospital().today())
    with pytest.raises(DomainError, match="paid already"):
        take(invoice, clerk, 1)


def test_cash_is_tendered_and_change_given(invoice, clerk):
    (payment,) = take(invoice, clerk, "99.50", method="CASH", tendered=Decimal(100))
    assert payment.change == Decimal("0.50")
    assert payments.drawer(now(payment.shift)) == Decimal("149.50")


def test_what_is_tendered_alone_pays_what_is_left_and_change_is_worked_out(invoice, clerk):
    card, cash = payments.take(
        patient=invoice.patient,
        parts=[Part("CARD", Decimal(40)), Part("CASH", None, Decimal(100))],
        invoices=[invoice],
        by=clerk,
        key="k",
    )
    assert (card.value, cash.value, cash.change, now(invoice).status) == (40, 60, 40, "PAID")
    again = payments.take(
        patient=invoice.patient,
        parts=[Part("CARD", Decimal(40)), Part("CASH", None, Decimal(100))],
        invoices=[invoice],
        by=clerk,
        key="k",
    )
    assert again == [card, cash]


def test_what_is_tendered_alone_may_be_a_part(invoice, clerk):
    (cash,) = payments.take(
        patient=invoice.patient,
        parts=[Part("CASH", None, Decimal(30))],
        invoices=[invoice],
        by=clerk,
        key="k",
    )
    assert (cash.value, cash.change, payments.balance(now(invoice))) == (30, 0, 70)
    with pytest.raises(DomainError, match="Nothing is left to pay in cash"):
        payments.take(
            patient=invoice.patient,
            parts=[Part("CARD", Decimal(70)), Part("CASH", None, Decimal(30))],
            invoices=[now(invoice)],
            by=clerk,
            key="k2",
        )


def test_a_mix_of_methods_over_several_invoices(clerk):
    patient = make_patient()
    first, second = make_invoice(patient=patient, amount=30), make_invoice(patient=patient, amount=50)
    payments.take(
        patient=patient,
        parts=[Part("CASH", Decimal(20), Decimal(20)), Part("CARD", Decimal(40))],
        invoices=[first, second],
        by=clerk,
        key="mix",
    )
    assert now(first).status == "PAID"
    assert payments.balance(now(second)) == Decimal(20)


def test_more_than_owed_is_offered_as_credit(invoice, clerk):
    with pytest.raises(payments.MoreThanOwed, match="keep the rest as credit"):
        take(invoice, clerk, 120)
    assert not Payment.objects.exists()
    take(invoice, clerk, 120, keep_rest=True)
    assert payments.credit(invoice.patient) == Decimal(20)
    other = make_invoice(patient=invoice.patient, amount=30)
    assert payments.apply_credit(other, by=clerk) == Decimal(20)
    assert payments.balance(now(other)) == Decimal(10)
    with pytest.raises(DomainError, match="no credit"):
        payments.apply_credit(other, by=clerk)


@pytest.mark.parametrize(
    ("amount", "method", "tendered", "words"),
    [
        (-1, "CARD", None, "above zero"),
        ("1.005", "CARD", None, "no coin smaller"),
        (10, "CHEQUE", None, "how it was paid"),
        (10, "CASH", Decimal(5), "less than"),
        (10, "CARD", Decimal(20), "Only cash"),
        (10**10, "CARD", None, "too much"),
    ],
)
def test_odd_amounts_are_refused(invoice, clerk, amount, method, tendered, words):
    with pytest.raises(DomainError, match=words):
        take(invoice, clerk, amount, method=method, tendered=tendered)
    assert not Payment.objects.exists()


def test_nothing_without_an_open_shift(invoice):
    with pytest.raises(DomainError, match="no open shift"):
        take(invoice, make_user(), 10)


def test_drafts_cancelled_and_others_are_not_paid(clerk):
    draft = make_invoice(issued=False)
    with pytest.raises(DomainError, match="not issued"):
        take(draft, clerk, 10)
    gone = make_invoice()
    credit_notes.cancel(gone, reason="x", by=clerk)
    with pytest.raises(DomainError, match="cancelled"):
        take(gone, clerk, 10)


class TestKeys:
    def test_the_same_post_again_finds_what_it_made(self, invoice, clerk):
        assert take(invoice, clerk, 40, key="a") == take(invoice, clerk, 40, key="a")
        assert Payment.objects.count() == 1

    def test_the_same_key_with_another_amount_is_refused(self, invoice, clerk):
        take(invoice, clerk, 40, key="a")
        with pytest.raises(DomainError, match="other amounts"):
            take(invoice, clerk, 41, key="a")

    def test_also_when_nothing_is_owed_any_more(self, invoice, clerk):
        assert take(invoice, clerk, 100, key="a") == take(invoice, clerk, 100, key="a")

    def test_a_key_that_begins_like_another_is_another(self, invoice, clerk):
        take(invoice, clerk, 40, key="a:0")
        take(invoice, clerk, 10, key="a")
        assert Payment.objects.count() == 2

    @pytest.mark.parametrize("key", ["", "k" * 71])
    def test_none_and_one_too_long_are_refused(self, invoice, clerk, key):
        with pytest.raises(DomainError, match="too old"):
            payments.take(
                patient=invoice.patient, parts=[Part("CARD", Decimal(1))], invoices=[invoice], by=clerk, key=key
            )


class TestGivingBack:
    def test_credited_first_then_given_back_by_the_same_method(self, invoice, clerk):
        (payment,) = take(invoice, clerk, 100)
        with pytest.raises(DomainError, match="credit note first"):
            payments.refund(payment, amount=Decimal(30), by=clerk, key="r", reason="Not done")
        line = invoice.lines.get()
        credit_notes.credit(now(invoice), amounts={line.pk: Decimal(30)}, reason="Not done", by=clerk)
        assert payments.credit(invoice.patient) == Decimal(30)
        assert now(invoice).status == "PAID"
        refund = payments.refund(payment, amount=Decimal(30), by=clerk, key="r", reason="Not done")
        assert (refund.value, refund.method) == (Decimal(-30), "CARD")
        assert payments.credit(invoice.patient) == 0
        with pytest.raises(DomainError, match="still be given back"):
            payments.refund(payment, amount=Decimal(71), by=clerk, key="r2", reason="x")

    def test_no_more_cash_than_the_drawer_holds(self, invoice, clerk):
        (payment,) = take(invoice, clerk, 100, method="CASH")
        credit_notes.cancel(now(invoice), reason="x", by=clerk)
        other = make_user()
        shifts.open_(by=other, opening_float=Decimal(10))
        with pytest.raises(DomainError, match="not so much cash"):
            payments.refund(payment, amount=Decimal(100), by=other, key="r", reason="x")

    def test_a_mistake_is_taken_back_by_a_second_row_once(self, invoice, clerk):
        (payment,) = take(invoice, clerk, 100)
        payments.reverse(payment, by=clerk, key="v", reason="Wrong patient")
        assert (now(invoice).status, payments.balance(now(invoice))) == ("PENDING", Decimal(100))
        with pytest.raises(DomainError, match="already"):
            payments.reverse(payment, by=clerk, key="v2", reason="again")
        assert Payment.objects.count() == 2

    def test_money_used_since_is_not_reversed(self, invoice, clerk):
        (payment,) = take(invoice, clerk, 150, keep_rest=True)
        payments.apply_credit(make_invoice(patient=invoice.patient, amount=50), by=clerk)
        with pytest.raises(DomainError, match="used for another"):
            payments.reverse(payment, by=clerk, key="v", reason="x")


class TestShifts:
    def test_one_open_each(self, clerk):
        with pytest.raises(DomainError, match="open already"):
            shifts.open_(by=clerk, opening_float=Decimal(1))

    def test_counted_and_closed_it_stays(self, invoice, clerk):
        take(invoice, clerk, 20, method="CASH")
        take(invoice, clerk, 30)
        shift = payments.open_shift(clerk)
        with pytest.raises(DomainError, match=r"expected £70\.00"):
            shifts.close(shift, counted={Decimal(20): 3}, by=clerk)
        with pytest.raises(DomainError, match="Only"):
            shifts.close(shift, counted={Decimal(10): 7}, by=make_user())
        closed = shifts.close(shift, counted={Decimal(10): 6}, by=clerk, explanation="A note was torn")
        assert closed.difference == Decimal(-10)
        assert closed.totals["Card"] == ["30.000", "0", 1]
        with pytest.raises(DomainError, match="no open shift"):
            take(invoice, clerk, 1)
        for sql in ("UPDATE hms_shift SET expected = 0", "DELETE FROM hms_shift"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


def by_sql(sql, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class TestWhatTheDatabaseRefuses:
    @pytest.fixture
    def payment(self, invoice, clerk):
        return take(invoice, clerk, 60)[0]

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE hms_payment SET value = 1",
            "DELETE FROM hms_payment",
            "UPDATE hms_allocation SET amount = 1",
            "DELETE FROM hms_allocation",
        ],
    )
    def test_rows_are_never_changed(self, payment, sql):
        with pytest.raises(DatabaseError):
            by_sql(sql)

    @pytest.mark.parametrize("amount", [41, -61])
    def test_no_more_than_the_invoice_and_no_less_than_nothing(self, payment, invoice, clerk, amount):
        with pytest.raises(DatabaseError):
            by_sql(
                "INSERT INTO hms_allocation (invoice_id, amount, by_id) VALUES (%s, %s, %s)",
                invoice.pk,
                amount,
                clerk.pk,
            )

    def test_no_credit_below_zero(self, payment, invoice, clerk):
        with pytest.raises(DatabaseError, match="credit_not_negative"):
            by_sql("INSERT INTO hms_allocation (invoice_id, amount, by_id) VALUES (%s, 1, %s)", invoice.pk, clerk.pk)

    def test_nothing_into_a_closed_shift(self, payment, clerk):
        shift = payments.open_shift(clerk)
        shifts.close(shift, counted={Decimal(50): 1}, by=clerk)
        with pytest.raises(DatabaseError, match="shift_is_closed"):
            by_sql(
                """INSERT INTO hms_payment (patient_id, kind, method, value, currency, shift_id, key, fingerprint,
                    number, received_by_id) VALUES (%s, 'PAYMENT', 'CARD', 1, 'GBP', %s, 'x', '', 'x', %s)""",
                payment.patient_id,
                shift.pk,
                clerk.pk,
            )

    def test_no_refund_above_what_was_paid(self, payment, clerk):
        with pytest.raises(DatabaseError):
            by_sql(
                """INSERT INTO hms_payment (patient_id, kind, method, value, currency, shift_id, key, fingerprint,
                    number, received_by_id, of_id)
                    VALUES (%s, 'REFUND', 'CARD', -61, 'GBP', %s, 'x', '', 'x', %s, %s)""",
                payment.patient_id,
                payment.shift_id,
                clerk.pk,
                payment.pk,
            )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def post(self, n, invoice, clerk, key):
        try:
            payments.take(
                patient=invoice.patient, parts=[Part("CARD", Decimal(40))], invoices=[invoice], by=clerk, key=key(n)
            )
            return True
        except DomainError:
            return False
        finally:
            connections.close_all()

    def fifty(self, key):
        invoice, clerk = make_invoice(amount=10_000), make_user()
        shifts.open_(by=clerk, opening_float=Decimal(0))
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda n: self.post(n, invoice, clerk, key), range(50)))
        return Payment.objects.count()

    def test_fifty_equal_posts_are_one_payment(self):
        assert self.fifty(lambda n: "the same") == 1

    def test_control_fifty_keys_are_fifty_payments(self):
        assert self.fifty(str) == 50

    def in_full(self, key):
        """What eight posts that each pay the whole invoice at the same moment are told."""
        invoice, clerk, gate = make_invoice(amount=40), make_user(), threading.Barrier(8)
        shifts.open_(by=clerk, opening_float=Decimal(0))

        def post(n):
            gate.wait()
            try:
                return take(invoice, clerk, 40, key=key(n))[0].number
            except DomainError as e:
                return str(e)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(post, range(8)))
        assert Payment.objects.count() == 1
        return told, Payment.objects.get().number

    def test_equal_posts_in_full_all_find_the_one_payment(self):
        told, number = self.in_full(lambda n: "the same")
        assert told == [number] * 8

    def test_control_with_keys_of_their_own_one_wins_and_seven_are_told(self):
        told, number = self.in_full(str)
        assert told.count(number) == 1
        assert sum("has been paid already" in words for words in told) == 7


def test_the_sweep_marks_and_the_reminders_go_once(clerk):
    late = make_invoice(due_date=hospital().today() - timedelta(days=8))
    fresh = make_invoice()
    assert Invoice.objects.overdue(hospital().today()).get() == late
    assert overdue.sweep() == 1
    assert (now(late).status, now(fresh).status) == ("OVERDUE", "PENDING")
    assert overdue.remind() == 1
    run_jobs()
    assert overdue.remind() == 0
    take(late, clerk, 100)
    assert now(late).status == "PAID"
