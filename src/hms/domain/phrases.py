"""Phrases: ``.word`` becomes text; ``{{ token }}`` in it is filled from the visit, ``***`` are holes to fill."""

import re

from django.db.models import Q
from django.utils.translation import gettext as _

from hms.domain.settings import hospital
from hms.models import Phrase

TOKEN = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def of(doctor):
    """The doctor's own phrases and everybody's; of two with the same word the own one comes last, and counts."""
    return Phrase.objects.filter(Q(doctor=doctor) | Q(doctor=None)).order_by("word", "-doctor")


def expand(text, *, appointment):
    """The text with its tokens filled; an unknown token stays as it is written, for the eye to find."""
    values = tokens(appointment)
    return TOKEN.sub(lambda found: values.get(found[1], found[0]), text)


def tokens(appointment):
    """What tokens stand for, of this visit."""
    patient, user = appointment.patient, appointment.patient.user
    today = hospital().today()
    born = patient.date_of_birth
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    female, male = patient.gender == "FEMALE", patient.gender == "MALE"
    return {
        "age": str(age),
        "name": str(user),
        "given_name": user.first_name,
        "family_name": user.last_name,
        "gender": patient.get_gender_display().lower(),
        "he_she": _("she") if female else _("he") if male else _("they"),
        "his_her": _("her") if female else _("his") if male else _("their"),
        "reason": appointment.reason,
        "today": f"{today:%d-%b-%Y}",
        "doctor": str(appointment.doctor),
    }
