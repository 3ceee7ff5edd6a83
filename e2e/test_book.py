"""Booking at the desk: by mouse, by keyboard alone, without JavaScript, and when somebody is in the way."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.desk import TOMORROW, Desk, card, column, open_board, point
from hms.models import Appointment, Patient
from hms.testing import local, make_appointment, make_patient

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    return Desk()


def test_two_clicks_and_typing_book_a_known_patient(desk, page_for):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.mouse.click(*point(page, desk.ben, "11:00"))  # click one
    search = page.locator("#patient-search")
    expect(search).to_be_focused()
    page.keyboard.type("hadd")
    page.get_by_role("option", name=re.compile("HADDAD")).click()  # click two
    page.keyboard.press("Enter")
    expect(card(column(page, desk.ben), "HADDAD")).to_be_visible()
    booked = Appointment.objects.get(patient=desk.omar)
    assert (booked.doctor, booked.appointment_date) == (desk.ben, local(TOMORROW, "11:00"))


def test_the_keyboard_alone_books(desk, page_for):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.keyboard.press("n")
    page.keyboard.type("Omar")  # typed at once: nothing of it is lost while the panel comes
    expect(page.get_by_role("option", name=re.compile("HADDAD"))).to_be_visible()
    expect(page.locator("#patient-search")).to_have_value("Omar")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    for _ in range(20):  # back to the fields, as somebody without a mouse goes
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.name") == "doctor":
            break
    page.keyboard.type("Dr Ben")
    page.keyboard.press("Tab")
    page.locator("#booking [name=time]").focus()
    page.keyboard.type("1430")
    page.keyboard.press("Enter")
    expect(card(column(page, desk.ben), "HADDAD")).to_be_visible()
    assert Appointment.objects.get(patient=desk.omar).appointment_date == local(TOMORROW, "14:30")


def test_a_new_patient_is_registered_by_the_booking(desk, page_for):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.mouse.click(*point(page, desk.ada, "15:00"))
    page.get_by_text("New patient").click()
    page.fill("[name=new_family]", "Ōkami")
    page.fill("[name=new_given]", "Yuki")
    page.fill("[name=new_born]", "1990-02-03")
    page.fill("[name=reason]", "Knee")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(card(column(page, desk.ada), "ŌKAMI")).to_be_visible()
    assert Patient.objects.get(user__last_name="Ōkami").appointment_set.get().reason == "Knee"


def test_a_name_searched_for_in_vain_is_carried_into_the_new_patient(desk, page_for):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.mouse.click(*point(page, desk.ada, "15:00"))
    expect(page.locator("#patient-search")).to_be_focused()
    page.keyboard.type("yuki ōkami")
    expect(page.get_by_role("option", name="Register")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("[name=new_family]")).to_have_value("Ōkami")
    expect(page.locator("[name=new_given]")).to_have_value("Yuki")
    expect(page.locator("[name=new_born]")).to_be_focused()
    page.keyboard.type("3 Feb 1990")
    page.keyboard.press("Enter")
    expect(card(column(page, desk.ada), "ŌKAMI")).to_be_visible()


@pytest.mark.parametrize(
    ("keys", "marked"),
    [
        ([], "HADDAD"),
        (["ArrowDown"], "HADDAD"),
        (["ArrowDown", "ArrowDown"], "Register"),
        (["ArrowDown", "ArrowDown", "ArrowDown"], "HADDAD"),
        (["ArrowUp"], "Register"),
    ],
)
def test_arrows_lead_from_the_first_patient_found_to_registering(desk, page_for, keys, marked):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.keyboard.press("n")
    page.keyboard.type("Omar")
    expect(page.get_by_role("option", name=re.compile("HADDAD"))).to_be_visible()
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator("#patient-listbox [aria-selected=true]")).to_contain_text(marked)


def test_opening_the_new_patient_by_hand_takes_what_was_searched_for(desk, page_for):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.keyboard.press("n")
    expect(page.locator("#patient-search")).to_be_focused()
    page.keyboard.type("何淑芬")
    page.get_by_text("New patient").click()
    expect(page.locator("[name=new_family]")).to_have_value("何")
    expect(page.locator("[name=new_given]")).to_have_value("淑芬")


def test_a_day_that_is_typed_in_part_stays_as_it_is_typed(desk, page_for):
    page = page_for(desk.rita)
    page.goto(f"/desk/appointments/new/?patient={desk.omar.pk}&doctor={desk.ada.pk}")
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    day = page.locator("main [name=date]")
    day.fill("")
    day.focus()
    page.keyboard.type("02")
    page.fill("main [name=time]", "14:30")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(day).to_be_focused()
    assert day.evaluate("(field) => field.validity.badInput")
    assert sent == []
    day.fill(f"{local(TOMORROW).date():%Y-%m-%d}")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(card(column(page, desk.ada), "HADDAD")).to_be_visible()


def test_a_taken_time_says_who_is_in_the_way_and_books_the_next_free_one(desk, page_for):
    page = page_for(desk.rita)
    page.goto(f"/desk/appointments/new/?patient={desk.omar.pk}&doctor={desk.ada.pk}")
    page.fill("[name=date]", f"{local(TOMORROW).date():%Y-%m-%d}")
    page.fill("[name=time]", "10:15")
    page.fill("[name=reason]", "Back pain")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("error-summary")).to_contain_text("already has a patient")
    expect(page.locator(".in-the-way")).to_contain_text("NACHTIGALL")
    expect(page.locator("[name=reason]")).to_have_value("Back pain")
    page.locator(".free-times button").first.click()
    expect(page).to_have_url(re.compile(r"/desk/\?day="))
    booked = Appointment.objects.get(patient=desk.omar)
    assert (booked.appointment_date, booked.reason) == (local(TOMORROW, "10:30"), "Back pain")


def test_outside_the_hours_a_reason_overrules(desk, page_for):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.keyboard.press("n")
    expect(page.locator("#patient-search")).to_be_focused()
    page.keyboard.type("omar")
    page.locator("#patient-listbox [role=option]").first.click()
    page.select_option("#booking [name=doctor]", str(desk.ben.pk))
    page.fill("#booking [name=time]", "7am")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("error-summary")).to_contain_text("outside Dr Ben Blum's working hours")
    page.fill("[name=override_reason]", "Came by ambulance")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#panel")).to_contain_text("Came by ambulance")
    expect(card(column(page, desk.ben), "HADDAD")).to_be_visible()


def test_the_desk_works_without_javascript(desk, page_for):
    page = page_for(desk.rita, java_script_enabled=False)
    page.goto(desk.tomorrow)
    column(page, desk.ben).locator(".gap a").first.click()
    page.fill("#patient-search", "Haddad")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("radio").first.check()
    page.fill("[name=time]", "9:15")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator(".timeline > .card", has_text="HADDAD")).to_contain_text("09:15")

    card(page, "HADDAD").get_by_role("link").click()
    page.get_by_role("link", name="Move…").click()
    page.fill("[name=time]", "16:00")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(card(page, "HADDAD")).to_contain_text("16:00")

    card(page, "HADDAD").get_by_role("button", name="Confirm").click()
    expect(card(page, "HADDAD")).to_contain_text("Confirmed")
    card(page, "HADDAD").get_by_role("link").click()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_text("Say why the appointment is cancelled.").first).to_be_visible()
    page.fill("[name=reason]", "Feels better")
    page.get_by_role("button", name="Cancel the appointment").click()
    gone = Appointment.objects.get(patient=desk.omar)
    assert (gone.status, gone.cancel_reason) == ("CANCELLED", "Feels better")


def test_search_to_book_takes_three_clicks(desk, page_for):
    page = page_for(desk.rita)
    page.goto("/desk/patients/?q=haddad")
    page.get_by_role("link", name=re.compile("^Book")).last.click()
    page.select_option("[name=doctor]", str(desk.ben.pk))
    expect(page.locator("#free-times .whose")).to_have_count(0)  # of the chosen doctor alone
    page.locator("#free-times button").first.click()
    expect(page).to_have_url(re.compile(r"/desk/\?day="))
    assert Appointment.objects.filter(patient=desk.omar, doctor=desk.ben).count() == 1


def test_a_card_shows_how_long_somebody_waits(desk, page_for):
    desk.waiting(minutes=45)
    page = open_board(page_for(desk.rita), "/desk/")
    expect(card(page, "HADDAD")).to_contain_text("45 min")
    expect(page.locator("#queue")).to_contain_text("HADDAD")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_card_shows_whose_it_is(desk, page_for, width):
    arrived = timezone.now() - timedelta(minutes=5)
    for n, status in enumerate(["SCHEDULED", "CONFIRMED", "ARRIVED", "IN_PROGRESS", "COMPLETED"]):
        fields = {"status": "CONFIRMED", "checked_in_at": arrived} if status == "ARRIVED" else {"status": status}
        for doctor, minutes in ((desk.ada, 15), (desk.ben, 30)):
            patient = make_patient(first_name="Li", last_name="Subramanian")
            start = local(TOMORROW, f"{11 + n}:00")
            make_appointment(patient=patient, doctor=doctor, start=start, minutes=minutes, **fields)
    page = page_for(desk.rita)
    page.set_viewport_size({"width": width, "height": 900})
    open_board(page, desk.tomorrow)
    cut = page.evaluate("""() => [...document.querySelectorAll(".timeline > .card")].filter((card) => {
        const [outer, name] = [card.querySelector("a"), card.querySelector("b")].map((e) => e.getBoundingClientRect())
        const step = card.querySelector(".step")?.getBoundingClientRect()
        const under = step && name.right > step.left && name.left < step.right && name.top < step.bottom - 4
        return !name.height || name.bottom > outer.bottom + 1 || name.right > outer.right + 1 || under
    }).map((card) => card.className + ": " + card.textContent)""")
    assert cut == []


@pytest.mark.parametrize("width", [1440, 390])
def test_the_longest_name_pushes_nothing_off_the_list(desk, page_for, width):
    make_patient(first_name="Anna", last_name="W" * 150)
    page = page_for(desk.rita)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/desk/patients/?q=www")
    book = page.get_by_role("link", name=re.compile("^Book for WWW")).bounding_box()
    assert book["x"] + book["width"] <= width


@pytest.mark.parametrize("width", [1440, 390])
def test_the_longest_name_widens_no_page(desk, page_for, width):
    patient = make_patient(first_name="V" * 150, last_name="W" * 150)
    visit = make_appointment(patient=patient, doctor=desk.ben, start=local(TOMORROW, "12:00"))
    page = page_for(desk.rita)
    page.set_viewport_size({"width": width, "height": 900})
    pages = [f"/desk/patients/{patient.pk}/", f"/desk/patients/{patient.pk}/edit/", f"/desk/appointments/{visit.pk}/"]
    pages += [f"/desk/appointments/{visit.pk}/{step}/" for step in ("move", "edit", "cancel")]
    pages += [
        f"/desk/appointments/new/?patient={patient.pk}",
        "/desk/patients/?q=www",
        f"/billing/patients/{patient.pk}/",
    ]
    wide = {}
    for path in pages:
        assert page.goto(path).status == 200, path
        wide[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: size for path, size in wide.items() if size > width} == {}


def test_a_long_day_stays_light(desk, page_for):
    for hour in range(8, 18):
        for minute in (0, 15, 30, 45):
            if (hour, minute) not in {(10, 0), (10, 15)}:
                start = local(TOMORROW, f"{hour:02}:{minute:02}")
                make_appointment(doctor=desk.ada, start=start, minutes=15)
    page = page_for(desk.rita)
    response = page.goto(desk.tomorrow)
    per_card = len(response.body()) / 40
    assert per_card < 1500, "250 cards would weigh too much"
    assert Appointment.objects.filter(duration=timedelta(minutes=15)).count() == 38


def test_a_session_that_ended_while_registering_loses_nothing(desk, page_for):
    page = page_for(desk.rita)
    page.goto("/desk/patients/new/")
    page.fill("[name=last_name]", "Half typed")
    page.context.clear_cookies()
    page.locator("main form button[type=submit], main form .btn-primary").first.click()
    expect(page.locator("session-watch dialog[data-sign-in]")).to_be_visible()
    expect(page.locator("[name=last_name]")).to_have_value("Half typed")
