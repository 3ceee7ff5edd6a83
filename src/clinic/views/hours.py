"""My hours: the week, single extra hours, leave; what they leave to the desk."""

from datetime import timedelta

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.forms import ExtraHoursForm, LeaveForm, WeekForm
from hms.domain import leave
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import TimeOff, VisitToMove, WorkingHours
from hms.models.scheduling import Weekday


@require_safe
def hours(request):
    """My week as it is and as it will be, extra hours, leave, and visits that the desk still has to move."""
    doctor, today = request.user.doctor, hospital().today()
    rows = list(WorkingHours.objects.filter(doctor=doctor).exclude(valid_until__lt=today).order_by("weekday", "start"))
    weekly = [row for row in rows if row.valid_from != row.valid_until]
    begins = sorted({max(row.valid_from, today) for row in weekly} | {today})
    context = {
        "weeks": [(day, _week(weekly, day)) for day in begins],
        "today": today,
        "extra": sorted((r for r in rows if r.valid_from == r.valid_until), key=lambda r: (r.valid_from, r.start)),
        "off": TimeOff.objects.filter(doctor=doctor, end__gt=timezone.now()),
        "to_move": VisitToMove.objects.unresolved()
        .filter(doctor=doctor)
        .select_related("appointment__patient__user")
        .order_by("start"),
    }
    return render(request, "clinic/hours.html", context)


def _week(rows, day):
    """``[(weekday, its rows), …]`` in force in the week that begins at ``day``."""
    in_force = [r for r in rows if r.valid_from <= day and (r.valid_until is None or r.valid_until >= day)]
    return [(label, [r for r in in_force if r.weekday == number]) for number, label in Weekday.choices]


def _seen(request):
    """The visits (ids) that were shown, and with which the button says to go on; none if it only checks again."""
    if "go_on" not in request.POST:
        return []
    return [int(pk) for pk in request.POST.getlist("seen") if pk.isdecimal() and len(pk) < 19]


def _posted(request):
    return request.POST if request.method == "POST" else None


def _answer(request, template, form, act):
    """Do ``act`` with a valid form; show the form again with what is wrong or in the way."""
    visits, status = [], 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                done = act(form)
            except leave.VisitsInTheWay as e:
                visits, status = e.visits, 409
            except DomainError as e:
                form.add_error(_field(form, e.field), str(e))
            else:
                messages.success(request, done)
                return redirect("clinic:hours")
    return render(request, template, {"form": form, "visits": visits}, status=status)


def _field(form, name):
    """The form's field that a refusal names; of a weekday's fields the first."""
    return next((f for f in (name, f"{name}_from1") if f in form.fields), None)


def _told(visits):
    return _(" The desk sees %(n)d visits to move.") % {"n": visits} if visits else ""


@require_http_methods(["GET", "HEAD", "POST"])
def leave_new(request):
    """Be away: whole days or hours."""

    def act(form):
        start, end = form.span()
        seen = _seen(request)
        taken = leave.take(
            request.user.doctor, start=start, end=end, reason=form.cleaned_data["reason"], by=request.user, seen=seen
        )
        return _("Your time off is entered.") + _told(taken.to_move.count())

    return _answer(request, "clinic/leave_new.html", LeaveForm(_posted(request)), act)


@require_POST
def leave_withdraw(request, pk):
    time_off = get_object_or_404(TimeOff, pk=pk, doctor=request.user.doctor)
    try:
        leave.withdraw(time_off, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Withdrawn. You can be booked in that time again."))
    return redirect("clinic:hours")


@require_http_methods(["GET", "HEAD", "POST"])
def week_edit(request):
    """Other weekly hours, from a day on."""
    doctor, today = request.user.doctor, hospital().today()
    rows = WorkingHours.objects.filter(doctor=doctor, valid_until=None).order_by("weekday", "start")
    initial = WeekForm.of(rows) | {"valid_from": today + timedelta(days=7 - today.weekday())}
    form = WeekForm(_posted(request), initial=initial)

    def act(form):
        seen, begins = _seen(request), form.cleaned_data["valid_from"]
        leave.set_week(doctor, week=form.week(), valid_from=begins, by=request.user, seen=seen)
        return _("Your new hours begin on %(day)s.") % {"day": f"{begins:%d-%b-%Y}"} + _told(len(seen))

    return _answer(request, "clinic/week_edit.html", form, act)


@require_http_methods(["GET", "HEAD", "POST"])
def extra_new(request):
    """Work on a day, or at an hour, on which one otherwise does not."""

    def act(form):
        leave.add_hours(request.user.doctor, **form.cleaned_data, by=request.user)
        return _("Your extra hours are entered. The desk can book them now.")

    return _answer(request, "clinic/extra_new.html", ExtraHoursForm(_posted(request)), act)


@require_POST
def extra_remove(request, pk):
    """Take extra hours back; visits in them are shown first."""
    row = get_object_or_404(WorkingHours, pk=pk, doctor=request.user.doctor)
    try:
        leave.remove_hours(row, by=request.user, seen=_seen(request))
    except leave.VisitsInTheWay as e:
        return render(request, "clinic/extra_remove.html", {"row": row, "visits": e.visits}, status=409)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Removed.") + _told(len(_seen(request))))
    return redirect("clinic:hours")
