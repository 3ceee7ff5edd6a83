"""Two tabs of one browser: signing in again in the one makes the other's token void, and costs it nothing."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from e2e.desk import SCREENS, Desk, hospital_slot, open_board, violations
from hms.models import Appointment, Patient
from hms.testing import make_appointment

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    return Desk()


def sign_in_elsewhere(page, live_hms, user):
    """What signing in again in another tab does to this one: another session, and another token."""
    for name, value in live_hms.sign_in(user).items():
        page.context.add_cookies([{"name": name, "value": value, "url": live_hms.url}])
    page.context.add_cookies([{"name": "hms-csrf", "value": "n" * 32, "url": live_hms.url}])


def test_the_board_sends_it_again_by_itself(desk, page_for, live_hms):
    page = open_board(page_for(desk.rita), desk.tomorrow)
    page.locator(f"#appointment-{desk.visit.pk} a").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.fill("#panel [name=reason]", "Typed before")
    sign_in_elsewhere(page, live_hms, desk.rita)
    with page.expect_response(lambda r: r.status == 403) as refused:
        page.keyboard.press("Enter")
    assert refused.value.headers["x-stale-token"] == "1"
    expect(page.locator("#panel .panel-head, #panel h2").first).to_be_visible()
    expect(page.locator("#panel")).to_contain_text("Typed before")
    assert Appointment.objects.get(pk=desk.visit.pk).reason == "Typed before"
    expect(page.locator(".toast-error")).to_have_count(0)


def test_a_form_is_sent_with_the_new_token(desk, page_for, live_hms):
    page = page_for(desk.rita)
    page.goto("/desk/patients/new/")
    fill(page)
    sign_in_elsewhere(page, live_hms, desk.rita)
    page.locator("main form .btn-primary").first.click()
    expect(page.locator("h1")).to_contain_text("TYPED")
    assert Patient.objects.filter(user__last_name="Typed").count() == 1


def test_without_scripts_one_button_sends_it_again(desk, page_for, live_hms):
    page = page_for(desk.rita, java_script_enabled=False)
    page.goto("/desk/patients/new/")
    fill(page)
    sign_in_elsewhere(page, live_hms, desk.remo)
    page.locator("main form .btn-primary").first.click()
    expect(page.locator("main")).to_contain_text("You are signed in as Remo Reception now.")
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator("h1")).to_contain_text("TYPED")


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_on_the_page_that_sends_it_again(desk, page_for, live_hms, scheme, width):
    page = page_for(desk.rita, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto("/desk/patients/new/")
    fill(page)
    sign_in_elsewhere(page, live_hms, desk.remo)
    # As it is sent without our scripts, which would send the new token.
    page.locator("[name=last_name]").evaluate("(field) => HTMLFormElement.prototype.submit.call(field.form)")
    expect(page.get_by_role("button", name="Send it again")).to_be_focused()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_a_note_of_an_ended_session_is_sent_after_signing_in(desk, page_for, live_hms):
    visit = make_appointment(patient=desk.omar, doctor=desk.ben, start=hospital_slot(0), status="IN_PROGRESS")
    page = page_for(desk.ben.user, java_script_enabled=False)
    page.goto(f"/clinic/appointments/{visit.pk}/")
    page.locator("#note-notes").fill("Wheezes <b>at</b> night.\nBetter by day.")
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    page.locator("#note button", has_text="Save").click()
    expect(page.locator("h1")).to_have_text("You are signed out")
    expect(page.locator("main")).not_to_contain_text("Wheezes", use_inner_text=True)
    sign_in_elsewhere(page, live_hms, desk.ben.user)
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator("main")).to_contain_text(f"You are signed in as {desk.ben.user} now.")
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator("#note-notes")).to_have_value("Wheezes <b>at</b> night.\nBetter by day.")


def fill(page):
    page.fill("[name=last_name]", "Typed")
    for part, text in (("day", "1"), ("month", "feb"), ("year", "1980")):
        page.fill(f"[name=date_of_birth_{part}], [name=date_of_birth{part}]", text)
