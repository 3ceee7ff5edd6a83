"""How a patient is reached: changed by themself. An address counts once the code that was sent to it is typed."""

import uuid

import pghistory
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from hms.domain import outbox
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Patient, User


def change(patient, *, phone, emergency_contact, by):
    """Write down other phones."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="patient.contact-changed"):
        user = User.objects.select_for_update().get(pk=patient.user_id)
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        user.phone, patient.emergency_contact = phone, emergency_contact
        user.save(update_fields=["phone"])
        patient.save(update_fields=["emergency_contact"])
        return patient


def send_code(email, code, *, by):
    """Mail the code to the new address. Where somebody else signs in with it, they are told so instead, without it."""
    taken = User.objects.filter(email__iexact=email).exclude(pk=by.pk).exists()
    text = (
        _("Somebody wants to use this address for another account. It is yours, so nothing has changed.")
        if taken
        else _("Your code: %(code)s\n\nType it where you changed your address. If that was not you, do nothing.")
        % {"code": code}
    )
    outbox.post(
        kind="account.email-code",
        to=email,
        subject=_("Your new address at %(hospital)s") % {"hospital": hospital().name},
        text=text,
        key=f"account:{uuid.uuid4()}",
        secret=True,
    )


def change_email(user, *, email, by):
    """Make the proved address the one to sign in with, and tell the old one.

    Refuses, as for a wrong code, where somebody else has it: whose it is, nobody is told.
    """
    refusal = DomainError(_("This code is no longer good. Ask for a new one."))
    email = User.objects.normalize_email(email)
    with transaction.atomic(), pghistory.context(user=by.pk, action="user.email-changed"):
        user = User.objects.select_for_update().get(pk=user.pk)
        old = user.email
        if User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists():
            raise refusal
        user.email = email
        try:
            with transaction.atomic():
                user.save(update_fields=["email"])
                EmailAddress.objects.filter(user=user).delete()
                EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
        except IntegrityError as e:  # somebody took it in this moment
            raise refusal from e
        outbox.post(
            kind="account.email-changed",
            to=old,
            user=user,
            subject=_("Your address was changed"),
            text=_(
                "The address of your account was changed. This is the last letter to the old one.\n\n"
                "If that was not you, call us at once: %(phone)s"
            )
            % {"phone": hospital().phone or hospital().name},
            key=f"account:{uuid.uuid4()}",
        )
        return user
