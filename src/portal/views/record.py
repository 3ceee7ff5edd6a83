"""What the patient may read: signed records, prescriptions, measurements, allergies; and what is wrong with them."""

from itertools import groupby

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hms.domain import allergies, audit, vitals
from hms.models import MedicalRecord, Patient, PrescriptionLine, Problem, Wish
from portal.forms import WishForm
from portal.own import own
from portal.views.book import FORM

PER_PAGE = 10  # twice as many are a long way to scroll on a phone
MOST_LINES = 100


def _signed(patient):
    return (
        MedicalRecord.objects.filter(patient=patient, signed_at__isnull=False)
        .select_related("doctor__user", "signed_by")
        .order_by("-created_at", "-pk")
    )


def _say_once(patient, text):
    """What is wrong, for the doctors to answer; sent twice before an answer, it is said once."""
    with transaction.atomic():
        Patient.objects.select_for_update().only("pk").get(pk=patient.pk)
        if not Wish.objects.filter(patient=patient, kind="CORRECT", text=text, done_at=None).exists():
            Wish.objects.create(patient=patient, kind="CORRECT", text=text)


@require_http_methods(FORM)
@own
def record(request):
    """My record: what doctors signed, in plain layout; and a place to say that something is wrong."""
    form = WishForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _say_once(request.patient, form.cleaned_data["text"])
        messages.success(request, _("Thank you. A doctor will look at it."))
        return redirect("portal:record")
    page = Paginator(_signed(request.patient).filter(amends=None), PER_PAGE).get_page(request.GET.get("page"))
    addenda = {}
    for a in _signed(request.patient).filter(amends__in=[r.pk for r in page]).order_by("created_at"):
        addenda.setdefault(a.amends_id, []).append(a)
    audit.viewed(request.patient, by=request.user, action="record.viewed")
    state, active = allergies.state(request.patient)
    context = {
        "patient": request.patient,
        "page": page,
        "records": [(r, addenda.get(r.pk, [])) for r in page],
        "allergy_state": state,
        "allergies": active,
        "problems": Problem.objects.filter(patient=request.patient).present_first(),
        "papers": _papers(request.patient),
        "courses": vitals.courses(request.patient),
        "form": form,
        "wishes": Wish.objects.filter(patient=request.patient, kind="CORRECT")[:5],
    }
    return render(request, "portal/record.html", context, status=422 if form.errors else 200)


def _papers(patient):
    """``[(prescription, its lines), …]`` of what is signed, the newest first."""
    rows = PrescriptionLine.objects.filter(patient=patient, prescription__record__signed_at__isnull=False)
    rows = rows.select_related("prescription__record__doctor__user").order_by("-prescription_id", "pk")
    return [(paper, list(lines)) for paper, lines in groupby(rows[:MOST_LINES], key=lambda line: line.prescription)]
