"""What the board's actions answer to htmx: the columns that changed, a toast, and the open panel brought up to date."""

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from frontdesk.board import Day
from frontdesk.history import history
from hms.domain.settings import hospital
from hms.models import Appointment


def board_url(appointment):
    """The day board at this appointment."""
    day = appointment.appointment_date.astimezone(hospital().zone).date()
    return f"{reverse('frontdesk:day')}?day={day:%Y-%m-%d}#appointment-{appointment.pk}"


def columns(appointments, refusals=None):
    """``[(doctor id, column HTML), …]`` of the days and doctors that these appointments are on."""
    wanted = {}
    for a in appointments:
        wanted.setdefault(a.appointment_date.astimezone(hospital().zone).date(), set()).add(a.doctor_id)
    found = []
    for date, doctors in wanted.items():
        day = Day(date).load(only=doctors)
        found += [(c.doctor.pk, day.column_html(c, refusals)) for c in day.columns]
    return found


def changed(
    request,
    appointment,
    *,
    done="",
    undo=None,
    undo_field=None,
    refusal=None,
    in_the_way=(),
    instead=(),
    before=None,
    panel=None,
):
    """One appointment changed, or was not allowed to.

    ``undo`` is the URL name of the way back, ``undo_field`` the ``(name, value)`` it is sent with; ``in_the_way``
    the appointments that a refusal is about and ``instead`` the free times to book then; ``before`` a copy from before
    a move, whose column changed too; ``panel`` HTML to show in the side panel.
    """
    context = {
        "appointment": appointment,
        "columns": _unless_elsewhere(request, appointment, before, refusal),
        "done": done,
        "undo": undo and reverse(f"frontdesk:{undo}", args=[appointment.pk]),
        "undo_field": undo_field,
        "refusal": refusal,
        "in_the_way": in_the_way,
        "instead": instead,
        "panel": panel,
    }
    if not panel:  # else it has been drawn already
        context |= panel_context(appointment)
    return render(request, "frontdesk/_appointment_changed.html", context, status=409 if refusal else 200)


def _unless_elsewhere(request, appointment, before, refusal):
    """The columns to send: those of the day that the asking screen shows. Live screens get the rest by push."""
    shown = request.headers.get("X-Board-Day") or ""
    days = [a for a in (before, appointment) if a is not None]
    zone = hospital().zone
    days = [a for a in days if f"{a.appointment_date.astimezone(zone):%Y-%m-%d}" == shown] if shown else days[-1:]
    refusals = {appointment.pk: refusal} if refusal else None
    return columns(days, refusals) if days else []


def panel_context(appointment):
    """What the side panel says of an appointment."""
    return {
        "appointment": appointment,
        "actions": actions(appointment),
        "history": history(appointment),
        "day_url": board_url(appointment),
    }


def actions(appointment):
    """The steps that are allowed now: ``[(URL name, label, look), …]``, the likely next one first."""
    Status = Appointment.Status
    today = appointment.appointment_date.astimezone(hospital().zone).date() == hospital().today()
    if appointment.status == Status.IN_PROGRESS:
        return [("complete", _("Done"), "primary"), ("undo-start", _("Back to waiting room"), "")]
    if appointment.status == Status.COMPLETED:
        return [("reopen", _("Reopen"), "")]
    if not appointment.is_live:
        return [("reinstate", _("Reinstate"), "primary")]
    found = []
    if appointment.has_arrived:
        found += [("start", _("Call in"), "primary"), ("undo-check-in", _("Not arrived after all"), "")]
    elif today:
        found += [("check-in", _("Arrived"), "primary"), ("start", _("Call in"), "")]
    if appointment.status == Status.SCHEDULED and not appointment.has_arrived:
        found.append(("confirm", _("Confirm"), "" if found else "primary"))
    elif not appointment.has_arrived:
        found.append(("unconfirm", _("Not confirmed after all"), ""))
    if not appointment.has_arrived and appointment.appointment_date <= timezone.now():
        found.append(("no-show", _("Did not come"), ""))
    return found
