"""My invoices: mine, issued, with what is owed; on paper too."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conftest import sign_in
from hms.domain import credit_notes, merging, payments, shifts
from hms.domain.settings import hospital
from hms.models import AccessLog, Payment
from hms.testing import make_invoice, make_patient, make_user

pytestmark = pytest.mark.django_db


def text(response):
    return response.content.decode()


@pytest.fixture
def clerk():
    user = make_user()
    shifts.open_(by=user, opening_float=0)
    return user


def pay(invoice, amount, clerk, key="pay"):
    part = payments.Part("CARD", Decimal(amount))
    return payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key=key)[0]


def test_what_is_owed_is_said_on_each_page(patient, clerk):
    me = patient.user.patient
    invoice = make_invoice(patient=me, by=clerk)
    pay(invoice, 40, clerk)
    assert "£60.00 to pay" in text(patient.get("/portal/"))
    page = text(patient.get("/portal/invoices/"))
    assert "You owe £60.00" in page
    assert "£60.00 to pay by" in page
    page = text(patient.get(f"/portal/invoices/{invoice.pk}/"))
    assert "−£40.00" in page
    assert "Left to pay" in page
    pay(invoice, 60, clerk, key="rest")
    assert "to pay" not in text(patient.get("/portal/"))
    assert "All your invoices are paid." in text(patient.get("/portal/invoices/"))


def test_overdue_is_said_with_its_day(patient, clerk):
    due = hospital().today() - timedelta(days=3)
    make_invoice(patient=patient.user.patient, by=clerk, due_date=due)
    assert "to pay, was due" in text(patient.get("/portal/invoices/"))


def test_papers_are_mine_only(patient, clerk):
    me = patient.user.patient
    invoice = make_invoice(patient=me, by=clerk)
    note = credit_notes.credit(invoice, amounts={invoice.lines.get().pk: 10}, reason="Too much", by=clerk)
    receipt = pay(invoice, 90, clerk)
    paths = [
        f"/portal/invoices/{invoice.pk}.pdf",
        f"/portal/invoices/credit-notes/{note.pk}.pdf",
        f"/portal/invoices/receipts/{receipt.pk}.pdf",
    ]
    page = text(patient.get(f"/portal/invoices/{invoice.pk}/"))
    stranger = sign_in(Client(), make_patient().user)
    for path in paths:
        assert path in page
        answer = patient.get(path)
        assert (answer.headers["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
        assert stranger.get(path).status_code == 404
    assert stranger.get(f"/portal/invoices/{invoice.pk}/").status_code == 404
    actions = set(AccessLog.objects.filter(patient=me, user=patient.user).values_list("action", flat=True))
    assert actions == {"invoice.viewed", "invoice.printed", "credit_note.printed", "receipt.printed"}


def test_drafts_are_not_there(patient, clerk):
    draft = make_invoice(patient=patient.user.patient, issued=False, by=clerk)
    assert "You have no invoice." in text(patient.get("/portal/invoices/"))
    for path in (f"/portal/invoices/{draft.pk}/", f"/portal/invoices/{draft.pk}.pdf"):
        assert patient.get(path).status_code == 404
    assert "to pay" not in text(patient.get("/portal/"))


def test_those_of_a_merged_record_are_mine(patient, clerk):
    other = make_patient(email=None)
    invoice = make_invoice(patient=other, by=clerk)
    receipt = pay(invoice, 30, clerk)
    made = merging.merge(patient.user.patient, other, by=clerk)
    assert "You owe £70.00" in text(patient.get("/portal/invoices/"))
    assert patient.get(f"/portal/invoices/receipts/{receipt.pk}.pdf").status_code == 200
    merging.undo(made, by=clerk)
    assert patient.get(f"/portal/invoices/{invoice.pk}/").status_code == 404


def test_money_given_back_and_credit(patient, clerk):
    invoice = make_invoice(patient=patient.user.patient, by=clerk)
    part = payments.Part("CARD", Decimal(120))
    first = payments.take(
        patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key="much", keep_rest=True
    )[0]
    assert "We have £20.00 of yours" in text(patient.get("/portal/invoices/"))
    payments.reverse(first, by=clerk, key="back", reason="Wrong card")
    page = text(patient.get(f"/portal/invoices/{invoice.pk}/"))
    assert "£100.00 to pay" in page
    assert Payment.objects.count() == 2


def test_a_list_of_many_takes_as_few_queries(patient, clerk):
    me, counts = patient.user.patient, []
    patient.get("/portal/invoices/")
    for n in (1, 3):
        for _i in range(n):
            make_invoice(patient=me, by=clerk)
        with CaptureQueriesContext(connection) as made:
            assert patient.get("/portal/invoices/").status_code == 200
        counts.append(len(made))
    assert counts[0] == counts[1]
