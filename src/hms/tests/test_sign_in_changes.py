"""Whoever signs in is told by mail when what lets them in was changed."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail

from conftest import sign_in
from hms.adapters import CHANGES
from hms.models import OutboxMail
from hms.testing import PASSWORD, run_jobs


def with_password(user):
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.mark.parametrize("who", ["patient", "doctor"])
def test_a_changed_password_is_told(request, who):
    client = request.getfixturevalue(who)
    sign_in(client, with_password(client.user))
    new = "another-long-password-7"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    client.user.refresh_from_db()
    assert client.user.check_password(new)
    letter = OutboxMail.objects.get()
    assert (letter.to, letter.user, letter.kind) == (client.user.email, client.user, "account.sign_in_changed")
    run_jobs()
    assert "Your password was changed." in mail.outbox[0].body
    assert "/accounts/password/reset/" in mail.outbox[0].body
    assert new not in mail.outbox[0].body


def test_a_wrong_second_step_is_said_in_our_words(signed_out, patient):
    with_password(patient.user)
    TOTP.activate(patient.user, generate_totp_secret())
    RecoveryCodes.activate(patient.user)
    assert Authenticator.objects.filter(user=patient.user).count() == 2
    signed_out.post("/accounts/login/", {"login": patient.user.email, "password": PASSWORD})
    page = signed_out.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert "That is not the code. Enter the newest one of your app" in page


def told(user):
    """What the mails to this user said was changed, oldest first; each with the way to help oneself."""
    letters = list(OutboxMail.objects.filter(kind="account.sign_in_changed").order_by("pk"))
    assert {(m.to, m.user) for m in letters} == {(user.email, user)}
    assert all("/accounts/password/reset/" in m.text for m in letters)
    return [next(str(words) for words in CHANGES.values() if str(words) in m.text) for m in letters]


@pytest.mark.parametrize("who", ["patient", "doctor"])
def test_an_app_for_codes_and_new_recovery_codes_are_told(request, who, django_capture_on_commit_callbacks):
    client = request.getfixturevalue(who)
    sign_in(client, with_password(client.user))
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.get("/accounts/2fa/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    assert client.post("/accounts/2fa/totp/activate/", {"code": "x"}).status_code != 302
    assert not OutboxMail.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert Authenticator.objects.filter(user=client.user, type="totp").exists()
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/recovery-codes/generate/")
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=client.user, type="totp").exists()
    kinds = ["totp_activated", "recovery_codes_generated", "totp_deactivated"]
    said = told(client.user)
    assert [words for words in said if words in {str(CHANGES[kind]) for kind in kinds}] == said
    assert set(said) == {str(CHANGES[kind]) for kind in kinds}
    assert not any(secret in m.text for m in OutboxMail.objects.all())


def test_a_passkey_that_is_removed_is_told(patient):
    sign_in(patient, with_password(patient.user))
    patient.post("/accounts/reauthenticate/", {"password": PASSWORD})
    key = Authenticator.objects.create(user=patient.user, type="webauthn", data={"name": "Phone", "credential": {}})
    patient.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")
    assert not Authenticator.objects.filter(pk=key.pk).exists()
    assert told(patient.user) == [str(CHANGES["webauthn_removed"])]
