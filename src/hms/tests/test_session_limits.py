"""How long a session lasts: unused, in all, whatever pages ask by themselves. What pages see: test_session.py."""

import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from hms.live import sessions_that_stay
from hms.models import User

MINUTE, HOUR = 60, 3600
AFTER = 31  # seconds; a session's last use is written down at most every 30


class Clock:
    """Time as the tests say: ``clock.forward(minutes * 60)``."""

    def __init__(self):
        self.now = time.time()

    def time(self):
        return self.now

    def forward(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    frozen = Clock()
    monkeypatch.setattr("hms.middleware.time", frozen)
    monkeypatch.setattr("hms.live.time", frozen)
    return frozen


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.IDLE_STAFF, settings.IDLE_PATIENT = timedelta(minutes=15), timedelta(minutes=30)
    settings.SESSION_LIMIT = timedelta(hours=12)


def is_signed_in(client, path="/accounts/session/"):
    """Asked as the page's own timer asks, which extends nothing."""
    return client.get(path, headers={"X-Background": "1"}).json()["user"] is not None


DOORS = [("reception", "/desk/", 15), ("admin", "/desk/", 15), ("doctor", "/clinic/", 15), ("patient", "/portal/", 30)]


@pytest.mark.parametrize(("who", "door", "minutes"), DOORS)
def test_an_unused_session_ends(request, clock, who, door, minutes):
    client = request.getfixturevalue(who)
    assert client.get(door).status_code == 200
    clock.forward(minutes * MINUTE - 1)
    assert is_signed_in(client)
    clock.forward(AFTER + 1)
    response = client.get(door)
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"/accounts/login/?next={door.replace('/', '%2F')}",
    )
    assert not Session.objects.filter(pk=client.cookies["hms-session"].value).exists()


def test_use_keeps_it_alive_but_never_past_twelve_hours(reception, clock):
    for _ in range(12 * 6 - 1):
        clock.forward(10 * MINUTE)
        assert reception.get("/desk/month/").status_code == 200
    clock.forward(10 * MINUTE + 1)
    assert reception.get("/desk/month/").status_code == 302


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/accounts/session/", {"X-Background": "1"}),
        ("/desk/?known=x", {"X-Background": "1", "HX-Request": "true"}),
        ("/live/desk/2026-11-22/", {}),
    ],
)
def test_what_a_page_asks_by_itself_keeps_nothing_alive(reception, clock, path, headers):
    reception.get("/desk/month/")
    for _ in range(15):
        clock.forward(MINUTE)
        assert reception.get(path, headers=headers).status_code == 200
    clock.forward(AFTER)
    assert not is_signed_in(reception)


def test_the_last_use_is_not_written_at_every_request(reception, clock, django_assert_num_queries):
    reception.get("/desk/month/")
    seen = reception.session["seen_at"]
    clock.forward(20)
    reception.get("/desk/month/")
    assert reception.session["seen_at"] == seen
    clock.forward(20)
    reception.get("/desk/month/")
    assert reception.session["seen_at"] == clock.now


def test_an_htmx_request_of_an_ended_session_leaves_for_the_sign_in_page(reception, clock):
    clock.forward(16 * MINUTE)
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/?day=2026-11-22"}
    response = reception.get("/desk/month/", headers=page)
    assert response.headers["HX-Redirect"] == "/accounts/login/?next=%2Fdesk%2F%3Fday%3D2026-11-22"
    assert b"<form" not in response.content


def test_a_background_request_of_an_ended_session_is_told_so_and_no_more(reception, clock):
    clock.forward(16 * MINUTE)
    response = reception.get("/desk/month/", headers={"HX-Request": "true", "X-Background": "1"})
    assert (response.status_code, response.content) == (401, b"")
    assert "HX-Redirect" not in response.headers
    assert reception.get("/live/desk/2026-11-22/").status_code == 401


def test_what_was_posted_into_an_ended_session_is_not_done(reception, clock):
    clock.forward(16 * MINUTE)
    response = reception.post("/desk/displays/", {"name": "Hall"})
    assert response.headers["Location"] == "/accounts/login/?next=%2F"


def test_a_session_that_was_not_made_by_signing_in_here_is_none(reception):
    session = reception.session
    del session["signed_in_at"]
    session.save()
    assert reception.get("/desk/").status_code == 302


# --- the same for streams, which ask at every beat


def guard(client):
    return client.cookies["hms-session"].value, client.user.pk, client.user.role


def stays(client):
    return bool(sessions_that_stay([guard(client)]))


def test_a_stream_ends_when_its_session_was_unused_for_too_long(reception, clock):
    assert stays(reception)
    clock.forward(15 * MINUTE + AFTER)
    assert not stays(reception)


def test_a_stream_ends_with_the_longest_session(reception, clock):
    session = reception.session
    session["signed_in_at"] = clock.now - 12 * HOUR
    session["seen_at"] = clock.now
    session.save()
    assert not stays(reception)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "PATIENT"}, {"password": "!another"}])
def test_a_stream_ends_with_what_let_it_in(reception, change):
    assert stays(reception)
    User.objects.filter(pk=reception.user.pk).update(**change)
    assert not stays(reception)


def test_a_stream_ends_with_the_session_row_and_does_not_take_up_another(reception, reception2):
    theirs = (guard(reception2)[0], *guard(reception)[1:])  # somebody else's session key with one's own id
    assert sessions_that_stay([theirs]) == []
    Session.objects.all().delete()
    assert sessions_that_stay([guard(reception), guard(reception2)]) == []


def test_who_may_stay_is_asked_in_the_same_queries_for_all(reception, reception2, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert len(sessions_that_stay([guard(reception), guard(reception2)])) == 2
