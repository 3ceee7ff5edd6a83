"""Visits that leave or new hours put on the desk's table."""

import pytest

from frontdesk.live import render
from hms.domain import leave, scheduling
from hms.domain.settings import hospital
from hms.live import Change
from hms.models import AccessLog, VisitToMove
from hms.testing import local, make_appointment, make_doctor, make_user


@pytest.fixture
def row(db):
    doctor = make_doctor()
    visit = make_appointment(doctor=doctor, reason="canary-why")
    leave.take(
        doctor, start=local(1, "00:00"), end=local(2, "00:00"), reason="Training", by=doctor.user, seen=[visit.pk]
    )
    return VisitToMove.objects.get()


def test_the_desk_sees_them_and_why(reception, row):
    page = reception.get("/desk/to-move/").content.decode()
    for text in (
        row.appointment.patient.user.formal_name,
        "Training",
        str(row.doctor),
        "Move…",
        f"Away {local(1):%d-%b-%Y}",
    ):
        assert text in page
    assert AccessLog.objects.filter(user=reception.user, patient=row.appointment.patient).exists()
    assert "1 visit to move" in reception.get("/desk/to-move/notice/").content.decode()


def test_nothing_to_move(reception):
    assert "Nothing to move" in reception.get("/desk/to-move/").content.decode()
    assert "visit" not in reception.get("/desk/to-move/notice/").content.decode()


def test_moving_it_takes_it_off_the_list(reception, row):
    scheduling.reschedule(row.appointment, doctor=row.doctor, start=local(3), by=reception.user)
    assert "Nothing to move" in reception.get("/desk/to-move/").content.decode()


def test_it_stays_with_a_reason(reception, row):
    address = f"/desk/to-move/{row.pk}/keep/"
    refused = reception.post(address, {"reason": " "})
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode()
    assert reception.post(address, {"reason": "Comes in for it"}).headers["Location"] == "/desk/to-move/"
    assert reception.post(address, {"reason": "Twice"}).status_code == 409
    assert "Nothing to move" in reception.get("/desk/to-move/").content.decode()
    assert reception.get(address).status_code == 405


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_others_do_not_come_in(request, role, row):
    client = request.getfixturevalue(role)
    for address in ("/desk/to-move/", "/desk/to-move/notice/"):
        assert client.get(address).status_code == 403
    assert client.post(f"/desk/to-move/{row.pk}/keep/", {"reason": "Mine"}).status_code == 403


def test_every_board_is_told_at_once(row):
    another_day = f"{hospital().today():%Y-%m-%d}"
    told = render({Change("to_move", row.pk, (row.doctor_id,))}, another_day)
    assert 'hx-target="#to-move"' in told
    assert "1 visit to move" in told
    scheduling.reschedule(row.appointment, doctor=row.doctor, start=local(3), by=make_user())
    told = render({Change("appointment", row.appointment_id, (row.doctor_id,))}, another_day)
    assert 'hx-target="#to-move"' in told
    assert "to move</a>" not in told


def test_ordinary_changes_say_nothing_of_it(db):
    visit = make_appointment()
    assert "to-move" not in render(
        {Change("appointment", visit.pk, (visit.doctor_id,))}, f"{hospital().today():%Y-%m-%d}"
    )
