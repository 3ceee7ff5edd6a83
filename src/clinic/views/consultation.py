"""The consultation: one page with all that a visit needs, each part of it written where it is read."""

from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from clinic.banner import banner
from hms import live
from hms.domain import audit, hours, notes, records, relations, scheduling, set_aside, timeline, visits
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Appointment, MedicalRecord
from hms.views import error

DISTANCES = [
    (7, gettext_lazy("1 week")),
    (14, gettext_lazy("2 weeks")),
    (28, gettext_lazy("4 weeks")),
    (84, gettext_lazy("3 months")),
]
FOLLOW_UPS = 6  # free times offered
COMPACT = "%Y%m%dT%H%MZ"

NAMES = ("vitals", "diagnoses", "prescriptions", "allergies", "problems")  # of the sections that one writes in
# What they show after a refusal: its words, what was typed and is not saved, the id of the row that was refused.
NOTHING = [("refusal", ""), ("kept", []), ("at", None)]
# Functions(appointment, record or None, user) → context of a section; each section's module adds its own (clinic.urls
# imports them all).
SECTIONS = []


@require_safe
def consultation(request, pk):
    """The visit's page. Opening it is a look at the record, and is written down."""
    appointment = get_object_or_404(Appointment.objects.open_to(request.user).with_people(), pk=pk)
    if not readable(appointment, request.user):
        return redirect("clinic:patient-open", appointment.patient_id)
    if not is_background(request):
        audit.viewed(appointment.patient, by=request.user, action="record.viewed")
    return page(request, appointment)


def readable(appointment, user):
    """Whether somebody to whom the visit is open may read of its patient: one called off is no relation by itself."""
    return appointment.is_live or relations.access(appointment.patient_id, by=user) is not None


def called_off(request, appointment, refusal, typed):
    """What is said to somebody who may no longer read here, with what they typed; nothing of the patient."""
    if request.htmx:
        return error(request, 409, _("Not saved"), str(refusal))  # the page keeps what is typed in it
    context = {"appointment": appointment, "refusal": str(refusal), "kept": typed}
    return render(request, "clinic/called_off.html", context, status=409)


def page(
    request,
    appointment,
    *,
    status=200,
    typed=None,
    refusal="",
    conflict=None,
    extra=None,
):
    """The page; ``typed`` are texts to show instead of the saved ones, after a refusal."""
    if not readable(appointment, request.user):
        raise Http404
    records = list(
        MedicalRecord.objects.filter(appointment=appointment).select_related("signed_by").order_by("created_at", "pk")
    )
    record = next((r for r in records if r.amends_id is None), None)
    texts = {name: getattr(record, name, "") for name in notes.FIELDS} | (typed or {})
    labels = {name: MedicalRecord._meta.get_field(name).verbose_name for name in notes.FIELDS}
    context = {
        "appointment": appointment,
        "patient": appointment.patient,
        "record": record,
        "addenda": [r for r in records if r.amends_id],
        "fields": [(name, labels[name], text) for name, text in texts.items()],
        "writable": appointment.is_live and not (record and record.is_signed),
        "mine": appointment.doctor.user_id == request.user.pk,
        "can_start": appointment.is_waiting_to_happen and not visits.is_of_a_later_day(appointment),
        "previous": _previous(appointment),
        "distances": DISTANCES,
        "refusal": refusal,
        "conflict": conflict,
        "set_aside": [
            (row, [(labels[name], text) for name, text in row.texts.items()])
            for row in set_aside.waiting(appointment, by=request.user)
            if not (conflict and row == conflict["kept"])
        ],
        "saved_at": record and notes.saved_at(record),
    }
    context |= context_of(request, appointment, record) | (extra or {})
    return render(request, "clinic/consultation.html", context, status=status)


def context_of(request, appointment, record):
    """What the sections show, and in which order they stand."""
    context = {
        "appointment": appointment,
        "patient": appointment.patient,
        "record": record,
        "writable": appointment.is_live and not (record and record.is_signed),
        "mine": appointment.doctor.user_id == request.user.pk,
        "alone": False,
        "sign_problem": "",
        "addendum": "",
        "addendum_problem": "",
    }
    context |= {f"{name}_{what}": nothing for name in NAMES for what, nothing in NOTHING}
    for section in SECTIONS:
        for name, value in section(appointment, record, request.user).items():
            # The templates of the page's sections, in order; everything else is what they show.
            context[name] = [*context.get(name, []), *value] if name.startswith("sections_") else value
    return context


def _previous(appointment):
    """The patient's last signed record before this visit, to read beside it."""
    return (
        MedicalRecord.objects.filter(patient_id=appointment.patient_id, signed_at__isnull=False, amends=None)
        .exclude(appointment=appointment)
        .filter(created_at__lt=max(appointment.appointment_date, timezone.now()))
        .select_related("doctor__user")
        .only("created_at", *records.TEXTS, *timeline.named("doctor__user"))
        .order_by("-created_at")
        .first()
    )


@require_safe
def consultation_stream(request, pk):
    """What others change of this visit and its record."""
    appointment = get_object_or_404(Appointment.objects.open_to(request.user), pk=pk)
    return live.stream(request, "clinic", f"visit:{appointment.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
def follow_up(request, pk):
    """Free times for the next visit, so many days from now (``?days=``); posting one books it."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).with_people(), pk=pk)
    if request.method == "POST":
        return _book(request, appointment)
    days = request.GET.get("days", "")
    days = min(int(days), 700) if days.isdecimal() and len(days) < 5 else DISTANCES[0][0]
    after = max(hospital().day_bounds(hospital().today() + timedelta(days=days))[0], timezone.now())
    free = hours.free_times([appointment.doctor], after=after, duration=appointment.duration, limit=FOLLOW_UPS)
    context = {"appointment": appointment, "free": [(start, start.strftime(COMPACT)) for _doctor, start in free]}
    context |= {"days": days, "distances": DISTANCES}
    if request.htmx:
        return render(request, "clinic/_follow_up_times.html", context)
    return render(request, "clinic/follow_up.html", context | banner(appointment.patient))


def _book(request, appointment):
    try:
        start = datetime.strptime(request.POST.get("at", ""), COMPACT).replace(tzinfo=UTC)
    except ValueError:
        messages.error(request, _("Choose one of the free times."))
        return redirect("clinic:follow-up", appointment.pk)
    try:
        booked = scheduling.book(
            patient=appointment.patient,
            doctor=appointment.doctor,
            start=start,
            duration=appointment.duration,
            reason=(request.POST.get("reason", "").strip() or _("Follow-up"))[:500],
            by=request.user,
        )
    except DomainError as e:
        messages.error(request, str(e))
        return redirect("clinic:follow-up", appointment.pk)
    at = booked.appointment_date.astimezone(hospital().zone)
    messages.success(request, _("Follow-up booked: %(at)s.") % {"at": f"{at:%d-%b-%Y %H:%M}"})
    return redirect("clinic:consultation", appointment.pk)
