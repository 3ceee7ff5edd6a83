"""Invited by the desk: the patient opens their own record once, knowing their birthday; the desk can take it back."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hms.domain import registration
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import AccessLog, Invitation, User
from hms.testing import make_patient, make_user, run_jobs
from portal.tests.test_register import PASSWORD, code_of, text

FIELDS = {"email": "old@hms.example", "password": PASSWORD}
BORN = {"date_of_birth_day": "5", "date_of_birth_month": "5", "date_of_birth_year": "1950"}
WRONG = BORN | {"date_of_birth_day": "6"}


@pytest.fixture
def invited(reception):
    """Somebody without an address, and the path that the desk hands over."""
    patient = make_patient(email=None, date_of_birth="1950-05-05")
    return patient, invite(reception, patient)


def invite(desk, patient):
    page = text(desk.post(f"/desk/patients/{patient.pk}/invite/"))
    return re.search(r"/p/invitation/[^<\"]+", page)[0]


def test_the_birthday_opens_it_once(invited):
    patient, path = invited
    client = Client()
    assert client.post(path, FIELDS | BORN).status_code == 302
    assert client.get("/portal/").status_code == 302  # not before the address is proved
    run_jobs()
    client.post("/accounts/confirm-email/", {"code": code_of(mail.outbox[-1])})
    assert "Hello" in text(client.get("/portal/"))
    patient.user.refresh_from_db()
    assert patient.user.email == "old@hms.example"
    assert patient.user.check_password(PASSWORD)
    again = Client().get(path)
    assert again.status_code == 404
    assert "no longer works" in text(again)


def test_its_code_is_black_on_white_in_every_theme_and_its_letter_gives_the_day_in_words(reception):
    page = text(reception.post(f"/desk/patients/{make_patient(email='old@hms.example').pk}/invite/"))
    for shown in (page, text(reception.get("/desk/door/"))):
        assert "fill='#fff'" in unquote(re.search(r'src="data:image/svg[^"]+', shown)[0])
    run_jobs()
    until = Invitation.objects.get().expires_at.astimezone(hospital().zone)
    assert f"until {until:%A} {until.day} {until:%B %Y}." in mail.outbox[0].body


def test_what_is_said_to_the_desk_is_not_printed_for_the_patient(reception):
    page = text(reception.post(f"/desk/patients/{make_patient(email='old@hms.example').pk}/invite/"))
    to_the_desk = page.split("A mail is on its way")[0].rpartition("<p ")[2]
    assert "no-print" in to_the_desk
    assert "can be printed" in page.split("A mail is on its way")[1].split("</p>")[0]


def test_opening_the_page_uses_nothing_up(invited):
    _patient, path = invited
    for _n in range(7):
        assert Client().get(path).status_code == 200
        assert Client().post(path, {"email": ""}).status_code == 422
    assert Invitation.objects.get().tries == 0


def test_wrong_birthdays_are_counted_aloud_and_end_it(invited, reception):
    patient, path = invited
    for left in ("4 more times", "3 more times", "2 more times", "once more", "ask the front desk for a new one"):
        response = Client().post(path, FIELDS | WRONG)
        assert response.status_code == 422
        assert left in text(response)
        assert patient.user.last_name not in text(response)
    response = Client().post(path, FIELDS | BORN)
    assert response.status_code == 404
    assert "tried too often" in text(response)
    patient.user.refresh_from_db()
    assert not patient.user.has_usable_password()
    assert "too many wrong dates" in text(reception.get(f"/desk/patients/{patient.pk}/"))


def test_who_tries_many_invitations_has_to_wait(reception, settings):
    settings.ACCOUNT_RATE_LIMITS = {"claim": "3/10m/ip"}
    paths = [invite(reception, make_patient(email=None, date_of_birth="1950-05-05")) for _n in range(4)]
    for path in paths[:3]:
        assert Client().post(path, FIELDS | WRONG).status_code == 422
    for born in (WRONG, BORN):
        response = Client().post(paths[3], FIELDS | born)
        assert response.status_code == 429
        assert "Wait ten minutes" in text(response)
    assert Invitation.objects.filter(tries=0).count() == 1
    assert Client().post(paths[3], FIELDS | BORN, REMOTE_ADDR="10.0.0.9").status_code == 302  # a neighbour


def test_it_expires(invited):
    patient, path = invited
    invitation = Invitation.objects.get()
    assert timedelta(days=13) < invitation.expires_at - timezone.now() < timedelta(days=15)
    Invitation.objects.update(expires_at=timezone.now())
    for response in (Client().get(path), Client().post(path, FIELDS | BORN)):
        assert response.status_code == 404
    with pytest.raises(DomainError, match="no longer valid"):  # between the page and the answer
        registration.claim(invitation, email="x@hms.example", password=PASSWORD, born=patient.date_of_birth)


def test_a_newer_one_ends_the_older_and_secrets_are_hashed(invited, reception):
    patient, path = invited
    newer = invite(reception, patient)
    assert Client().get(path).status_code == 404
    assert Client().get(newer).status_code == 200
    assert not Invitation.objects.filter(token_hash__in=path.split("/")).exists()


def test_another_ones_address_is_refused_in_words_and_is_no_wrong_birthday(invited):
    _patient, path = invited
    make_patient(email="old@hms.example")
    response = Client().post(path, FIELDS | BORN)
    assert response.status_code == 422
    assert "another account" in text(response)
    assert Invitation.objects.get().tries == 0


def test_a_weak_password_or_no_address_is_said_at_the_field(invited):
    _patient, path = invited
    page = text(Client().post(path, {"email": "nonsense", "password": "short"} | BORN))
    assert "Error:" in page
    assert "at least 12" in page
    assert 'value="nonsense"' in page
    assert Invitation.objects.get().tries == 0


def test_staff_roles_posted_by_hand_are_nothing(invited):
    patient, path = invited
    Client().post(path, FIELDS | BORN | {"role": "ADMIN", "is_staff": "1", "is_superuser": "1"})
    user = User.objects.get(pk=patient.user_id)
    assert (user.role, user.is_staff, user.is_superuser) == ("PATIENT", False, False)


class TestAtTheDesk:
    def test_the_patients_page_lists_what_is_open(self, invited, reception):
        patient, path = invited
        page = text(reception.get(f"/desk/patients/{patient.pk}/"))
        assert "by Rita Reception, good until" in page
        assert "Invite again" in page
        Client().post(path, FIELDS | WRONG)
        assert "1 wrong date of birth" in text(reception.get(f"/desk/patients/{patient.pk}/"))
        assert path.split("/")[3] not in page

    def test_withdrawn_it_opens_nothing(self, invited, reception):
        patient, path = invited
        invitation = Invitation.objects.get()
        response = reception.post(f"/desk/patients/invitations/{invitation.pk}/withdraw/", follow=True)
        assert "Withdrawn" in text(response)
        assert "Not invited yet." in text(response)
        assert Client().post(path, FIELDS | BORN).status_code == 404
        assert AccessLog.objects.filter(patient=patient, action="patient.invitation-withdrawn").count() == 1
        reception.post(f"/desk/patients/invitations/{invitation.pk}/withdraw/")  # clicked twice
        assert AccessLog.objects.filter(action="patient.invitation-withdrawn").count() == 1

    def test_one_that_was_used_cannot_be_withdrawn(self, invited, reception):
        _patient, path = invited
        Client().post(path, FIELDS | BORN)
        pk = Invitation.objects.get().pk
        page = text(reception.post(f"/desk/patients/invitations/{pk}/withdraw/", follow=True))
        assert "has used this invitation already" in page
        assert "Signs in to the portal." in page
        assert Invitation.objects.get().revoked_at is None

    def test_only_the_desk_may(self, invited, patient, doctor):
        pk = Invitation.objects.get().pk
        for client in (patient, doctor):
            assert client.post(f"/desk/patients/invitations/{pk}/withdraw/").status_code == 403
        assert Invitation.objects.get().revoked_at is None

    def test_who_signs_in_is_not_invited(self, reception):
        with_password, with_passkey = make_patient(), make_patient()
        with_password.user.set_password(PASSWORD)
        with_password.user.save()
        Authenticator.objects.create(user=with_passkey.user, type="webauthn", data={"name": "Phone"})
        for found in (with_password, with_passkey):
            assert "Invite to the portal" not in text(reception.get(f"/desk/patients/{found.pk}/"))
            answer = reception.post(f"/desk/patients/{found.pk}/invite/", follow=True)
            assert "signs in already" in text(answer)
        assert not Invitation.objects.exists()

    def test_the_page_asks_as_much_for_three_as_for_one(self, reception):
        patient, by, counts = make_patient(), make_user(), []
        soon = timezone.now() + timedelta(days=1)
        reception.get(f"/desk/patients/{patient.pk}/")  # what is asked once and kept
        for number in (1, 3):
            while (n := patient.invitations.count()) < number:
                Invitation.objects.create(patient=patient, token_hash=f"{n}", created_by=by, expires_at=soon)
            with CaptureQueriesContext(connection) as asked:
                reception.get(f"/desk/patients/{patient.pk}/")
            counts.append(len(asked))
        assert counts[0] == counts[1]


@pytest.mark.parametrize("has_password", [True, False])
def test_a_mailbox_alone_opens_no_record(db, has_password):
    user = make_patient(email="known@hms.example", date_of_birth="1950-05-05").user
    if has_password:
        user.set_password(PASSWORD)
        user.save()
    assert Client().post("/accounts/password/reset/", {"email": user.email}).status_code == 302
    run_jobs()
    assert ("/password/reset/key/" in mail.outbox[-1].body) == has_password
