"""The statement on the screen and on paper, the reminder to print, the sheet of a drawer, receipts by mail."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from hms.domain import credit_notes, payments, shifts
from hms.domain.settings import hospital
from hms.models import AccessLog, OutboxMail, User
from hms.testing import make_invoice, make_patient, run_jobs

pytestmark = pytest.mark.django_db


def text(response):
    return response.content.decode()


def is_pdf(response):
    return response.status_code == 200 and response.content[:5] == b"%PDF-"


class TestStatement:
    def test_it_shows_the_balance_after_each_row(self, reception):
        patient = make_patient()
        for amount in (30, 12):
            make_invoice(patient=patient, amount=amount)
        page = text(reception.get(f"/billing/patients/{patient.pk}/statement/"))
        assert "£30.00" in page
        assert "£42.00" in page
        assert AccessLog.objects.filter(patient=patient, action="statement.viewed").exists()

    def test_days_that_cannot_be_are_said_at_their_field(self, reception):
        address = f"/billing/patients/{make_patient().pk}/statement/"
        for query, said in [
            ("first=yesterdayish", "is not a date"),
            ("first=2026-02-30", "There is no"),
            ("first=2026-02-03&last=2026-01-03", "before the first day"),
            ("first=0001-01-01", "this or the last century"),
        ]:
            response = reception.get(f"{address}?{query}")
            assert response.status_code == 422
            assert said in text(response)

    def test_the_paper_has_the_same_days(self, reception):
        patient, today = make_patient(), hospital().today()
        response = reception.get(f"/billing/patients/{patient.pk}/statement/pdf/?last={today - timedelta(days=3)}")
        assert is_pdf(response)
        assert f"{today - timedelta(days=3)}.pdf" in response["Content-Disposition"]

    @pytest.mark.parametrize("rows", [1, 3])
    def test_it_asks_as_often_for_one_row_as_for_three(self, reception, django_assert_max_num_queries, rows):
        patient = make_patient()
        for _n in range(rows):
            make_invoice(patient=patient)
        with django_assert_max_num_queries(12):
            reception.get(f"/billing/patients/{patient.pk}/statement/")


class TestReminder:
    def test_it_can_be_printed_for_whoever_has_no_address(self, reception):
        day = hospital().today() - timedelta(days=9)
        invoice = make_invoice(patient=make_patient(email=None), due_date=day, issued_on=day)
        assert "/reminder/" in text(reception.get(f"/billing/invoices/{invoice.pk}/"))
        assert is_pdf(reception.get(f"/billing/invoices/{invoice.pk}/reminder/"))

    def test_what_is_not_overdue_is_not_reminded_of(self, reception):
        response = reception.get(f"/billing/invoices/{make_invoice().pk}/reminder/", follow=True)
        assert "nothing to remind of" in text(response)


class TestReceipt:
    def test_it_is_mailed_once_however_often_the_button_is_pressed(self, reception):
        shifts.open_(by=reception.user, opening_float=0)
        invoice = make_invoice()
        (payment,) = payments.take(
            patient=invoice.patient,
            parts=[payments.Part("CARD", Decimal(5))],
            invoices=[invoice],
            by=reception.user,
            key="k",
        )
        for _n in range(2):
            page = reception.post(f"/billing/payments/{payment.pk}/mail/", {"key": "one-form"}, follow=True)
            assert "on its way" in text(page)
            run_jobs()
        assert OutboxMail.objects.filter(kind="receipt.mailed").count() == 1
        assert "Reload" in text(reception.post(f"/billing/payments/{payment.pk}/mail/", follow=True))


@pytest.mark.parametrize("what", ["credit_note", "statement"])
def test_other_papers_are_mailed_too(reception, what):
    invoice = make_invoice()
    note = credit_notes.credit(invoice, amounts={invoice.lines.get().pk: 5}, reason="x", by=reception.user)
    page, form = {
        "credit_note": (f"/billing/credit-notes/{note.pk}/", {}),
        "statement": (
            f"/billing/patients/{invoice.patient_id}/statement/",
            {"first": "2026-01-01", "last": "2026-02-01"},
        ),
    }[what]
    assert f'action="{page}mail/"' in text(reception.get(page))
    for _n in range(2):
        answer = reception.post(f"{page}mail/", {"key": "one-form"} | form, follow=True)
        assert "on its way" in text(answer)
        run_jobs()
    (letter,) = OutboxMail.objects.filter(kind=f"{what}.mailed")
    assert letter.to == invoice.patient.user.email
    assert bytes(letter.attachments.get().content).startswith(b"%PDF-")
    if what == "statement":
        assert "01-Jan-2026 to 01-Feb-2026" in letter.subject
        assert answer.redirect_chain[0][0].endswith("?first=2026-01-01&last=2026-02-01")
    User.objects.filter(pk=invoice.patient.user_id).update(email=None)
    assert "print it instead" in text(reception.post(f"{page}mail/", {"key": "other"} | form, follow=True))


def test_a_closed_drawer_is_shown_and_printed(reception):
    shift = shifts.open_(by=reception.user, opening_float=Decimal(20))
    shifts.close(shift, counted={Decimal(10): 1, Decimal("0.50"): 19}, by=reception.user, explanation="a coin fell")
    page = text(reception.get(f"/billing/shifts/{shift.pk}/"))
    assert re.findall(r'data-label="Method">([^<]+)<', page) == ["Cash", "Card", "Transfer"]
    assert "£9.50" in page
    assert "a coin fell" in page
    assert is_pdf(reception.get(f"/billing/shifts/{shift.pk}/pdf/"))


def test_an_open_drawer_has_no_sheet(reception):
    shift = shifts.open_(by=reception.user, opening_float=Decimal(20))
    assert reception.get(f"/billing/shifts/{shift.pk}/pdf/").status_code == 404


@pytest.mark.parametrize("path", ["statement/", "statement/pdf/"])
def test_nobody_else_reads_a_statement(doctor, patient, path):
    for client in (doctor, patient):
        assert client.get(f"/billing/patients/{make_patient().pk}/{path}").status_code == 403
