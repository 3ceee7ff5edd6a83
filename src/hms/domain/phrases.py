"""Phrases: ``.word`` becomes text; ``{{ token }}`` in it is filled from the visit, ``***`` are holes to fill.

A phrase is its doctor's: nobody else changes it, also when it is shared. The hospital's own belong to nobody.
"""

import re

import pghistory
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Phrase

TOKEN = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
TOKENS = ["age", "name", "given_name", "family_name", "gender", "he_she", "his_her", "reason", "today", "doctor"]
LONGEST = Phrase._meta.get_field("text").max_length


def of(doctor):
    """The doctor's own phrases and the shared ones; of two with the same word the own one comes last, and counts."""
    found = Phrase.objects.filter(Q(doctor=doctor) | Q(shared=True)).select_related("doctor__user")
    return sorted(found, key=lambda p: (p.word, p.doctor_id == doctor.pk))


def expansions(doctor, *, appointment):
    """``{word: text}`` as it is written in this visit."""
    values = tokens(appointment)
    return {p.word: expand(p.text, values) for p in of(doctor)}


def keep(phrase=None, *, word, text, shared, by):
    """Write down a new phrase of the doctor ``by``, or change one of theirs (``phrase``).

    Refuses a word that is taken, a token that does not exist, and more than LONGEST characters.
    """
    if phrase is None:
        phrase = Phrase(doctor=by.doctor)
    elif phrase.doctor_id != by.doctor.pk:
        raise DomainError(_("Only whose phrase it is changes it."))
    phrase.word, phrase.text, phrase.shared = word.removeprefix(".").lower(), text, shared
    if unknown := [name for name in TOKEN.findall(text) if name not in TOKENS]:
        raise DomainError(
            _("There is no {{ %(name)s }}. There are: %(names)s.")
            % {"name": unknown[0][:40], "names": ", ".join(TOKENS)},
            field="text",
        )
    if len(text) > LONGEST:
        raise DomainError(_("A phrase has at most %(n)d characters.") % {"n": LONGEST}, field="text")
    try:
        with transaction.atomic(), pghistory.context(user=by.pk, action="phrase.kept"):
            phrase.save()
    except IntegrityError as e:
        taken = {
            "phrase_word_once": _("You have a phrase with this word already."),
            "phrase_shared_once": _("There is a phrase for all doctors with this word already. Choose another word."),
        }
        for name, words in taken.items():
            if name in str(e):
                raise DomainError(words, field="word") from None
        raise
    return phrase


def forget(phrase, *, by):
    """Delete one of one's own."""
    if phrase.doctor_id != by.doctor.pk:
        raise DomainError(_("Only whose phrase it is deletes it."))
    with transaction.atomic(), pghistory.context(user=by.pk, action="phrase.forgotten"):
        Phrase.objects.filter(pk=phrase.pk).delete()


def expand(text, values):
    """The text with its tokens filled; an unknown token stays as it is written, for the eye to find."""
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
