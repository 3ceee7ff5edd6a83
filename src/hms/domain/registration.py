"""Patients who register themselves: question by question, into one Patient at the end."""

from datetime import date

import pghistory
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hms.domain import audit, patients
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Allergy, Invitation, Patient, Registration, User

OF_AGE = 16  # years from which somebody registers themself


def check_age(born):
    """Refuse who is too young to register alone, in words that say what to do."""
    patients.check_date_of_birth(born)
    today = hospital().today()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < OF_AGE:
        raise DomainError(
            _("You must be %(n)d to register by yourself. Ask a parent to call us, and we register you together.")
            % {"n": OF_AGE},
            field="date_of_birth",
        )


def answer(user, step, answers):
    """Keep what was answered at one step; what another tab answers at the same moment is kept too."""
    with transaction.atomic():
        Registration.objects.get_or_create(user=user)
        kept = Registration.objects.select_for_update().get(user=user)
        done = [*kept.answers.get("done", []), step]
        kept.answers = kept.answers | answers | {"done": list(dict.fromkeys(done))}
        kept.save()


def complete(user, *, by):
    """Make the Patient of the answers given; a second call finds it made. Raises DomainError if one is missing."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="patient.registered-themself"):
        user = User.objects.select_for_update().get(pk=user.pk)
        if made := Patient.objects.filter(user=user).first():
            return made
        given = Registration.objects.filter(user=user).first()
        answers = given.answers if given else {}
        if not (answers.get("last_name") or answers.get("first_name")) or not answers.get("date_of_birth"):
            raise DomainError(_("Some answers are still missing."))
        if not answers.get("consent"):
            raise DomainError(_("We may only keep your record if you agree to it."), field="consent")
        born = date.fromisoformat(answers["date_of_birth"])
        check_age(born)
        user.first_name, user.last_name = answers.get("first_name", ""), answers.get("last_name", "")
        user.phone = answers.get("phone", "")
        user.save(update_fields=["first_name", "last_name", "phone"])
        said = answers.get("allergies", "")
        listed = answers.get("allergy_list", "").replace("\n", ",").split(",")
        substances = [s.strip()[:200] for s in listed if s.strip()]
        patient = Patient.objects.create(
            user=user,
            date_of_birth=born,
            gender=answers.get("gender") or Patient.Gender.UNKNOWN,
            blood_type=answers.get("blood_type", ""),
            emergency_contact=answers.get("emergency_contact", ""),
        )
        if said == "list":
            for substance in dict.fromkeys(substances):
                Allergy.objects.create(patient=patient, substance=substance, noted_by=user)
            patient.allergies = "; ".join(dict.fromkeys(substances))
        elif said == "none":
            patient.no_allergies_at = given.updated_at
            patient.allergies = _("No known allergies")
        patient.save(update_fields=["allergies", "no_allergies_at"])
        given.delete()
        return patient


def claim(invitation, *, email, password, born):
    """Open the record of an invited patient to them: their address and password, once their birthday is confirmed.

    After ``Invitation.TRIES`` wrong days the invitation is void. Raises DomainError; says nothing of the record.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().select_related("patient__user").get(pk=invitation.pk)
        over = invitation.expires_at <= timezone.now()
        if over or invitation.used_at or invitation.revoked_at or invitation.is_stopped:
            raise DomainError(_("This invitation has been used, or is no longer valid. Ask us for a new one."))
        wrong = invitation.patient.date_of_birth != born
        if wrong:
            invitation.tries += 1
            invitation.save(update_fields=["tries"])
        else:
            user = User.objects.select_for_update().get(pk=invitation.patient.user_id)
            email = User.objects.normalize_email(email)
            if User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists():
                raise DomainError(
                    _("This address opens another account. Use another address, or call us."), field="email"
                )
            with pghistory.context(user=user.pk, action="patient.claimed"):
                user.email = email
                user.set_password(password)
                try:
                    with transaction.atomic():
                        user.save(update_fields=["email", "password"])
                except IntegrityError as e:  # somebody took it in this moment
                    raise DomainError(
                        _("This address opens another account. Use another address, or call us."), field="email"
                    ) from e
            invitation.used_at = timezone.now()
            invitation.save(update_fields=["used_at"])
            return user
    left = Invitation.TRIES - invitation.tries
    if not left:
        raise DomainError(
            _("That was the last try. This invitation opens nothing any more; ask the front desk for a new one.")
        )
    raise DomainError(
        ngettext(
            "That is not the date of birth that we know. You can try once more, or call us.",
            "That is not the date of birth that we know. You can try %(n)d more times, or call us.",
            left,
        )
        % {"n": left},
        field="date_of_birth",
    )


def revoke(invitation, *, by):
    """Take an invitation back: it opens nothing any more. Raises DomainError if it has been used already."""
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if invitation.used_at:
            raise DomainError(_("The patient has used this invitation already, and signs in by now."))
        if not invitation.revoked_at:
            invitation.revoked_at = timezone.now()
            invitation.save(update_fields=["revoked_at"])
            audit.viewed(invitation.patient, by=by, action="patient.invitation-withdrawn")
        return invitation
