"""One appointment: its panel, and booking, editing, moving and cancelling it."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from frontdesk.forms.booking import BookingForm, CancelForm, EditForm, MoveForm, compact, parse_compact
from frontdesk.views.answers import board_url, changed, panel_context
from frontdesk.views.day import asked_day
from hms.dates import parse_date
from hms.domain import audit, hours, scheduling, visits
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Appointment, Doctor, Patient

FORM = ["GET", "HEAD", "POST"]


def _get(request, pk):
    return get_object_or_404(Appointment.objects.visible_to(request.user).with_people(), pk=pk)


def _panel(request, template, context, status=200):
    """The side panel's inside for htmx, and the same as a page of its own for everybody else."""
    if request.htmx:
        return render(request, f"frontdesk/_{template}.html", context, status=status)
    return render(request, "frontdesk/panel.html", context | {"panel": f"frontdesk/_{template}.html"}, status=status)


@require_safe
def appointment(request, pk):
    """Details, history, and every step that is allowed now."""
    appointment = _get(request, pk)
    if not is_background(request):  # the panel that refreshes itself is not another look
        audit.viewed(appointment.patient, by=request.user, action="appointment.viewed")
    return _panel(request, "appointment_panel", panel_context(appointment))


@require_http_methods(FORM)
def appointment_new(request):
    """Book: from a free slot (``?doctor=&at=``), for a patient (``?patient=``), or from nothing."""
    form = BookingForm(request.POST or None, initial=_initial(request))
    # Without scripts, the buttons of the picker send one more patient, an empty one: to search is not yet to book.
    searching = request.POST.getlist("patient")[1:] and not request.POST["patient"]
    if searching:
        form.errors.clear()
    elif request.method == "POST" and form.is_valid():
        try:
            appointment = form.book(by=request.user)
        except DomainError as e:
            form.refuse(e)
        else:
            at = f"{appointment.appointment_date.astimezone(hospital().zone):%d-%b %H:%M}"
            return _done(request, appointment, _("Booked for %(time)s") % {"time": at})
    status = form.status if form.is_bound and form.errors else 200
    return _panel(request, "booking_panel", {"form": form, **_beside(form)}, status)


def _initial(request):
    """What the link that led here already knew; anything odd in it is left out."""
    start = parse_compact(request.GET.get("at"))
    initial = {"duration": 2 * hospital().slot}
    if start:
        initial |= BookingForm.at(start)
    else:
        initial["date"] = asked_day(request)[0]
    for name, rows in (("doctor", Doctor.objects), ("patient", Patient.objects.select_related("user"))):
        if (value := request.GET.get(name, "")).isdecimal() and len(value) < 19:
            initial[name] = rows.filter(pk=value).first()
    until = parse_compact(request.GET.get("until"))
    if start and until:
        # A gap shorter than the usual visit: offer what fits.
        initial["duration"] = min(initial["duration"], max(until - start, timedelta(minutes=5)))
    return initial


def _beside(form):
    """What the booking form shows beside its fields: the chosen patient."""
    patient = form["patient"].value() if "patient" in form.fields else None
    if not isinstance(patient, Patient):
        known = str(patient or "").isdecimal() and len(str(patient)) < 19
        patient = Patient.objects.select_related("user").filter(pk=patient).first() if known else None
    return {"chosen_patient": patient}


def _day(request):
    """The day typed beside the free times; today for anything that is none."""
    try:
        return min(
            parse_date(request.GET.get("date", "")) or hospital().today(), hospital().today() + timedelta(days=730)
        )
    except ValueError:
        return hospital().today()


@require_safe
def free_times(request):
    """The first five free times of a doctor (``?doctor=&duration=&date=``), or of everybody, as buttons."""
    number = {k: request.GET.get(k, "") for k in ("doctor", "department", "duration")}
    doctors = Doctor.objects.in_order().filter(is_available=True, user__is_active=True)
    for name in ("doctor", "department"):
        if number[name].isdecimal() and len(number[name]) < 19:
            doctors = doctors.filter(**{"pk" if name == "doctor" else name: number[name]})
    minutes = int(number["duration"]) if number["duration"].isdecimal() and len(number["duration"]) < 4 else 30
    found = hours.free_times(
        list(doctors),
        after=max(hospital().day_bounds(_day(request))[0], timezone.now()),
        duration=timedelta(minutes=min(max(minutes, 5), 480)),
    )
    several = len({d.pk for d, _t in found}) > 1
    context = {"free_times": [(d, t, compact(t)) for d, t in found], "several": several}
    return render(request, "frontdesk/_free_times.html", context)


@require_http_methods(FORM)
def appointment_edit(request, pk):
    """What the visit is about and how long it takes."""
    appointment = _get(request, pk)
    initial = {k: getattr(appointment, k) for k in ("reason", "notes", "duration", "version")}
    form = EditForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        before = appointment
        try:
            appointment = scheduling.edit(appointment, start=form.instead, by=request.user, **form.cleaned_data)
        except DomainError as e:
            form.refuse(e)
        else:
            return _done(request, appointment, _("Saved"), before=before)
    status = form.status if form.is_bound and form.errors else 200
    return _panel(request, "edit_panel", {"form": form, "appointment": appointment}, status)


@require_http_methods(FORM)
def appointment_move(request, pk):
    """To another time or doctor: by the form, by a card that was dragged, or back again by Undo."""
    appointment = _get(request, pk)
    initial = {"doctor": appointment.doctor, "duration": appointment.duration, "version": appointment.version}
    form = MoveForm(request.POST or None, initial=initial | MoveForm.at(appointment.appointment_date))
    if request.method == "POST" and form.is_valid():
        before = _get(request, pk)
        try:
            appointment = form.move(appointment, by=request.user)
        except DomainError as e:
            form.refuse(e)
        else:
            minutes = before.duration // timedelta(minutes=1)
            back = f"{before.doctor_id}@{compact(before.appointment_date)}@{minutes}"
            at = f"{appointment.appointment_date.astimezone(hospital().zone):%d-%b %H:%M}"
            done = _("Moved to %(time)s, %(doctor)s") % {"time": at, "doctor": appointment.doctor}
            return _done(
                request, appointment, done, before=before, undo="appointment-move-back", undo_field=("back", back)
            )
    status = form.status if form.is_bound and form.errors else 200
    context = {"form": form, "appointment": appointment, **_beside(form)}
    return _panel(request, "move_panel", context, status)


@require_http_methods(["POST"])
def appointment_move_back(request, pk):
    """Undo of a move: to what ``back`` says (``doctor id@moment@minutes``), without asking for a reason again."""
    appointment = _get(request, pk)
    number, moment, minutes = [*request.POST.get("back", "").split("@"), "", "", ""][:3]
    doctor = Doctor.objects.filter(pk=number).first() if number.isdecimal() and len(number) < 19 else None
    start, before, refusal, in_the_way = parse_compact(moment), appointment, None, ()
    if doctor is None or start is None or not (minutes.isdecimal() and len(minutes) < 4):
        refusal = _("That could not be undone. Move the appointment by hand.")
    else:
        try:
            appointment = scheduling.reschedule(
                appointment,
                doctor=doctor,
                start=start,
                duration=timedelta(minutes=int(minutes)),
                by=request.user,
                override_reason=before.override_reason or _("Move undone"),
            )
        except DomainError as e:
            refusal, in_the_way = str(e), getattr(e, "in_the_way", ())
    if request.htmx:
        known = {"refusal": refusal, "in_the_way": in_the_way}
        return changed(request, appointment, done=_("Moved back"), before=before, **known)
    messages.add_message(request, messages.ERROR if refusal else messages.SUCCESS, refusal or _("Moved back"))
    return redirect(board_url(appointment))


@require_http_methods(FORM)
def appointment_cancel(request, pk):
    """Give the time back, saying why."""
    appointment = _get(request, pk)
    form = CancelForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            appointment = visits.cancel(appointment, by=request.user, reason=form.cleaned_data["reason"])
        except DomainError as e:
            form.add_error(None, str(e))
            status = 409
        else:
            return _done(request, appointment, _("Cancelled"), undo="appointment-reinstate")
    elif form.is_bound:
        status = 422
    return _panel(request, "cancel_panel", {"form": form, "appointment": appointment}, status)


def _done(request, appointment, done, **way_back):
    """After a form: the board's columns and the appointment's panel, or back to the board."""
    if request.htmx:
        panel = render_to_string("frontdesk/_appointment_panel.html", panel_context(appointment), request)
        return changed(request, appointment, done=done, panel=panel, **way_back)
    messages.success(request, done)
    return redirect(board_url(appointment))


def book_url(**known):
    """The booking form's address with what is already known."""
    return f"{reverse('frontdesk:appointment-new')}?{urlencode(known)}"
