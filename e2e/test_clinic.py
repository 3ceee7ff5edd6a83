"""The doctor's visit: written, signed, with scripts and without; phrases; what screen readers find."""

import re

import pytest
from playwright.sync_api import expect

from e2e.desk import SCREENS, card, hospital_slot, open_board, violations
from e2e.notes import SAVED, SLOW, address, desk_with_a_visit, eventually, kept, note, opened, state
from hms.models import Appointment, Phrase, SetAsideText
from hms.testing import local, make_appointment, make_record

browser = pytest.mark.browser


@pytest.fixture
def desk(database):
    return desk_with_a_visit()


@browser
def test_what_was_just_typed_is_in_what_is_signed(desk, page_for):
    page = page_for(desk.ben.user)
    page.add_init_script(SLOW)
    opened(page, desk.now)
    note(page).press_sequentially("The last word counts.")
    page.get_by_role("button", name="Sign the record").click()
    expect(page.locator("#sign-title")).to_contain_text("Signed by")
    assert kept(desk.now).is_signed
    assert kept(desk.now).notes == "The last word counts."


@browser
def test_a_refused_signature_keeps_the_place_and_leads_to_what_is_missing(desk, page_for):
    page = opened(page_for(desk.ben.user), desk.now)
    page.fill("[name=temperature]", "36.8")
    sign = page.get_by_role("button", name="Sign the record")
    sign.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    sign.click()
    expect(page.locator("#sign error-summary")).to_contain_text("nothing written yet")
    assert page.evaluate("scrollY") >= place
    assert page.input_value("[name=temperature]") == "36.8"  # half written elsewhere: still there
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#note-treatment")).to_be_focused()
    page.keyboard.type("Rest.")
    page.get_by_role("button", name="Sign the record").click()
    expect(page.locator("#sign-title")).to_contain_text("Signed by")
    page.get_by_role("button", name="Add and sign").click()
    expect(page.locator("#text-error")).to_be_visible()
    expect(page.locator("#id_text")).to_be_focused()
    page.keyboard.type("Called back.")
    page.get_by_role("button", name="Add and sign").click()
    expect(page.locator("article.addendum")).to_contain_text("Called back.")
    expect(page.locator("#visit-banner")).to_be_visible()


@browser
def test_from_the_desk_to_the_signed_record_in_two_browsers(desk, page_for):
    visit = make_appointment(patient=desk.flora, doctor=desk.ada, start=hospital_slot(), reason="Cough")
    board = open_board(page_for(desk.rita), "/desk/")
    doctor = page_for(desk.ada.user)
    doctor.goto("/clinic/")
    expect(doctor.locator("live-stream")).to_have_attribute("state", "live")
    expect(doctor.locator("#my-queue")).to_contain_text("Nobody is waiting")
    card(board, "NACHTIGALL").get_by_role("button", name=re.compile("Arrived|Check in")).click()
    expect(doctor.locator("#my-queue")).to_contain_text("NACHTIGALL")  # nobody touched this screen
    doctor.keyboard.press("n")
    expect(doctor.locator("#visit-head")).to_contain_text("Cough")
    expect(card(board, "NACHTIGALL")).to_contain_text(re.compile("In progress|Done"))
    note(doctor).press_sequentially("Dry cough for a week.")
    doctor.get_by_role("button", name="Complete the visit").click()
    expect(doctor.locator("#visit-head")).to_contain_text("Completed")
    expect(note(doctor)).to_have_value("Dry cough for a week.")
    assert eventually(lambda: Appointment.objects.get(pk=visit.pk).status == "COMPLETED")
    expect(card(board, "NACHTIGALL")).to_have_class(re.compile("completed"))
    doctor.get_by_role("button", name="Sign the record").click()
    expect(doctor.locator("#sign")).to_contain_text("Signed by")
    doctor.get_by_label("Add to this record").fill("Called back: well.")
    doctor.get_by_role("button", name="Add and sign").click()
    expect(doctor.locator("#addenda")).to_contain_text("Called back: well.")
    doctor.get_by_role("link", name="How it was written").click()
    expect(doctor.locator("main")).to_contain_text("Dry cough for a week.")


@browser
def test_without_scripts_a_visit_is_called_written_completed_and_signed(desk, page_for):
    visit = desk.waiting(patient=desk.flora, doctor=desk.ada)
    page = page_for(desk.ada.user, java_script_enabled=False)
    page.goto("/clinic/")
    page.get_by_role("button", name="Call in the next").click()
    page.get_by_label("Notes", exact=True).fill("Written without scripts.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-state]")).to_have_text(SAVED)
    expect(note(page)).to_have_value("Written without scripts.")
    page.get_by_role("button", name="Complete the visit").click()
    page.get_by_role("button", name="Sign the record").click()
    expect(page.locator("#sign")).to_contain_text("Signed by")
    assert kept(visit).notes == "Written without scripts."
    page.get_by_label("Add to this record").fill("Added without scripts.")
    page.get_by_role("button", name="Add and sign").click()
    expect(page.locator("#addenda")).to_contain_text("Added without scripts.")


@browser
def test_phrases_are_written_by_word_and_from_the_list(desk, page_for):
    Phrase.objects.create(doctor=desk.ben, word="cold", text="A cold since *** in {{ name }}, with *** fever.")
    Phrase.objects.create(word="knee", text="The knee is stable.", shared=True)
    page = opened(page_for(desk.ben.user), desk.now)
    field = note(page)
    with page.expect_response("**/phrases/"):
        field.focus()
    page.keyboard.type("Seen. .cold ")
    selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    expect(field).to_have_value("Seen. A cold since *** in Omar Haddad, with *** fever.")
    assert field.evaluate(selected) == "***"
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
    page.keyboard.press("Escape")  # once, whatever is typed and listed
    expect(dialog).to_be_hidden()
    page.keyboard.press("?")
    page.keyboard.type("knee")
    expect(dialog.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(field).to_be_focused()
    expect(field).to_have_value("Seen. A cold since Monday in Omar Haddad, with no fever. The knee is stable.")
    expect(state(page)).to_have_text(SAVED)
    assert kept(desk.now).notes.endswith("The knee is stable.")


@browser
@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_in_the_clinic(desk, page_for, scheme, width):
    page = page_for(desk.ben.user, color_scheme=scheme, viewport={"width": width, "height": 900})
    desk.waiting(patient=desk.flora, start=hospital_slot(60))
    signed = make_appointment(patient=desk.omar, doctor=desk.ben, start=local(-3), status="COMPLETED")
    make_record(signed, notes="Cough", signed=True)
    left = make_appointment(patient=desk.omar, doctor=desk.ben, start=local(-2), status="COMPLETED")
    make_record(left, notes="Half a sentence")
    SetAsideText.objects.create(
        appointment=left, user=desk.ben.user, session="x", texts={"notes": "Kept"}, why="CONFLICT", at=left.created_at
    )
    found = {}
    for path in ("/clinic/", "/clinic/?day=never", address(desk.now), address(signed), address(left),
                 f"{address(signed)}drafts/", f"{address(desk.now)}follow-up/", "/clinic/phrases/"):  # fmt: skip
        page.goto(path)
        found[path] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    opened(page, desk.now)
    page.route("**/presence/", lambda route: route.abort())
    make_record(desk.now, notes="theirs")
    note(page).fill("mine")
    expect(page.locator(".note-conflict")).to_be_visible()
    found["conflict"] = violations(page)
    assert {k: v for k, v in found.items() if v} == {}


@browser
def test_on_a_phone_the_next_patient_is_above_the_list_and_the_week_on_one_line(desk, page_for):
    page = page_for(desk.ben.user, viewport={"width": 390, "height": 800})
    page.goto("/clinic/")
    queue, listed = (page.locator(f"#{part}").bounding_box() for part in ("my-queue", "my-list"))
    assert queue["y"] + queue["height"] <= listed["y"]
    tops = page.locator(".week > *").evaluate_all("all => all.map((e) => e.getBoundingClientRect().bottom)")
    assert max(tops) - min(tops) < 20
