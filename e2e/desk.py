"""What the journeys at the desk share: a hospital in the middle of a day, and how to find things on its board."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import expect

from hms.domain.settings import hospital
from hms.testing import local, make_appointment, make_department, make_doctor, make_patient, make_user

AXE = Path(__file__).resolve().parent.parent / "theme/static_src/node_modules/axe-core/axe.min.js"
TOMORROW = 1
# Themes and widths in which axe sees a page: both of each, without every pair of them.
SCREENS = [("light", 390), ("dark", 1440)]


class Desk:
    """Two doctors, a receptionist, and a few patients; tomorrow's board has one appointment at ten."""

    def __init__(self):
        department = make_department(name="General medicine")
        self.ada = make_doctor(department=department, user=make_user("DOCTOR", first_name="Ada", last_name="Abel"))
        self.ben = make_doctor(department=department, user=make_user("DOCTOR", first_name="Ben", last_name="Blum"))
        self.rita = make_user(first_name="Rita", last_name="Reception")
        self.remo = make_user(first_name="Remo", last_name="Reception")
        self.flora = make_patient(first_name="Flora", last_name="Nachtigall")
        self.omar = make_patient(first_name="Omar", last_name="Haddad")
        self.visit = make_appointment(patient=self.flora, doctor=self.ada, start=local(TOMORROW, "10:00"))

    @property
    def tomorrow(self):
        return f"/desk/?day={local(TOMORROW).date():%Y-%m-%d}"

    def waiting(self, minutes=12, **fields):
        """An appointment of today whose patient has arrived some minutes ago."""
        arrived = timezone.now() - timedelta(minutes=minutes)
        values = {"patient": self.omar, "doctor": self.ben, "start": hospital_slot(), "checked_in_at": arrived}
        return make_appointment(**values | fields)


def hospital_slot(minutes=15):
    """A start on the slot grid, a little later today."""
    now = timezone.now().astimezone(hospital().zone)
    return (now + timedelta(minutes=minutes - now.minute % 15)).replace(second=0, microsecond=0)


def open_board(page, path):
    """The board, live."""
    page.goto(path)
    expect(page.locator("live-stream")).to_have_attribute("state", "live")
    return page


def card(page, name):
    return page.locator(".timeline > .card", has_text=name)


def column(page, doctor):
    return page.locator(f"#column-{doctor.pk}")


def point(page, doctor, at):
    """Where a time of day stands in a doctor's column: ``(x, y)``, scrolled into sight."""
    return page.evaluate(
        """([pk, minutes]) => {
            const column = document.getElementById(`column-${pk}`)
            const [first, height] = column.dataset.grid.split("-").map(Number)
            const zone = document.querySelector("day-board").dataset.zone
            const format = {hour: "2-digit", minute: "2-digit", timeZone: zone}
            const start = new Date(first * 1000).toLocaleTimeString("en-GB", format)
            const [h, m] = start.split(":").map(Number)
            const timeline = column.querySelector(".timeline")
            const y = () => {
                const box = timeline.getBoundingClientRect()
                return box.top + (minutes - h * 60 - m) / 5 * box.height / height
            }
            const scroll = document.querySelector(".board-scroll")
            const box = scroll.getBoundingClientRect()
            scroll.scrollTop += y() - box.top - box.height / 2
            column.scrollIntoView({block: "nearest", inline: "nearest"})
            const across = timeline.getBoundingClientRect()
            return [across.left + across.width / 3, y() + 3]
        }""",
        [doctor.pk, int(at[:2]) * 60 + int(at[3:])],
    )


def violations(page):
    """What axe finds wrong with the page as it is now."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes']][:3]}" for v in found]
