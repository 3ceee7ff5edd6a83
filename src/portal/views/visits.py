"""One visit: what it is, its calendar file, moving, cancelling, confirming and checking in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hms.domain import letters, self_service
from hms.errors import DomainError
from hms.models import Appointment
from portal.own import own
from portal.views.book import FORM, _buttons, moment


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
    appointment = _visit(request, pk)
    department = appointment.doctor.department
    doctors = self_service.doctors(department)
    refusal = self_service.why_not_change(appointment)
    if request.method == "POST" and not refusal:
        number, _at, text = request.POST.get("at", "").partition("@")
        chosen, start = next((d for d in doctors if str(d.pk) == number), None), moment(text)
        try:
            if chosen is None or start is None:
                raise DomainError(_("Choose one of the times."))
            self_service.move(appointment, doctor=chosen, start=start, by=request.user)
        except DomainError as e:
            refusal = str(e)
        else:
            messages.success(request, _("Your visit has a new time."))
            return redirect("portal:visit", pk)
    own = [appointment.doctor] if not request.GET.get("all") else doctors
    own = [d for d in doctors if d.pk in {o.pk for o in own}]
    days = (
        self_service.free(own, department=department, patient=request.patient, moving=appointment)
        if not self_service.why_not_change(appointment)
        else []
    )
    context = {"visit": appointment, "days": _buttons(days), "refusal": refusal, "several": len(own) > 1}
    return render(request, "portal/visit_move.html", context, status=409 if refusal else 200)


@require_http_methods(FORM)
@own
def visit_cancel(request, pk):
    """Two clicks: asked once whether it is meant."""
    appointment = _visit(request, pk)
    if request.method == "POST":
        return _do(
            request, pk, lambda: self_service.cancel(appointment, by=request.user), _("Your visit is cancelled.")
        )
    context = {"visit": appointment, "why_not": self_service.why_not_change(appointment)}
    return render(request, "portal/visit_cancel.html", context)


@require_POST
@own
def visit_confirm(request, pk):
    appointment = _visit(request, pk)
    return _do(request, pk, lambda: self_service.confirm(appointment, by=request.user), _("Thank you. We expect you."))


@require_POST
@own
def visit_check_in(request, pk):
    """I am here."""
    appointment = _visit(request, pk)
    done = _("You are checked in. Please take a seat; we call you.")
    return _do(request, pk, lambda: self_service.check_in(appointment, by=request.user), done)


def _do(request, pk, verb, done):
    try:
        verb()
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, done)
    return redirect("portal:visit", pk)


# --- by the link of a letter: whoever holds it may confirm or cancel this one visit, and sees no name


@require_http_methods(FORM)
def visit_link(request, token):
    """Confirm or cancel without signing in. Nothing happens before a button is pressed."""
    appointment = letters.visit_of(token)
    if appointment is None:
        return render(request, "portal/visit_link.html", {"visit": None}, status=404)
    user, done, refusal = appointment.patient.user, "", ""
    if request.method == "POST":
        try:
            if request.POST.get("do") == "cancel":
                appointment, done = self_service.cancel(appointment, by=user), _("Your visit is cancelled.")
            elif request.POST.get("do") == "confirm":
                appointment, done = self_service.confirm(appointment, by=user), _("Thank you. We expect you.")
            else:
                refusal = _("Choose what you want to do.")
        except DomainError as e:
            refusal = str(e)
    context = {"visit": appointment, "done": done, "refusal": refusal}
    context["why_not"] = self_service.why_not_change(appointment)
    return render(request, "portal/visit_link.html", context, status=409 if refusal else 200)
