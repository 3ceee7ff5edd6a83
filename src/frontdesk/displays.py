"""What a wall screen shows and how it is brought up to date."""

from itertools import groupby

from django.template.loader import render_to_string

from hms.domain.settings import hospital
from hms.models import Appointment, Display


def display_context(day):
    """``{"rooms": [(doctor, in progress, waiting), …]}`` of a day. Patients are initials and nothing else."""
    begins, ends = hospital().day_bounds(day)
    rows = (
        Appointment.objects.filter(appointment_date__gte=begins, appointment_date__lt=ends)
        .filter(status__in=[*Appointment.WAITING_TO_HAPPEN, Appointment.Status.IN_PROGRESS])
        .exclude(status__in=Appointment.WAITING_TO_HAPPEN, checked_in_at=None)
        .with_people()
        .order_by("doctor__user__last_name", "doctor_id", "checked_in_at", "pk")
    )
    rooms = []
    for _pk, group in groupby(rows, key=lambda a: a.doctor_id):
        group = list(group)
        inside = [_seen(a) for a in group if a.status == Appointment.Status.IN_PROGRESS]
        waiting = [_seen(a) for a in group if a.status != Appointment.Status.IN_PROGRESS]
        rooms.append((group[0].doctor, inside, waiting))
    return {"rooms": rooms, "day": day}


def _seen(appointment):
    user = appointment.patient.user
    initials = ".".join(name[0].upper() for name in (user.first_name, user.last_name) if name) + "."
    return f"{appointment.appointment_date.astimezone(hospital().zone):%H:%M}", initials


def render(changes, key):
    """The whole screen again: one per corridor, and little on it. Today, also when the day it opened on is over."""
    html = render_to_string("frontdesk/_display.html", display_context(hospital().today()))
    return f'<hx-partial hx-target="#display" hx-swap="outerMorph">{html}</hx-partial>'


def displays_that_stay(pks):
    """Of these displays, the ones not revoked."""
    return list(Display.objects.filter(pk__in=pks, revoked_at=None).values_list("pk", flat=True))
