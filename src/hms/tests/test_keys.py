"""Passkeys: one's only way in stays; whoever has lost everything else has recovery codes."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

from conftest import sign_in
from hms.testing import PASSWORD


def add_key(user, name, *, alone=True):
    """A key; ``alone``: one that signs in without a password."""
    credential = {"clientExtensionResults": {"credProps": {"rk": alone}}}
    return Authenticator.objects.create(user=user, type="webauthn", data={"name": name, "credential": credential})


def ask(client):
    """The client's person has just shown that it is them."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(client.user.pk)
    session.save()
    return client


@pytest.fixture
def me(patient):
    return ask(patient)


def remove(client, key):
    path = f"/accounts/2fa/webauthn/keys/{key.pk}/remove/"
    return client.get(path), client.post(path)


def test_the_only_way_in_is_not_removed(me):
    key = add_key(me.user, "Phone")
    add_key(me.user, "Second step", alone=False)
    RecoveryCodes.activate(me.user)
    page, answer = remove(me, key)
    for shown in (page, answer):
        assert "your only way in" in shown.content.decode()
    assert answer.status_code == 409
    assert Authenticator.objects.filter(pk=key.pk).exists()


@pytest.mark.parametrize("other", ["a passkey", "a password"])
def test_one_of_two_is_removed(me, other):
    key = add_key(me.user, "Phone")
    if other == "a passkey":
        add_key(me.user, "Tablet")
    else:
        me.user.set_password(PASSWORD)
        me.user.save(update_fields=["password"])
        ask(sign_in(me, me.user))
    page, answer = remove(me, key)
    assert "“Phone” will open your account no more." in page.content.decode()
    assert answer.status_code == 302
    assert not Authenticator.objects.filter(pk=key.pk).exists()


def test_nobody_removes_somebody_elses(me, doctor):
    page, answer = remove(me, add_key(doctor.user, "Phone"))
    assert (page.status_code, answer.status_code) == (404, 404)
