"""Money that cannot be taken or given back: what the person reads, where, and that no cent has moved."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from billing.tests.money import pay, text
from hms.domain import credit_notes, payments, shifts
from hms.domain.settings import forget
from hms.models import Allocation, Hospital, Payment
from hms.testing import make_invoice


def refused(response, words, *, at=None):
    """The answer says so, above the form with a link to the field, and in the title; nothing typed is lost."""
    page = text(response)
    assert response.status_code == 422
    assert words in page
    assert page.count("Error: ", page.index("<title>"), page.index("</title>")) == 1
    if at:
        assert f'<a href="#{at}">' in page
    return page


class TestTaking:
    @pytest.mark.parametrize(
        ("fields", "words", "at"),
        [
            ({}, "Write how much was paid.", "id_cash"),
            ({"card": "0"}, "Write how much was paid.", "id_cash"),
            ({"card": "-5"}, "The amount must be above zero.", "id_card"),
            ({"card": "−5"}, "The amount must be above zero.", "id_card"),
            ({"transfer": "1.005"}, "GBP has no coin smaller than £0.01.", "id_transfer"),
            ({"card": "1e5"}, "“1e5” is no amount.", "id_card"),
            ({"card": "999999999"}, "That is too much for one payment.", "id_card"),
            (
                {"cash": "50", "tendered": "20"},
                "That is less than is to be paid. Write a smaller amount.",
                "id_tendered",
            ),
            ({"cash": "50", "tendered": "-50"}, "The amount must be above zero.", "id_tendered"),
            ({"card": "100", "tendered": "20"}, "Nothing is left to pay in cash.", "id_tendered"),
            (
                {"card": "120"},
                "That is £20.00 more than is owed. Take less, or keep the rest as credit.",
                "id_keep_rest",
            ),
        ],
    )
    def test_odd_amounts(self, clerk, invoice, fields, words, at):
        page = refused(pay(clerk, invoice, **fields), words, at=at)
        for value in fields.values():
            assert f'value="{value}"' in page
        assert not Payment.objects.exists()

    @pytest.mark.parametrize(
        ("currency", "typed", "words"),
        [
            ("JPY", "10.5", "JPY has no coin smaller than ¥1."),
            ("KWD", "1.0005", "KWD has no coin smaller than KWD\u00a00.001."),
        ],
    )
    def test_coins_that_the_currency_has_not(self, clerk, currency, typed, words):
        Hospital.objects.update(currency=currency)
        forget()
        refused(pay(clerk, make_invoice(amount=100), cash=typed), words, at="id_cash")
        assert not Payment.objects.exists()

    def test_without_an_open_drawer_it_says_what_to_do(self, reception, invoice):
        page = text(reception.get(f"/billing/patients/{invoice.patient_id}/"))
        assert 'Your drawer is closed. <a href="/billing/shift/">Open it</a>' in page
        refused(pay(reception, invoice, card="10"), "You have no open shift. Open your drawer first.")

    def test_nor_into_a_drawer_that_was_closed_while_the_form_was_open(self, clerk, invoice):
        shifts.close(payments.open_shift(clerk.user), counted={Decimal(50): 1}, by=clerk.user)
        refused(pay(clerk, invoice, card="10"), "You have no open shift. Open your drawer first.")
        assert not Payment.objects.exists()

    def test_a_day_gone_by_cannot_be_asked_for(self, clerk, invoice):
        """No form has a day to it; whoever writes one anyway is stopped by the database."""
        pay(clerk, invoice, card="10", received_at="2020-01-01 10:00")
        (payment,) = Payment.objects.all()
        assert payment.received_at >= payment.shift.opened_at
        with pytest.raises(DatabaseError, match="payment_in_its_shift"), transaction.atomic():
            connection.cursor().execute(
                """INSERT INTO hms_payment (patient_id, kind, method, value, currency, shift_id, key, fingerprint,
                    number, received_by_id, received_at) SELECT patient_id, kind, method, value, currency, shift_id,
                    'x', '', 'x', received_by_id, received_at - interval '1 day' FROM hms_payment"""
            )


class TestTwice:
    @pytest.mark.parametrize("amount", ["40", "100"])
    def test_the_same_form_again_is_the_same_payment(self, clerk, invoice, amount):
        first, second = pay(clerk, invoice, card=amount), pay(clerk, invoice, card=amount)
        assert first.headers["Location"] == second.headers["Location"]
        assert Payment.objects.count() == 1

    def test_with_another_amount_it_is_refused(self, clerk, invoice):
        pay(clerk, invoice, card="40")
        words = "This form was sent before with other amounts. Nothing was taken now: reload the page."
        refused(pay(clerk, invoice, card="50"), words)
        assert Payment.objects.get().value == 40

    @pytest.mark.parametrize("more", [{}, {"keep_rest": "on"}])
    def test_of_two_clerks_the_second_is_told(self, clerk, reception2, invoice, more):
        shifts.open_(by=reception2.user, opening_float=Decimal(0))
        pay(clerk, invoice, key="rita", card="100")
        refused(pay(reception2, invoice, key="remo", card="100", **more), f"{invoice.number} has been paid already.")
        assert Payment.objects.count() == 1
        assert payments.credit(invoice.patient) == 0


class TestCancelled:
    @pytest.fixture(autouse=True)
    def cancelled(self, clerk, invoice):
        credit_notes.cancel(invoice, reason="x", by=clerk.user)

    def test_it_is_not_paid(self, clerk, invoice):
        words = f"{invoice.number} is cancelled; nothing is owed for it."
        refused(pay(clerk, invoice, card="100", keep_rest="on"), words)
        assert not Payment.objects.exists()

    def test_nor_from_the_credit(self, clerk, invoice):
        other = make_invoice(patient=invoice.patient, amount=10)
        pay(clerk, other, card="30", keep_rest="on")
        page = text(clerk.post(f"/billing/invoices/{invoice.pk}/from-credit/", follow=True))
        assert "There is no credit to use, or nothing to pay." in page
        assert not Allocation.objects.filter(invoice=invoice).exists()


class TestGivingBack:
    @pytest.fixture
    def payment(self, clerk, invoice):
        pay(clerk, invoice, card="130", keep_rest="on")
        return Payment.objects.get()

    @pytest.mark.parametrize(
        ("amount", "reason", "words", "at"),
        [
            ("", "x", "The amount must be above zero.", "refund-amount"),
            ("0", "x", "The amount must be above zero.", "refund-amount"),
            ("-1", "x", "The amount must be above zero.", "refund-amount"),
            ("1.005", "x", "GBP has no coin smaller than £0.01.", "refund-amount"),
            ("131", "x", "Of this payment £130.00 can still be given back.", "refund-amount"),
            (
                "31",
                "x",
                "Only £30.00 is not for an invoice. Take back the invoice by a credit note first.",
                "refund-amount",
            ),
            ("10", " ", "Say why it is given back.", "refund-reason"),
        ],
    )
    def test_odd_amounts(self, clerk, payment, amount, reason, words, at):
        form = {"key": "r", "amount": amount, "reason": reason}
        page = refused(clerk.post(f"/billing/payments/{payment.pk}/refund/", form), words, at=at)
        assert f'value="{amount}"' in page or not amount
        assert Payment.objects.count() == 1

    def test_the_same_form_again_gives_back_once(self, clerk, payment):
        path, form = f"/billing/payments/{payment.pk}/refund/", {"key": "r", "amount": "10", "reason": "x"}
        assert clerk.post(path, form).headers["Location"] == clerk.post(path, form).headers["Location"]
        refused(clerk.post(path, form | {"amount": "11"}), "This form was sent before with other amounts.")
        assert [row.value for row in Payment.objects.order_by("pk")] == [130, -10]

    def test_a_mistake_is_taken_back_once_and_with_its_reason(self, clerk, payment):
        path = f"/billing/payments/{payment.pk}/reverse/"
        refused(clerk.post(path, {"key": "v", "reason": ""}), "Say what the mistake was.", at="reverse-reason")
        clerk.post(path, {"key": "v", "reason": "Wrong patient"})
        words = "This has been reversed already."
        refused(clerk.post(path, {"key": "w", "reason": "Wrong patient"}), words)
        assert Payment.objects.count() == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"opening_float": ""}, "Write how much is in the drawer now."),
        ({"opening_float": "-1"}, "Write how much is in the drawer now."),
        ({"opening_float": "1.005"}, "GBP has no coin smaller than £0.01."),
        ({"opening_float": "99999999999999"}, "No drawer holds so much."),
    ],
)
def test_a_drawer_is_not_opened_with(reception, typed, words):
    refused(reception.post("/billing/shift/", typed), words, at="id_opening_float")
    assert payments.open_shift(reception.user) is None


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"coin_50": "-1"}, "Write how many, as a whole number."),
        ({"coin_50": "1.5"}, "Write how many, as a whole number."),
        ({"coin_20": "1"}, "Counted £20.00, expected £50.00. Count again, or say why it differs."),
    ],
)
def test_a_drawer_is_not_closed_with(clerk, typed, words):
    page = refused(clerk.post("/billing/shift/", typed), words)
    for value in typed.values():
        assert f'value="{value}"' in page
    assert payments.open_shift(clerk.user)
