"""A doctor's own patients, and the way to everybody else's record: by break-glass."""

from django.db.models import Exists, F, Max, OuterRef, Q, Subquery
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic.forms import BreakGlassForm
from hms.domain import audit, breakglass, relations, search
from hms.errors import DomainError
from hms.models import Appointment, BreakGlass, Patient

PAGE = 25
LAST_PAGE = 400
CLINICAL = ("allergies", "medical_history")


@require_safe
def patients(request):
    """Those in my care, seen last first; ``q`` searches among them. Records opened by break-glass stand above."""
    text = search.clean(request.GET.get("q", ""))
    rows, more, number = _found(request.user, text) if text else _recent(request)
    found = Patient.objects.filter(pk__in=[pk for pk, *_rest in rows]).select_related("user").defer(*CLINICAL)
    visits = _visits(request.user, [pk for pk, *_rest in rows])
    by_pk = {p.pk: p for p in found}
    listed = [(by_pk[pk], *visits.get(pk, (None, None))) for pk, *_rest in rows if pk in by_pk]
    opened = list(
        BreakGlass.objects.open()
        .filter(user=request.user)
        .filter(~Exists(_mine(request.user).filter(patient=OuterRef("patient"))))
        .select_related("patient__user")
        .defer(*(f"patient__{name}" for name in CLINICAL))
        .order_by("patient", "-expires_at")
        .distinct("patient")
    )
    if listed or opened:
        audit.searched(len(listed) + len(opened), by=request.user, detail="my patients")
    context = {"listed": listed, "q": text, "more": more, "number": number, "opened": opened}
    return render(request, "clinic/patients.html", context)


def _mine(user):
    return Appointment.objects.filter(doctor__user=user).exclude(status=Appointment.Status.CANCELLED)


def _recent(request):
    """``([(patient id,), …], whether there are more, page number)``: whoever was here last comes first."""
    number = request.GET.get("page", "")
    number = min(int(number), LAST_PAGE) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1
    number = max(1, number)
    seen = Max("appointment_date", filter=Q(appointment_date__lte=timezone.now()))
    last = _mine(request.user).values("patient").annotate(last=seen)
    last = last.order_by(F("last").desc(nulls_last=True), "-patient")
    rows = list(last.values_list("patient")[(number - 1) * PAGE : number * PAGE + 1])
    return rows[:PAGE], len(rows) > PAGE, number


def _found(user, text):
    mine = Patient.objects.filter(pk__in=_mine(user).values("patient"))
    found = search.patients(text, limit=PAGE, within=mine.values("user"))
    order = {match.user_id: n for n, match in enumerate(found.matches)}
    rows = Patient.objects.filter(user__in=order).values_list("pk", "user")
    return sorted(rows, key=lambda row: order[row[1]]), found.more, 1


def _visits(user, patients):
    """``{patient id: (last visit, next visit)}`` with this doctor."""
    now = timezone.now()
    rows = (
        _mine(user)
        .filter(patient__in=patients)
        .values("patient")
        .annotate(
            last=Max("appointment_date", filter=Q(appointment_date__lte=now)),
            next=Subquery(
                Appointment.objects.filter(
                    doctor__user=user,
                    patient=OuterRef("patient"),
                    appointment_date__gt=now,
                    status__in=Appointment.WAITING_TO_HAPPEN,
                )
                .order_by("appointment_date")
                .values("appointment_date")[:1]
            ),
        )
        .values_list("patient", F("last"), F("next"))
    )
    return {pk: (last, coming) for pk, last, coming in rows}


@require_http_methods(["GET", "HEAD", "POST"])
def break_glass(request):
    """Open the record of somebody who is not in my care: who exactly, and why."""
    form = BreakGlassForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "clinic/break_glass.html", {"form": form})
    if form.is_valid():
        said = form.cleaned_data
        try:
            patient = breakglass.find(
                record_number=said["record_number"], date_of_birth=said["date_of_birth"], by=request.user
            )
            if relations.access(patient.pk, by=request.user) is None:
                breakglass.open_record(patient, reason=said["reason"], by=request.user)
        except DomainError as e:
            form.add_error(e.field if e.field in form.fields else None, str(e))
        else:
            return redirect("clinic:patient", patient.pk)
    return render(request, "clinic/break_glass.html", {"form": form}, status=422)
