"""Whoever signs in is told by mail when what lets them in was changed."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail

from conftest import sign_in
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
