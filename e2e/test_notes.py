"""The note of a visit: saved as it is typed, on slow, broken and shared lines; what was typed is never lost."""

import pytest
from playwright.sync_api import expect

from e2e.desk import Desk, open_board, violations
from hms.models import MedicalRecord, Phrase
from hms.testing import local, make_appointment, make_record

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    desk = Desk()
    desk.now = make_appointment(patient=desk.omar, doctor=desk.ada, start=local(0, "12:00"), status="IN_PROGRESS")
    return desk


def opened(page, visit):
    page.goto(f"/clinic/appointments/{visit.pk}/")
    expect(page.locator("#note-notes")).to_be_visible()
    return page


def state(page):
    return page.locator("[data-state]")


def text(visit):
    return MedicalRecord.objects.get(appointment=visit).notes


def test_offline_says_so_and_saves_when_back(desk, page_for, allowed_errors):
    allowed_errors.extend(["ERR_", "Failed to fetch", "network error"])
    page = opened(page_for(desk.ada.user), desk.now)
    page.context.set_offline(True)
    page.fill("#note-notes", "Typed without a line")
    expect(state(page)).to_have_text("Not saved, retrying")
    page.context.set_offline(False)
    expect(state(page)).to_contain_text("Saved", timeout=60_000)
    assert text(desk.now) == "Typed without a line"


def test_a_refused_text_stays_and_is_not_sent_over_and_over(desk, page_for):
    page = opened(page_for(desk.ada.user), desk.now)
    sent = []
    page.on("request", lambda r: sent.append(r) if r.url.endswith("/note/") else None)
    page.fill("#note-notes", "a" * 400_000)
    expect(page.locator("#note [data-problem]")).to_contain_text("It is not saved")
    assert page.evaluate("document.getElementById('note-notes').value.length") == 400_000
    page.fill("#note-notes", "Short")
    expect(state(page)).to_contain_text("Saved")
    assert text(desk.now) == "Short"
    assert len(sent) == 2


def test_what_is_typed_while_a_conflict_is_answered_is_kept(desk, page_for):
    first, second = opened(page_for(desk.ada.user), desk.now), opened(page_for(desk.ada.user), desk.now)
    held = []
    second.route("**/note/", lambda route: held.append(route))
    with second.expect_request("**/note/"):
        second.fill("#note-notes", "Mine")
    first.fill("#note-notes", "Theirs")
    expect(state(first)).to_contain_text("Saved")
    second.locator("#note-notes").press("End")
    second.locator("#note-notes").press_sequentially(" and more")
    held[0].continue_()
    second.unroute("**/note/")
    expect(second.locator("#mine-notes")).to_have_value("Mine and more")
    second.get_by_role("button", name="Keep mine below theirs").click()
    expect(state(second)).to_contain_text("Saved")
    kept = text(desk.now)
    assert kept.startswith("Theirs")
    assert kept.endswith("Mine and more")


def test_a_server_that_is_started_again_gets_what_was_typed_meanwhile(desk, page_for, live_hms, allowed_errors):
    allowed_errors.extend(["ERR_", "Failed to fetch", "network error"])
    page = opened(page_for(desk.ada.user), desk.now)
    live_hms.kill()
    page.fill("#note-notes", "Typed while it was down")
    expect(state(page)).to_have_text("Not saved, retrying")
    live_hms.start()
    expect(state(page)).to_contain_text("Saved", timeout=90_000)
    assert text(desk.now) == "Typed while it was down"


def test_a_burst_on_a_slow_line_ends_with_the_last_text(desk, page_for):
    page = opened(page_for(desk.ada.user), desk.now)
    waiting = []
    page.route("**/note/", lambda route: waiting.append(route))
    with page.expect_request("**/note/"):
        page.locator("#note-notes").press_sequentially("The cough began ")
    page.locator("#note-notes").press_sequentially("on Monday.")
    waiting[0].continue_()
    page.unroute("**/note/")
    expect(state(page)).to_contain_text("Saved")
    expect(page.locator("auto-save")).to_have_attribute("state", "saved")
    assert text(desk.now) == "The cough began on Monday."


def test_from_arrival_at_the_desk_to_the_signed_record(desk, page_for):
    desk.now.delete()
    visit = desk.waiting(doctor=desk.ada)
    board = open_board(page_for(desk.rita), "/desk/")
    doctor = page_for(desk.ada.user)
    doctor.goto("/clinic/")
    expect(doctor.get_by_role("button", name="Call in the next")).to_be_visible()
    doctor.locator("h1").click()
    doctor.keyboard.press("n")
    expect(doctor.locator("#note-notes")).to_be_visible()
    expect(board.locator(f"#appointment-{visit.pk}")).to_contain_text("In progress")
    doctor.fill("#note-notes", "Seen, and well.")
    expect(state(doctor)).to_contain_text("Saved")
    doctor.get_by_role("button", name="Complete the visit").click()
    expect(board.locator(f"#appointment-{visit.pk}")).to_contain_text("Completed")
    doctor.get_by_role("button", name="Sign the record").click()
    expect(doctor.locator("#sign-title")).to_contain_text("Signed by")
    assert MedicalRecord.objects.get(appointment=visit).is_signed


def test_without_scripts_it_is_written_signed_and_added_to(desk, page_for):
    page = page_for(desk.ada.user, java_script_enabled=False)
    page.goto(f"/clinic/appointments/{desk.now.pk}/")
    page.fill("#note-notes", "Plainly written")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#note-notes")).to_have_value("Plainly written")
    page.get_by_role("button", name="Sign the record").click()
    page.fill("#id_text", "And added to")
    page.get_by_role("button", name="Add and sign").click()
    expect(page.locator("#addenda")).to_contain_text("And added to")


def test_phrases_are_written_by_word_and_from_the_list(desk, page_for):
    Phrase.objects.create(doctor=desk.ada, word="cold", text="A cold since *** in {{ name }}, with *** fever.")
    Phrase.objects.create(word="knee", text="The knee is stable.", shared=True)
    page = opened(page_for(desk.ada.user), desk.now)
    note = page.locator("#note-notes")
    with page.expect_response("**/phrases/"):
        note.focus()
    page.keyboard.type("Seen. .cold ")
    selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    expect(note).to_have_value("Seen. A cold since *** in Omar Haddad, with *** fever.")
    assert note.evaluate(selected) == "***"
    page.keyboard.type("Monday")
    page.keyboard.press("F2")
    page.keyboard.type("no")
    page.keyboard.press("Control+End")
    page.keyboard.type(" ")
    page.get_by_role("link", name="Phrases", exact=True).last.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Phrases")
    expect(dialog.get_by_role("option")).to_have_count(2)
    assert violations(page) == []
    page.keyboard.type("knee")
    expect(dialog.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(note).to_be_focused()
    expect(note).to_have_value("Seen. A cold since Monday in Omar Haddad, with no fever. The knee is stable.")
    expect(state(page)).to_contain_text("Saved")
    assert text(desk.now).endswith("The knee is stable.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_clinic(desk, page_for, scheme):
    signed = make_appointment(patient=desk.flora, doctor=desk.ada, start=local(-1), status="COMPLETED")
    make_record(signed, notes="Well.", signed=True)
    page = page_for(desk.ada.user, color_scheme=scheme)
    found = {}
    for path in ("", f"appointments/{desk.now.pk}/", f"appointments/{signed.pk}/", "phrases/"):
        page.goto(f"/clinic/{path}")
        found[path] = violations(page)
    assert {k: v for k, v in found.items() if v} == {}
