"""The README's pictures, taken from the demo hospital: ``python -m e2e.screenshots`` (``make screenshots``)."""

import os
import sys
from base64 import b64decode
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hms.settings")
os.environ.setdefault("HMS_DEMO", "1")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs beside our queries

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.models import Count  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from e2e.browser import ARGS  # noqa: E402
from e2e.server import Server  # noqa: E402
from hms.demo import people  # noqa: E402
from hms.models import Appointment, Department, Invoice, Patient  # noqa: E402

PICTURES = ROOT / "docs"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def shots():
    """``(file, who, address, viewport, what to click first)``; every picture is taken light and dark."""
    yield "board", "reception", "/desk/", WIDE, ".card.arrived > a"
    yield "board-phone", "reception", "/desk/", PHONE, None
    yield "patients", "reception", "/desk/patients/?q=an", WIDE, None
    yield "clinic-day", "doctor", "/clinic/", WIDE, None
    mine = Appointment.objects.filter(doctor__user__email="doctor@hms.example")
    visit = mine.filter(status="IN_PROGRESS").first() or mine.filter(status="COMPLETED").latest("appointment_date")
    yield "consultation", "doctor", f"/clinic/appointments/{visit.pk}/", WIDE, None
    known = Patient.objects.filter(appointment__in=mine).annotate(n=Count("medicalrecord")).order_by("-n", "pk").first()
    yield "record", "doctor", f"/clinic/patients/{known.pk}/", WIDE, None
    yield "portal", "patient", "/portal/", PHONE, None
    department = Department.objects.filter(online="BOOK", doctor__is_available=True).first()
    yield "portal-book", "patient", f"/portal/book/{department.pk}/", PHONE, None
    yield "invoices", "reception", "/billing/", WIDE, None
    paid = Invoice.objects.filter(status="PAID").exclude(number=None).order_by("-pk").first()
    yield "invoice", "reception", f"/billing/invoices/{paid.pk}/", WIDE, None
    yield "report", "reception", "/billing/reports/", WIDE, None


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
            for shot in shots():
                for scheme in ("light", "dark"):
                    take(browser, server.url, scheme, *shot)
            browser.close()
    finally:
        server.stop()


def take(browser, base, scheme, name, who, address, viewport, click):
    context = browser.new_context(
        viewport=viewport, color_scheme=scheme, locale="en-GB", base_url=base, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]:visible", f"{who}@hms.example")
    page.fill("input[name=password]:visible", people.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(address)
    page.wait_for_timeout(800)
    if click and page.locator(click).count():
        page.locator(click).first.click()
        page.wait_for_timeout(500)
    # Playwright writes PNG and JPEG; WebP is a fifth of the one and sharper than the other.
    asked = {"format": "webp", "quality": 68}
    picture = context.new_cdp_session(page).send("Page.captureScreenshot", asked)["data"]
    (PICTURES / f"{name}-{scheme}.webp").write_bytes(b64decode(picture))
    print(f"{PICTURES.name}/{name}-{scheme}.webp")
    context.close()


if __name__ == "__main__":
    main()
