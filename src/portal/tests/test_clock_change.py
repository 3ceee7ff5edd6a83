"""A visit on the other side of a clock change: the time that was chosen is the time that is meant, everywhere."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.utils import timezone

from hms.domain import letters, self_service
from hms.models import Appointment, Department, Hospital
from hms.testing import make_doctor, run_jobs

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def start(db):
    """Ten o'clock on the day after London's next clock change."""
    hospital = Hospital.objects.current()
    hospital.time_zone = "Europe/London"
    hospital.save()
    day = timezone.now().astimezone(LONDON).date()
    noon = datetime.combine(day, time(12), LONDON)
    while (noon + timedelta(days=1)).utcoffset() == noon.utcoffset():
        noon += timedelta(days=1)
    return datetime.combine(noon.date() + timedelta(days=2), time(10), LONDON)


def text(response):
    return response.content.decode()


def test_what_is_chosen_is_what_pages_letters_and_calendars_say(patient, start):
    doctor = make_doctor()
    Department.objects.update(online_days=400)
    at = f"{doctor.pk}@{start.astimezone(UTC):%Y%m%dT%H%MZ}"
    times = f"/portal/book/{doctor.department_id}/{doctor.pk}/time/"
    check = patient.post(times, {"at": at}, follow=True)
    assert f"{start.day} {start:%B %Y}, 10am" in text(check)
    visit = patient.post("/portal/book/check/", {"at": at}, follow=True)
    assert f"{start.day} {start:%B %Y}, 10am" in text(visit)
    made = Appointment.objects.get()
    assert made.appointment_date == start
    run_jobs()
    assert f"{start:%A} {start.day} {start:%B %Y}, 10am" in mail.outbox[0].body
    calendar = letters.calendar_file(made).decode()
    assert f"DTSTART:{start.astimezone(UTC):%Y%m%dT%H%M%SZ}" in calendar
    for days in letters.REMINDERS:
        before = datetime.combine(start.date() - timedelta(days=days), time(8), LONDON)
        assert letters.remind(now=before) == 1
    run_jobs()
    assert all(", 10am" in m.body for m in mail.outbox)


def test_free_times_keep_the_doctors_hours_on_both_sides(patient, start, monkeypatch):
    doctor = make_doctor()
    Department.objects.update(online_days=400)
    doctor.department.refresh_from_db()
    now = start - timedelta(days=4)
    monkeypatch.setattr(self_service.timezone, "now", lambda: now)
    found = self_service.free([doctor], department=doctor.department, patient=patient.user.patient, days=7)
    spans = {day: (times[0][0].astimezone(LONDON).time(), len(times)) for day, times in found}
    around = [spans[start.date() + timedelta(days=n)] for n in (-2, -1, 0, 1)]
    assert len(set(around)) == 1
