"""Every page asks the database the same number of times, however many rows there are."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from frontdesk import board, live
from hms.live import Change
from hms.models import Display
from hms.testing import local, make_appointment, make_doctor, make_it_midday, make_patient

# Page → the most questions it may ask: session and user, and what it shows.
PAGES = {
    "/desk/": 14,
    "/desk/?known=x": 14,
    "/desk/month/": 4,
    "/desk/free-times/": 7,
    "/desk/patients/": 9,
    "/desk/patients/?q=patient": 9,
    "/desk/patients/options/?q=patient": 6,
    "/desk/patients/duplicates/check/?last_name=Patient": 6,
    "/desk/patients/new/": 3,
    "/desk/patients/{patient}/": 12,
    "/desk/patients/{patient}/edit/": 5,
    "/desk/appointments/new/": 7,
    "/desk/appointments/{appointment}/": 10,
    "/desk/appointments/{appointment}/edit/": 4,
    "/desk/appointments/{appointment}/move/": 7,
    "/desk/appointments/{appointment}/cancel/": 4,
    "/desk/displays/": 4,
}


@pytest.fixture
def day(db):
    make_it_midday()
    return Rows()


class Rows:
    """A day with appointments of several doctors, waiting and under way; ``grow`` adds as many again."""

    def __init__(self):
        self.doctor, self.patient = make_doctor(), make_patient()
        self.appointment = make_appointment(doctor=self.doctor, patient=self.patient, start=local(days=0, at="15:00"))
        self.times = 0
        for _ in range(60):  # more than a page of patients
            make_patient()
        self.grow()

    def grow(self):
        self.times += 1
        for _ in range(3):
            doctor = make_doctor()
            Display.objects.open(name="Hall", by=doctor.user)
            for i in range(3):
                make_appointment(doctor=doctor, start=local(days=0, at="13:00") + timedelta(hours=i))
                make_appointment(
                    doctor=doctor, start=local(days=0, at="08:00") + timedelta(hours=i), checked_in_at=local(days=0)
                )
        start = local(days=5 + self.times)
        for i in range(3):
            make_appointment(doctor=self.doctor, patient=self.patient, start=start + timedelta(hours=i))
        for reason in ("a", "b", "c"):
            self.appointment.reason = f"{reason}{self.times}"
            self.appointment.save()


def questions(client, path, **headers):
    for kept in vars(board).values():  # a process that begins
        if isinstance(kept, board.Kept):
            kept.clear()
    with CaptureQueriesContext(connection) as asked:
        response = client.get(path, headers=headers)
    assert response.status_code == 200
    return len(asked)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_no_more_for_more_rows(reception, day, path):
    address = path.format(patient=day.patient.pk, appointment=day.appointment.pk)
    found = []
    for _ in range(2):
        questions(reception, address)  # asks for what is kept until it changes, too
        found.append(questions(reception, address))
        day.grow()
    few, many = found
    assert many == few
    assert few <= PAGES[path]


def test_an_unchanged_board_is_one_question_and_who_asks(reception, day):
    reception.get("/desk/")
    with CaptureQueriesContext(connection) as asked:
        fingerprint = reception.get("/desk/").context["fingerprint"]
    assert len(asked) <= 6
    with CaptureQueriesContext(connection) as asked:
        assert reception.get("/desk/", {"known": fingerprint}).status_code == 204
    assert len(asked) <= 4


def test_a_wall_screen_asks_no_more_for_more_rows(signed_out, day):
    _display, token = Display.objects.open(name="Hall", by=day.doctor.user)
    few = questions(signed_out, f"/display/{token}/")
    day.grow()
    assert questions(signed_out, f"/display/{token}/") == few <= 4


def test_a_step_asks_no_more_on_a_fuller_day(reception, day, htmx):
    def step(verb):
        with CaptureQueriesContext(connection) as asked:
            path = f"/desk/appointments/{day.appointment.pk}/{verb}/"
            assert reception.post(path, headers=htmx).status_code == 200
        return len(asked)

    step("confirm")
    few = step("unconfirm")
    day.grow()
    step("confirm")
    assert step("unconfirm") == few <= 35


def test_many_changes_are_rendered_in_as_many_questions_as_one(day):
    def render(appointments):
        changes = [Change("appointment", a.pk, (a.doctor_id,)) for a in appointments]
        with CaptureQueriesContext(connection) as asked:
            live.render(changes, local(days=0).date().isoformat())
        return len(asked)

    appointments = list(type(day.appointment).objects.filter(appointment_date__lt=local(days=1)))
    render(appointments)
    assert render(appointments) == render(appointments[:1]) <= 12
