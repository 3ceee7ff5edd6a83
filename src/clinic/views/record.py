"""A patient's record: one time line, filtered and searched, on screen, on paper and as PDF."""

from datetime import date

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import record_paper
from clinic.banner import banner
from clinic.forms import ReasonForm
from hms import pdf
from hms.dates import parse_date
from hms.domain import audit, breakglass, prescriptions, relations, set_aside, timeline, vitals
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Appointment, Patient
from hms.templatetags.hms import clinical_date

PRINTED = 400  # entries on paper, at most

# Functions(patient, user) → context of the parts beside the line; ``record_side`` in it lists their templates.
SIDE = []


class Asked:
    """What of the line was asked for: kinds, words, days. Odd values are said, and not followed."""

    def __init__(self, query):
        self.text = " ".join(query.get("q", "").replace("\x00", "").split())[: timeline.LONGEST]
        self.words = timeline.search_words(self.text)
        self.kinds = tuple(kind for kind in query.getlist("kind") if kind in timeline.SOURCES)
        self.problems = []
        self.since, self.until = self._day(query, "since"), self._day(query, "until")
        if self.since and self.until and self.since > self.until:
            self.problems.append(_("The first day comes after the last one. Showing the days between them."))
            self.since, self.until = self.until, self.since

    def _day(self, query, name):
        text = query.get(name, "").strip()[:30]
        if not text:
            return None
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None or not date(1900, 1, 1) <= day <= date(2200, 1, 1):
            self.problems.append(_("“%(day)s” is not a day, and is left out. Write it as 6 Aug 2026.") % {"day": text})
            return None
        return day

    @property
    def is_filtered(self):
        return bool(self.words or self.kinds or self.since or self.until)

    @property
    def said(self):
        """What kind of look it was, for the log; never what was typed."""
        parts = [*self.kinds, *(["words"] if self.words else []), *(["days"] if self.since or self.until else [])]
        return ", ".join(parts)

    @property
    def part(self):
        """Which part of the record is asked for, to read on paper; "" for all of it."""
        days = [(_("from"), self.since), (_("until"), self.until)]
        parts = [str(timeline.SOURCES[kind].label) for kind in self.kinds]
        parts += [f"{word} {clinical_date(day)}" for word, day in days if day]
        parts += [f"“{self.text}”"] if self.words else []
        return ", ".join(parts)

    def page(self, patient, **more):
        return timeline.page(patient, kinds=self.kinds, words=self.words, since=self.since, until=self.until, **more)


@require_safe
def patient(request, pk):
    """The record, newest first; ``before`` goes on where a page ended."""
    access = relations.access(pk, by=request.user)
    if access is None:
        return _refused(request, pk)
    asked, before = Asked(request.GET), request.GET.get("before", "")
    page = asked.page(access.patient, before=before)
    action = "record.searched" if asked.words else "record.viewed"
    detail = ", ".join(filter(None, [asked.said, "older" if before else ""]))
    audit.viewed(access.patient, by=request.user, action=action, detail=detail, glass=access.glass)
    context = {"patient": access.patient, "access": access, "asked": asked, "page": page, "before": before}
    if request.htmx and before:
        return render(request, "clinic/_timeline_entries.html", context)
    context |= {"sources": timeline.SOURCES.values(), "next_visits": _coming(access.patient)}
    for part in SIDE:
        for name, value in part(access.patient, request.user).items():
            context[name] = [*context.get(name, []), *value] if name == "record_side" else value
    return render(request, "clinic/patient.html", context)


@require_safe
def patient_print(request, pk):
    """The asked part of the record on one page, for paper."""
    access = relations.access(pk, by=request.user)
    if access is None:
        return _refused(request, pk)
    asked = Asked(request.GET)
    page = asked.page(access.patient, size=PRINTED)
    audit.viewed(access.patient, by=request.user, action="record.printed", detail=asked.said, glass=access.glass)
    context = banner(access.patient) | {"access": access, "asked": asked, "page": page, "printed": PRINTED}
    context["taken"] = prescriptions.taken(access.patient)
    return render(request, "clinic/patient_print.html", context)


@require_safe
def patient_vitals(request, pk):
    """The course of every measurement."""
    access = relations.access(pk, by=request.user)
    if access is None:
        return _refused(request, pk)
    audit.viewed(access.patient, by=request.user, action="vitals.viewed", glass=access.glass)
    context = banner(access.patient) | {"access": access, "courses": vitals.courses(access.patient)}
    return render(request, "clinic/vitals_course.html", context)


@require_safe
def patient_pdf(request, pk):
    """The asked part of the record as a PDF."""
    access = relations.access(pk, by=request.user)
    if access is None:
        return _refused(request, pk)
    asked = Asked(request.GET)
    made = pdf.render("record", record_paper.data(access, asked, asked.page(access.patient, size=PRINTED)))
    detail = ", ".join(filter(None, ["PDF", asked.said]))
    audit.viewed(access.patient, by=request.user, action="record.exported", detail=detail, glass=access.glass)
    return pdf.shown(made, f"record-{access.patient.record_number}-{hospital().today():%Y-%m-%d}")


def _coming(patient):
    return list(
        Appointment.objects.filter(
            patient=patient, appointment_date__gt=timezone.now(), status__in=Appointment.WAITING_TO_HAPPEN
        )
        .select_related("doctor__user")
        .order_by("appointment_date")[:5]
    )


def _refused(request, pk):
    """404 for a stranger's record; words for a doctor whose access has just ended."""
    known = _known(request, pk)
    if known is None or known.glass is None:
        raise Http404
    context = {"patient": known.patient, "ended": known.glass, "form": ReasonForm()}
    response = render(request, "clinic/access_ended.html", context, status=403)
    if request.htmx:  # what was to be a part of the page is the page
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _known(request, pk):
    """The patient of whom this doctor knows already, and the BreakGlass that is over; None for a stranger."""
    patient = Patient.objects.filter(pk=pk).select_related("user").first()
    if patient is None:
        return None
    ended = breakglass.ended(patient, by=request.user)
    if ended or Appointment.objects.filter(patient=patient, doctor__user=request.user).exists():
        return relations.Access(patient, ended)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def record_open(request, pk):
    """Give a reason (again) for the record of somebody one knows of: access that ended, a visit that was cancelled."""
    if relations.access(pk, by=request.user):
        return redirect("clinic:patient", pk)
    known = _known(request, pk)
    if known is None:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    context = {"patient": known.patient, "ended": known.glass, "form": form}
    context["kept"] = set_aside.is_waiting_of(known.patient, by=request.user)
    if request.method != "POST":
        return render(request, "clinic/access_ended.html", context)
    if form.is_valid():
        try:
            breakglass.open_record(known.patient, reason=form.cleaned_data["reason"], by=request.user)
        except DomainError as e:
            form.add_error(e.field, str(e))
        else:
            return redirect("clinic:patient", pk)
    return render(request, "clinic/access_ended.html", context, status=422)
