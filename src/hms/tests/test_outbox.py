"""Mail: written with what it tells of, sent once, tried again, given up, never in anybody else's way."""

import pytest
from django.core import mail
from django.db import transaction

from hms.domain import outbox
from hms.errors import DomainError
from hms.models import OutboxMail
from hms.testing import make_user, run_jobs

pytestmark = pytest.mark.django_db


def post(key="visit:1", to="pat@hms.example", **more):
    return outbox.post(
        **{"kind": "test.posted", "to": to, "subject": "Your\n visit", "text": "Hello", "key": key} | more
    )


def test_a_letter_is_sent_by_the_worker_with_what_goes_along():
    letter = post(attachments=[("visit.ics", "text/calendar; method=REQUEST", b"BEGIN:VCALENDAR")])
    assert mail.outbox == []
    assert run_jobs() == ["outbox.send"]
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["pat@hms.example"], "Your visit", "Hello")
    assert sent.attachments[0].filename == "visit.ics"
    letter.refresh_from_db()
    assert (letter.status, letter.attempts, letter.error) == ("SENT", 1, "")
    assert letter.sent_at


def test_the_same_key_is_posted_once():
    assert post()
    assert post(text="Again") is None
    run_jobs()
    assert post() is None
    assert run_jobs() == []
    assert len(mail.outbox) == 1


def test_nobody_without_an_address_stops_the_rest():
    assert post(to="") is None
    assert post(to=None, key="visit:2") is None
    assert post(key="visit:3")
    run_jobs()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_sent():
    with transaction.atomic():
        post()
        transaction.set_rollback(True)
    assert not OutboxMail.objects.exists()
    assert run_jobs() == []


def test_sending_twice_sends_once():
    letter = post()
    outbox.send(letter.pk)
    outbox.send(letter.pk)
    assert len(mail.outbox) == 1


class TestAServerThatSaysNo:
    @pytest.fixture(autouse=True)
    def _no(self, monkeypatch):
        def refuse(self, *args, **kwargs):
            raise ConnectionRefusedError("nobody listens")

        monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)

    def test_the_letter_waits_and_says_why(self):
        letter = post()
        with pytest.raises(ConnectionRefusedError):
            outbox.send(letter.pk)
        letter.refresh_from_db()
        assert (letter.status, letter.attempts) == ("WAITING", 1)
        assert "nobody listens" in letter.error

    def test_after_enough_attempts_it_is_given_up_until_somebody_says_again(self, monkeypatch):
        letter = post()
        for _n in range(outbox.TIRED):
            with pytest.raises(ConnectionRefusedError):
                outbox.send(letter.pk)
        letter.refresh_from_db()
        assert letter.status == "FAILED"
        monkeypatch.undo()
        outbox.retry(letter, by=make_user())
        run_jobs()
        letter.refresh_from_db()
        assert letter.status == "SENT"
        with pytest.raises(DomainError, match="has been sent"):
            outbox.retry(letter, by=make_user())


def test_a_secret_is_wiped_once_it_is_sent(settings):
    settings.DEMO = False
    letter = post(secret=True, text="code 123456")
    outbox.send(letter.pk)
    assert "123456" in mail.outbox[0].body
    letter.refresh_from_db()
    assert letter.text == ""


class TestTheDemosLetterBox:
    def test_it_is_read_by_whoever_tries_it_out(self, signed_out):
        post(text="<b>bold</b>")
        page = signed_out.get("/outbox/").content.decode()
        assert "&lt;b&gt;bold" in page
        assert "Your visit" not in signed_out.get("/outbox/?to=other@hms.example").content.decode()

    def test_outside_the_demo_there_is_none(self, signed_out, settings):
        settings.DEMO = False
        assert signed_out.get("/outbox/").status_code == 404
