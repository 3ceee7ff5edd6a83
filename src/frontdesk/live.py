"""How the day board's screens are brought up to date (see hms.live)."""

from datetime import date

from django.apps import apps
from django.db.models import Max
from django.utils.html import format_html, format_html_join

from frontdesk.board import Day
from frontdesk.views.to_move import notice
from hms.domain.settings import forget
from hms.live import Resync
from hms.models import Appointment, Patient, User, VisitToMove

NEW_PAGE = {"hospital", "department"}  # changes that touch more than a few columns


def render(changes, key):
    """The columns of the day ``key`` (ISO date) that these changes touch, the queue, and who made the changes."""
    if any(c.noun in NEW_PAGE for c in changes):
        forget()  # the pages that are asked for now show the hospital as it is now
        raise Resync
    to_move = _to_move(changes)
    day = Day(date.fromisoformat(key))
    doctors = {pk for c in changes for pk in c.doctors} | _doctors_of_people(changes, day)
    if not doctors:
        return to_move
    day.load(only=doctors)
    shown = {c.doctor.pk: day.column_html(c) for c in day.columns}
    parts = [_who({c.pk for c in changes if c.noun == "appointment"})]
    for pk in sorted(doctors):
        if pk in shown:
            parts.append(f'<hx-partial hx-target="#column-{pk}" hx-swap="outerMorph">{shown[pk]}</hx-partial>')
        else:
            parts.append(f'<hx-partial hx-target="#column-{pk}" hx-swap="delete"></hx-partial>')
    if day.is_today:
        parts.append(f'<hx-partial hx-target="#queue" hx-swap="outerMorph">{day.queue_html()}</hx-partial>')
    return "".join([*parts, to_move])


def _to_move(changes):
    """The notice of visits to move, when these changes may have touched one."""
    nouns = {c.noun for c in changes}
    visits = [c.pk for c in changes if c.noun == "appointment"]
    touched = "to_move" in nouns or (visits and VisitToMove.objects.filter(appointment__in=visits).exists())
    if not touched:
        return ""
    return f'<hx-partial hx-target="#to-move" hx-swap="outerHTML">{notice()}</hx-partial>'


def _doctors_of_people(changes, day):
    """The doctors whose columns show a renamed patient, or who were renamed themselves."""
    users = {c.pk for c in changes if c.noun == "user"}
    patients = {c.pk for c in changes if c.noun == "patient"}
    if not users and not patients:
        return set()
    patients |= set(Patient.objects.filter(user__in=users).values_list("pk", flat=True))
    on_the_day = Appointment.objects.filter(appointment_date__gte=day.begins, appointment_date__lt=day.ends)
    found = set(on_the_day.filter(patient__in=patients).values_list("doctor_id", flat=True))
    return found | set(User.objects.filter(pk__in=users, doctor__isnull=False).values_list("doctor__pk", flat=True))


def _who(appointments):
    """Who changed these appointments last, for the screens to name; nobody if it was done outside HMS."""
    events = apps.get_model("hms", "AppointmentEvent").objects
    last = events.filter(pgh_obj_id__in=appointments).values("pgh_obj_id").annotate(last=Max("pgh_id"))
    by = dict(events.filter(pgh_id__in=[row["last"] for row in last]).values_list("pgh_obj_id", "pgh_context__user"))
    names = {u.pk: str(u) for u in User.objects.filter(pk__in={u for u in by.values() if u})}
    rows = format_html_join(
        "", '<li data-appointment="{}" data-by="{}">{}</li>', ((pk, u or "", names.get(u, "")) for pk, u in by.items())
    )
    return format_html('<hx-partial hx-target="#changes" hx-swap="innerHTML">{}</hx-partial>', rows)
