"""An appointment's history in words: who did what when, from the events that the database keeps."""

from collections import namedtuple
from datetime import timedelta

from django.apps import apps
from django.utils.translation import gettext as _

from hms.domain.settings import hospital
from hms.models import Appointment, Doctor, User

Entry = namedtuple("Entry", "at who what detail")


def history(appointment):
    """Entries of one appointment, newest first, in two or three queries whatever their number."""
    events = list(
        apps.get_model("hms", "AppointmentEvent").objects.filter(pgh_obj_id=appointment.pk).order_by("pgh_id")
    )
    ids = {(e.pgh_context or {}).get("user") for e in events} - {None}
    users = User.objects.only("first_name", "last_name", "email").in_bulk(ids)
    doctors = {appointment.doctor_id: appointment.doctor}
    if moved_from := {e.doctor_id for e in events} - doctors.keys():
        doctors |= Doctor.objects.select_related("user").in_bulk(moved_from)
    entries, before = [], None
    for event in events:
        context = event.pgh_context or {}
        who = users.get(context.get("user"))
        entries.append(
            Entry(event.pgh_created_at, str(who) if who else _("outside HMS"), *_what(before, event, doctors))
        )
        before = event
    return entries[::-1]


def _what(before, event, doctors):
    """``(what, detail)`` that changed between two events."""
    if before is None:
        return _("Booked"), _place(event, doctors) + _because(event.override_reason)
    if event.status != before.status:
        label = Appointment.Status(event.status).label
        if event.status == Appointment.Status.CANCELLED:
            return label, event.cancel_reason
        if before.status in Appointment.FREES_TIME:
            return _("Reinstated"), label
        if before.status == Appointment.Status.COMPLETED:
            return _("Reopened"), ""
        if before.status == Appointment.Status.IN_PROGRESS and event.status in Appointment.WAITING_TO_HAPPEN:
            return _("Call-in taken back"), ""
        return label, ""
    if event.checked_in_at != before.checked_in_at:
        return (_("Arrived"), "") if event.checked_in_at else (_("Arrival taken back"), "")
    moved = (event.appointment_date, event.doctor_id) != (before.appointment_date, before.doctor_id)
    if moved:
        return _("Moved"), f"{_place(before, doctors)} → {_place(event, doctors)}" + _because(event.override_reason)
    if event.duration != before.duration:
        return _("Length changed"), f"{_minutes(before)} → {_minutes(event)}" + _because(event.override_reason)
    if event.reason != before.reason or event.notes != before.notes:
        return _("Edited"), event.reason if event.reason != before.reason else _("notes")
    return _("Changed"), ""


def _place(event, doctors):
    at = event.appointment_date.astimezone(hospital().zone)
    return f"{at:%d-%b-%Y %H:%M}, {doctors.get(event.doctor_id, '')}"


def _minutes(event):
    return _("%(n)d min") % {"n": event.duration // timedelta(minutes=1)}


def _because(reason):
    return f" – {reason}" if reason else ""
