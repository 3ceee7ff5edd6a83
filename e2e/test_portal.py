"""The portal: from an address to a record, booking without script and without mouse, and patient and desk together."""

import re
from datetime import UTC

import pytest
from playwright.sync_api import expect

from e2e.desk import Desk, card, open_board
from e2e.phone import PHONE, SCREENS, faults
from hms.models import Appointment, Department, OutboxMail, Patient, SlotHold
from hms.testing import local, make_appointment, make_invoice, make_record, make_user, run_jobs

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def desk(live_hms):
    return Desk()


def live(page, path):
    page.goto(path)
    expect(page.locator("live-stream")).to_have_attribute("state", "live")
    return page


def go_on(page, heading):
    """Answer, and wait for the next question."""
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("h1")).to_have_text(heading)


def test_from_an_address_to_the_own_page_on_a_phone(desk, page_for):
    page = page_for(viewport=PHONE)
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail").fill("ana@hms.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    go_on(page, "Enter the code")
    run_jobs()
    letter = OutboxMail.objects.get(to="ana@hms.example")
    code = re.search(r"^\s*([A-Z0-9]{4,8}(?:-?[A-Z0-9]{2,4})?)\s*$", letter.text, re.MULTILINE)[1]
    page.get_by_label("Code").fill(code)
    go_on(page, "What is your name?")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text("Write your name.")
    page.get_by_label("Given name").fill("Ana")
    page.get_by_label("Family name").fill("Nuñez")
    go_on(page, "What is your date of birth?")
    for label, value in (("Day", "27"), ("Month", "3"), ("Year", "1965")):
        page.get_by_label(label, exact=True).fill(value)
    go_on(page, "What is your gender?")
    page.get_by_label("Female").check()
    go_on(page, "On which phone can we reach you?")
    go_on(page, "Whom should we call in an emergency?")
    go_on(page, "Do you know your blood type?")
    page.goto("/portal/")  # went away, and goes on where they stopped
    expect(page.locator("h1")).to_have_text("Do you know your blood type?")
    page.get_by_label("A+", exact=True).check()
    go_on(page, "Are you allergic to anything?")
    page.get_by_label("Yes", exact=True).check()
    page.get_by_label("If yes, to what?").fill("Nuts\nPenicillin")
    go_on(page, "May we keep your record?")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_label("I agree").check()
    go_on(page, "Check your answers")
    expect(page.locator(".answers")).to_contain_text("Penicillin")
    page.get_by_role("button", name="Confirm and register").click()
    expect(page.locator("h1")).to_have_text("Hello, Ana")
    patient = Patient.objects.get(user__email="ana@hms.example")
    assert (str(patient.user), patient.allergies, patient.blood_type) == ("Ana Nuñez", "Nuts; Penicillin", "A+")


def test_booking_without_javascript(desk, page_for):
    page = page_for(desk.omar.user, java_script_enabled=False, viewport=PHONE)
    page.goto("/portal/")
    page.get_by_role("link", name="Book a visit").click()
    page.get_by_role("link", name="General medicine").click()
    page.get_by_role("link", name="Whoever is free first").click()
    page.get_by_label("What is it about?").fill("A cough")
    go_on(page, "When do you want to come?")
    page.locator("button[name=at]").first.click()
    expect(page.locator("h1")).to_have_text("Is this right?")
    expect(page.locator("main")).to_contain_text(re.compile(r"held for you until \d"))
    held = SlotHold.objects.get()
    page.get_by_role("button", name="Confirm and book").click()
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    visit = Appointment.objects.get(patient=desk.omar)
    assert (visit.appointment_date, visit.doctor_id, visit.reason) == (held.start, held.doctor_id, "A cough")
    later = make_appointment(patient=desk.omar, doctor=desk.ben, start=local(9))
    page.goto(f"/portal/visits/{later.pk}/")
    page.get_by_role("link", name="Cancel it").click()
    page.get_by_role("button", name=re.compile("cancel", re.IGNORECASE)).click()
    expect(page.locator("h1")).to_have_text("This visit is cancelled")


def test_booking_by_keyboard(desk, page_for):
    page = page_for(desk.omar.user)
    page.goto("/portal/book/")

    def press(locator):
        """Tab until it has the focus, then Enter."""
        expect(locator).to_be_visible()
        for _ in range(60):
            page.keyboard.press("Tab")
            if locator.evaluate("e => e === document.activeElement"):
                return page.keyboard.press("Enter")
        raise AssertionError(f"no Tab leads to {locator}")

    press(page.get_by_role("link", name="General medicine"))
    expect(page.locator("h1")).to_have_text("Whom do you want to see?")
    press(page.get_by_role("link", name="Ada Abel"))
    expect(page.locator("h1")).to_have_text("What is it about?")
    press(page.get_by_role("button", name="Continue"))
    expect(page.locator("h1")).to_have_text("When do you want to come?")
    press(page.locator("button[name=at]").first)
    expect(page.locator("h1")).to_have_text("Is this right?")
    expect(page.locator("count-down")).to_have_text(re.compile(r"^This time is held for you for \d:\d\d$"))
    press(page.get_by_role("button", name="Confirm and book"))
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    assert Appointment.objects.get(patient=desk.omar).doctor == desk.ada


def test_what_the_patient_moves_the_desk_sees_at_once(desk, page_for):
    visit = make_appointment(patient=desk.flora, doctor=desk.ada, start=local(4))
    board = open_board(page_for(desk.rita), f"/desk/?day={local(4):%Y-%m-%d}")
    expect(card(board, "NACHTIGALL")).to_contain_text("10:00")
    page = page_for(desk.flora.user, viewport=PHONE)
    page.goto(f"/portal/visits/{visit.pk}/")
    page.get_by_role("link", name="Move it").click()
    start = local(4, "14:00")
    chosen = page.locator(f'button[value="{desk.ada.pk}@{start.astimezone(UTC):%Y%m%dT%H%MZ}"]')
    if not chosen.is_visible():
        page.locator(f"#day-{start:%Y-%m-%d} a").click()
    chosen.click()
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    expect(page.locator("main")).to_contain_text("2pm")
    visit.refresh_from_db()
    assert (visit.online, visit.appointment_date) == ("MOVED", start)
    expect(card(board, "NACHTIGALL")).to_contain_text("14:00")  # nobody touched this screen
    expect(card(board, "NACHTIGALL")).to_contain_text("Moved by the patient")


def test_a_request_approved_at_the_desk_shows_at_the_patient(desk, page_for):
    visit = make_appointment(patient=desk.omar, doctor=desk.ada, start=local(5), online="REQUEST")
    patient = live(page_for(desk.omar.user), f"/portal/visits/{visit.pk}/")
    expect(patient.locator("h1")).to_have_text("You asked for this visit")
    page = page_for(desk.rita)
    page.goto("/desk/requests/")
    page.get_by_role("button", name="Approve Omar Haddad").click()
    expect(page.locator("main")).to_contain_text("Nobody waits for an answer.")
    expect(patient.locator("h1")).to_have_text("Your visit is booked")  # nobody touched this screen


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_and_a_finger_finds_everything(desk, page_for, scheme, width):
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    department = desk.ada.department
    Department.objects.update(online_most=50)
    visit = make_appointment(patient=desk.flora, doctor=desk.ada, start=local(6))
    asked = make_appointment(patient=desk.flora, doctor=desk.ben, start=local(4), online="REQUEST")
    gone = make_appointment(patient=desk.flora, doctor=desk.ben, start=local(3), status="CANCELLED")
    make_record(
        make_appointment(patient=desk.flora, doctor=desk.ada, start=local(-3), status="COMPLETED"),
        signed=True,
        diagnosis="Bronchitis",
    )
    invoice = make_invoice(patient=desk.flora)
    OutboxMail.objects.create(key="x", kind="visit.booked", to="a@hms.example", subject="Your visit", text="Come.")
    found = {}

    def look(page, name, **options):
        found[name] = faults(page, **options)

    base = f"/portal/book/{department.pk}/"
    pages = ["/portal/", "/portal/book/", base, f"{base}0/", f"{base}{desk.ada.pk}/time/", f"{base}0/time/"]
    pages += [f"/portal/visits/{visit.pk}/{what}" for what in ("", "move/", "cancel/")]
    pages += [f"/portal/visits/{a.pk}/" for a in (asked, gone, desk.visit)]
    pages += ["/portal/record/", "/portal/invoices/", f"/portal/invoices/{invoice.pk}/", "/portal/privacy/"]
    pages += ["/portal/contact/", "/portal/delete/"]
    page = page_for(desk.flora.user, **options)
    for path in pages:
        page.goto(path)
        look(page, path)
    page.goto(f"{base}0/time/")
    page.locator("button[name=at]").first.click()
    expect(page.locator("h1")).to_have_text("Is this right?")
    look(page, "check")

    page = page_for(make_user("PATIENT", first_name="", last_name="", email="new@hms.example"), **options)
    for step in ("name", "born", "gender", "phone", "emergency", "blood", "allergies", "consent"):
        page.goto(f"/portal/register/{step}/")
        look(page, step)
    page.goto("/portal/register/name/")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("error-summary")).to_be_visible()
    look(page, "refused answer")

    page = page_for(desk.rita, **options)
    for path in ("/desk/requests/", "/desk/outbox/", "/desk/door/"):
        page.goto(path)
        look(page, path, by_finger=False)
    assert {k: v for k, v in found.items() if v} == {}
