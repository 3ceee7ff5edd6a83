"""Setting paper: what is typed stays text, what hangs or fails is said, the child comes back."""

import pytest

from hms import pdf
from hms.documents import credit_note_data, credit_note_pdf, invoice_data, invoice_pdf
from hms.domain import credit_notes, invoicing
from hms.models import Hospital
from hms.testing import make_appointment, make_invoice, make_user

pytestmark = pytest.mark.django_db


def test_an_invoice_is_set_and_tagged():
    content = invoice_pdf(make_invoice(tax_rate=20))
    assert content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in content
    assert b"/MarkInfo" in content or b"/Marked" in content


def test_what_people_type_is_never_markup():
    by = make_user()
    draft = make_invoice(issued=False)
    for text in ["#panic()", "$x^2$ *bold* _it_ \\ `code`", "]] #[ \"'", "<a> https://x.example @ref", "= head"]:
        invoicing.add_line(draft, text=text, unit_price=1, by=by)
    invoicing.edit(draft, by=by, head={"bill_to": "#let x = 1\n#x", "note": '#import "/etc/passwd"'})
    draft.refresh_from_db()
    assert invoice_pdf(draft).startswith(b"%PDF-")


def test_many_lines_take_more_pages():
    by, draft = make_user(), make_invoice(issued=False)
    for n in range(60):
        invoicing.add_line(draft, text=f"Line {n}", unit_price=1, by=by)
    draft.refresh_from_db()
    assert b"/Count 2" in invoice_pdf(draft)


def test_an_issued_invoice_prints_what_was_copied():
    appointment = make_appointment(status="COMPLETED")
    invoice = make_invoice(appointment=appointment)
    Hospital.objects.update(name="Renamed")
    appointment.patient.user.last_name = "Other"
    appointment.patient.user.save()
    invoice.refresh_from_db()
    data = invoice_data(invoice)
    assert data["hospital"]["name"] != "Renamed"
    assert "Other" not in data["bill_to"]
    assert data["total"] == "£100.00"


def test_a_credit_note_is_set():
    note = credit_notes.cancel(make_invoice(tax_rate=20), reason="twice", by=make_user())
    assert credit_note_data(note)["total"] == "£120.00"
    assert credit_note_pdf(note).startswith(b"%PDF-")


def test_a_child_that_was_killed_comes_back():
    pdf.render("invoice", invoice_data(make_invoice()))
    pdf._child.kill()
    pdf._child.wait()
    assert pdf.render("invoice", invoice_data(make_invoice())).startswith(b"%PDF-")


def test_what_cannot_be_set_is_said(reception, monkeypatch):
    with pytest.raises(pdf.NoPaper):
        pdf.render("invoice", {})
    with pytest.raises(ValueError, match="secret"):
        pdf.render("../secret", {})
    monkeypatch.setattr(pdf, "LIMIT", 0)
    response = reception.get(f"/billing/invoices/{make_invoice().pk}/pdf/")
    assert response.status_code == 503
    assert "could not be set" in response.content.decode()
