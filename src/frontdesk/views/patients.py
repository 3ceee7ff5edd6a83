"""Patients at the desk: the list, a patient's page, registering and editing, what forms ask while somebody types."""

import contextlib
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import EmptyPage
from django.db.models import Q
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import LazyPaginator

from frontdesk import newcomers
from frontdesk.filters import PatientFilter
from frontdesk.forms.patients import PatientForm
from frontdesk.patient_history import history
from frontdesk.patient_list import PatientData, with_visits
from frontdesk.tables import PatientTable
from hms.domain import audit, payments, search
from hms.domain import patients as domain
from hms.domain.settings import hospital
from hms.errors import DomainError, Stale
from hms.forms import BirthDateTextField, DateOfBirthField, DateTextField, PhoneField
from hms.middleware import is_background
from hms.models import Appointment, Patient
from hms.tables import keep_address

OPTIONS = 8  # patients offered while typing
PAST = 10  # past visits on a page
AHEAD = 70  # visits ahead on a patient's page, those called off among them
CLINICAL = ("allergies", "no_allergies_at", "medical_history", "blood_type")  # never leaves the database for the desk


@require_safe
def patients(request):
    """Find patients: search while typing, filter, sort, page."""
    # What is not set stays out of the addresses that the page links to.
    request.GET = QueryDict(urlencode([(k, v) for k, v in request.GET.items() if v]))
    filters = PatientFilter(request.GET, queryset=Patient.objects.visible_to(request.user))
    is_valid = filters.form.is_valid()
    data = PatientData(
        filters.filter_queryset(filters.queryset) if is_valid else filters.queryset,
        text=request.GET.get("q", ""),
        filtered=is_valid and filters.is_filtering,
    )
    table = PatientTable(data, order_by=request.GET.getlist("sort")[:1], query=request.GET)
    count = len(table.turn_to(request.GET.get("page")))
    if count:
        audit.searched(count, by=request.user, detail=_how(data))
    new = newcomers.query(request.GET.get("q", ""))
    context = {"table": table, "filter": filters, "data": data, "count": count, "new": new}
    if not count:
        table.empty_text = render_to_string("frontdesk/_patient_none.html", context)
    return keep_address(request, render(request, "frontdesk/patients.html", context), "patients-filter")


def _how(data):
    """What kind of list was looked at; never what was typed."""
    reasons = sorted({match.reason for match in data.found.matches})
    return ", ".join([*(["by " + "/".join(reasons)] if reasons else []), *(["filtered"] if data.filtered else [])])


@require_http_methods(["GET", "HEAD", "POST"])
def patient_new(request):
    """Register somebody who is not in the system yet."""
    form = PatientForm(request.POST or None, by=request.user, initial=_carried(request.GET))
    if request.method == "POST":
        if form.is_valid():
            try:
                patient = form.save()
            except DomainError as e:
                form.add_error(e.field if e.field in form.fields else None, str(e))
            else:
                messages.success(request, _("%(name)s is registered.") % {"name": patient.user.formal_name})
                return redirect("frontdesk:patient", patient.pk)
        return render(request, "frontdesk/patient_new.html", {"form": form}, status=422)
    return render(request, "frontdesk/patient_new.html", {"form": form})


def _carried(query):
    """Initial values from the address; whatever is odd is left out."""
    initial = {name: query.get(name, "")[:150] for name in ("last_name", "first_name", "phone", "email")}
    with contextlib.suppress(ValidationError):
        initial["date_of_birth"] = DateTextField(required=False).clean(query.get("date_of_birth", "")[:20])
    return {name: value for name, value in initial.items() if value}


@require_http_methods(["GET", "HEAD", "POST"])
def patient_edit(request, pk):
    """Change what the desk knows of a patient."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).select_related("user"), pk=pk)
    form = PatientForm(request.POST or None, by=request.user, patient=patient)
    context = {"form": form, "patient": patient}
    if request.method != "POST":
        audit.viewed(patient, by=request.user)
        return render(request, "frontdesk/patient_edit.html", context)
    status = 422
    if form.is_valid():
        try:
            form.save()
        except Stale as e:
            form.merge()
            form.add_error(None, str(e))
            status = 409
        except DomainError as e:
            form.add_error(e.field if e.field in form.fields else None, str(e))
        else:
            messages.success(request, _("Saved."))
            return redirect("frontdesk:patient", patient.pk)
    return render(request, "frontdesk/patient_edit.html", context, status=status)


@require_safe
def patient(request, pk):
    """Everything that the desk knows of one patient: contact, flags, visits, changes. Nothing clinical."""
    patient = get_object_or_404(
        with_visits(Patient.objects.visible_to(request.user))
        .annotate(has_passkey=domain.HAS_PASSKEY)
        .select_related("user")
        .defer(*CLINICAL),
        pk=pk,
    )
    if not is_background(request):
        audit.viewed(patient, by=request.user)
    booked = Appointment.objects.filter(patient=patient).select_related("doctor__user", "doctor__department")
    today, _end = hospital().day_bounds(hospital().today())
    coming = Q(appointment_date__gte=today, status__in=Appointment.WAITING_TO_HAPPEN) | Q(
        status=Appointment.Status.IN_PROGRESS
    )
    past = booked.exclude(coming).filter(appointment_date__lt=timezone.now()).order_by("-appointment_date", "-pk")
    number = request.GET.get("page", "")
    number = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1
    paginator = LazyPaginator(past, PAST)
    try:
        page = paginator.page(max(1, number))
    except EmptyPage:
        page = paginator.page(1)
    ahead = booked.filter(coming | Q(appointment_date__gte=timezone.now())).order_by("appointment_date", "pk")
    is_coming = {*Appointment.WAITING_TO_HAPPEN, Appointment.Status.IN_PROGRESS}
    ahead = [(visit.status in is_coming, visit) for visit in ahead[:AHEAD]]
    context = {
        "patient": patient,
        "coming": [visit for comes, visit in ahead if comes],
        "called_off": [visit for comes, visit in ahead if not comes],
        "past": page,
        "history": history(patient),
        "signs_in": domain.signs_in(patient.user, has_passkey=patient.has_passkey),
        "invitations": patient.invitations.waiting().select_related("created_by").order_by("-pk"),
        "owed": sum(left for _invoice, left in payments.owed(patient)),
    }
    return render(request, "frontdesk/patient.html", context)


@require_safe
def patient_duplicates(request):
    """Whether somebody like this is registered already: asked while a form is filled in, never in its way."""
    found = domain.duplicates(**_typed(request.GET), exclude=_number(request.GET.get("exclude")))
    if found:
        audit.log([patient for patient, _reasons in found], "patient.suggested", by=request.user)
    return render(request, "frontdesk/_patient_duplicates.html", {"found": found})


def _typed(query):
    """What a half-filled form says so far, of the patient form or (``new_…``) of the booking panel."""
    typed = {
        "first_name": search.clean(query.get("first_name") or query.get("new_given") or ""),
        "last_name": search.clean(query.get("last_name") or query.get("new_family") or ""),
        "email": (query.get("email") or "").strip()[:254].replace("\x00", ""),
    }
    born = DateOfBirthField(required=False)
    fields = {
        "date_of_birth": lambda: (
            born.clean(born.widget.value_from_datadict(query, {}, "date_of_birth"))
            or BirthDateTextField(required=False).clean(query.get("new_born") or "")
        ),
        "phone": lambda: PhoneField(required=False).clean(query.get("phone") or query.get("new_phone") or ""),
    }
    for name, read in fields.items():
        try:
            typed[name] = read() or None
        except ValidationError:
            typed[name] = None
    return typed


def _number(text):
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


@require_safe
def patient_options(request):
    """The patients that a combobox offers for what is typed so far (``q``)."""
    text = request.GET.get("q", "")
    found = search.patients(text, limit=OPTIONS)
    users = [match.user_id for match in found.matches]
    rows = {p.user_id: p for p in Patient.objects.filter(user_id__in=users).select_related("user").defer(*CLINICAL)}
    options = [(rows[match.user_id], match.reason) for match in found.matches if match.user_id in rows]
    if options:
        audit.searched(len(options), by=request.user, detail="while booking")
    context = {"options": options, "found": found, "q": search.clean(text), "new": newcomers.booking_query(text)}
    return render(request, "frontdesk/_patient_options.html", context)
