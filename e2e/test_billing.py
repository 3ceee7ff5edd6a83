"""Billing: from the visit to the invoice and back, live on a second desk, without JavaScript, and for everybody."""

import re

import pytest
from playwright.sync_api import expect

from e2e.desk import SCREENS, Desk, hospital_slot, violations
from hms.domain import invoicing
from hms.models import CreditNote, Invoice
from hms.testing import make_appointment, make_invoice, make_service

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    desk = Desk()
    desk.now = make_appointment(patient=desk.omar, doctor=desk.ben, start=hospital_slot(0), status="IN_PROGRESS")
    desk.xray = make_service(code="XR-CHEST", name="X-ray of the chest", price=45, tax_rate=20)
    return desk


def live(page, path):
    page.goto(path)
    expect(page.locator("live-stream")).to_have_attribute("state", "live")
    return page


def test_a_visit_becomes_an_invoice_and_both_desks_see_it(desk, page_for):
    other = live(page_for(desk.remo), "/billing/drafts/")
    doctor = page_for(desk.ben.user)
    doctor.goto(f"/clinic/appointments/{desk.now.pk}/")
    doctor.fill("#service-code", "XR-CHEST")
    doctor.get_by_role("button", name="Tick", exact=True).click()
    expect(doctor.locator("#services")).to_contain_text("X-ray of the chest")
    doctor.get_by_role("button", name="Complete the visit").click()

    row = other.locator("#drafts-live tbody tr", has_text="HADDAD")  # nobody touched this screen
    expect(row).to_contain_text("£134.00")
    expect(other.get_by_role("button", name="Issue the chosen")).to_be_visible()  # there was none while it was empty

    page = page_for(desk.rita)
    page.goto("/billing/drafts/")
    page.get_by_role("link", name="HADDAD, Omar").click()
    page.get_by_label(re.compile("^Quantity, X-ray")).fill("2")
    page.keyboard.press("Tab")
    expect(page.locator(".sums-total").first).to_contain_text("£188.00")  # saved in place
    page.get_by_role("button", name="Issue the invoice").click()
    expect(page.locator("h1")).to_contain_text("Pending")
    invoice = Invoice.objects.get()
    assert (invoice.total_amount, invoice.number[-6:]) == (188, "000001")

    live(other, "/billing/")
    expect(other.locator(f"#invoice-{invoice.pk}")).to_contain_text("Pending")
    page.get_by_role("link", name="Credit note").click()
    page.get_by_label("Reason").fill("Billed to the wrong patient")
    page.get_by_role("button", name="Cancel the whole invoice").click()
    expect(page.locator("h1")).to_contain_text("C")
    expect(other.locator(f"#invoice-{invoice.pk}")).to_contain_text("Cancelled")  # live
    expect(other.locator(f"#invoice-{invoice.pk}")).to_contain_text("−£188.00")


def test_what_was_typed_last_is_in_the_invoice_that_is_issued_at_once(desk, page_for):
    draft = make_invoice(issued=False, patient=desk.flora)
    page = page_for(desk.rita)
    page.goto(f"/billing/invoices/{draft.pk}/")
    page.get_by_label("Quantity, Consultation").fill("2")
    page.get_by_label("Code or text, new line").fill("XR-CHEST")
    page.get_by_role("button", name="Issue the invoice").click()  # while the line is still being saved
    expect(page.locator("h1")).to_contain_text("Pending")
    draft.refresh_from_db()
    assert (draft.total_amount, draft.lines.count()) == (254, 2)


def test_a_new_line_is_added_once(desk, page_for):
    draft = make_invoice(issued=False, patient=desk.flora)
    page = page_for(desk.rita)
    page.goto(f"/billing/invoices/{draft.pk}/")
    page.get_by_label("Code or text, new line").fill("XR-CHEST")
    page.keyboard.press("Tab")
    expect(page.locator(".sums-total").first).to_contain_text("£154.00")
    expect(page.get_by_label("Code or text, new line")).to_have_value("")
    page.get_by_label("Quantity, Consultation").fill("2")
    page.keyboard.press("Tab")
    expect(page.locator(".sums-total").first).to_contain_text("£254.00")
    assert draft.lines.count() == 2


def test_two_clerks_on_one_draft_lose_nothing(desk, page_for):
    draft = make_invoice(issued=False, patient=desk.flora)
    rita, remo = page_for(desk.rita), page_for(desk.remo)
    for page in (rita, remo):
        page.goto(f"/billing/invoices/{draft.pk}/")
    rita.get_by_label("Quantity, Consultation").fill("3")
    rita.keyboard.press("Tab")
    expect(rita.locator(".sums-total").first).to_contain_text("£300.00")
    remo.get_by_label("Note on the invoice").fill("Twins")
    remo.keyboard.press("Tab")
    expect(remo.get_by_role("alert")).to_contain_text("Somebody else changed this draft")
    expect(remo.get_by_label("Note on the invoice")).to_have_value("Twins")
    expect(remo.locator("#invoice")).to_contain_text("3 × £100.00")


def test_the_list_follows_while_somebody_types(desk, page_for):
    for patient in (desk.flora, desk.omar):
        make_invoice(patient=patient)
    page = live(page_for(desk.rita), "/billing/")
    expect(page.locator("#invoices-totals")).to_contain_text("£200.00")
    page.fill("#id_q", "nachti")
    expect(page.locator("#invoices-list tbody tr")).to_have_count(1)
    expect(page.locator("#invoices-totals")).to_contain_text("£100.00")
    expect(page).to_have_url(re.compile("q=nachti"))
    page.reload()
    expect(page.locator("#invoices-list tbody tr")).to_have_count(1)


def test_without_scripts(desk, page_for):
    page = page_for(desk.rita, java_script_enabled=False)
    draft = make_invoice(issued=False, patient=desk.flora)
    page.goto("/billing/drafts/")
    page.get_by_role("link", name="NACHTIGALL, Flora").click()
    page.fill("[name=new-what]", "XR-CHEST")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".sums-total").first).to_contain_text("£154.00")
    page.get_by_label("Price, Consultation").fill("1e5")
    page.get_by_role("button", name="Issue the invoice").click()
    expect(page.locator("error-summary")).to_contain_text("is not an amount")
    page.get_by_label("Price, Consultation").fill("90")
    page.get_by_role("button", name="Issue the invoice").click()
    expect(page.locator("h1")).to_contain_text("Pending")
    draft.refresh_from_db()
    assert draft.total_amount == 144
    page.get_by_role("link", name="Credit note").click()
    page.get_by_label("Reason").fill("Waited too long")
    page.get_by_label("Consultation").fill("10")
    page.get_by_label("X-ray of the chest").fill("0")
    page.get_by_role("button", name="Issue the credit note").click()
    expect(page.locator("h1")).to_contain_text("C")
    assert CreditNote.objects.get().total_amount == 10
    page.goto("/billing/")
    page.get_by_role("link", name="Add up").click()
    expect(page.locator("#invoices-totals")).to_contain_text("£144.00")


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_where_something_is_wrong(desk, page_for, scheme, width):
    page = page_for(desk.rita, color_scheme=scheme, viewport={"width": width, "height": 900})
    draft = make_invoice(issued=False, patient=desk.flora)
    invoicing.add_service(draft, desk.xray, by=desk.rita)
    found = {}
    pages = ["/billing/?q=nobodyatall", "/billing/?amount_from=1e5", "/billing/invoices/new/?q=nacht"]
    for path in pages:
        page.goto(path)
        found[path] = violations(page)
        if width == 390:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto(f"/billing/invoices/{draft.pk}/")
    page.get_by_label("Price, Consultation").fill("1e5")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("error-summary")).to_be_visible()
    found["refused draft"] = violations(page)
    assert {k: v for k, v in found.items() if v} == {}
