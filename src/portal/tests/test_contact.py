"""How the hospital reaches me: phones; and an address that counts once a code from it is typed."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from conftest import sign_in
from hms.models import OutboxMail, User
from hms.testing import PASSWORD, make_patient
from portal.views.contact import Change

pytestmark = pytest.mark.django_db
ASK, CODE = "/portal/contact/email/", "/portal/contact/email/code/"
NEW = "new-address@hms.example"


def text(response):
    return response.content.decode()


@pytest.fixture
def me(db):
    """A patient who has just typed their password again."""
    user = make_patient(email="old-address@hms.example").user
    user.set_password(PASSWORD)
    user.save()
    client = sign_in(Client(), user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def same(response):
    """The page without what differs from one time to the next: tokens."""
    return re.sub(r'value="[^"]{40,}"|X-CSRFToken[^}]*|data-left="[0-9]*"', "", text(response))


def code_for(address):
    letter = OutboxMail.objects.filter(to=address, kind="account.email-code").latest("pk")
    return re.search(r"code: (\S+)", letter.text)[1]


def address_of(client):
    return User.objects.get(pk=client.user.pk).email


def test_the_address_changes_once_the_code_is_typed_and_the_old_one_is_told(me):
    assert me.post(ASK, {"email": "New-Address@hms.example"}).headers["Location"] == CODE
    assert address_of(me) == "old-address@hms.example"
    assert NEW in text(me.get(CODE))
    assert me.post(CODE, {"code": code_for(NEW)}).status_code == 302
    assert address_of(me) == NEW
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [(NEW, True, True)]
    told = OutboxMail.objects.get(to="old-address@hms.example")
    assert told.kind == "account.email-changed"
    assert NEW not in told.text
    assert NEW in text(me.get("/portal/contact/"))


def test_signing_in_works_with_the_new_one_only(me):
    me.post(ASK, {"email": NEW})
    me.post(CODE, {"code": code_for(NEW)})
    for email, status in (("old-address@hms.example", 200), (NEW, 302)):
        answer = Client().post("/accounts/login/", {"login": email, "password": PASSWORD})
        assert answer.status_code in ({status, 422} if status == 200 else {status})


def test_a_taken_address_gets_the_same_answers_and_changes_nothing(me):
    make_patient(email="taken@hms.example")
    answers = []
    for address in (NEW, "taken@hms.example"):
        asked = me.post(ASK, {"email": address})
        page = me.get(CODE)
        wrong = me.post(CODE, {"code": "WRONG1"})
        answers.append([(a.status_code, same(a).replace(address, "")) for a in (asked, page, wrong)])
    assert answers[0] == answers[1]
    letter = OutboxMail.objects.get(to="taken@hms.example")
    assert "nothing has changed" in letter.text
    assert "code:" not in letter.text
    # Whoever guessed the code of the session all the same is refused as for a code that is over.
    me.post(CODE, {"code": me.session[Change.KEY]["code"]})
    assert address_of(me) == "old-address@hms.example"


def test_taken_while_the_code_was_on_its_way(me):
    me.post(ASK, {"email": NEW})
    make_patient(email=NEW)
    answer = me.post(CODE, {"code": code_for(NEW)}, follow=True)
    assert "no longer good" in text(answer)
    assert address_of(me) == "old-address@hms.example"


def test_a_code_is_good_once_for_a_while_and_a_few_tries(me):
    me.post(ASK, {"email": NEW})
    code = code_for(NEW)
    assert me.post(CODE, {"code": ""}).status_code == 422
    for _n in range(2):
        assert me.post(CODE, {"code": "WRONG1"}).status_code == 422
    assert "too often" in text(me.post(CODE, {"code": "WRONG1"}, follow=True))
    assert me.post(CODE, {"code": code}).headers["Location"] == ASK
    assert address_of(me) == "old-address@hms.example"


def test_an_old_code_is_over(me):
    me.post(ASK, {"email": NEW})
    session = me.session
    session[Change.KEY] |= {"at": time.time() - 3600}
    session.save()
    assert "took too long" in text(me.post(CODE, {"code": code_for(NEW)}, follow=True))
    assert address_of(me) == "old-address@hms.example"


def test_the_password_is_asked_first(db):
    user = make_patient(email="old@hms.example").user
    user.set_password(PASSWORD)
    user.save()
    client = sign_in(Client(), user)
    for answer in (client.get(ASK), client.post(ASK, {"email": NEW})):
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not OutboxMail.objects.exists()


def test_asking_is_limited(me):
    statuses = [me.post(ASK, {"email": f"n{n}@hms.example"}).status_code for n in range(7)]
    assert statuses[:5] == [302] * 5
    assert statuses[5:] == [429] * 2
    assert OutboxMail.objects.count() == 5


@pytest.mark.parametrize("typed", ["", "nonsense", "old-address@hms.example", "OLD-address@hms.example"])
def test_what_is_no_new_address_is_said(me, typed):
    assert me.post(ASK, {"email": typed}).status_code == 422
    assert not OutboxMail.objects.exists()


def test_phones(me):
    data = {"phone": "020 7946 0123", "emergency_contact": "020 7946 0124"}
    assert me.post("/portal/contact/", data).status_code == 302
    user = User.objects.get(pk=me.user.pk)
    assert (user.phone.as_e164, user.patient.emergency_contact.as_e164) == ("+442079460123", "+442079460124")
    assert me.post("/portal/contact/", {"phone": "nonsense"}).status_code == 422
