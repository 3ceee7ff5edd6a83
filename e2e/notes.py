"""What the journeys of notes have in common: a visit that is going on, its page, and ways to hold saves back."""

import re
import time

from playwright.sync_api import expect

from e2e.desk import Desk, hospital_slot
from hms.models import MedicalRecord
from hms.testing import make_appointment

SAVED = re.compile(r"^Saved \d")
# What the console says of requests that find nobody.
NO_LINE = ["ERR_", "Failed to fetch", "network error"]


def desk_with_a_visit():
    """The desk's hospital, and ``now``: a visit of Omar's with Ben that is in progress."""
    desk = Desk()
    desk.now = make_appointment(patient=desk.omar, doctor=desk.ben, start=hospital_slot(0), status="IN_PROGRESS")
    return desk


def address(visit):
    return f"/clinic/appointments/{visit.pk}/"


def opened(page, visit):
    page.goto(address(visit))
    expect(page.locator("live-stream")).to_have_attribute("state", "live")
    return page


def state(page):
    return page.locator("[data-state]")


def note(page):
    return page.locator("#note-notes")


def kept(visit):
    return MedicalRecord.objects.get(appointment=visit, amends=None)


def eventually(question, seconds=60):
    """Wait for what no page shows; returns the last answer."""
    until = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < until:
        time.sleep(0.05)
    return answer


def hold_saves(page):
    """Keep what the page sends from the server, until the function that is returned is called."""
    waiting = []
    held = [True]
    page.route("**/note/", lambda route: waiting.append(route) if held else route.continue_())

    def release():
        held.clear()
        while waiting:
            waiting.pop(0).continue_()
        page.unroute("**/note/")  # nothing answers routes while a test waits for the database

    return release


def leave(page, text):
    """Type and go, faster than anything is saved."""
    note(page).focus()
    page.evaluate(
        """(text) => {
            const field = document.getElementById("note-notes")
            field.value = text
            field.dispatchEvent(new Event("input", {bubbles: true}))
            location.href = "/clinic/"
        }""",
        text,
    )
    page.wait_for_url("**/clinic/")


# In the page itself, so that typing goes on meanwhile: answers to saves come late, and those under way are counted.
SLOW = """
    const quick = window.fetch
    window.saves = {now: 0, most: 0}
    window.fetch = async (...request) => {
        if (!String(request[0]).endsWith("/note/")) return quick(...request)
        saves.most = Math.max(saves.most, ++saves.now)
        try {
            const answer = await quick(...request)
            await new Promise((done) => setTimeout(done, 1200))
            return answer
        } finally {
            saves.now--
        }
    }
"""
