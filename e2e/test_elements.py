"""The custom elements that every page has, in a browser."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from e2e.desk import SCREENS, violations
from hms.models import Diagnosis, FavouriteCode, IcdCode
from hms.testing import PASSWORD, local, make_appointment, make_doctor, make_user

pytestmark = pytest.mark.browser


@pytest.fixture
def doctor_page(live_hms, page, allowed_errors):
    """A page of the clinic, signed in by the form; ``page.person`` is who."""
    # These tests end the session under a page that listens: its stream is told so.
    allowed_errors.append("SSE reconnect failed with status 401")
    user = make_doctor(user=make_user("DOCTOR", email="dora@hms.example", first_name="Dora", last_name="Doe")).user
    user.set_password(PASSWORD)
    user.save()
    page.goto(f"{live_hms}/accounts/login/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/clinic/")
    # Something typed, which a reload would lose.
    page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
    page.locator("main textarea").fill("half a sentence")
    page.person = user
    return page


def end_session(page):
    """As the server sees it: the session is gone. The page asks when somebody is there again."""
    Session.objects.all().delete()
    page.evaluate("document.querySelector('session-watch').check()")


def sign_in_again(page, password=PASSWORD):
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in").click()
    return dialog


# --- the theme


def test_theme_is_kept_and_there_before_the_first_paint(doctor_page):
    root = doctor_page.locator("html")
    expect(root).not_to_have_attribute("data-theme", "hms-dark")
    doctor_page.get_by_role("button", name="Your account").click()
    doctor_page.get_by_role("button", name="Dark").click()
    expect(root).to_have_attribute("data-theme", "hms-dark")
    doctor_page.route("**/app.*.js", lambda route: route.abort())  # only theme.js runs now
    doctor_page.reload()
    expect(root).to_have_attribute("data-theme", "hms-dark")


def test_auto_follows_the_system(doctor_page):
    doctor_page.get_by_role("button", name="Your account").click()
    doctor_page.get_by_role("button", name="Dark").click()
    doctor_page.get_by_role("button", name="Auto").click()
    ground = "getComputedStyle(document.body).backgroundColor"
    doctor_page.emulate_media(color_scheme="dark")
    dark = doctor_page.evaluate(ground)
    doctor_page.emulate_media(color_scheme="light")
    assert doctor_page.evaluate(ground) != dark


def test_paper_is_light_in_the_dark_theme(doctor_page):
    doctor_page.get_by_role("button", name="Your account").click()
    doctor_page.get_by_role("button", name="Dark").click()
    doctor_page.emulate_media(media="print", color_scheme="dark")
    assert doctor_page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 40, 45)"
    expect(doctor_page.get_by_text("Printed")).to_be_visible()
    expect(doctor_page.get_by_role("banner")).to_be_hidden()


# --- toasts


def test_success_leaves_and_error_stays(doctor_page):
    doctor_page.clock.install()
    say = "([text, kind]) => { document.querySelector('toast-stack').say(text, kind) }"
    doctor_page.evaluate(say, ["It is saved.", "success"])
    doctor_page.evaluate(say, ["It was refused.", "error"])
    expect(doctor_page.get_by_role("status").filter(has_text="It is saved.")).to_be_visible()
    doctor_page.clock.run_for(6500)
    expect(doctor_page.get_by_text("It is saved.")).to_have_count(0)
    error = doctor_page.get_by_role("alert").filter(has_text="It was refused.")
    expect(error).to_be_visible()
    error.get_by_role("button", name="Close").click()
    expect(error).to_have_count(0)


def test_a_toast_takes_the_place_of_what_was_said_of_the_same_thing(doctor_page):
    doctor_page.evaluate("""() => {
        for (const [about, text] of [["1", "Confirmed"], ["2", "Arrived"], ["1", "Cancelled"]]) {
            const toast = document.createElement("toast-message")
            toast.dataset.about = about
            toast.textContent = text
            document.querySelector("toast-stack").append(toast)
        }
    }""")
    expect(doctor_page.locator("toast-message")).to_contain_text(["Arrived", "Cancelled"])


def test_toast_stays_while_it_is_pointed_at(doctor_page):
    doctor_page.clock.install()
    doctor_page.evaluate("document.querySelector('toast-stack').say('Moved.', 'success') && 0")
    doctor_page.get_by_text("Moved.").hover()
    doctor_page.clock.run_for(20_000)
    expect(doctor_page.get_by_text("Moved.")).to_be_visible()
    doctor_page.mouse.move(0, 0)
    doctor_page.clock.run_for(6500)
    expect(doctor_page.get_by_text("Moved.")).to_have_count(0)


# --- errors of a form


def test_error_summary_takes_the_focus_and_leads_to_its_field(live_hms, page):
    page.goto(f"{live_hms}/accounts/login/")
    page.evaluate("document.querySelector('form').noValidate = true")
    page.get_by_label("E-mail").fill("dora@hms.example")
    page.get_by_role("button", name="Sign in", exact=True).click()
    summary = page.locator("error-summary")
    expect(summary).to_be_focused()
    expect(page).to_have_title("Error: Sign in – HMS Hospital")
    expect(page.get_by_label("E-mail")).to_have_value("dora@hms.example")
    summary.get_by_role("link").click()
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")


# --- the session


def test_ended_session_is_taken_up_again_in_place(doctor_page):
    end_session(doctor_page)
    dialog = sign_in_again(doctor_page)
    expect(dialog).to_have_count(0)
    expect(doctor_page.get_by_role("status").filter(has_text="signed in again")).to_be_visible()
    assert doctor_page.locator("main textarea").input_value() == "half a sentence"
    # The page's token is the new session's: what is sent next is accepted.
    status = doctor_page.evaluate(
        """async () => {
            const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"))
            return (await fetch("/accounts/session/extend/", { method: "POST", headers })).status
        }"""
    )
    assert status == 200
    doctor_page.get_by_role("button", name="Your account").click()
    doctor_page.get_by_role("button", name="Sign out").click()
    doctor_page.wait_for_url("**/accounts/login/**")


def test_wrong_password_is_said_and_the_page_stays_covered(doctor_page):
    end_session(doctor_page)
    dialog = sign_in_again(doctor_page, "wrong-password")
    expect(dialog.get_by_role("alert")).to_contain_text("not correct")
    doctor_page.keyboard.press("Escape")
    doctor_page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    expect(sign_in_again(doctor_page)).to_have_count(0)
    assert doctor_page.locator("main textarea").input_value() == "half a sentence"


def test_refused_htmx_request_offers_to_sign_in_without_leaving(doctor_page):
    Session.objects.all().delete()
    doctor_page.evaluate("htmx.ajax('GET', '/clinic/', { target: 'main' })")
    expect(doctor_page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    expect(sign_in_again(doctor_page)).to_have_count(0)
    assert doctor_page.locator("main textarea").input_value() == "half a sentence"


def test_somebody_else_gets_a_page_of_their_own(doctor_page):
    other = make_doctor(user=make_user("DOCTOR", email="other@hms.example")).user
    other.set_password(PASSWORD)
    other.save()
    end_session(doctor_page)
    doctor_page.locator("#session-login").evaluate("e => { e.value = 'other@hms.example' }")
    sign_in_again(doctor_page)
    expect(doctor_page.locator("session-watch")).to_have_attribute("data-user", str(other.pk))
    expect(doctor_page.locator("main textarea")).to_have_count(0)


def test_warns_before_the_end_and_a_click_stays(doctor_page):
    left = {"seconds": 100}
    asked = []

    def answer(route):
        asked.append(route.request.method)
        if route.request.method == "POST":
            left["seconds"] = 900
        response = route.fetch()
        body = response.json() | {"expires": doctor_page.evaluate("Date.now() / 1000") + left["seconds"]}
        route.fulfill(response=response, json=body)

    doctor_page.route("**/accounts/session/**", answer)
    doctor_page.evaluate("document.querySelector('session-watch').check()")
    dialog = doctor_page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_be_visible()
    with doctor_page.expect_response("**/extend/"):
        dialog.get_by_role("button", name="Stay signed in").click()
    expect(dialog).to_have_count(0)
    assert asked == ["GET", "POST"]


def test_only_somebody_at_the_screen_keeps_the_session(doctor_page):
    posts = []
    doctor_page.on("request", lambda r: posts.append(r.url) if r.method == "POST" else None)
    doctor_page.clock.install()
    doctor_page.clock.run_for(10 * 60_000)
    assert posts == []
    for _ in range(5):
        doctor_page.keyboard.press("a")
    doctor_page.wait_for_timeout(200)
    assert len(posts) == 1


# --- a field with a list


@pytest.fixture
def visit(live_hms):
    return make_appointment(doctor=make_doctor(), start=local(0, "12:00"), status="IN_PROGRESS")


def consultation(page, visit):
    page.goto(f"/clinic/appointments/{visit.pk}/")
    return page


def options(page):
    return page.locator("#diagnoses").get_by_role("option")


def marked(field):
    return field.evaluate("e => document.getElementById(e.getAttribute('aria-activedescendant'))?.textContent ?? ''")


def test_a_code_is_chosen_by_keys_alone(visit, page_for):
    page = consultation(page_for(visit.doctor.user), visit)
    field = page.get_by_role("combobox", name=re.compile("Find by code or words"))
    expect(field).to_have_attribute("aria-expanded", "false")
    field.focus()
    page.keyboard.type("ashtma")
    expect(options(page).first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    assert marked(field) == ""  # what is typed may be meant as it stands
    page.keyboard.press("ArrowDown")
    first = marked(field)
    page.keyboard.press("ArrowDown")
    second = marked(field)
    assert "sthma" in first
    assert second not in ("", first)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert marked(field) == options(page).last.text_content()
    page.keyboard.press("Home")
    assert (marked(field), field.evaluate("e => e.selectionStart")) == ("", 0)
    page.keyboard.press("End")
    assert field.evaluate("e => e.selectionStart") == 6
    page.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_have_value("ashtma")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#diagnoses li")).to_contain_text("sthma")
    assert Diagnosis.objects.get().code_id.startswith("J4")
    # The next one can be typed at once.
    expect(page.locator("#diagnosis-text")).to_be_focused()
    expect(page.locator("#diagnosis-text")).to_have_value("")


def test_enter_adds_the_words_as_they_stand_and_a_click_chooses(visit, page_for):
    page = consultation(page_for(visit.doctor.user), visit)
    page.locator("#diagnosis-text").fill("Tired of asthma")
    page.keyboard.press("Enter")
    expect(page.locator("#diagnoses li")).to_contain_text("Tired of asthma")
    page.locator("#diagnosis-text").fill("J45.9")
    page.get_by_role("option", name=re.compile("J45.9")).click()
    expect(page.locator("#diagnoses li")).to_have_count(2)
    page.locator("#diagnosis-text").press_sequentially("zzqqxx")
    expect(page.locator("#diagnoses .picker-options")).to_contain_text("It can be added as written")
    page.get_by_role("heading", name="Note").click()
    expect(page.locator("#diagnoses .picker-options")).to_be_hidden()


def test_favourites_are_there_before_anything_is_typed(visit, page_for):
    FavouriteCode.objects.create(doctor=visit.doctor, code=IcdCode.objects.get(pk="I10"))
    page = consultation(page_for(visit.doctor.user), visit)
    page.locator("#diagnosis-text").click()
    expect(options(page)).to_contain_text(["favourite"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    star = page.get_by_role("button", name="I10 is a favourite")
    expect(star).to_have_attribute("aria-pressed", "true")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "false")
    assert not FavouriteCode.objects.exists()


def test_enter_before_the_answer_takes_the_first_drug(visit, page_for):
    page = consultation(page_for(visit.doctor.user), visit)
    field = page.get_by_role("combobox", name="Drug")
    field.focus()
    page.keyboard.type("augm")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Amoxicillin with clavulanic acid")
    # What is left to say comes next.
    expect(page.locator("#line-strength")).to_be_focused()


def test_lines_are_prescribed_by_keys_alone_one_after_the_other(visit, page_for):
    page = consultation(page_for(visit.doctor.user), visit)
    drug = page.get_by_role("combobox", name="Drug")
    drug.fill("Home tea")
    page.fill("#line-dose", "1 cup")
    page.fill("#line-frequency", "daily")
    page.keyboard.press("Enter")
    expect(page.locator("#prescriptions li")).to_contain_text("Home tea")
    expect(drug).to_be_focused()
    drug.fill("Home tea")
    page.fill("#line-dose", "2 cups")
    page.fill("#line-frequency", "daily")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Why all the same")).to_be_focused()
    page.keyboard.type("A cup more")
    page.keyboard.press("Enter")
    expect(page.locator("#prescriptions li")).to_have_count(2)


def test_the_keyboard_goes_on_where_a_pressed_button_was(visit, page_for):
    page = consultation(page_for(visit.doctor.user), visit)
    page.get_by_role("button", name="Asked: there are none").press("Enter")
    expect(page.locator("#banner-allergies")).to_contain_text("No known allergies")
    expect(page.locator("#allergies")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_label("Allergic to").fill("Latex")
    page.keyboard.press("Enter")
    expect(page.locator("#banner-allergies")).to_contain_text("Latex")


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_in_an_open_list(visit, page_for, scheme, width):
    page = consultation(
        page_for(visit.doctor.user, color_scheme=scheme, viewport={"width": width, "height": 900}), visit
    )
    for field, text in (("#diagnosis-text", "asthma"), ("#line-drug_name", "amox"), ("#line-drug_name", "zzqqxx")):
        page.locator(field).fill(text)
        expect(page.locator("[role=listbox]:not([hidden])")).to_be_visible()
        page.keyboard.press("ArrowDown")
        assert violations(page) == []
        box = page.locator("[role=listbox]:not([hidden])").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_without_scripts_codes_and_drugs_are_found_by_a_button(visit, page_for):
    page = consultation(page_for(visit.doctor.user, java_script_enabled=False), visit)
    page.locator("#diagnosis-text").fill("ashtma")
    page.locator("#diagnosis-text").press("Enter")
    page.locator("#diagnoses .picker-options button").first.click()
    expect(page.locator("#diagnoses li")).to_contain_text("sthma")
    page.locator("#line-drug_name").fill("amoxic")
    page.locator("#prescriptions").get_by_role("button", name="Find").click()
    page.locator("#prescriptions .picker-options").get_by_role("link").first.click()
    expect(page.locator("#line-drug_name")).to_have_value(re.compile("Amoxicillin"))
