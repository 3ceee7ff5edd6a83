"""Booking in six pages: where, with whom, what about, when, check, done."""

from datetime import UTC, datetime
from functools import cache

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import get_template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from hms.dates import said_time
from hms.domain import holds, self_service
from hms.domain.settings import hospital
from hms.errors import DomainError, SlotTaken
from hms.forms import UNSEEN
from hms.models import Department, Doctor
from portal.own import own

FORM = ["GET", "HEAD", "POST"]
COMPACT = "%Y%m%dT%H%MZ"
REASON = "portal-reason"  # in the session: what somebody writes of their health stands in no address
DOCTOR = "portal-doctor"  # whom they wanted to see (0: whoever is free first), for the way back


def moment(text):
    """The moment of a posted ``20261122T1015Z``; None for anything else."""
    try:
        found = datetime.strptime(text or "", COMPACT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def stamp(doctor, start):
    """A time with a doctor (its id; 0: any of those who are shown) as buttons and forms send it."""
    return f"{doctor}@{start.astimezone(UTC).strftime(COMPACT)}"


def chosen(request, doctors):
    """The doctors and the time of the button that was pressed: one, or all of them where it said 0."""
    number, _at, text = request.POST.get("at", "").partition("@")
    found, start = [d for d in doctors if number in {"0", str(d.pk)}], moment(text)
    if not found or start is None:
        raise DomainError(_("Choose one of the times."))
    return found, start


@require_safe
@own
def book(request):
    """1 Where to."""
    return render(request, "portal/book_department.html", {"departments": self_service.departments()})


def _department(pk):
    return get_object_or_404(Department.objects.exclude(online="VIEW"), pk=pk)


@require_safe
@own
def book_doctor(request, department):
    """2 With whom, or with whoever is free first."""
    department = _department(department)
    context = {"department": department, "doctors": self_service.doctors(department), "refusal": ""}
    try:
        self_service.may_book(request.patient, department)
    except DomainError as e:
        context["refusal"] = str(e)
    return render(request, "portal/book_doctor.html", context)


def _doctors(department, number):
    """The chosen doctor alone, or all (0: first available)."""
    found = self_service.doctors(department)
    if number:
        get_object_or_404(Doctor, pk=number, department=department)
        found = [d for d in found if d.pk == number]
    return found


@require_http_methods(FORM)
@own
def book_reason(request, department, doctor):
    """3 What about, in a few words; may stay empty."""
    department = _department(department)
    _doctors(department, doctor)
    if request.method == "POST":
        request.session[REASON] = " ".join(UNSEEN.sub(" ", request.POST.get("reason", "")).split())[:500]
        if request.GET.get("back") == "check":  # only this answer was to be changed
            return redirect("portal:book-check")
        return redirect("portal:book-time", department.pk, doctor)
    context = {"department": department, "doctor": doctor, "reason": request.session.get(REASON, "")}
    return render(request, "portal/book_reason.html", context)


@require_http_methods(FORM)
@own
def book_time(request, department, doctor):
    """4 When: the days of a month, and the free times of some (``?day=…``: of this one). Choosing one holds it."""
    department = _department(department)
    doctors = _doctors(department, doctor)
    refusal, start = "", None
    if request.method == "POST":
        try:
            among, start = chosen(request, doctors)
            self_service.hold(request.patient, among, department=department, start=start)
            request.session[DOCTOR] = doctor
            return redirect("portal:book-check")
        except DomainError as e:
            refusal = str(e)
    return _times(request, department, doctor, doctors, refusal, start if refusal else None)


def _times(request, department, doctor, doctors, refusal="", near=None):
    """The free times of a month; to somebody who came second, those around the time that is gone."""
    days = self_service.free(doctors, department=department, patient=request.patient, near=near)
    if near and not days:
        near, days = None, self_service.free(doctors, department=department, patient=request.patient)
    action = reverse("portal:book-time", args=[department.pk, doctor])
    context = {
        "near": near,
        "department": department,
        "doctor": doctor,
        "action": action,
        "days": drawn(days, path=action, asked=request.GET.get("day"), near=near, several=len(doctors) > 1),
        "refusal": refusal,
    }
    return render(request, "portal/book_time.html", context, status=409 if refusal else 200)


def drawn(days, *, path, asked, several, near=None, all_doctors=False):
    """The free times of a month as HTML, by Jinja2: each day with how many it has, and some of the days with them.

    Open are the day that is ``asked`` for (``2026-12-03``), else the day of ``near``, else the first three; a link
    opens each other one. ``several``: with whom is decided once a time is chosen.
    """
    zone, clock = hospital().zone, cache(said_time)
    by_day = {str(day): (day, times) for day, times in days}
    wanted = asked or (near and str(near.astimezone(zone).date()))
    opened = {wanted} if wanted in by_day else set(list(by_day)[:3])
    rest = "&all=1" if all_doctors else ""

    def buttons(times):
        return [(clock(at.time()), stamp(0 if several else doctor.pk, at)) for at, doctor in times]

    rows = [
        (
            key,
            date_format(day, "l j F"),
            ngettext("%(n)d time", "%(n)d times", len(times)) % {"n": len(times)},
            f"{path}?day={key}{rest}",
            buttons(times) if key in opened else (),
        )
        for key, (day, times) in by_day.items()
    ]
    template = get_template("portal/_days.html", using="jinja2").template
    return mark_safe(template.render(days=rows, asked=asked))  # noqa: S308 (Jinja2 escaped it)


@require_http_methods(FORM)
@own
def book_check(request):
    """5 Is it right? Confirming books it; the way back gives the time up."""
    held = holds.current(request.patient)
    if request.method == "POST":
        number, _at, text = request.POST.get("at", "").partition("@")
        start = moment(text)
        seen = (int(number), start) if number.isdecimal() and len(number) < 10 and start else None
        if held and seen and seen != (held.doctor_id, held.start):
            messages.error(request, _("You have chosen another time meanwhile. Is this one right?"))
            return redirect("portal:book-check")
        try:
            appointment = self_service.book(request.patient, reason=request.session.get(REASON, ""), by=request.user)
        except DomainError as e:
            # Confirmed twice, perhaps at the same moment: the hold is gone because the visit is booked.
            if seen and (made := self_service.booked_already(request.patient, *seen)):
                messages.info(request, _("This visit is booked already."))
                return redirect("portal:visit", made.pk)
            wanted = held.doctor_id if held else seen and seen[0]
            department = Department.objects.exclude(online="VIEW").filter(doctor=wanted).first()
            if isinstance(e, SlotTaken) and department:
                near = held.start if held else seen[1]
                return _times(request, department, 0, self_service.doctors(department), str(e), near)
            messages.error(request, str(e))
            return redirect("portal:book")
        request.session.pop(REASON, None)
        return redirect("portal:visit", appointment.pk)
    if held is None:
        messages.error(request, _("You hold no time now. A time is held for ten minutes; choose one again."))
        return redirect("portal:book")
    context = {"held": held, "reason": request.session.get(REASON, ""), "department": held.doctor.department}
    context["at"] = stamp(held.doctor_id, held.start)
    context["doctor"] = held.doctor_id if request.session.get(DOCTOR) == held.doctor_id else 0
    return render(request, "portal/book_check.html", context)
