"""How long one stays signed in, as the page's session-watch asks."""

import time

import pytest

SESSION = "/accounts/session/"
EXTEND = "/accounts/session/extend/"
BACKGROUND = {"X-Background": "1"}


def seen_before(client, seconds):
    session = client.session
    session["seen_at"] = time.time() - seconds
    session.save()
    return session["seen_at"]


def test_session_says_whose_it_is_and_until_when(reception, settings):
    answer = reception.get(SESSION, headers=BACKGROUND).json()
    assert answer["user"] == reception.user.pk
    assert answer["expires"] == pytest.approx(time.time() + settings.IDLE_STAFF.total_seconds() + 30, abs=5)
    assert answer["csrf"]


def test_session_says_to_the_signed_out_that_they_are(signed_out, db):
    answer = signed_out.get(SESSION, headers=BACKGROUND).json()
    assert answer["user"] is None
    assert answer["expires"] == 0
    assert answer["csrf"]


def test_asking_does_not_keep_a_session_alive(reception):
    seen = seen_before(reception, 300)
    reception.get(SESSION, headers=BACKGROUND)
    assert reception.session["seen_at"] == seen


def test_somebody_at_the_screen_does(reception):
    seen = seen_before(reception, 300)
    answer = reception.post(EXTEND)
    assert answer.status_code == 200
    assert reception.session["seen_at"] > seen + 290


def test_nobody_extends_past_the_longest_session(reception, settings):
    session = reception.session
    session["signed_in_at"] = time.time() - settings.SESSION_LIMIT.total_seconds() + 60
    session.save()
    assert reception.post(EXTEND).json()["expires"] == pytest.approx(time.time() + 60, abs=5)


def test_idle_session_has_ended(reception, settings):
    seen_before(reception, settings.IDLE_STAFF.total_seconds() + 31)
    assert reception.get(SESSION, headers=BACKGROUND).json()["user"] is None
    assert reception.post(EXTEND).status_code == 302


def test_extending_by_get_is_refused(reception):
    assert reception.get(EXTEND).status_code == 405
