"""What the patient may read: signed records, prescriptions, vitals, allergies, invoices, and who looked at all this."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hms.domain import allergies, audit, vitals
from hms.models import AccessLog, Invoice, MedicalRecord, PrescriptionLine, Problem, Vitals, Wish
from hms.models.clinical import RANGES
from portal.forms import ContactForm, WishForm
from portal.own import own
from portal.views.book import FORM

PER_PAGE = 20


def _signed(patient):
    return (
        MedicalRecord.objects.filter(patient=patient, signed_at__isnull=False)
        .select_related("doctor__user", "signed_by")
        .order_by("-created_at", "-pk")
    )


@require_http_methods(FORM)
@own
def record(request):
    """My record: what doctors signed, in plain layout; and a place to say that something is wrong."""
    form = WishForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        Wish.objects.create(patient=request.patient, kind="CORRECT", text=form.cleaned_data["text"])
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
        "problems": Problem.objects.filter(patient=request.patient).order_by("ended", "pk"),
        "lines": PrescriptionLine.objects.filter(
            patient=request.patient, prescription__record__signed_at__isnull=False
        ).select_related("prescription")[:100],
        "courses": _courses(request.patient),
        "form": form,
        "wishes": Wish.objects.filter(patient=request.patient, kind="CORRECT")[:5],
    }
    return render(request, "portal/record.html", context, status=422 if form.errors else 200)


def _courses(patient):
    shown = {"bmi": ("BMI", "kg/m²")} | {
        name: (Vitals._meta.get_field(name).verbose_name.capitalize(), unit) for name, (unit, *_r) in RANGES.items()
    }
    return [(name, *shown[name], points) for name, points in vitals.series(patient).items()]


@require_safe
@own
def invoices(request):
    """What I was billed."""
    found = Invoice.objects.visible_to(request.user).exclude(number=None).order_by("-issued_on", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/invoices.html", {"page": page})


@require_safe
@own
def invoice(request, pk):
    """One invoice, line by line."""
    found = get_object_or_404(Invoice.objects.visible_to(request.user).exclude(number=None), pk=pk)
    return render(request, "portal/invoice.html", {"invoice": found, "lines": found.lines.all()})


@require_safe
@own
def privacy(request):
    """Who opened my record, when, in what role and why."""
    looks = AccessLog.objects.filter(patient=request.patient).select_related("user").order_by("-at", "-pk")
    page = Paginator(looks, 50).get_page(request.GET.get("page"))
    wish = Wish.objects.filter(patient=request.patient, kind="DELETE", done_at=None).first()
    return render(request, "portal/privacy.html", {"page": page, "wish": wish, "patient": request.patient})


@require_http_methods(FORM)
@own
def contact(request):
    """My phone and whom to call in an emergency."""
    initial = {"phone": request.user.phone, "emergency_contact": request.patient.emergency_contact}
    form = ContactForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        request.user.phone = form.cleaned_data["phone"]
        request.user.save(update_fields=["phone"])
        request.patient.emergency_contact = form.cleaned_data["emergency_contact"]
        request.patient.save(update_fields=["emergency_contact"])
        messages.success(request, _("Kept."))
        return redirect("portal:contact")
    return render(request, "portal/contact.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(FORM)
@own
def delete(request):
    """Ask for the account to be deleted; what has to be kept is said before."""
    wish = Wish.objects.filter(patient=request.patient, kind="DELETE", done_at=None).first()
    if request.method == "POST":
        if request.POST.get("withdraw") and wish:
            wish.delete()
            messages.success(request, _("Your account stays."))
        elif wish is None:
            Wish.objects.get_or_create(patient=request.patient, kind="DELETE", done_at=None)
            messages.success(request, _("We have your wish and will write to you."))
        return redirect("portal:delete")
    return render(request, "portal/delete.html", {"wish": wish})
