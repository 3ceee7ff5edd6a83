"""Allergies: four states, each said as what it is (NHS patient banner guidance).

``Patient.allergies`` stays a true summary of the list, rewritten by the verbs here and by nobody else.
"""

import re
from contextlib import nullcontext
from textwrap import wrap

import pghistory
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.errors import DomainError
from hms.models import Allergy, Patient, Severity

KNOWN, NONE, UNASKED, UNAVAILABLE = "known", "none", "unasked", "unavailable"


def state(patient):
    """``(state, active allergies)``: one of KNOWN, NONE (asked, and there are none), UNASKED, UNAVAILABLE."""
    return listed(patient)[:2]


def listed(patient):
    """``(state, active allergies, ended ones)``, these the latest first."""
    try:
        # Alone it needs no transaction; inside of one it must not break the rest.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            rows = list(noted(patient))
    except DatabaseError:
        return UNAVAILABLE, [], []
    ended = sorted((a for a in rows if a.ended_at), key=lambda a: a.ended_at, reverse=True)
    if found := [a for a in rows if not a.ended_at]:
        return KNOWN, found, ended
    text = patient.allergies.strip()
    if text and not rows and not patient.no_allergies_at:  # from before there was a list: it counts until it is entered
        # Not saved: what the database would fill in is said here.
        return KNOWN, [Allergy(patient=patient, substance=text[:200], reaction="", drug_class="")], []
    return (NONE if patient.no_allergies_at else UNASKED), [], ended


def noted(patient):
    """Every allergy that was ever noted, in this order."""
    return Allergy.objects.filter(patient=patient).select_related("noted_by", "ended_by")


def active(patient):
    """The allergies that hold, in the order in which they were noted."""
    return Allergy.objects.filter(patient=patient, ended_at=None).select_related("noted_by")


def note(patient, *, substance, by, drug_class="", severity=Severity.UNKNOWN, reaction=""):
    """Write down an allergy. Refuses the same one twice."""
    substance = " ".join(substance.split())[:200]
    if not substance:
        raise DomainError(_("Write what the patient is allergic to."), field="substance")
    if severity not in Severity.values:
        raise DomainError(_("Choose how severe it is."), field="severity")
    with _patient(patient, by, "allergy.noted") as locked:
        if active(locked).filter(substance__iexact=substance).exists():
            raise DomainError(_("%(what)s is on the list already.") % {"what": substance}, field="substance")
        _enter_earlier(locked, substance, by)
        made = Allergy.objects.create(
            patient=locked,
            substance=substance,
            drug_class=drug_class[:60],
            severity=severity,
            reaction=" ".join(reaction.split())[:200],
            noted_by=by,
        )
        _summarise(locked, None)
        return made


def _enter_earlier(patient, substance, by):
    """What a text from before the list says of others than ``substance`` goes on the list as it stands there."""
    if patient.no_allergies_at or noted(patient).exists():
        return
    for part in (part.strip() for part in re.split(r"[;\n]", patient.allergies)):
        if re.sub(r"\s*\([^()]*\)$", "", part).casefold() != substance.casefold():
            for text in wrap(part, 200):
                Allergy.objects.create(patient=patient, substance=text, noted_by=by)


def end(allergy, *, reason, by):
    """It proved wrong, or is over: kept, and no longer counted."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise DomainError(_("Say why it no longer counts."), field="reason")
    with _patient(allergy.patient, by, "allergy.ended") as locked:
        allergy = Allergy.objects.select_for_update().get(pk=allergy.pk)
        if allergy.ended_at:
            raise DomainError(_("This allergy has been ended already."))
        allergy.ended_at, allergy.ended_by, allergy.end_reason = timezone.now(), by, reason
        allergy.save(update_fields=["ended_at", "ended_by", "end_reason"])
        _summarise(locked, locked.no_allergies_at)
        return allergy


def state_none(patient, *, by):
    """Asked, and there are none. Refuses while one is on the list."""
    with _patient(patient, by, "allergy.none-stated") as locked:
        if state(locked)[1]:
            raise DomainError(_("There are allergies on the list. End them first, each with its reason."))
        _summarise(locked, timezone.now())
        return locked


class _patient:
    """Lock the patient's row: the list and its summary change together."""

    def __init__(self, patient, by, action):
        self.pk, self.stack = patient.pk, (transaction.atomic(), pghistory.context(user=by.pk, action=action))

    def __enter__(self):
        for manager in self.stack:
            manager.__enter__()
        return Patient.objects.select_for_update().get(pk=self.pk)

    def __exit__(self, *error):
        for manager in reversed(self.stack):
            manager.__exit__(*error)


def _summarise(patient, stated_at):
    words = []
    for a in active(patient):
        more = ", ".join(filter(None, (a.reaction, a.get_severity_display() if a.severity != "UNKNOWN" else "")))
        words.append(f"{a.substance} ({more})" if more else a.substance)
    patient.no_allergies_at = None if words else stated_at
    patient.allergies = "; ".join(words) or (_("No known allergies") if stated_at else "")
    patient.save(update_fields=["allergies", "no_allergies_at"])
