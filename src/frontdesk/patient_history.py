"""A patient's history of changes in words: who changed what when, from the events that the database keeps.

Only what the desk may read: clinical fields of the same rows are not looked at.
"""

from collections import namedtuple
from itertools import pairwise

from django.apps import apps
from django.utils.translation import gettext as _

from hms.models import Patient, User
from hms.templatetags.hms import clinical_date, phone

Entry = namedtuple("Entry", "at who what changes")
Change = namedtuple("Change", "label before after")
USER_FIELDS = ("last_name", "first_name", "phone", "email", "is_active")
PATIENT_FIELDS = ("date_of_birth", "gender", "emergency_contact", "desk_note")
MOST = 50  # events of each kind; the rest stays in the database


def history(patient):
    """Entries of one patient, newest first, in three queries whatever their number."""
    found = []
    for model, event, pk, fields in (
        (User, "UserEvent", patient.user_id, USER_FIELDS),
        (Patient, "PatientEvent", patient.pk, PATIENT_FIELDS),
    ):
        events = apps.get_model("hms", event).objects.filter(pgh_obj_id=pk).order_by("-pgh_id")
        events = list(events.only("pgh_created_at", "pgh_context", "pgh_label", *fields)[: MOST + 1])[::-1]
        if events and events[0].pgh_label == "insert" and model is Patient:
            found.append((events[0], _("Registered"), []))
        for before, after in pairwise(events):
            if changes := [_change(model, f, before, after) for f in fields if getattr(before, f) != getattr(after, f)]:
                found.append((after, _("Changed"), changes))
    users = User.objects.in_bulk({(e.pgh_context or {}).get("user") for e, *_rest in found} - {None})
    found.sort(key=lambda entry: entry[0].pgh_created_at, reverse=True)
    return [Entry(e.pgh_created_at, _who(e, users), what, changes) for e, what, changes in found]


def _who(event, users):
    user = users.get((event.pgh_context or {}).get("user"))
    return str(user) if user else _("outside HMS")


def _change(model, name, before, after):
    field = model._meta.get_field(name)
    return Change(field.verbose_name, _shown(field, getattr(before, name)), _shown(field, getattr(after, name)))


def _shown(field, value):
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if hasattr(value, "strftime"):
        return clinical_date(value)
    if field.name in {"phone", "emergency_contact"}:
        return phone(value) or "–"
    return value or "–"
