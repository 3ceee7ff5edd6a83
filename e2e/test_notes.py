"""Notes: nothing that was typed is lost, whatever becomes of the server, the line, the session or the page."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from e2e.notes import (
    NO_LINE,
    SAVED,
    SLOW,
    address,
    desk_with_a_visit,
    eventually,
    hold_saves,
    kept,
    leave,
    note,
    opened,
    state,
)
from hms.models import Appointment, MedicalRecord, SetAsideText
from hms.testing import PASSWORD, local, make_appointment

browser = pytest.mark.browser


@pytest.fixture
def desk(database):
    return desk_with_a_visit()


@browser
def test_burst_typing_on_a_slow_server_keeps_every_key(desk, page_for):
    page = page_for(desk.ben.user)
    page.add_init_script(SLOW)
    opened(page, desk.now)
    text = "Cough since Monday, worse at night; no fever. " * 6
    note(page).press_sequentially(text, delay=12)
    expect(state(page)).to_have_text(SAVED)
    assert kept(desk.now).notes == text
    assert page.evaluate("saves.most") == 1


@browser
def test_it_says_saved_when_the_server_did_and_not_before(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    release = hold_saves(page)
    with page.expect_request("**/note/"):
        note(page).press_sequentially("The cough began ")
    expect(state(page)).to_have_text(re.compile("Saving…|Unsaved changes"))
    note(page).press_sequentially("on Monday.")
    expect(state(page)).to_have_text("Unsaved changes")
    release()
    expect(state(page)).to_have_text(SAVED)
    assert kept(desk.now).notes == "The cough began on Monday."


@browser
def test_offline_for_a_minute_says_so_and_catches_up(desk, page_for, allowed_errors):
    allowed_errors += NO_LINE
    page = page_for(desk.ben.user)
    page.clock.install()
    opened(page, desk.now)
    page.context.set_offline(True)
    note(page).press_sequentially("Written in the lift.")
    expect(state(page)).to_have_text("Not saved, retrying")
    page.clock.fast_forward(60_000)
    note(page).press_sequentially(" And on the stairs.")
    expect(state(page)).to_have_text("Not saved, retrying")
    page.context.set_offline(False)
    expect(state(page)).to_have_text(SAVED)
    assert kept(desk.now).notes == "Written in the lift. And on the stairs."


@browser
def test_a_killed_server_loses_nothing(desk, page_for, live_hms, allowed_errors):
    allowed_errors += NO_LINE
    page = opened(page_for(desk.ben.user), desk.now)
    note(page).fill("Before.")
    expect(state(page)).to_have_text(SAVED)
    live_hms.kill()
    note(page).press_sequentially(" While it was down.")
    expect(state(page)).to_have_text("Not saved, retrying")
    live_hms.start()
    expect(state(page)).to_have_text(SAVED, timeout=90_000)
    assert kept(desk.now).notes == "Before. While it was down."


@browser
def test_an_ended_session_is_resumed_in_place_and_the_text_is_saved(desk, page_for, allowed_errors):
    allowed_errors.append("SSE reconnect failed with status 401")  # its stream is told so
    desk.ben.user.set_password(PASSWORD)
    desk.ben.user.save()
    page = opened(page_for(desk.ben.user), desk.now)
    note(page).fill("Before.")
    expect(state(page)).to_have_text(SAVED)
    Session.objects.all().delete()
    note(page).press_sequentially(" After.")
    expect(page.locator("session-watch dialog[open] [type=password]")).to_be_focused()
    assert kept(desk.now).notes == "Before."
    page.locator("session-watch dialog[open] [type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("session-watch dialog[open]")).to_have_count(0)
    expect(state(page)).to_have_text(SAVED)
    assert kept(desk.now).notes == "Before. After."


@browser
def test_a_page_that_is_left_sends_what_it_has(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    leave(page, "Typed and gone.")
    assert eventually(lambda: MedicalRecord.objects.filter(notes="Typed and gone.").exists())


@browser
def test_a_refusal_that_nobody_was_there_to_read_keeps_the_text(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    note(page).fill("a")
    expect(state(page)).to_have_text(SAVED)
    page.context.route("**/presence/", lambda route: route.abort())  # this page does not hear of the other
    other = opened(page_for(desk.ben.user), desk.now)
    note(other).fill("their text")
    expect(state(other)).to_have_text(SAVED)
    leave(page, "my text")
    assert eventually(lambda: SetAsideText.objects.filter(texts={"notes": "my text"}).exists())
    page.goto(address(desk.now))
    expect(page.locator(".set-aside")).to_contain_text("my text")
    page.get_by_role("button", name="Put it below the note").click()
    expect(note(page)).to_have_value(re.compile(r"^their text[\s\S]+my text$"))
    expect(page.locator(".set-aside")).to_have_count(0)


@browser
def test_a_page_loaded_anew_does_not_take_itself_for_another_window(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    note(page).fill("a")
    expect(state(page)).to_have_text(SAVED)
    page.reload()
    with page.expect_response("**/presence/") as asked:
        page.evaluate("document.dispatchEvent(new Event('live:resync'))")
    assert asked.value.text().strip() == ""


@browser
def test_what_is_too_long_stays_and_the_other_text_is_saved(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    sent = []
    page.on("request", lambda r: sent.append(r) if "notes=x" in (r.post_data or "") else None)
    note(page).fill("x" * 600_000)  # two hundred pages
    expect(page.locator("auto-save [data-problem]")).to_contain_text("shorten it")
    expect(state(page)).to_have_text("Not saved")
    page.locator("#note-treatment").fill("Tea")
    assert eventually(lambda: MedicalRecord.objects.filter(treatment="Tea").exists())
    assert len(note(page).input_value()) == 600_000
    assert len(sent) == 1  # not over and over
    note(page).fill("Short.")
    expect(state(page)).to_have_text(SAVED)
    expect(page.locator("auto-save [data-problem]")).to_be_hidden()
    assert kept(desk.now).notes == "Short."


@browser
def test_a_visit_called_off_meanwhile_keeps_the_text(desk, page_for):
    make_appointment(patient=desk.omar, doctor=desk.ben, start=local(-7), status="COMPLETED")
    page = page_for(desk.ben.user)
    page.route("**/presence/", lambda route: route.abort())  # it does not hear of it
    opened(page, desk.now)
    Appointment.objects.filter(pk=desk.now.pk).update(status="CANCELLED")
    note(page).fill("Almost done.")
    expect(page.locator("auto-save [data-problem]")).to_contain_text("Copy your text")
    expect(note(page)).to_have_value("Almost done.")
    assert SetAsideText.objects.get().texts == {"notes": "Almost done."}


@browser
def test_nothing_clinical_is_in_the_browsers_storage(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    note(page).fill("Only between us.")
    expect(state(page)).to_have_text(SAVED)
    stored = page.evaluate(
        "async () => JSON.stringify([{...localStorage}, {...sessionStorage}, await caches.keys(),"
        " await indexedDB.databases()])"
    )
    assert "between us" not in stored
    assert "HADDAD" not in stored.upper()
    assert "appointments" not in stored
