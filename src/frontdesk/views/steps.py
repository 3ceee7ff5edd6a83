"""The steps of a visit, a view each. The card moves on; the answer carries its column and a way back."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from frontdesk.views.answers import board_url, changed
from hms.domain import visits
from hms.errors import DomainError
from hms.models import Appointment


def _step(request, pk, verb, done, undo=None, undo_field=None):
    """Take one step and answer: the changed columns with a toast for htmx, the board's page for everybody else."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).with_people(), pk=pk)
    refusal, known = None, {}
    try:
        appointment = verb(appointment, by=request.user)
    except DomainError as e:
        refusal = str(e)
        known = {"in_the_way": getattr(e, "in_the_way", ()), "instead": getattr(e, "free_times", ())}
        appointment.refresh_from_db()
    if request.htmx:
        return changed(request, appointment, done=done, undo=undo, undo_field=undo_field, refusal=refusal, **known)
    messages.add_message(request, messages.ERROR if refusal else messages.SUCCESS, refusal or done)
    return redirect(board_url(appointment))


@require_POST
def appointment_confirm(request, pk):
    return _step(request, pk, visits.confirm, _("Confirmed"), undo="appointment-unconfirm")


@require_POST
def appointment_unconfirm(request, pk):
    return _step(request, pk, visits.unconfirm, _("No longer confirmed"))


@require_POST
def appointment_check_in(request, pk):
    return _step(request, pk, visits.check_in, _("Arrived"), undo="appointment-undo-check-in")


@require_POST
def appointment_undo_check_in(request, pk):
    return _step(request, pk, visits.undo_check_in, _("No longer marked as arrived"))


@require_POST
def appointment_start(request, pk):
    return _step(request, pk, visits.start, _("Called in"), undo="appointment-undo-start")


@require_POST
def appointment_undo_start(request, pk):
    return _step(request, pk, visits.undo_start, _("Back in the waiting room"))


@require_POST
def appointment_complete(request, pk):
    return _step(request, pk, visits.complete, _("Done"), undo="appointment-reopen")


@require_POST
def appointment_reopen(request, pk):
    return _step(request, pk, visits.reopen, _("In progress again"))


@require_POST
def appointment_no_show(request, pk):
    return _step(request, pk, visits.no_show, _("Marked as missed"), undo="appointment-reinstate")


@require_POST
def appointment_reinstate(request, pk):
    was = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    if was.status == Appointment.Status.NO_SHOW:
        return _step(request, pk, visits.reinstate, _("Reinstated"), undo="appointment-no-show")
    # The way back is cancelling again, for the reason that there was.
    reason = ("reason", was.cancel_reason or _("Reinstated by mistake"))
    return _step(request, pk, visits.reinstate, _("Reinstated"), undo="appointment-cancel", undo_field=reason)
