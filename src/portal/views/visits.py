"""One visit: what it is, its calendar file, moving, cancelling, confirming and checking in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hms.domain import letters, self_service
from hms.errors import DomainError, Stale
from hms.models import Appointment
from portal.own import own
from portal.views.book import FORM, chosen, drawn, stamp


def _visit(request, pk):
    return get_object_or_404(Appointment.objects.with_people().filter(patient=request.patient), pk=pk)


@require_safe
@own
def visit(request, pk):
    """What is booked, and what can be done about it."""
    appointment = _visit(request, pk)
    context = {
        "visit": appointment,
        "why_not": self_service.why_not_change(appointment),
        "may_check_in": self_service.may_check_in(appointment),
    }
    return render(request, "portal/visit.html", context)


@require_safe
@own
def visit_calendar(request, pk):
    """The visit as a calendar file."""
    response = HttpResponse(letters.calendar_file(_visit(request, pk)), content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="visit.ics"'
    return response


@require_http_methods(FORM)
@own
def visit_move(request, pk):
    """Another time, in one step."""
    return move(request, _visit(request, pk), back=reverse("portal:visit", args=[pk]))


def move(request, appointment, *, back, by_link=False):
    """The page of free times for a visit, and its answer; ``back`` is the page of the visit."""
    department = appointment.doctor.department
    doctors = self_service.doctors(department)
    refusal = self_service.why_not_change(appointment)
    if request.method == "POST":
        try:
            among, start = chosen(request, doctors)
            if start != appointment.appointment_date or appointment.doctor_id not in {d.pk for d in among}:
                unchanged(request, appointment)  # else: clicked twice
                self_service.move_to_any(appointment, among, start=start, by=appointment.patient.user)
        except DomainError as e:
            refusal = refusal or str(e)
            appointment = Appointment.objects.with_people().get(pk=appointment.pk)
        else:
            messages.success(request, _("Your visit has a new time."))
            return redirect(back)
    if self_service.why_not_change(appointment):
        shown, days = [], []
    else:
        shown = [d for d in doctors if request.GET.get("all") or d.pk == appointment.doctor_id]
        days = self_service.free(shown, department=department, patient=appointment.patient, moving=appointment)
    context = {
        "visit": appointment,
        "seen": stamp(appointment.doctor_id, appointment.appointment_date),
        "days": drawn(
            days,
            path=request.path,
            asked=request.GET.get("day"),
            several=len(shown) > 1,
            all_doctors=bool(request.GET.get("all")),
        ),
        "refusal": refusal,
        "several": len(shown) > 1,
        "back": back,
        "by_link": by_link,
    }
    return render(request, "portal/visit_move.html", context, status=409 if refusal else 200)


def unchanged(request, appointment):
    """Refuse to act on a visit that has another time by now than the page showed on which a button was pressed."""
    if request.POST.get("seen", "") not in {"", stamp(appointment.doctor_id, appointment.appointment_date)}:
        raise Stale(_("This visit has been moved meanwhile. Look at its new time first."))


@require_http_methods(FORM)
@own
def visit_cancel(request, pk):
    """Two clicks: asked once whether it is meant."""
    appointment = _visit(request, pk)
    if request.method == "POST":
        return _do(request, appointment, self_service.cancel, _("Your visit is cancelled."))
    context = {"visit": appointment, "why_not": self_service.why_not_change(appointment)}
    context["seen"] = stamp(appointment.doctor_id, appointment.appointment_date)
    return render(request, "portal/visit_cancel.html", context)


@require_POST
@own
def visit_confirm(request, pk):
    """I will come."""
    return _do(request, _visit(request, pk), self_service.confirm, _("Thank you. We expect you."))


@require_POST
@own
def visit_check_in(request, pk):
    """I am here."""
    done = _("You are checked in. Please take a seat; we call you.")
    return _do(request, _visit(request, pk), self_service.check_in, done)


def _do(request, appointment, verb, done):
    try:
        unchanged(request, appointment)
        verb(appointment, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, done)
    return redirect("portal:visit", appointment.pk)
