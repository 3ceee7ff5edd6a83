"""What patients read and take away: on a small phone, in light and dark, without script, by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from e2e.desk import Desk
from e2e.phone import PHONE, faults
from hms.models import DataExport, Invoice, OutboxMail, Wish
from hms.testing import make_history, run_jobs

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    return Desk()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_all_can_be_pressed(desk, page_for, scheme):
    me = desk.flora
    paid = make_history(me, "history", clerk=desk.rita)
    page = page_for(me.user, color_scheme=scheme, viewport=PHONE)
    found = {}

    def look(name):
        found[name] = faults(page)

    for path in (
        "/portal/",
        "/portal/record/",
        "/portal/invoices/",
        f"/portal/invoices/{paid.pk}/",
        "/portal/privacy/",
        "/portal/privacy/?all=1",
        "/portal/contact/",
        "/portal/contact/email/",
        "/portal/delete/",
        "/portal/record/download/",
    ):
        page.goto(path)
        look(path)
    page.get_by_role("button", name="Make my files").click()
    expect(page.locator("progress")).to_be_visible()
    look("files being made")
    run_jobs()
    expect(page.locator("h2", has_text="Your files are ready")).to_be_visible()  # nobody touched this screen
    look("files ready")
    DataExport.objects.update(status="FAILED")
    page.goto("/portal/record/download/")
    look("files failed")
    page.goto("/portal/contact/email/")
    page.get_by_label("New e-mail address").fill("new@hms.example")
    page.get_by_role("button", name="Send the code").click()
    expect(page.locator("h1")).to_have_text("Enter the code")
    look("code")
    page.get_by_role("button", name="Use this address").click()
    expect(page.locator("error-summary")).to_be_visible()
    look("code refused")
    page.goto("/portal/record/")
    page.get_by_text("Tell us if this is wrong").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("error-summary")).to_be_visible()
    look("nothing written")
    assert {k: v for k, v in found.items() if v} == {}


def test_reading_and_correcting_without_javascript(desk, page_for):
    make_history(desk.flora, "history", clerk=desk.rita)
    page = page_for(desk.flora.user, java_script_enabled=False, viewport=PHONE)
    page.goto("/portal/record/")
    expect(page.locator("main")).to_contain_text("addendum-history")
    expect(page.locator("main")).not_to_contain_text("draft-history")
    expect(page.locator("table").first).to_be_visible()
    page.get_by_text("Tell us if this is wrong").click()
    page.get_by_label("What is wrong?").fill("I bear nuts well")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("main")).to_contain_text("I bear nuts well")
    assert Wish.objects.filter(patient=desk.flora, text="I bear nuts well").exists()
    page.goto("/portal/record/download/")
    page.get_by_role("button", name="Make my files").click()
    run_jobs()
    page.get_by_role("link", name="Look again").click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name=re.compile("PDF")).click()
    assert fetched.value.suggested_filename == "my-record.pdf"


def test_a_new_address_by_keyboard(desk, page_for):
    page = page_for(desk.flora.user, viewport=PHONE)
    page.goto("/portal/contact/")

    def press(locator, typed=None):
        """Tab until it has the focus, then type and Enter."""
        expect(locator).to_be_visible()
        for _ in range(40):
            page.keyboard.press("Tab")
            if locator.evaluate("e => e === document.activeElement"):
                if typed:
                    page.keyboard.type(typed)
                return page.keyboard.press("Enter")
        raise AssertionError(f"no Tab leads to {locator}")

    press(page.get_by_role("link", name="Change my e-mail address"))
    press(page.get_by_label("New e-mail address"), "flora@new.example")
    expect(page.locator("h1")).to_have_text("Enter the code")
    code = re.search(r"code: (\S+)", OutboxMail.objects.get(to="flora@new.example").text)[1]
    press(page.get_by_label("Code"), code)
    expect(page.locator("h1")).to_have_text("My contact data")
    expect(page.locator("main")).to_contain_text("flora@new.example")
    desk.flora.user.refresh_from_db()
    assert desk.flora.user.email == "flora@new.example"


def test_what_is_owed_leads_from_home_to_the_paper(desk, page_for):
    make_history(desk.flora, "history", clerk=desk.rita)
    Invoice.objects.drafts().delete()
    page = page_for(desk.flora.user, viewport=PHONE)
    page.goto("/portal/")
    page.get_by_role("link", name=re.compile("My invoices")).click()
    page.locator(".choices a").first.click()
    expect(page.locator("main")).to_contain_text("Left to pay")
    answer = page.request.get(page.get_by_role("link", name="Invoice as PDF").get_attribute("href"))
    assert answer.headers["content-type"] == "application/pdf"
