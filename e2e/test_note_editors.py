"""Two who write at once, in two browsers, in two tabs, twenty of them: each sees the other, and nothing is lost."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from playwright.sync_api import expect

from e2e.notes import SAVED, address, desk_with_a_visit, eventually, hold_saves, kept, note, opened, state
from hms.models import SetAsideText
from hms.testing import local, make_appointment, make_record

browser = pytest.mark.browser


@pytest.fixture
def desk(database):
    return desk_with_a_visit()


@browser
@pytest.mark.parametrize(
    ("choice", "stays"),
    [
        ("Keep mine below theirs", r"^from Ada[\s\S]+Added by[\s\S]+from Ben, and on$"),
        ("Take theirs", r"^from Ada$"),
        ("Use the text put together", r"^both of us$"),
    ],
)
def test_two_editors_see_each_other_and_choose(desk, page_for, choice, stays):
    make_appointment(patient=desk.omar, doctor=desk.ada, start=local(-7), status="COMPLETED")  # Ada treats him too
    make_record(desk.now, notes="Cough")
    ben, ada = opened(page_for(desk.ben.user), desk.now), opened(page_for(desk.ada.user), desk.now)
    note(ben).press_sequentially(".")
    expect(ada.locator(".note-presence")).to_contain_text("Ben Blum is editing")
    expect(note(ada)).to_have_value(".Cough")  # what Ben saved is there without a reload
    ben.route("**/presence/", lambda route: route.abort())
    note(ada).fill("from Ada")
    expect(state(ada)).to_have_text(SAVED)
    release = hold_saves(ben)
    with ben.expect_request("**/note/"):
        note(ben).fill("from Ben")
    note(ben).press("End")
    note(ben).press_sequentially(", and on")  # typed while the answer is on its way
    release()
    expect(state(ben)).to_have_text("Someone else changed this note")
    expect(ben.locator("[data-theirs]")).to_have_value("from Ada")
    expect(ben.locator("[data-mine]")).to_have_value("from Ben, and on")
    ben.locator("#note-treatment").fill("Tea")  # the other text is saved on meanwhile
    assert eventually(lambda: kept(desk.now).treatment == "Tea")
    if choice.startswith("Use"):
        ben.locator("[data-merge]").fill("both of us")
    ben.get_by_role("button", name=choice).click()
    expect(state(ben)).to_have_text(SAVED)
    expect(note(ben)).to_have_value(re.compile(stays))
    expect(note(ada)).to_have_value(re.compile(stays))
    assert re.search(stays, kept(desk.now).notes)
    assert eventually(lambda: not SetAsideText.objects.filter(settled_at=None).exists())


@browser
def test_two_tabs_on_two_patients_do_not_mix(desk, page_for):
    other = make_appointment(patient=desk.flora, doctor=desk.ben, start=local(-1), status="COMPLETED")
    one = opened(page_for(desk.ben.user), desk.now)
    two = opened(one.context.new_page(), other)
    for word in ("first", "second", "third"):
        note(one).press_sequentially(f"Omar {word}. ")
        note(two).press_sequentially(f"Flora {word}. ")
    for page in (one, two):
        expect(state(page)).to_have_text(SAVED)
    assert kept(desk.now).notes == "Omar first. Omar second. Omar third. "
    assert kept(other).notes == "Flora first. Flora second. Flora third. "


# --- five hundred edits by twenty writers, over HTTP

EDITS, WRITERS = 500, 20
# Of those who save at once one gets through. All twenty at once would be refused nineteen times for each edit; three
# are still refused oftener than not, as each comes back with a text that others have changed since.
AT_ONCE = 3


def write_together(server, visit, *, careful):
    """Twenty pages add 25 lines each to the same text; refused, each adds its line to the text that was there first."""
    barrier, saving, wrong, refused = threading.Barrier(WRITERS), threading.Semaphore(AT_ONCE), [], []
    user = visit.doctor.user
    cookies = [server.sign_in(user) for _ in range(WRITERS)]

    def writer(n):
        client = server.client()
        client.cookies |= cookies[n]
        path = f"{address(visit)}note/"
        version, text, sequence = 0, "", 0
        try:
            barrier.wait()
            for i in range(EDITS // WRITERS):
                line = f"[{n}.{i}]"
                with saving:
                    for _ in range(EDITS):
                        sequence += 1
                        form = {"notes": text + line, "session": f"page-{n}", "sequence": sequence}
                        form["version"] = version if careful else 999_999  # as if there were no versions
                        answer = client.post(path, form, X_Note="1")
                        if answer.status != 409:
                            break
                        refused.append(line)
                        version = int(re.search(r'data-version="(\d+)"', answer.text)[1])
                        text = re.search(r"data-theirs[^>]*>\n?([^<]*)<", answer.text)[1]
                if answer.status != 200:
                    wrong.append(f"{line}: {answer.status} {answer.text[:200]}")
                    return
                text, version = text + line, int(re.search(r'"version": (\d+)', answer.text)[1])
        finally:
            client.close()
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(writer, range(WRITERS)))
    assert wrong == []
    assert len(refused) > EDITS or not careful, "hardly anybody was in another's way"
    text = kept(visit).notes
    return [line for n in range(WRITERS) for i in range(EDITS // WRITERS) if text.count(line := f"[{n}.{i}]") != 1]


@pytest.mark.race
def test_of_five_hundred_edits_by_twenty_writers_none_is_lost(desk, two_processes):
    make_record(desk.now)
    assert write_together(two_processes, desk.now, careful=True) == []


@pytest.mark.race
def test_control_without_versions_edits_are_lost(desk, two_processes):
    make_record(desk.now)
    assert write_together(two_processes, desk.now, careful=False) != []
