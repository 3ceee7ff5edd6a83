"""Opening the record of somebody who is not in one's care: with a reason, for a while, never unseen."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import audit
from hms.errors import DomainError
from hms.models import AccessLog, BreakGlass, Patient

SHORTEST, LONGEST = 10, 500  # characters of a reason
TRIES, WITHIN = 10, timedelta(hours=1)  # wrong guesses of who somebody is


def find(*, record_number, date_of_birth, by):
    """The Patient with exactly this record number and date of birth. Raises DomainError for none, and after guessing.

    Both must be known: nobody leafs through the hospital's patients this way. Each miss is logged.
    """
    misses = AccessLog.objects.filter(user=by, action="patient.not_found", at__gt=timezone.now() - WITHIN)
    if misses.count() >= TRIES:
        raise DomainError(
            _("That was the wrong number or date %(n)d times. Ask the front desk, or wait an hour.") % {"n": TRIES}
        )
    patient = (
        Patient.objects.filter(record_number=record_number, date_of_birth=date_of_birth).select_related("user").first()
    )
    if patient is None:
        audit.log([None], "patient.not_found", by=by, detail="break-glass")
        raise DomainError(
            _("No patient has this record number and this date of birth. Check both."), field="record_number"
        )
    return patient


def open_record(patient, *, reason, by):
    """Let the doctor read the patient's record for a while; returns the BreakGlass.

    Refuses without a reason that says something, and anybody but a doctor.
    """
    reason = " ".join(reason.split())
    if not hasattr(by, "doctor"):
        raise DomainError(_("Only doctors open records."))
    if len(reason) < SHORTEST or not any(c.isalpha() for c in reason):
        raise DomainError(_("Say in a sentence why you need this record. The patient can read it."), field="reason")
    if len(reason) > LONGEST:
        raise DomainError(_("A reason has at most %(n)d characters.") % {"n": LONGEST}, field="reason")
    with transaction.atomic():
        glass = BreakGlass.objects.create(
            user=by,
            patient=patient,
            reason=reason,
            expires_at=timezone.now() + settings.BREAK_GLASS,
        )
        audit.viewed(patient, by=by, action="record.glass_broken", glass=glass)
    return glass


def current(patient, *, by):
    """The doctor's BreakGlass for this patient that has not ended, or None."""
    return BreakGlass.objects.open().filter(user=by, patient=patient).order_by("-expires_at").first()


def ended(patient, *, by):
    """The doctor's last BreakGlass for this patient if it is over, or None."""
    last = BreakGlass.objects.filter(user=by, patient=patient).order_by("-expires_at").first()
    return last if last and last.expires_at <= timezone.now() else None
