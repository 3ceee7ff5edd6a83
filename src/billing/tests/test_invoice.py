"""One invoice: the editor of a draft, the issued document, its credit notes and papers."""

from decimal import Decimal

import pytest

from hms.domain import invoicing, prices, visits
from hms.models import AccessLog, CreditNote, Invoice, OutboxMail
from hms.testing import (
    local,
    make_appointment,
    make_invoice,
    make_it_midday,
    make_patient,
    make_service,
    make_user,
    run_jobs,
)

HTMX = {"HX-Request": "true"}


def text(response):
    return response.content.decode()


def address(invoice, rest=""):
    return f"/billing/invoices/{invoice.pk}/{rest}"


def typed(invoice, **changes):
    """What the editor sends, with changes of its first line (or of the head and the new line, by full name)."""
    invoice.refresh_from_db()
    line = invoice.lines.first()
    data = {"version": invoice.version, "bill_to": invoice.bill_to, "note": invoice.note}
    data |= {"new-what": "", "new-quantity": "", "new-unit_price": "", "new-tax_rate": "", "then": "save"}
    first = {"text": line.text, "quantity": "1", "unit_price": "100", "tax_rate": "0", "discount": ""} if line else {}
    first |= {"discount_reason": ""} if line else {}
    own = {name: value for name, value in changes.items() if name in first or name == "remove"}
    data |= {f"line-{line.pk}-{name}": value for name, value in (first | own).items()} if line else {}
    return data | {name.replace("__", "-"): value for name, value in changes.items() if name not in own}


@pytest.fixture
def draft(db):
    return make_invoice(issued=False, amount=100)


class TestDraft:
    def test_it_is_shown_and_the_look_is_logged(self, reception, draft):
        page = text(reception.get(address(draft)))
        assert 'value="Consultation"' in page
        assert "£100.00" in page
        assert AccessLog.objects.filter(patient=draft.patient, action="invoice.viewed").count() == 1

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_lines_are_changed(self, reception, draft, headers):
        data = typed(draft, quantity="2", unit_price="1,050.50", discount="10%", discount_reason="Twins")
        response = reception.post(address(draft), data, headers=headers)
        assert response.status_code == (200 if headers else 302)
        line = draft.lines.get()
        assert (line.quantity, line.unit_price, line.discount, line.net) == (
            2,
            Decimal("1050.50"),
            Decimal("210.10"),
            Decimal("1890.90"),
        )
        draft.refresh_from_db()
        assert draft.total_amount == line.net

    def test_a_line_of_the_price_list_is_added_by_its_code(self, reception, draft):
        make_service(code="XR-CHEST", name="X-ray", price=45)
        for what in ("xr-chest", "XR-CHEST X-ray"):
            reception.post(address(draft), typed(draft, new__what=what))
        draft.refresh_from_db()
        assert draft.total_amount == 190
        assert draft.lines.filter(code="XR-CHEST").count() == 2

    def test_a_free_line_needs_its_price(self, reception, draft):
        response = reception.post(address(draft), typed(draft, new__what="Crutches"))
        assert response.status_code == 422
        assert "write its price too" in text(response)
        assert 'value="Crutches"' in text(response)
        reception.post(address(draft), typed(draft, new__what="Crutches", new__unit_price="12.50", new__tax_rate="20"))
        draft.refresh_from_db()
        assert (draft.amount, draft.tax_amount) == (Decimal("112.50"), Decimal("2.50"))

    def test_while_somebody_types_half_a_line_is_not_wrong_yet(self, reception, draft):
        data = typed(draft, new__what="Crutches", quantity="3")
        del data["then"]
        response = reception.post(address(draft), data, headers=HTMX)
        assert response.status_code == 200
        assert 'value="Crutches"' in text(response)
        assert draft.lines.get().quantity == 3

    def test_a_line_is_removed_whatever_is_wrong_with_it(self, reception, draft):
        reception.post(address(draft), typed(draft, quantity="-1", remove="on"))
        draft.refresh_from_db()
        assert (draft.lines.count(), draft.total_amount) == (0, 0)

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("unit_price", "-5", "never below zero"),
            ("unit_price", "1e5", "is not an amount"),
            ("unit_price", "1.005", "GBP has 2 decimals"),
            ("unit_price", "999999999999", "more than"),
            ("unit_price", "", "required"),
            ("quantity", "0", "above 0"),
            ("quantity", "-1", "is not a number"),
            ("quantity", "1.005", "At most 2 decimals"),
            ("quantity", "1e5", "is not a number"),
            ("quantity", "NaN", "is not a number"),
            ("tax_rate", "101", "from 0 to 100"),
            ("discount", "101", "more than the line"),
            ("discount", "5", "Say why"),
            ("text", "", "required"),
            ("text", "a\x00b", "cannot be seen"),
        ],
    )
    def test_bad_input_is_explained_and_kept(self, reception, draft, field, value, words):
        why = {"discount_reason": "x"} if (field, value) == ("discount", "101") else {}
        response = reception.post(address(draft), typed(draft, note="typed before", **{field: value}, **why))
        assert response.status_code == 422
        page = text(response)
        assert words in page
        assert "There is a problem" in page
        assert 'value="typed before"' in page
        if value and "\x00" not in value:
            assert f'value="{value}"' in page
        draft.refresh_from_db()
        assert draft.total_amount == 100

    def test_more_discount_than_the_desk_may_give(self, reception, admin, draft):
        data = typed(draft, discount="30", discount_reason="friend")
        response = reception.post(address(draft), data)
        assert response.status_code == 422
        assert "at most 20 %" in text(response)
        assert admin.post(address(draft), data).status_code == 302

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_two_clerks_on_one_draft(self, reception, reception2, draft, headers):
        mine = typed(draft, text="Mine", note="my note")
        reception2.post(address(draft), typed(draft, text="Theirs", quantity="2"))
        response = reception.post(address(draft), mine, headers=headers)
        assert response.status_code == 409
        page = text(response)
        assert "Somebody else changed this draft" in page
        assert 'value="Mine"' in page
        assert 'value="my note"' in page
        assert "Theirs" in page
        draft.refresh_from_db()
        assert draft.lines.get().text == "Theirs"
        mine["version"] = draft.version  # what the page now carries
        assert reception.post(address(draft), mine).status_code == 302
        assert draft.lines.get().text == "Mine"

    def test_a_line_of_another_draft_is_not_touched(self, reception, draft):
        other = make_invoice(issued=False, amount=7)
        data = typed(draft) | {f"line-{other.lines.get().pk}-text": "stolen"}
        reception.post(address(draft), data)
        assert other.lines.get().text == "Consultation"

    def test_it_is_discarded(self, reception, draft):
        response = reception.post(address(draft, "discard/"), follow=True)
        assert "discarded" in text(response)
        assert not Invoice.objects.filter(pk=draft.pk).exists()

    def test_a_new_one_by_hand(self, reception, db):
        patient = make_patient()
        response = reception.post("/billing/invoices/new/", {"patient": patient.pk})
        draft = Invoice.objects.get(patient=patient)
        assert response["Location"] == address(draft)
        assert "Draft" in text(reception.get(address(draft)))
        assert reception.post("/billing/invoices/new/", {"patient": "9" * 30}).status_code == 404

    def test_its_patient_is_found_by_typing(self, reception, db):
        patient = make_patient(last_name="Quetzal")
        assert f'value="{patient.pk}"' in text(reception.get("/billing/invoices/new/?q=quetz"))
        assert "No patient matches" in text(reception.get("/billing/invoices/new/?q=nobody-is-called-so"))


class TestIssuing:
    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_the_editor_saves_and_issues(self, reception, draft, headers):
        response = reception.post(address(draft), typed(draft, unit_price="90", then="issue"), headers=headers)
        draft.refresh_from_db()
        assert (draft.total_amount, draft.status) == (90, "PENDING")
        assert draft.number
        page = text(response) if headers else text(reception.get(address(draft)))
        assert draft.number in page
        assert "Issued" in page

    def test_a_second_click_says_so(self, reception, draft):
        data = typed(draft, then="issue")
        reception.post(address(draft), data)
        response = reception.post(address(draft), data, headers=HTMX)
        assert response.status_code == 409
        assert Invoice.objects.issued().count() == 1

    def test_a_changed_price_is_asked_about(self, reception, db):
        make_it_midday()
        by, draft = make_user("ADMIN"), make_invoice(issued=False)
        invoicing.add_service(draft, make_service(code="XR", price=40), by=by)
        values = {"code": "XR", "name": "X", "department": None, "tax_rate": Decimal(0)}
        prices.set_price(**values, price=Decimal(45), valid_from=local(0).date(), by=by)
        line = draft.lines.last()
        second = {f"line-{line.pk}-{name}": getattr(line, name) for name in ("text", "quantity", "unit_price")}
        response = reception.post(address(draft), typed(draft, then="issue") | second)
        assert response.status_code == 409
        assert "£40.00" in text(response)
        assert "£45.00" in text(response)
        reception.post(address(draft), typed(draft, then="issue", prices="take") | second)
        draft.refresh_from_db()
        assert (draft.total_amount, draft.is_draft) == (145, False)

    def test_a_visit_that_goes_on_is_not_billed(self, reception, db):
        visit = make_appointment(status="IN_PROGRESS")
        draft = make_invoice(appointment=visit, issued=False)
        response = reception.post(address(draft), typed(draft, then="issue"))
        assert response.status_code == 422
        assert "not over yet" in text(response)

    def test_drafts_are_issued_together(self, reception, db):
        make_it_midday()
        by = make_user()
        done = [
            visits.complete(make_appointment(start=local(0, "11:00"), status="IN_PROGRESS"), by=by) for _ in range(2)
        ]
        pks = [Invoice.objects.get(appointment=visit).pk for visit in done]
        page = text(reception.get("/billing/drafts/"))
        assert page.count('name="draft"') == 2
        assert "2 invoices are issued" in text(reception.post("/billing/drafts/issue/", {"draft": pks}, follow=True))
        assert Invoice.objects.issued().count() == 2


class TestCredit:
    def test_a_part(self, reception, db):
        invoice = make_invoice(amount=100, tax_rate=20)
        line = invoice.lines.get()
        page = text(reception.get(address(invoice, "credit/")))
        assert 'value="100.00"' in page
        data = {f"line_{line.pk}": "30", "reason": "Waited", "what": "part"}
        response = reception.post(address(invoice, "credit/"), data)
        note = CreditNote.objects.get()
        assert response["Location"] == f"/billing/credit-notes/{note.pk}/"
        assert note.total_amount == 36
        assert "Waited" in text(reception.get(response["Location"]))
        shown = text(reception.get(address(invoice)))
        assert "£84.00" in shown
        assert note.number in shown

    def test_the_whole(self, reception, db):
        invoice = make_invoice()
        reception.post(address(invoice, "credit/"), {"reason": "Twice", "what": "all"})
        invoice.refresh_from_db()
        assert invoice.status == "CANCELLED"

    @pytest.mark.parametrize(
        ("amount", "reason", "words"),
        [
            ("101", "x", "only"),
            ("-1", "x", "below zero"),
            ("1e1", "x", "not an amount"),
            ("1", "", "required"),
            ("0", "x", "nothing to take back"),
            ("", "x", "nothing to take back"),
            ("0.001", "x", "2 decimals"),
        ],
    )
    def test_bad_input(self, reception, db, amount, reason, words):
        invoice = make_invoice()
        data = {f"line_{invoice.lines.get().pk}": amount, "reason": reason, "what": "part"}
        response = reception.post(address(invoice, "credit/"), data)
        assert response.status_code == 422
        assert words in text(response)
        assert not CreditNote.objects.exists()


class TestPaper:
    def test_pdfs(self, reception, db):
        invoice = make_invoice()
        for rest in ("pdf/",):
            response = reception.get(address(invoice, rest))
            assert response["Content-Type"] == "application/pdf"
            assert response.content[:5] == b"%PDF-"
        assert AccessLog.objects.filter(patient=invoice.patient, action="invoice.printed").exists()

    def test_it_is_mailed_as_a_job(self, reception, db):
        invoice = make_invoice()
        assert "on its way" in text(reception.post(address(invoice, "mail/"), {"key": "form"}, follow=True))
        run_jobs()
        mail = OutboxMail.objects.get(kind="invoice.mailed")
        assert bytes(mail.attachments.get().content)[:5] == b"%PDF-"
        assert invoice.patient.record_number not in mail.text

    def test_a_draft_is_not_mailed(self, reception, draft):
        assert "issue it first" in text(reception.post(address(draft, "mail/"), follow=True))


@pytest.mark.parametrize("rest", ["", "pdf/", "credit/"])
def test_nobody_else_sees_it(doctor, patient, draft, rest):
    own = make_invoice(patient=patient.user.patient)
    for client in (doctor, patient):
        for invoice in (draft, own):
            assert client.get(address(invoice, rest)).status_code == 403


def test_what_is_not_there(reception, db):
    for rest in ("", "pdf/", "credit/"):
        assert reception.get(f"/billing/invoices/999999/{rest}").status_code == 404
    assert reception.get("/billing/credit-notes/999999/").status_code == 404


def test_get_changes_nothing(reception, draft):
    for rest in ("discard/", "mail/"):
        assert reception.get(address(draft, rest)).status_code == 405
