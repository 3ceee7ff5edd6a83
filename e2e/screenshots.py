"""The README's pictures, taken from the demo hospital: ``python -m e2e.screenshots`` (``make screenshots``)."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hms.settings")
os.environ.setdefault("HMS_DEMO", "1")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from e2e.browser import ARGS  # noqa: E402
from e2e.server import Server  # noqa: E402
from hms.demo import people  # noqa: E402

PICTURES = ROOT / "docs"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SHOTS = [  # (file, address, viewport, scheme, what to click first)
    ("board-light", "/desk/", DESK, "light", ".card.arrived > a"),
    ("board-dark", "/desk/", DESK, "dark", None),
    ("board-phone", "/desk/", PHONE, "light", None),
    ("patients-light", "/desk/patients/?q=an", DESK, "light", None),
    ("patients-dark", "/desk/patients/?q=an", DESK, "dark", None),
]


def main():
    call_command("migrate", verbosity=0)
    call_command("demo", verbosity=0)
    server = Server(settings.URL).start()
    executable = os.environ.get("HMS_CHROMIUM", "/usr/bin/chromium")
    PICTURES.mkdir(exist_ok=True)
    try:
        with sync_playwright() as playwright:
            options = {"executable_path": executable} if os.path.exists(executable) else {}
            browser = playwright.chromium.launch(args=ARGS, **options)
            for name, address, viewport, scheme, click in SHOTS:
                context = browser.new_context(
                    viewport=viewport, color_scheme=scheme, locale="en-GB", base_url=server.url, reduced_motion="reduce"
                )
                page = context.new_page()
                page.goto("/accounts/login/")
                page.fill("input[name=login]:visible", "reception@hms.example")
                page.fill("input[name=password]:visible", people.PASSWORD)
                page.keyboard.press("Enter")
                page.wait_for_url("**/desk/**")
                page.goto(address)
                page.wait_for_timeout(800)
                if click and page.locator(click).count():
                    page.locator(click).first.click()
                    page.wait_for_timeout(500)
                page.screenshot(path=PICTURES / f"{name}.png")
                print(PICTURES.name + f"/{name}.png")
                context.close()
            browser.close()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
