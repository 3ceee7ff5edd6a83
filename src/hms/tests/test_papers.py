"""What the papers say, read back from the PDFs: every kind, long lists, long and foreign names, other currencies."""

import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfReader

from hms import account_papers, documents, paper_words, pdf
from hms.domain import credit_notes, invoicing, payments, shifts
from hms.domain.settings import forget, hospital
from hms.domain.statements import statement
from hms.models import Hospital
from hms.testing import make_invoice, make_patient, make_user

pytestmark = pytest.mark.django_db

LONG = "Wolfeschlegelsteinhausenbergerdorff" * 4  # 140 letters without a place to break


def read(content):
    """``(pages, their text in one line)`` of a PDF; it must be tagged, titled and in a language."""
    reader = PdfReader(io.BytesIO(content))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]
    assert root["/Lang"]
    assert reader.metadata.title
    text = " ".join(page.extract_text() for page in reader.pages)
    return reader.pages, " ".join(re.sub("[\u200b\u2068\u2069]", "", text).split())


def take(invoice, by, amount, method="CARD", **more):
    part = payments.Part(method, Decimal(amount), more.get("tendered"))
    (made,) = payments.take(
        patient=invoice.patient, parts=[part], invoices=[invoice], by=by, key=f"k{invoice.pk}-{amount}"
    )
    return made


@pytest.fixture
def clerk():
    user = make_user(first_name="Rita", last_name="Reception")
    shifts.open_(by=user, opening_float=Decimal(50))
    return user


def currency(code):
    Hospital.objects.update(currency=code)
    forget()


def test_an_invoice_says_its_lines_tax_and_sums():
    pages, text = read(documents.invoice_pdf(make_invoice(tax_rate=20)))
    assert len(pages) == 1
    for said in ("Consultation", "20 %", "£100.00", "£20.00", "£120.00", "1 / 1"):
        assert said in text.replace("\u00a0", " ")


def test_a_cancelled_invoice_says_so_and_not_how_to_pay_it(clerk):
    Hospital.objects.update(payment_terms="By transfer")
    forget()
    invoice = make_invoice()
    assert "How to pay" in read(documents.invoice_pdf(invoice))[1]
    invoice = credit_notes.cancel(invoice, reason="Twice", by=clerk).invoice
    invoice.refresh_from_db()
    _pages, text = read(documents.invoice_pdf(invoice))
    assert "CANCELLED" in text
    assert "How to pay" not in text


def test_sixty_lines_take_three_pages_with_their_heading_on_each():
    by, draft = make_user(), make_invoice(issued=False)
    text = "computed tomography of chest, abdomen and pelvis with contrast medium and a written report"
    for n in range(60):
        invoicing.add_line(draft, text=f"{n} {text}", unit_price=1, by=by)
    draft.refresh_from_db()
    pages, _all = read(documents.invoice_pdf(draft))
    assert len(pages) == 3
    for n, page in enumerate(pages, 1):
        assert f"{n} / 3" in page.extract_text()
        assert "Quantity" in page.extract_text()
    assert "£160.00" in pages[2].extract_text()


@pytest.mark.parametrize("name", ["王小明", "محمد", "Владимир", LONG])
def test_names_of_any_script_and_length_are_set_in_fonts_that_have_them(name):
    patient = make_patient(first_name="", last_name=name)
    content = documents.invoice_pdf(make_invoice(patient=patient))
    pages, text = read(content)
    assert name in text.replace(" ", "") or name[::-1] in text.replace(" ", "")
    fonts = {str(f["/BaseFont"]) for page in pages for f in _fonts(page)}
    assert all("NotoSans" in f for f in fonts), fonts  # and not a box of the last resort


def _fonts(page):
    return [font.get_object() for font in page["/Resources"]["/Font"].values()]


def test_a_credit_note_and_a_receipt_say_what_they_are_for(clerk):
    invoice = make_invoice(tax_rate=20)
    payment = take(invoice, clerk, "50.00", "CASH", tendered=Decimal(60))
    _pages, text = read(documents.receipt_pdf(payment))
    assert all(said in text for said in (payment.number, invoice.number, "£50.00", "£60.00", "£10.00", "Cash"))
    charged = invoice.lines.get().text  # and what was charged, though a part of it was paid
    assert all(said in text for said in (f"{charged}: £100.00", "£120.00 in all", "Holds number, day, amount"))
    note = credit_notes.credit(invoice, amounts={invoice.lines.get().pk: 10}, reason="Waited", by=clerk)
    _pages, text = read(documents.credit_note_pdf(note))
    assert all(said in text for said in (note.number, invoice.number, "Waited", "£12.00"))


def test_a_receipt_names_what_was_paid_with_it_and_a_refund_its_own_kind(clerk):
    invoice = make_invoice()
    parts = [payments.Part("CASH", Decimal(30)), payments.Part("CARD", Decimal(90))]
    first, second = payments.take(
        patient=invoice.patient, parts=parts, invoices=[invoice], by=clerk, key="two", keep_rest=True
    )
    _pages, text = read(documents.receipt_pdf(first))
    assert f"Paid together with: {second.number}, Card, £90.00" in text
    back = payments.refund(second, amount=Decimal(20), by=clerk, key="back", reason="Too much")
    _pages, text = read(documents.receipt_pdf(back))
    assert f"Refund {back.number}" in text
    assert "Too much" in text


class TestStatement:
    def test_it_runs_from_the_balance_before_to_the_balance_after(self, clerk):
        patient, today = make_patient(), hospital().today()
        long_ago = today - timedelta(days=90)
        make_invoice(patient=patient, amount=30, issued_on=long_ago, due_date=long_ago)
        invoice = make_invoice(patient=patient, amount=100)
        payment = take(invoice, clerk, 40)
        found = statement(patient, today - timedelta(days=30), today)
        assert (found.opening, found.charged, found.received, found.closing) == (30, 100, 40, 90)
        assert [row.balance for row in found.rows] == [130, 90]
        _pages, text = read(account_papers.statement_pdf(patient, found))
        for said in ("£30.00", "£130.00", "£90.00", invoice.number, payment.number, "To pay"):
            assert said in text

    def test_what_is_paid_wholly_owes_nothing(self, clerk):
        invoice = make_invoice(amount=10)
        take(invoice, clerk, 10)
        today = hospital().today()
        _pages, text = read(account_papers.statement_pdf(invoice.patient, statement(invoice.patient, today, today)))
        assert "Nothing is owed" in text

    def test_a_patient_without_a_history_has_an_empty_one(self):
        today = hospital().today()
        found = statement(make_patient(), today, today)
        assert (found.opening, found.rows, found.closing) == (0, [], 0)


@pytest.mark.parametrize(("step", "title"), [(1, "Payment reminder"), (2, "Second reminder"), (3, "Last reminder")])
def test_a_reminder_asks_for_what_is_left(clerk, step, title):
    today = hospital().today()
    invoice = make_invoice(due_date=today - timedelta(days=30), issued_on=today - timedelta(days=44))
    take(invoice, clerk, 40)
    _pages, text = read(account_papers.reminder_pdf(invoice, step))
    assert all(said in text for said in (title, invoice.number, "30 days", "£100.00", "−£40.00", "£60.00"))


def test_the_sheet_of_a_drawer_says_what_was_counted_and_why_it_differs(clerk):
    invoice = make_invoice(amount=30)
    payment = take(invoice, clerk, 30, "CASH")
    payments.reverse(payment, by=clerk, key="back", reason="wrong patient")
    shift = payments.open_shift(clerk)
    shift = shifts.close(shift, counted={Decimal(20): 2, Decimal("0.50"): 19}, by=clerk, explanation="A coin fell down")
    _pages, text = read(account_papers.drawer_pdf(shift))
    for said in ("£40.00", "£9.50", "£49.50", "−£0.50", "A coin fell down", "Rita Reception", "£30.00", "Seen by"):
        assert said in text


@pytest.mark.parametrize(
    ("code", "amount", "said"), [("JPY", "1235", "¥1,235"), ("KWD", "1.235", "KWD 1.235"), ("CHF", "1.25", "CHF 1.25")]
)
def test_papers_have_the_decimals_of_their_currency(clerk, code, amount, said):
    currency(code)
    invoice = make_invoice(amount=amount)
    assert said in read(documents.invoice_pdf(invoice))[1].replace("\u00a0", " ")
    today = hospital().today()
    found = statement(invoice.patient, today, today)
    assert said in read(account_papers.statement_pdf(invoice.patient, found))[1].replace("\u00a0", " ")


class TestWords:
    TEMPLATES = sorted((Path(pdf.__file__).parent / "typst").glob("*.typ"))

    @pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
    def test_no_template_has_words_of_its_own(self, template):
        source = re.sub(r"//.*|#let fonts = .*", "", template.read_text())
        strings = [text for line in source.splitlines() for text in re.findall(r'"([^"]*)"', line)]
        strings = [text for text in strings if re.match("[A-Z][a-z]*( |$)", text)]
        texts = re.findall(r"^\s*=+ [A-Za-z].*|\*[A-Za-z][^*]*\*|\[[A-Z][a-z]+[^#\]]*\]", source, re.MULTILINE)
        assert strings + texts == []

    def test_every_word_is_used(self):
        sources = " ".join(path.read_text() for path in self.TEMPLATES)
        unused = [name for name in paper_words.WORDS if not re.search(rf'words\.(at\("{name}"\)|{name}\b)', sources)]
        assert unused == []

    def test_they_are_in_the_readers_language(self, monkeypatch):
        monkeypatch.setattr(paper_words, "words", lambda: {name: f"<{name}>" for name in paper_words.WORDS})
        _pages, text = read(documents.invoice_pdf(make_invoice(tax_rate=20)))
        assert "<quantity>" in text
        assert not re.search("Quantity|Price|Due|Currency|born", text)
