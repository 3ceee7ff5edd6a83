"""What the sections of a consultation have in common: each answers for itself, also without scripts."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render

from clinic.views import consultation
from hms.errors import DomainError
from hms.models import Appointment, MedicalRecord


def visit_of(request, pk):
    """The visit, if it is this doctor's, or its patient in their care."""
    return get_object_or_404(Appointment.objects.open_to(request.user).with_people(), pk=pk)


def answer(request, appointment, section, *, refusal=None, done="", **shown):
    """The section anew: as a fragment to htmx (422 after a refusal), as the page or a redirect to it for the rest.

    ``section`` is the fragment's name and id; ``shown`` what was typed and what to ask about.
    """
    extra = {f"{section}_{name}": value for name, value in shown.items()}
    if refusal is not None:
        extra |= {f"{section}_refusal": str(refusal), f"{section}_field": getattr(refusal, "field", None) or ""}
    status = 422 if refusal is not None else 200
    if request.htmx:
        record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
        context = consultation.context_of(request, appointment, record) | extra | {"section_done": done}
        return render(request, f"clinic/_{section}_section.html", context, status=status)
    if refusal is not None:
        return consultation.page(request, appointment, status=status, extra=extra)
    if done:
        messages.success(request, done)
    return redirect(f"/clinic/appointments/{appointment.pk}/#{section}")


def attempt(verb):
    """``(result, refusal)`` of a verb."""
    try:
        return verb(), None
    except DomainError as e:
        return None, e
