"""Allergies and problems: what stays true of the patient beyond this visit."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic.section_forms import AllergyForm, ProblemForm
from clinic.sections import answer, attempt, visit_of
from clinic.views.consultation import SECTIONS, page
from hms.dates import parse_date
from hms.domain import allergies, diagnoses, problems
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Allergy, IcdCode, Problem


def context(appointment, record, user):
    """The patient's allergies in their one of four states, and the problem list."""
    state, active, ended = allergies.listed(appointment.patient)
    return {
        "sections_beside": ["clinic/_allergies_section.html", "clinic/_problems_section.html"],
        "allergy_state": state,
        "allergies": active,
        "allergies_ended": ended,
        "allergies_form": AllergyForm(auto_id="allergies-%s"),
        "problems": list(Problem.objects.filter(patient=appointment.patient).present_first()),
        "problems_form": ProblemForm(auto_id="problems-%s"),
        "problems_open": False,
        "problems_chosen": None,
        "problems_options": None,
        "problems_today": hospital().today(),
        "problems_typed_end": None,
    }


SECTIONS.append(context)


@require_POST
def allergy_note(request, pk):
    """Put an allergy on the list, or state that there is none."""
    appointment = visit_of(request, pk)
    if request.POST.get("none"):
        _done, refusal = attempt(appointment, lambda: allergies.state_none(appointment.patient, by=request.user))
        return answer(request, appointment, "allergies", refusal=refusal)
    form = AllergyForm(request.POST, auto_id="allergies-%s")
    if form.is_valid():
        _done, refusal = attempt(
            appointment, lambda: allergies.note(appointment.patient, by=request.user, **form.cleaned_data)
        )
        if refusal is None:
            return answer(request, appointment, "allergies")
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return answer(request, appointment, "allergies", refusal="", form=form)


@require_POST
def allergy_end(request, pk, allergy):
    appointment = visit_of(request, pk)
    found = get_object_or_404(Allergy, pk=allergy, patient=appointment.patient)
    reason = request.POST.get("reason", "")
    _done, refusal = attempt(appointment, lambda: allergies.end(found, reason=reason, by=request.user))
    return answer(request, appointment, "allergies", refusal=refusal, reason=reason, at=found.pk)


@require_safe
def problem_new(request, pk):
    """The form with this code (``?code=``) chosen, so that since when is left to say; without one, to choose anew."""
    appointment = visit_of(request, pk)
    code = request.GET.get("code")
    chosen = get_object_or_404(IcdCode, pk=code.replace("\x00", "")[:8]) if code else None
    form = ProblemForm(auto_id="problems-%s")
    form.fields["onset"].widget.attrs["autofocus"] = chosen is not None
    shown = {"open": True, "chosen": chosen, "form": form}
    if request.htmx:
        return answer(request, appointment, "problems", **shown)
    return page(request, appointment, extra={f"problems_{name}": value for name, value in shown.items()})


@require_POST
def problem_note(request, pk):
    """Put a problem on the list, by the code that was chosen or in the words that were typed."""
    appointment = visit_of(request, pk)
    form = ProblemForm(request.POST, auto_id="problems-%s")
    if "find" in request.POST:  # without scripts: the page with what was found
        found = diagnoses.find(request.POST.get("text", ""), doctor=request.user.doctor)
        form = ProblemForm(initial=request.POST.dict(), auto_id="problems-%s")
        return page(request, appointment, extra={"problems_form": form, "problems_options": found})
    if form.is_valid():
        _done, refusal = attempt(
            appointment, lambda: problems.note(appointment.patient, by=request.user, **form.cleaned_data)
        )
        if refusal is None:
            return answer(request, appointment, "problems")
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    chosen = IcdCode.objects.filter(pk=form.cleaned_data.get("code", "")).first()
    return answer(request, appointment, "problems", refusal="", form=form, chosen=chosen)


@require_POST
def problem_end(request, pk, problem):
    """It is over, today or on the day that is given."""
    appointment = visit_of(request, pk)
    found = get_object_or_404(Problem, pk=problem, patient=appointment.patient)
    text = request.POST.get("ended", "").strip()
    try:
        day = parse_date(text) if text else hospital().today()
    except ValueError:
        day = None
    if day is None:
        refusal = DomainError(_("“%(day)s” is not a day.") % {"day": text[:20]}, field="ended")
    else:
        _done, refusal = attempt(appointment, lambda: problems.end(found, on=day, by=request.user))
    return answer(request, appointment, "problems", refusal=refusal, at=found.pk, typed_end=text)
