"""How the clinic's screens hear of changes: by a signal, upon which each part gets itself again (hms.live, Live 6).

Keys: ``doctor:<id>`` for a doctor's day, ``visit:<id>`` for a consultation.
"""

from django.utils.html import format_html

from hms.domain.settings import forget
from hms.live import Resync
from hms.models import Allergy, MedicalRecord

NEW_PAGE = {"hospital", "department"}
PERSON = {"user", "patient"}


def render(changes, key):
    """``<hx-partial>`` that says which kinds of things changed, or "" when nothing concerns this screen."""
    if any(c.noun in NEW_PAGE for c in changes):
        forget()
        raise Resync
    kind, _colon, pk = key.partition(":")
    concerns = _of_doctor if kind == "doctor" else _of_visit
    nouns = sorted(concerns(changes, int(pk)))
    if not nouns:
        return ""
    # Counted, so that two signals of the same kind are two changes of the page.
    stamp = "-".join(str(c.pk) for c in changes)
    return format_html(
        '<hx-partial hx-target="#live-signal" hx-swap="innerHTML"><i data-nouns="{}" data-stamp="{}"></i></hx-partial>',
        " ".join(nouns),
        stamp[:60],
    )


def _of_doctor(changes, doctor):
    return {c.noun for c in changes if doctor in c.doctors or c.noun in PERSON}


def _of_visit(changes, visit):
    nouns = {c.noun for c in changes if c.noun in PERSON or (c.noun == "appointment" and c.pk == visit)}
    records = [c.pk for c in changes if c.noun == "record"]
    if records and MedicalRecord.objects.filter(pk__in=records, appointment=visit).exists():
        nouns.add("record")
    allergies = [c.pk for c in changes if c.noun == "allergy"]
    if allergies and Allergy.objects.filter(pk__in=allergies, patient__appointment=visit).exists():
        nouns.add("allergy")
    return nouns
