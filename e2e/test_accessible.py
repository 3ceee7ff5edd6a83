"""axe finds nothing on any page of the desk, in light and in dark; and the desk is usable at 320 px."""

import pytest
from playwright.sync_api import expect

from e2e.desk import SCREENS, Desk, card, open_board, violations
from hms.models import Display

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(live_hms):
    desk = Desk()
    desk.waiting()
    return desk


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_at_the_desk(desk, page_for, scheme, width):
    page = page_for(desk.rita, color_scheme=scheme, viewport={"width": width, "height": 900})
    _display, token = Display.objects.open(name="Hall", by=desk.rita)
    found = {}
    pages = [
        "/desk/", desk.tomorrow, "/desk/?day=2026-02-31", f"/desk/appointments/{desk.visit.pk}/",
        "/desk/appointments/new/",
        f"/desk/appointments/{desk.visit.pk}/move/", f"/desk/appointments/{desk.visit.pk}/edit/",
        f"/desk/appointments/{desk.visit.pk}/cancel/", "/desk/displays/", f"/display/{token}/", "/desk/patients/",
        "/desk/patients/new/", f"/desk/patients/{desk.flora.pk}/", f"/desk/patients/{desk.flora.pk}/edit/", "/billing/",
        "/desk/patients/?q=nobodyatall",
    ]  # fmt: skip
    for path in pages:
        page.goto(path)
        found[path] = violations(page)
    open_board(page, desk.tomorrow)
    card(page, "NACHTIGALL").get_by_role("link").click()
    expect(page.locator("#panel h2")).to_contain_text("NACHTIGALL")
    found["open panel"] = violations(page)
    page.get_by_role("link", name="Move…").click()
    page.fill("#panel [name=time]", "late")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("error-summary")).to_be_visible()
    found["refused form"] = violations(page)
    assert {k: v for k, v in found.items() if v} == {}


def test_nothing_is_cut_off_at_320_pixels(desk, page_for):
    page = page_for(desk.rita, viewport={"width": 320, "height": 700})
    for path in ("/desk/patients/", "/desk/displays/", "/desk/appointments/new/", desk.tomorrow):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
