"""Taking money over HTTP: the account, receipts, giving back, the drawer, the reports."""

from decimal import Decimal

from billing.tests.money import pay, text
from hms import documents
from hms.domain import credit_notes, payments, shifts
from hms.domain.payments import Part
from hms.domain.settings import forget
from hms.models import Hospital, Payment, Shift
from hms.testing import make_invoice, make_user


def test_from_the_invoice_to_the_receipt(clerk, invoice):
    assert "Take a payment" in text(clerk.get(f"/billing/invoices/{invoice.pk}/"))
    page = text(clerk.get(f"/billing/patients/{invoice.patient_id}/?invoice={invoice.pk}"))
    assert invoice.number in page
    response = pay(clerk, invoice, cash="60", tendered="70", card="40")
    first = Payment.objects.order_by("pk").first()
    assert response.headers["Location"] == f"/billing/payments/{first.pk}/"
    page = text(clerk.get(response.headers["Location"]))
    assert "Change" in page
    assert "£10.00" in page
    invoice.refresh_from_db()
    assert invoice.status == "PAID"
    assert first.number in text(clerk.get("/billing/payments/"))
    assert first.number in text(clerk.get(f"/billing/invoices/{invoice.pk}/"))


def test_above_what_is_owed_becomes_credit_when_asked(clerk, invoice):
    assert pay(clerk, invoice, card="120", keep_rest="on").status_code == 302
    assert "Credit" in text(clerk.get(f"/billing/patients/{invoice.patient_id}/"))
    other = make_invoice(patient=invoice.patient, amount=20)
    clerk.post(f"/billing/invoices/{other.pk}/from-credit/")
    other.refresh_from_db()
    assert other.status == "PAID"


def test_the_receipt_says_what_of_it_is_credit(clerk, invoice):
    pay(clerk, invoice, card="120", keep_rest="on")
    payment = Payment.objects.get()
    page = text(clerk.get(f"/billing/payments/{payment.pk}/"))
    assert "<li>Kept as credit <span>£20.00</span></li>" in page
    lines = documents.receipt_data(payment)["lines"]
    assert invoice.number in lines[0]["text"]
    assert [line["net"] for line in lines] == ["£100.00", "£20.00"]
    assert lines[1]["text"] == "Kept as credit"
    other = make_invoice(patient=invoice.patient, amount=20)
    clerk.post(f"/billing/invoices/{other.pk}/from-credit/")
    assert payments.kept(payment) == 20  # as it was printed
    pay(clerk, make_invoice(amount=10), key="k2", card="10")
    assert "Kept as credit" not in text(clerk.get(f"/billing/payments/{Payment.objects.latest('pk').pk}/"))


def test_the_receipt_says_what_can_be_given_back_now(clerk, invoice):
    pay(clerk, invoice, card="120", keep_rest="on")
    page = f"/billing/payments/{Payment.objects.get().pk}/"
    assert "Up to £120.00, by card. Only £20.00 is for no invoice now" in text(clerk.get(page))
    credit_notes.cancel(invoice, reason="Twice", by=clerk.user)
    assert "for no invoice now" not in text(clerk.get(page))


def test_what_is_paid_in_cash_is_said_where_it_differs(clerk, invoice):
    Hospital.objects.update(cash_rounding=Decimal("0.05"))
    forget()
    page = f"/billing/patients/{invoice.patient_id}/"
    assert "In cash, rounded" not in text(clerk.get(page))
    make_invoice(patient=invoice.patient, amount="0.03")
    assert "In cash, rounded: £100.05" in text(clerk.get(page))


def test_given_back_and_reversed(clerk, invoice):
    pay(clerk, invoice, card="130", keep_rest="on")
    payment = Payment.objects.get()
    response = clerk.post(f"/billing/payments/{payment.pk}/refund/", {"key": "r", "amount": "31", "reason": "x"})
    assert response.status_code == 422
    assert 'value="31"' in text(response)
    assert (
        clerk.post(
            f"/billing/payments/{payment.pk}/refund/", {"key": "r", "amount": "30", "reason": "too much"}
        ).status_code
        == 302
    )
    refund = Payment.objects.get(kind="REFUND")
    assert "too much" in text(clerk.get(f"/billing/payments/{refund.pk}/"))
    assert clerk.post(f"/billing/payments/{refund.pk}/reverse/", {"key": "v", "reason": ""}).status_code == 422
    clerk.post(f"/billing/payments/{refund.pk}/reverse/", {"key": "v", "reason": "mistake"})
    assert payments.credit(invoice.patient) == Decimal(30)


def test_the_receipt_on_paper(clerk, invoice):
    pay(clerk, invoice, cash="100", tendered="100")
    response = clerk.get(f"/billing/payments/{Payment.objects.get().pk}/pdf/")
    assert response.content.startswith(b"%PDF")


class TestDrawer:
    def test_opened_counted_explained_closed(self, reception, invoice):
        assert "Open your drawer" in text(reception.get("/billing/shift/"))
        assert reception.post("/billing/shift/", {"opening_float": ""}).status_code == 422
        reception.post("/billing/shift/", {"opening_float": "50"})
        pay(reception, invoice, cash="20")
        page = text(reception.get("/billing/shift/"))
        assert "£70.00" in page
        response = reception.post("/billing/shift/", {"coin_50": "1"})
        assert response.status_code == 422
        assert "say why it differs" in text(response)
        response = reception.post("/billing/shift/", {"coin_50": "1", "explanation": "A note is missing"})
        shift = Shift.objects.get()
        assert response.headers["Location"] == f"/billing/shifts/{shift.pk}/"
        page = text(reception.get(response.headers["Location"]))
        assert "A note is missing" in page
        assert "Open your drawer" in text(reception.get("/billing/shift/"))

    def test_closed_ones_are_listed_by_when_they_were_closed(self, reception, reception2):
        first, second = (shifts.open_(by=c.user, opening_float=Decimal(50)) for c in (reception, reception2))
        shifts.close(second, counted={Decimal(50): 1}, by=reception2.user)
        shifts.close(first, counted={Decimal(20): 2}, by=reception.user, explanation="A tenner is missing")
        page = text(reception.get("/billing/shift/"))
        rows = page[page.index('id="closed-drawers"') :]
        assert rows.index(f"/billing/shifts/{first.pk}/") < rows.index(f"/billing/shifts/{second.pk}/")
        assert "−£10.00" in rows

    def test_more_than_any_drawer_holds_is_refused(self, reception):
        response = reception.post("/billing/shift/", {"opening_float": "99999999999999"})
        assert response.status_code == 422
        assert "No drawer holds so much" in text(response)
        assert 'value="99999999999999"' in text(response)

    def test_nor_is_so_much_counted(self, clerk):
        Hospital.objects.update(currency="JPY")
        forget()
        response = clerk.post("/billing/shift/", {"coin_10000": "100000", "explanation": "x"})
        assert response.status_code == 422
        assert "No drawer holds so much" in text(response)
        assert Shift.objects.get().closed_at is None


def test_what_is_owed_stands_on_the_desks_page(clerk, invoice):
    assert "£100.00" in text(clerk.get(f"/desk/patients/{invoice.patient_id}/"))


def test_others_are_refused(doctor, patient, invoice):
    shifts.open_(by=(user := make_user()), opening_float=Decimal(0))
    (payment,) = payments.take(
        patient=invoice.patient, parts=[Part("CARD", Decimal(10))], invoices=[invoice], by=user, key="x"
    )
    for client in (doctor, patient):
        for path in ("payments/", f"payments/{payment.pk}/", f"payments/{payment.pk}/pdf/", "shift/", "reports/"):
            assert client.get(f"/billing/{path}").status_code == 403


def test_the_rows_of_an_account_lead_to_their_documents(clerk, invoice):
    pay(clerk, invoice, card="60")
    payment = Payment.objects.get()
    note = credit_notes.credit(invoice, amounts={invoice.lines.get().pk: Decimal(5)}, reason="Late", by=clerk.user)
    for page in (f"/billing/patients/{invoice.patient_id}/", f"/billing/patients/{invoice.patient_id}/statement/"):
        shown = text(clerk.get(page))
        for path, document in (("invoices", invoice), ("credit-notes", note), ("payments", payment)):
            assert f'<a href="/billing/{path}/{document.pk}/">{document.number}</a>' in shown
