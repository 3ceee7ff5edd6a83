"""Receivers: what happens when somebody signs up or in."""

import time

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_added
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver


@receiver(user_logged_in)
def start_session_clock(request, user, **kwargs):
    if request is not None and hasattr(request, "session"):
        request.session["signed_in_at"] = request.session["seen_at"] = time.time()


@receiver(authenticator_added)
def make_a_way_back(request, user, authenticator, **kwargs):
    """Whoever signs up with a passkey alone has recovery codes at once, and is shown them next (hms.adapters).

    allauth makes them for those who add a key later. The key has just recognised its owner, which answers "Is it you?".
    """
    if authenticator.type != Authenticator.Type.WEBAUTHN or request.user.is_authenticated:
        return
    RecoveryCodes.activate(user)
    how = {"id": authenticator.pk, "type": authenticator.type, "passwordless": True, "reauthenticated": True}
    record_authentication(request, user, "mfa", **how)
