"""Money: from a completed visit to a closed drawer, seen at a second desk, without JavaScript, by keyboard alone."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import get_resolver
from playwright.sync_api import expect

from e2e.desk import SCREENS, Desk, hospital_slot
from e2e.phone import faults
from hms.domain import credit_notes, payments, shifts, visits
from hms.domain.report_kinds import REPORTS
from hms.domain.settings import hospital
from hms.models import FollowUpRule, Invoice, Payment, Shift
from hms.testing import make_appointment, make_invoice, make_service

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    return Desk()


def live(page, path):
    page.goto(path)
    expect(page.locator("live-stream")).to_have_attribute("state", "live")
    return page


def open_drawer(clerk, opening_float=50):
    return shifts.open_(by=clerk, opening_float=Decimal(opening_float))


def test_from_a_completed_visit_to_a_closed_drawer(desk, page_for):
    visit = make_appointment(patient=desk.omar, doctor=desk.ben, start=hospital_slot(0), status="IN_PROGRESS")
    visits.complete(visit, by=desk.ben.user)
    page, other = page_for(desk.rita), live(page_for(desk.remo), "/billing/")

    page.goto("/billing/shift/")
    page.get_by_label("In the drawer now").fill("50")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator("main")).to_contain_text("£50.00")

    page.goto("/billing/drafts/")
    page.get_by_role("link", name="HADDAD, Omar").click()
    page.get_by_role("button", name="Issue the invoice").click()
    expect(page.locator("h1")).to_contain_text("Pending")
    invoice = Invoice.objects.get()
    row = other.locator(f"#invoice-{invoice.pk}")
    expect(row).to_contain_text("Pending")  # nobody touched this screen

    page.get_by_role("link", name="Take a payment").click()
    page.get_by_label("Cash", exact=True).fill("60")
    page.get_by_label("Cash tendered").fill("100")
    page.get_by_label("Card").fill(f"{invoice.total_amount - 60}")
    page.get_by_role("button", name="Take the payment").click()
    expect(page.locator("h1")).to_contain_text("Receipt")
    expect(page.locator("main")).to_contain_text("£40.00")  # the change
    expect(row).to_contain_text("Paid")  # live

    page.goto("/billing/shift/")
    page.get_by_label("£50.00", exact=True).fill("2")
    page.get_by_role("button", name="Sign and close").click()
    expect(page.locator("error-summary")).to_contain_text("Count again, or say why it differs")
    expect(page.get_by_label("£50.00", exact=True)).to_have_value("2")
    page.get_by_label("£10.00", exact=True).fill("1")
    page.get_by_role("button", name="Sign and close").click()
    expect(page.locator("h1")).to_contain_text("Closed drawer")
    expect(page.locator("main")).to_contain_text("£110.00")
    shift = Shift.objects.get()
    assert (shift.expected, shift.counted_total, shift.clerk) == (110, 110, desk.rita)


def test_without_scripts_a_payment_is_taken_given_back_and_printed(desk, page_for):
    open_drawer(desk.rita)
    invoice = make_invoice(patient=desk.omar)
    page = page_for(desk.rita, java_script_enabled=False)
    page.goto(f"/billing/invoices/{invoice.pk}/")
    page.get_by_role("link", name="Take a payment").click()
    page.get_by_label("Card").fill("120")
    page.get_by_role("button", name="Take the payment").click()
    expect(page.locator("main")).to_contain_text("more than is owed")
    page.get_by_label("Keep what is above as credit").check()
    page.get_by_role("button", name="Take the payment").click()
    expect(page.locator("h1")).to_contain_text("Receipt")
    page.get_by_label("Amount").fill("20")
    page.locator("form", has=page.get_by_role("button", name="Give back")).get_by_label("Why").fill("Too much")
    page.get_by_role("button", name="Give back").click()
    expect(page.locator("h1")).to_contain_text("Refund")
    page.goto(f"/billing/patients/{desk.omar.pk}/statement/")
    expect(page.locator("tfoot")).to_contain_text("Nothing is owed")
    assert sum(p.value for p in Payment.objects.all()) == 100


def test_a_payment_by_keyboard_alone(desk, page_for):
    open_drawer(desk.rita)
    invoice = make_invoice(patient=desk.omar)
    page = live(page_for(desk.rita), f"/billing/invoices/{invoice.pk}/")
    _tab_to(page, "Take a payment")
    page.keyboard.press("Enter")
    page.wait_for_url("**/billing/patients/**")
    _tab_to(page, "Cash")
    page.keyboard.type("100")
    page.keyboard.press("Tab")
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Receipt")
    assert Invoice.objects.get().status == "PAID"


def test_a_refusal_keeps_its_title_while_the_page_lives(desk, page_for):
    open_drawer(desk.rita)
    make_invoice(patient=desk.omar)
    page = page_for(desk.rita)
    page.goto(f"/billing/patients/{desk.omar.pk}/")
    page.get_by_label("Card").fill("500")
    page.get_by_role("button", name="Take the payment").click()
    expect(page).to_have_title(re.compile("^Error: HADDAD"))
    expect(page.locator("live-stream")).to_have_attribute("state", "live")
    make_invoice(patient=desk.omar, amount=7)
    expect(page.locator("#account-rows")).to_contain_text("£7.00")
    expect(page).to_have_title(re.compile("^Error: HADDAD"))
    expect(page.get_by_label("Card")).to_have_value("500")


def test_of_two_clerks_at_one_invoice_one_is_paid_and_the_other_told(desk, page_for):
    open_drawer(desk.rita)
    open_drawer(desk.remo)
    make_invoice(patient=desk.omar)
    pages = [live(page_for(clerk), f"/billing/patients/{desk.omar.pk}/") for clerk in (desk.rita, desk.remo)]
    for page in pages:
        page.get_by_label("Card").fill("100")
    first, second = pages
    first.get_by_role("button", name="Take the payment").click()
    expect(first.locator("h1")).to_contain_text("Receipt")
    expect(second.locator("#account-rows")).to_contain_text("Payment")  # live, before it is too late
    expect(second.locator("#account-owed")).to_contain_text("Nothing is owed")
    expect(second.get_by_label("Card")).to_have_value("100")
    second.get_by_role("button", name="Take the payment").click()
    expect(second.locator("error-summary")).to_contain_text("That is £100.00 more than is owed")
    assert [row.value for row in Payment.objects.all()] == [100]


def test_a_clerk_whose_page_is_not_live_is_told_that_the_invoice_is_paid(desk, page_for):
    open_drawer(desk.rita)
    invoice = make_invoice(patient=desk.omar)
    page = page_for(desk.rita, java_script_enabled=False)
    page.goto(f"/billing/patients/{desk.omar.pk}/")
    pay(invoice, desk.remo)
    page.get_by_label("Card").fill("100")
    page.get_by_role("button", name="Take the payment").click()
    expect(page.locator("error-summary")).to_contain_text(f"{invoice.number} has been paid already")


def pay(invoice, clerk, amount=100):
    if not payments.open_shift(clerk):
        open_drawer(clerk)
    part = payments.Part("CARD", Decimal(amount))
    return payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key=f"{invoice.pk}")


def test_what_is_owed_follows_and_keeps_what_the_clerk_chose(desk, page_for):
    first, second = make_invoice(patient=desk.omar, amount=100), make_invoice(patient=desk.omar, amount=30)
    page = live(page_for(desk.rita), f"/billing/patients/{desk.omar.pk}/")
    owed = page.locator("#account-owed")
    expect(owed).to_contain_text("Your drawer is closed")
    open_drawer(desk.rita)
    expect(owed).not_to_contain_text("Your drawer is closed")
    page.get_by_label("Cash", exact=True).fill("12")
    owed.get_by_label(second.number).uncheck()
    page.get_by_label("Card").fill("18")  # the focus leaves the list
    third = make_invoice(patient=desk.omar, amount=7)
    expect(owed).to_contain_text("£137.00")
    expect(owed.get_by_label(second.number)).not_to_be_checked()
    expect(owed.get_by_label(third.number)).not_to_be_checked()  # some were left out: what came since is not meant
    expect(owed.get_by_label(first.number)).to_be_checked()
    pay(second, desk.remo, amount=30)
    expect(owed).to_contain_text("£107.00")
    expect(owed).not_to_contain_text(second.number)
    page.get_by_role("button", name="Take the payment").click()
    expect(page.locator("h1")).to_contain_text("Receipt")
    assert (payments.balance(first), payments.balance(third)) == (70, 7)


def test_a_patients_page_at_the_desk_follows_what_is_owed(desk, page_for):
    invoice = make_invoice(patient=desk.omar)
    page = live(page_for(desk.remo), f"/desk/patients/{desk.omar.pk}/")
    expect(page.locator("#patient-owed")).to_have_text("£100.00")
    pay(invoice, desk.rita, amount=40)
    expect(page.locator("#patient-owed")).to_have_text("£60.00")
    make_appointment(patient=desk.omar, doctor=desk.ben)
    expect(page.locator("#patient-visits")).not_to_contain_text("None booked")


def test_all_overdue_that_the_list_shows_are_reminded_by_keyboard(desk, page_for):
    long_ago = hospital().today() - timedelta(days=40)
    for n in range(27):  # more than a page
        make_invoice(patient=desk.omar, amount=n + 1, due_date=long_ago, issued_on=long_ago)
    make_invoice(patient=desk.flora, due_date=long_ago, issued_on=long_ago)
    page = live(page_for(desk.rita), f"/billing/?status=overdue&patient={desk.omar.pk}")
    _tab_to(page, "Remind of all shown…")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Remind of all overdue invoices that the list shows?")
    expect(page.locator("dl.facts")).to_contain_text("Omar")
    _tab_to(page, "Mail 27 reminders")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("27 reminders are on their way")
    expect(page).to_have_url(re.compile(rf"status=overdue&patient={desk.omar.pk}$"))


def _tab_to(page, name):
    """Press Tab until what has this accessible name is focused."""
    asked = """() => {
        const e = document.activeElement
        return (e.labels && e.labels[0] ? e.labels[0].textContent : e.textContent).trim()
    }"""
    for _n in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(asked) == name:
            return
    raise AssertionError(f"no Tab leads to {name}")


def _pages(desk):
    """An address for each page of billing that shows something."""
    long_ago = hospital().today() - timedelta(days=40)
    late = make_invoice(patient=desk.omar, due_date=long_ago, issued_on=long_ago)
    paid, draft = make_invoice(patient=desk.flora, tax_rate=20), make_invoice(issued=False, patient=desk.flora)
    note = credit_notes.credit(paid, amounts={paid.lines.get().pk: 5}, reason="Late", by=desk.rita)
    old = open_drawer(desk.rita)
    part = payments.Part("CASH", Decimal(30))
    (payment,) = payments.take(patient=desk.flora, parts=[part], invoices=[paid], by=desk.rita, key="k")
    shifts.close(old, counted={Decimal(20): 3, Decimal(10): 1}, by=desk.rita, explanation="A note is missing")
    open_drawer(desk.rita)
    service, _rule = make_service(), FollowUpRule.objects.create(days=14, percent=0)
    of = {
        "invoice": [late, paid, draft], "invoice-credit": [late], "credit-note": [note], "receipt": [payment],
        "account": [desk.omar, desk.flora], "statement": [desk.flora], "shift-closed": [old], "price": [service],
    }  # fmt: skip
    found = {name: [row.pk for row in rows] for name, rows in of.items()}
    return found | {"report": list(REPORTS), "report-rows": ["ageing", "revenue"]}


# Not pages: what is only posted to, fragments, files.
NO_PAGES = {
    "invoices-totals", "invoices-export", "invoices-remind", "drafts-issue", "invoice-discard", "invoice-mail",
    "invoice-pdf", "invoice-reminder", "credit-note-pdf", "payments-export", "receipt-pdf", "receipt-mail",
    "payment-refund", "payment-reverse", "statement-pdf", "credit-apply", "shift-pdf", "price-end", "prices-export",
    "follow-up-new", "follow-up-end", "credit-note-mail", "statement-mail",
    "payments-totals",
}  # fmt: skip


def billing_pages(desk):
    """The addresses of every page of billing, from its urls: one that is new and not known here fails the test."""
    rows, found, unknown = _pages(desk), [], []
    resolver = get_resolver("billing.urls")
    for name, entries in resolver.reverse_dict.lists():
        if not isinstance(name, str) or name in NO_PAGES:
            continue
        template, parameters = entries[0][0][0]
        if parameters and name not in rows:
            unknown.append(name)
        found += [f"/billing/{template % {parameters[0]: one}}" for one in rows.get(name, [])] if parameters else []
        found += [] if parameters else [f"/billing/{template}"]
    assert unknown == []
    return found


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_on_any_page_of_billing(desk, page_for, scheme, width):
    page = page_for(desk.rita, color_scheme=scheme, viewport={"width": width, "height": 900})
    found = {}
    paths = billing_pages(desk)
    assert len(paths) > 15
    for path in paths:
        page.goto(path)
        found[path] = faults(page, by_finger=False)
    assert {k: v for k, v in found.items() if v} == {}


def test_a_report_is_printed_light_and_without_what_is_only_clicked(desk, page_for):
    make_invoice(patient=desk.omar)
    page = page_for(desk.rita, color_scheme="dark")
    page.goto("/billing/reports/revenue/")
    expect(page.locator("bar-chart canvas")).to_be_visible()
    lightness = """() => {  // of the colour that is there most: the bar's
        const canvas = document.querySelector("bar-chart canvas")
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
        const found = new Map()
        for (let i = 0; i < pixels.length; i += 4) {
            if (pixels[i + 3] === 255) found.set(pixels[i + 1], (found.get(pixels[i + 1]) ?? 0) + 1)
        }
        return [...found].sort((a, b) => b[1] - a[1])[0]?.[0]
    }"""
    dark = page.evaluate(lightness)
    page.emulate_media(media="print")
    expect(page.locator(".report-tabs")).to_be_hidden()
    expect(page.locator(".page-actions")).to_be_hidden()
    expect(page.locator(".tabs-line")).to_be_hidden()
    expect(page.locator("#report-figures")).to_be_visible()
    expect(page.get_by_label("From", exact=True)).to_be_visible()
    for _n in range(100):  # until it is drawn anew, in dark ink
        if page.evaluate(lightness) < dark - 40:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"still as light as on the screen: {dark}, {page.evaluate(lightness)}")
