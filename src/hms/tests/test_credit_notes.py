"""Taking an issued invoice back, wholly or in part."""

from decimal import Decimal

import pytest

from hms.domain import credit_notes, invoicing
from hms.domain.settings import forget
from hms.errors import DomainError
from hms.models import Hospital
from hms.testing import make_invoice, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db):
    return make_user()


class TestCreditNotes:
    @pytest.fixture
    def invoice(self, desk):
        draft = make_invoice(issued=False, amount="10.03", tax_rate=20)
        invoicing.add_line(draft, text="Second", unit_price=Decimal("0.03"), tax_rate=Decimal(20), by=desk)
        draft.refresh_from_db()
        return invoicing.issue(draft, by=desk)

    def test_the_whole_cancels(self, desk, invoice):
        note = credit_notes.cancel(invoice, reason="wrong patient", by=desk)
        invoice.refresh_from_db()
        assert invoice.status == "CANCELLED"
        assert note.total_amount == invoice.total_amount
        assert note.number.startswith("C")
        with pytest.raises(DomainError, match="already cancelled"):
            credit_notes.cancel(invoice, reason="again", by=desk)

    def test_parts_leave_no_cent_behind(self, desk, invoice):
        first, second = invoice.lines.all()
        parts = [{first.pk: Decimal("3.33")}, {first.pk: Decimal("6.70"), second.pk: Decimal("0.01")}]
        notes = [credit_notes.credit(invoice, amounts=a, reason="part", by=desk) for a in parts]
        notes.append(credit_notes.cancel(invoice, reason="rest", by=desk))
        assert sum(note.total_amount for note in notes) == invoice.total_amount
        assert sum(note.tax_amount for note in notes) == invoice.tax_amount
        for note in notes:
            assert sum(tax for _r, _n, tax in credit_notes.tax_rows(note)) == note.tax_amount
        invoice.refresh_from_db()
        assert invoice.status == "CANCELLED"

    @pytest.mark.parametrize(("amount", "words"), [("10.04", "only"), ("-1", "below zero"), ("0", "nothing")])
    def test_bad_amounts(self, desk, invoice, amount, words):
        with pytest.raises(DomainError, match=words):
            credit_notes.credit(invoice, amounts={invoice.lines.first().pk: Decimal(amount)}, reason="x", by=desk)

    @pytest.mark.parametrize(("currency", "words"), [("GBP", "only £90.00 is left"), ("JPY", "only ¥90 is left")])
    def test_what_is_left_is_said_as_an_amount(self, desk, currency, words):
        Hospital.objects.current()
        Hospital.objects.update(currency=currency)
        forget()
        invoice = make_invoice(amount=90)
        with pytest.raises(DomainError, match=words):
            credit_notes.credit(invoice, amounts={invoice.lines.get().pk: Decimal(91)}, reason="x", by=desk)

    def test_a_reason_is_needed_and_foreign_lines_are_refused(self, desk, invoice):
        with pytest.raises(DomainError, match="Say why"):
            credit_notes.cancel(invoice, reason=" ", by=desk)
        other = make_invoice().lines.get()
        with pytest.raises(DomainError, match="not of this invoice"):
            credit_notes.credit(invoice, amounts={other.pk: Decimal(1)}, reason="x", by=desk)
        with pytest.raises(DomainError, match="discarded"):
            credit_notes.cancel(make_invoice(issued=False), reason="x", by=desk)
