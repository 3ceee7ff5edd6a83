"""The record: opened by break-glass until it ends, read by scrolling; leave that puts visits on the desk's table."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.desk import SCREENS, Desk, open_board, violations
from hms.models import AccessLog, BreakGlass, TimeOff
from hms.testing import local, make_appointment, make_record

pytestmark = pytest.mark.browser
REASON = "Found unconscious in the entrance hall"


@pytest.fixture
def desk(live_hms):
    desk = Desk()
    desk.seen = make_appointment(patient=desk.omar, doctor=desk.ada, start=local(-2), status="COMPLETED")
    make_record(desk.seen, signed=True, diagnosis="Asthma", notes="Wheezes at night")
    return desk


def record(patient):
    return f"/clinic/patients/{patient.pk}/"


def break_the_glass(page, patient):
    page.goto("/clinic/patients/")
    page.get_by_role("link", name="Somebody not in your care").click()
    page.get_by_label("Record number").fill(patient.record_number)
    for name, text in (("day", "31"), ("month", "jan"), ("year", "1980")):
        page.fill(f"[name=date_of_birth_{name}]", text)
    page.get_by_label("Why you need this record").fill(REASON)
    page.get_by_role("button", name="Open the record").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_stranger_is_opened_with_a_reason_and_marked(desk, page_for, scripts):
    page = page_for(desk.ben.user, java_script_enabled=scripts)
    break_the_glass(page, desk.omar)
    expect(page.locator("#access")).to_contain_text(REASON)
    expect(page.locator("#timeline")).to_contain_text("Wheezes at night")
    page.get_by_role("link", name="Print").click()
    expect(page.locator("#access")).to_contain_text(REASON)
    assert AccessLog.objects.filter(user=desk.ben.user, action="record.printed", reason=REASON).exists()


def test_it_ends_while_somebody_reads_and_can_be_asked_for_again(desk, page_for):
    now = timezone.now()
    BreakGlass.objects.create(
        user=desk.ben.user, patient=desk.omar, reason=REASON, expires_at=now + timedelta(seconds=12)
    )
    page = page_for(desk.ben.user)
    page.goto(record(desk.omar))
    expect(page.locator("#timeline")).to_contain_text("Wheezes at night")
    expect(page.get_by_role("heading", name="Your access to this record has ended")).to_be_visible(timeout=60_000)
    expect(page.locator("body")).not_to_contain_text("Wheezes")
    page.get_by_label("Why you need this record").fill(REASON)
    page.get_by_role("button", name="Open the record").click()
    expect(page.locator("#timeline")).to_contain_text("Wheezes at night")


def many(desk, number=60):
    for n in range(number):
        make_appointment(
            patient=desk.omar, doctor=desk.ada, start=local(-3 - n), status="COMPLETED", reason=f"Visit {n:02}"
        )


def test_older_entries_come_as_one_scrolls(desk, page_for):
    many(desk)
    page = page_for(desk.ada.user)
    page.goto(record(desk.omar))
    expect(page.locator(".entry").first).to_be_visible()
    for count in (50, 61):
        page.locator(".entry-older").scroll_into_view_if_needed()
        expect(page.locator(".entry")).to_have_count(count)
    expect(page.locator(".entry-older")).to_have_count(0)


def test_older_entries_are_a_link_without_scripts(desk, page_for):
    many(desk)
    page = page_for(desk.ada.user, java_script_enabled=False)
    page.goto(record(desk.omar))
    expect(page.locator(".entry")).to_have_count(25)
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".entry").first).to_contain_text("Visit 24")


def test_leave_over_a_visit_reaches_the_desk_at_once(desk, page_for):
    board, doctor = open_board(page_for(desk.rita), "/desk/"), page_for(desk.ada.user)
    expect(board.locator("#to-move")).to_be_empty()
    doctor.goto("/clinic/hours/leave/")
    doctor.get_by_label("First day").fill(f"{local(1):%Y-%m-%d}")
    doctor.get_by_label("What for").fill("Training")
    doctor.get_by_role("button", name="Enter time off").click()
    expect(doctor.locator("#visits-in-the-way")).to_contain_text("NACHTIGALL")
    assert not TimeOff.objects.exists()
    expect(board.locator("#to-move")).to_be_empty()
    doctor.get_by_role("button", name="Go on, and leave 1 visit to the desk").click()
    expect(doctor.get_by_role("heading", name="My hours")).to_be_visible()
    expect(board.locator("#to-move")).to_contain_text("1 visit to move")
    other = open_board(page_for(desk.remo), "/desk/")
    expect(other.locator("#to-move")).to_contain_text("1 visit to move")
    board.locator("#to-move").get_by_role("link").click()
    expect(board.locator(".to-move")).to_contain_text("Training")
    board.get_by_label("Why it stays").fill("Comes in for this one")
    board.get_by_role("button", name="Keep").click()
    expect(board.locator("main")).to_contain_text("Nothing to move")
    expect(other.locator("#to-move")).to_be_empty()


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing(desk, page_for, scheme, width):
    page = page_for(desk.ada.user, color_scheme=scheme, viewport={"width": width, "height": 900})
    address = record(desk.omar)
    now = timezone.now()
    BreakGlass.objects.create(
        user=desk.ada.user, patient=make_record().patient, reason=REASON, expires_at=now + timedelta(hours=1)
    )
    opened = BreakGlass.objects.get().patient
    found = {}
    pages = ["/clinic/patients/", "/clinic/patients/?q=nobodyatall", address, f"{address}?q=asthma&kind=visit"]
    pages += [f"{address}?since=soon", f"{address}print/", f"{address}vitals/", record(opened), "/clinic/break-glass/"]
    pages += ["/clinic/hours/", "/clinic/hours/leave/", "/clinic/hours/week/", "/clinic/hours/extra/"]
    for path in pages:
        page.goto(path)
        found[path] = violations(page)
    page.goto("/clinic/hours/leave/")
    page.get_by_label("First day").fill(f"{local(1):%Y-%m-%d}")
    page.get_by_role("button", name="Enter time off").click()
    expect(page.locator("#visits-in-the-way")).to_be_visible()
    found["visits in the way"] = violations(page)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="My hours")).to_be_visible()
    found["hours with leave"] = violations(page)
    at_the_desk = page_for(desk.rita, color_scheme=scheme, viewport={"width": width, "height": 900})
    at_the_desk.goto("/desk/to-move/")
    expect(at_the_desk.locator(".to-move")).to_be_visible()
    found["to move"] = violations(at_the_desk)
    assert {k: v for k, v in found.items() if v} == {}


def test_nothing_is_cut_off_at_320_pixels(desk, page_for):
    page = page_for(desk.ada.user, viewport={"width": 320, "height": 700})
    for path in (
        "/clinic/patients/",
        record(desk.omar),
        "/clinic/hours/",
        "/clinic/hours/week/",
        "/clinic/break-glass/",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
