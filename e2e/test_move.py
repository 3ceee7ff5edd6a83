"""Moving on the board: by drag, by keys, by picking a place; refused, undone, and with the connection lost."""

import pytest
from playwright.sync_api import expect

from e2e.desk import TOMORROW, Desk, card, column, open_board, point
from hms.testing import local, make_appointment

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    return Desk()


@pytest.fixture
def page(desk, page_for):
    return open_board(page_for(desk.rita), desk.tomorrow)


def drag(page, desk, *, to, at, drop=True):
    """Take the card at its upper edge to a time in a doctor's column."""
    goal = point(page, to, at)
    box = card(page, "NACHTIGALL").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 14, steps=3)
    page.mouse.move(goal[0], goal[1] + 4, steps=8)
    if drop:
        page.mouse.up()


def where(desk):
    desk.visit.refresh_from_db()
    return desk.visit.doctor, desk.visit.appointment_date


def test_a_drag_moves_across_doctors_and_undo_brings_it_back(desk, page):
    drag(page, desk, to=desk.ben, at="12:15")
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("12:15")
    assert where(desk) == (desk.ben, local(TOMORROW, "12:15"))
    page.get_by_role("button", name="Undo").click()
    expect(card(column(page, desk.ada), "NACHTIGALL")).to_contain_text("10:00")
    assert where(desk) == (desk.ada, local(TOMORROW, "10:00"))


def test_escape_leaves_the_card_where_it_was(desk, page):
    drag(page, desk, to=desk.ben, at="12:15", drop=False)
    expect(page.locator(".move-ghost")).to_contain_text("12:15")
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".move-ghost")).to_have_count(0)
    assert where(desk) == (desk.ada, local(TOMORROW, "10:00"))


def test_a_refused_drag_says_who_is_in_the_way_and_offers_other_times(desk, page):
    make_appointment(patient=desk.omar, doctor=desk.ben, start=local(TOMORROW, "12:00"), minutes=60)
    expect(card(page, "HADDAD")).to_be_visible()
    drag(page, desk, to=desk.ben, at="12:15")
    expect(page.locator("#panel .in-the-way")).to_contain_text("HADDAD")
    expect(card(column(page, desk.ada), "NACHTIGALL")).to_contain_text("10:00")
    assert where(desk) == (desk.ada, local(TOMORROW, "10:00"))
    page.locator("#panel .free-times button").first.click()
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("13:00")


def test_a_lost_connection_leaves_the_card_and_says_so(desk, page, live_hms, allowed_errors):
    allowed_errors.extend(["ERR_", "Failed to fetch", "network error"])
    page.route("**/move/", lambda route: route.abort("connectionfailed"))
    drag(page, desk, to=desk.ben, at="12:15")
    expect(page.locator("#toasts")).to_contain_text("Nothing was changed")
    expect(card(column(page, desk.ada), "NACHTIGALL")).to_contain_text("10:00")
    assert where(desk) == (desk.ada, local(TOMORROW, "10:00"))


def test_keys_move_with_announcements(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").focus()
    page.keyboard.press("m")
    expect(page.locator("#announcements")).to_contain_text("Arrow keys")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcements")).to_have_text("10:15, Dr Ben Blum")
    page.keyboard.press("Enter")
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("10:15")
    assert where(desk) == (desk.ben, local(TOMORROW, "10:15"))


def test_picking_the_card_then_a_place_moves_without_dragging(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").click()
    page.get_by_role("button", name="Pick a place").click()
    page.mouse.click(*point(page, desk.ben, "13:30"))
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("13:30")
    assert where(desk) == (desk.ben, local(TOMORROW, "13:30"))


def test_a_picked_card_is_carried_to_another_day(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").click()
    page.get_by_role("button", name="Pick a place").click()
    expect(page.locator("#placing")).to_contain_text("NACHTIGALL, Flora")
    page.get_by_role("link", name="Day after").click()
    expect(page.locator("#placing")).to_be_focused()
    page.mouse.click(*point(page, desk.ben, "13:30"))
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("13:30")
    assert where(desk) == (desk.ben, local(TOMORROW + 1, "13:30"))
    assert "place=" not in page.url
    page.get_by_role("link", name="Day before").click()  # nothing is carried any more
    expect(card(page, "NACHTIGALL")).to_have_count(0)
    expect(page.locator("#placing")).to_have_count(0)


def test_keys_carry_a_card_to_another_day(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").focus()
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageDown")
    expect(page.locator(".move-ghost")).to_contain_text("10:15")
    expect(page.locator("#announcements")).to_contain_text("Page Down")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcements")).to_have_text("10:15, Dr Ben Blum")
    page.keyboard.press("Enter")
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("10:15")
    assert where(desk) == (desk.ben, local(TOMORROW + 1, "10:15"))


def test_escape_puts_a_carried_card_down_where_it_was(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").focus()
    page.keyboard.press("m")
    page.keyboard.press("PageDown")
    expect(page.locator(".move-ghost")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".move-ghost, #placing")).to_have_count(0)
    assert where(desk) == (desk.ada, local(TOMORROW, "10:00"))


def test_a_card_under_the_hand_is_not_swapped_by_others(desk, page):
    drag(page, desk, to=desk.ben, at="12:15", drop=False)
    make_appointment(patient=desk.omar, doctor=desk.ada, start=local(TOMORROW, "15:00"))
    expect(card(column(page, desk.ada), "HADDAD")).to_be_visible()
    expect(page.locator(".move-ghost")).to_be_visible()
    page.mouse.up()
    expect(card(column(page, desk.ben), "NACHTIGALL")).to_contain_text("12:15")


def test_a_card_that_changed_meanwhile_is_not_moved_blindly(desk, page, live_hms):
    # The stream is cut, so this screen does not hear of the change.
    page.wait_for_timeout(500)  # the board that came with the connection is here
    page.route("**/live/**", lambda route: route.abort())
    page.evaluate("document.querySelector('live-stream').remove()")
    desk.visit.reason = "Changed by somebody"
    desk.visit.save()
    drag(page, desk, to=desk.ben, at="12:15")
    expect(page.locator("#panel error-summary")).to_contain_text("Somebody changed this appointment meanwhile")
    assert where(desk) == (desk.ada, local(TOMORROW, "10:00"))


def test_a_stale_edit_shows_what_others_wrote_and_is_sent_again(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.locator("#panel [name=reason]")).to_be_focused()
    desk.visit.reason = "Theirs"
    desk.visit.save()
    page.fill("#panel [name=reason]", "Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#panel .in-the-way")).to_contain_text("Theirs")
    expect(page.locator("#panel [name=reason]")).to_have_value("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#panel .facts")).to_contain_text("Mine")


def test_escape_asks_once_before_it_throws_away_what_was_typed(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.fill("#panel [name=reason]", "Half a thought")
    page.keyboard.press("Escape")
    expect(page.locator("#toasts")).to_contain_text("not saved")
    expect(page.locator("#panel [name=reason]")).to_have_value("Half a thought")
    page.keyboard.press("Escape")
    expect(page.locator("#panel form")).to_have_count(0)


def test_escape_closes_at_once_what_was_typed_and_sent(desk, page):
    card(page, "NACHTIGALL").get_by_role("link").first.click()
    page.get_by_role("link", name="Cancel…").click()
    page.fill("#panel [name=reason]", "Called")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_contain_text("Cancelled – Called")
    page.keyboard.press("Escape")
    expect(page.locator("#panel h2")).to_have_count(0)


def test_a_step_by_keyboard_keeps_the_focus_on_its_card_and_u_undoes_it(desk, page):
    card(page, "NACHTIGALL").get_by_role("button", name="Confirm").focus()
    page.keyboard.press("Enter")
    expect(card(page, "NACHTIGALL")).to_contain_text("Confirmed")
    expect(card(page, "NACHTIGALL").get_by_role("link")).to_be_focused()
    page.keyboard.press("u")
    expect(card(page, "NACHTIGALL")).to_contain_text("Scheduled")
