"""Booking where it gets in somebody's way: taken meanwhile, held too long, clicked twice, gone back, by a letter."""

import re
from datetime import UTC, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.desk import Desk, card, open_board
from e2e.phone import PHONE
from hms.domain import letters
from hms.models import Appointment, SlotHold
from hms.testing import local, make_appointment

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    return Desk()


@pytest.fixture
def page(desk, page_for):
    """Omar's phone, on the page of times."""
    page = page_for(desk.omar.user, viewport=PHONE)
    page.goto(f"/portal/book/{desk.ada.department_id}/{desk.ada.pk}/time/")
    return page


def choose(page, number=0):
    page.locator("button[name=at]").nth(number).click()
    expect(page.locator("h1")).to_have_text("Is this right?")


def confirm(page):
    page.get_by_role("button", name="Confirm and book").click()


def booked(patient):
    return Appointment.objects.filter(patient=patient)


def test_a_double_click_books_once(desk, page):
    choose(page)
    page.get_by_role("button", name="Confirm and book").dblclick()
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    assert booked(desk.omar).count() == 1


def test_back_after_confirming_books_nothing_more(desk, page):
    choose(page)
    confirm(page)
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    page.go_back()
    page.wait_for_load_state()
    again = page.get_by_role("button", name="Confirm and book")
    if again.is_visible():  # a browser that shows the page as it was
        again.click()
        expect(page.locator("main")).to_contain_text("booked already")
    else:
        expect(page.locator("body")).to_contain_text("You hold no time now")
    assert booked(desk.omar).count() == 1


def test_a_time_that_the_desk_gave_away_meanwhile_leads_to_another(desk, page):
    choose(page)
    held = SlotHold.objects.get()
    make_appointment(patient=desk.flora, doctor=desk.ada, start=held.start)
    confirm(page)
    expect(page.get_by_role("alert")).to_contain_text("This time is no longer free")
    assert booked(desk.omar).count() == 0
    choose(page, 1)
    confirm(page)
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    assert booked(desk.omar).get().appointment_date != held.start


def test_two_phones_want_the_same_time(desk, page, page_for):
    other = page_for(desk.flora.user, viewport=PHONE)
    other.goto(page.url)
    at = page.locator("button[name=at]").nth(3).get_attribute("value")
    choose(page, 3)
    other.locator(f'button[value="{at}"]').click()
    expect(other.get_by_role("alert")).to_contain_text("Somebody else has just taken this time")
    expect(other.locator(f'button[value="{at}"]')).to_have_count(0)
    confirm(page)
    expect(page.locator("h1")).to_have_text("Your visit is booked")


def test_a_hold_that_runs_out_says_so_by_itself_and_leads_to_other_times(desk, page):
    choose(page)
    SlotHold.objects.update(expires_at=timezone.now() + timedelta(seconds=3))
    page.reload()
    expect(page.locator("count-down")).to_have_text("This time is no longer held for you. Choose a time again.")
    SlotHold.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    confirm(page)
    expect(page.get_by_role("alert")).to_contain_text("ten minutes")
    choose(page)
    confirm(page)
    expect(page.locator("h1")).to_have_text("Your visit is booked")


def test_by_a_letters_link_without_scripts_or_signing_in_and_the_desk_sees_it_at_once(desk, page_for):
    visit = make_appointment(patient=desk.flora, doctor=desk.ada, start=local(4))
    board = open_board(page_for(desk.rita), f"/desk/?day={local(4):%Y-%m-%d}")
    expect(card(board, "NACHTIGALL")).to_contain_text("10:00")
    page = page_for(java_script_enabled=False, viewport=PHONE)
    link = "/" + letters.link(visit).split("/", 3)[3]
    page.goto(link)
    expect(page.locator("body")).not_to_contain_text("Nachtigall")
    page.get_by_role("link", name="Move it").click()
    chosen = page.locator(f'button[value="{desk.ada.pk}@{local(4, "14:00").astimezone(UTC):%Y%m%dT%H%MZ}"]')
    if not chosen.is_visible():
        page.locator(f"#day-{local(4):%Y-%m-%d} a").click()
    chosen.click()
    expect(page.locator("body")).to_contain_text("Your visit has a new time.")
    expect(page.locator("main")).to_contain_text("2pm")
    expect(card(board, "NACHTIGALL")).to_contain_text("14:00")  # nobody touched this screen
    expect(card(board, "NACHTIGALL")).to_contain_text("Moved by the patient")
    page.get_by_role("button", name="I will come").click()
    expect(page.get_by_role("status")).to_contain_text("We expect you")
    page.goto(link)
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("h1")).to_have_text("This visit is cancelled")
    expect(card(board, "NACHTIGALL")).to_have_count(0)
    assert re.fullmatch(r"[\w:./-]+", page.url)
