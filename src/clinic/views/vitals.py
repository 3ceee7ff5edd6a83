"""Vitals in the consultation, and their course as charts."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from clinic.banner import banner
from clinic.section_forms import VitalsForm
from clinic.sections import answer, attempt, visit_of
from clinic.views.consultation import SECTIONS
from hms.domain import audit, notes
from hms.domain import vitals as domain
from hms.models import Vitals


def context(appointment, record, user):
    """The sets of this visit, the last one before it, and an empty form."""
    sets = list(Vitals.objects.filter(record=record)) if record else []
    return {
        "sections_before": ["clinic/_vitals_section.html"],
        "vitals_sets": sets,
        "vitals_form": VitalsForm(auto_id="vitals-%s"),
        "vitals_unlikely": "",
    }


SECTIONS.append(context)


@require_POST
def vitals_take(request, pk):
    """Write down a set; what is unlikely is asked about first, with everything typed still there."""
    appointment = visit_of(request, pk)
    form = VitalsForm(request.POST, auto_id="vitals-%s")
    if not form.is_valid():
        return answer(request, appointment, "vitals", refusal="", form=form)

    def take():
        record = notes.record_for(appointment, by=request.user)
        sure = form.confirmed()
        return domain.take(record, values=form.values(), by=request.user, sure=sure)

    _made, refusal = attempt(appointment, take)
    if refusal is None:
        return answer(request, appointment, "vitals")
    if isinstance(refusal, domain.Unlikely):
        return answer(
            request, appointment, "vitals", refusal=refusal, form=form, unlikely=form.to_confirm(refusal.fields)
        )
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return answer(request, appointment, "vitals", refusal="", form=form)


@require_POST
def vitals_wrong(request, pk, vitals):
    """Mark a set as entered in error."""
    appointment = visit_of(request, pk)
    found = get_object_or_404(Vitals, pk=vitals, record__appointment=appointment)
    reason = request.POST.get("reason", "")
    _done, refusal = attempt(appointment, lambda: domain.mark_wrong(found, reason=reason, by=request.user))
    return answer(request, appointment, "vitals", refusal=refusal, reason=reason, at=found.pk)


@require_safe
def vitals_course(request, pk):
    """The course of every measurement, as charts with tables beside them."""
    appointment = visit_of(request, pk)
    audit.viewed(appointment.patient, by=request.user, action="vitals.viewed")
    courses = domain.courses(appointment.patient)
    context = banner(appointment.patient) | {"appointment": appointment, "courses": courses}
    return render(request, "clinic/vitals_course.html", context)
