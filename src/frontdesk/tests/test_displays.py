"""Wall screens: an address of their own, initials only, revocable."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from frontdesk.displays import displays_that_stay, render
from hms.models import Display
from hms.testing import local, make_appointment, make_it_midday, make_patient, make_user

LIST = "/desk/displays/"


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


@pytest.fixture
def wall(db):
    display, token = Display.objects.open(name="Hall", by=make_user())
    display.token = token
    return display


def page(response):
    return response.content.decode()


def waiting(**names):
    now = timezone.now()
    return make_appointment(patient=make_patient(**names), start=now + timedelta(hours=1), checked_in_at=now)


def test_a_new_screen_shows_its_address_once(reception):
    response = reception.post(LIST, {"name": "Ground floor"})
    address = re.search(r"http://testserver(/display/[\w-]+/)", page(response))[1]
    display = Display.objects.get()
    assert (display.name, display.created_by) == ("Ground floor", reception.user)
    assert address not in page(reception.get(LIST))
    assert display.token_hash not in page(reception.get(LIST))
    assert "Ground floor" in page(reception.get(LIST))
    assert Client().get(address).status_code == 200


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "a\nb", "\u202eabc"])
def test_an_odd_name_is_refused_at_the_field(reception, name):
    response = reception.post(LIST, {"name": name})
    assert response.status_code == 422
    assert response.context["form"].errors["name"]
    assert not Display.objects.exists()


def test_the_screen_shows_initials_and_nothing_else(wall):
    inside = make_appointment(
        patient=make_patient(first_name="Ngozi", last_name="Okafor", desk_note="Wheelchair"),
        start=local(days=0, at="11:00"),
        status="IN_PROGRESS",
        reason="Cough",
    )
    waiting(first_name="Ottilie", last_name="Zwingli")
    text = page(Client().get(f"/display/{wall.token}/"))
    assert "N.O." in text
    assert "O.Z." in text
    for secret in ("Ngozi", "OKAFOR", "Okafor", "Zwingli", "Cough", "Wheelchair", inside.patient.record_number):
        assert secret not in text


def test_somebody_of_one_name_or_of_none_is_shown_too(wall):
    waiting(first_name="", last_name="Sukarno")
    assert "S." in page(Client().get(f"/display/{wall.token}/"))
    waiting(first_name="", last_name="")
    assert Client().get(f"/display/{wall.token}/").status_code == 200


def test_only_those_who_are_here_are_shown(wall):
    make_appointment(patient=make_patient(first_name="Xaver", last_name="Ypsilon"), start=local(days=0, at="15:00"))
    assert "X.Y." not in page(Client().get(f"/display/{wall.token}/"))


def test_a_revoked_screen_is_not_there_any_more(reception, wall):
    assert displays_that_stay([wall.pk]) == [wall.pk]
    response = reception.post(f"{LIST}{wall.pk}/revoke/")
    assert response.headers["Location"] == LIST
    assert Client().get(f"/display/{wall.token}/").status_code == 404
    assert Client().get(f"/live/display/{wall.token}/").status_code == 404
    assert displays_that_stay([wall.pk]) == []


def test_revoking_twice_keeps_the_first_moment(reception, wall):
    reception.post(f"{LIST}{wall.pk}/revoke/")
    first = Display.objects.get().revoked_at
    reception.post(f"{LIST}{wall.pk}/revoke/")
    assert Display.objects.get().revoked_at == first


@pytest.mark.parametrize("token", ["wrong", "x" * 500, "%00", "..%2f", "é"])
def test_a_wrong_address_is_not_there(db, token):
    assert Client().get(f"/display/{token}/").status_code in {400, 404}
    assert Client().get(f"/live/display/{token}/").status_code in {400, 404}


def test_a_screen_is_only_read(wall):
    assert Client().post(f"/display/{wall.token}/").status_code == 405


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_makes_and_revokes_screens(request, role, wall):
    client = request.getfixturevalue(role)
    for answer in (client.get(LIST), client.post(LIST, {"name": "x"}), client.post(f"{LIST}{wall.pk}/revoke/")):
        assert answer.status_code == 403
    assert Display.objects.get().revoked_at is None


def test_a_missing_screen_is_not_found_and_looking_revokes_nothing(reception, wall):
    assert reception.post(f"{LIST}999999/revoke/").status_code == 404
    assert reception.get(f"{LIST}{wall.pk}/revoke/").status_code == 405
    assert Display.objects.get().revoked_at is None


def test_a_screen_that_was_opened_yesterday_shows_today(wall):
    waiting(first_name="Ottilie", last_name="Zwingli")
    assert "O.Z." in render([], "today")
