import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms.domain import outbox
from hms.models import OutboxMail
from hms.testing import run_jobs


def post(n=1, **more):
    return outbox.post(
        **{"kind": "k", "to": f"p{n}@hms.example", "subject": f"Visit {n}", "text": "t-e-x-t", "key": f"k{n}"} | more
    )


def test_it_shows_what_waits_and_what_was_sent_but_no_text(reception):
    post(1)
    run_jobs()
    post(2)
    page = reception.get("/desk/outbox/").content.decode()
    assert "Visit 1" in page
    assert "Visit 2" in page
    assert "t-e-x-t" not in page
    waiting = reception.get("/desk/outbox/?status=WAITING").content.decode()
    assert "Visit 2" in waiting
    assert "Visit 1" not in waiting


def test_one_that_was_given_up_is_tried_again(reception):
    letter = post()
    run_jobs()
    OutboxMail.objects.update(status="FAILED", sent_at=None, attempts=8, error="nobody listens")
    assert "nobody listens" in reception.get("/desk/outbox/").content.decode()
    response = reception.post(f"/desk/outbox/{letter.pk}/retry/", follow=True)
    assert "is tried again" in response.content.decode()
    run_jobs()
    letter.refresh_from_db()
    assert letter.status == "SENT"
    assert "has been sent" in reception.post(f"/desk/outbox/{letter.pk}/retry/", follow=True).content.decode()


def test_others_are_refused(doctor, patient):
    letter = post()
    for client in (doctor, patient):
        assert client.get("/desk/outbox/").status_code == 403
        assert client.post(f"/desk/outbox/{letter.pk}/retry/").status_code == 403


@pytest.mark.parametrize("address", ["?status=x&page=x", "?page=99", "?sort=text"])
def test_odd_addresses_are_survived(reception, address):
    post()
    assert reception.get(f"/desk/outbox/{address}").status_code in {200, 404}


def test_it_asks_as_much_for_three_as_for_one(reception):
    def count():
        with CaptureQueriesContext(connection) as queries:
            reception.get("/desk/outbox/")
        return len(queries)

    post(1)
    count()  # the first request also finds out what is kept for later ones
    one = count()
    post(2)
    post(3)
    assert count() == one
