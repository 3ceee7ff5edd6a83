"""My day: the doctor's list and queue, live with the desk."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from clinic.day import MyDay, unfinished, week, wishes
from hms import live
from hms.dates import parse_date
from hms.domain import audit, privacy, visits
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Appointment, Patient, Wish


def asked_day(request):
    """``(day, what is wrong with the one asked for)`` of ``?day=``; today for anything that is none."""
    text, today = request.GET.get("day", "").strip(), hospital().today()
    try:
        day = parse_date(text) if text else today
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= today.year + 10:
        return today, _("“%(day)s” is not a day. Showing today.") % {"day": text[:30]}
    return day, ""


@require_safe
def home(request):
    """My list and queue of a day (``?day=``), the week around it, and the notes that wait to be finished."""
    date, problem = asked_day(request)
    doctor = request.user.doctor
    day = MyDay(doctor, date)
    if day.rows and not is_background(request):
        audit.searched(len(day.rows), by=request.user, detail="my day")
    unfinished_count, oldest = unfinished(doctor)
    context = {
        "day": day,
        "problem": problem,
        "week": week(doctor, date),
        "today": hospital().today(),
        "unfinished": oldest,
        "unfinished_count": unfinished_count,
        "unfinished_later": unfinished_count - len(oldest),
        "wishes": wishes(doctor),
    }
    return render(request, "clinic/home.html", context)


@require_safe
def day_stream(request):
    """What changes in my list."""
    return live.stream(request, "clinic", f"doctor:{request.user.doctor.pk}")


@require_POST
def call_next(request):
    """Call in whoever has waited longest, and open the consultation."""
    waiting = MyDay(request.user.doctor, hospital().today()).waiting
    for visit in waiting:
        try:
            visits.start(visit, by=request.user)
        except DomainError:  # the desk was quicker with this one: the next
            continue
        return redirect("clinic:consultation", visit.pk)
    messages.info(request, _("Nobody is waiting."))
    return redirect("clinic:home")


STEPS = {
    "check-in": (visits.check_in, gettext_lazy("Arrived")),
    "start": (visits.start, gettext_lazy("Called in")),
    "undo-start": (visits.undo_start, gettext_lazy("Back in the waiting room")),
    "complete": (visits.complete, gettext_lazy("Visit completed")),
    "reopen": (visits.reopen, gettext_lazy("In progress again")),
}


@require_POST
def appointment_step(request, pk, step):
    """Take one step of my own visit, as the desk would; the desk's board follows by itself."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    if step not in STEPS:
        raise Http404
    verb, done = STEPS[step]
    try:
        verb(appointment, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, done)
    if step == "complete" and request.POST.get("then") == "day":
        return redirect("clinic:home")
    return redirect("clinic:consultation", pk)


@require_POST
def wish_done(request, pk):
    """Answer what a patient said is wrong; they read the answer with their record."""
    mine = Patient.objects.clinical_for(request.user)
    wish = get_object_or_404(Wish, pk=pk, kind=Wish.Kind.CORRECT, patient__in=mine)
    try:
        privacy.answer(wish, text=request.POST.get("answer", ""), by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Answered."))
    return redirect("clinic:home")
