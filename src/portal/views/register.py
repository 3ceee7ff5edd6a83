"""Registering: one question a page, answers kept on the way, and checked before they become a record."""

from datetime import date

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import formats
from django.views.decorators.http import require_http_methods

from hms.domain import registration
from hms.errors import DomainError
from hms.forms import DateOfBirthField, PhoneField
from hms.models import Patient, Registration
from portal.forms import STEPS

FORM = ["GET", "HEAD", "POST"]


def _answers(user):
    found = Registration.objects.filter(user=user).first()
    return found.answers if found else {}


@require_http_methods(FORM)
def register(request):
    """Check your answers; before all are there, the first question that has none."""
    if Patient.objects.filter(user=request.user).exists():
        return redirect("portal:home")
    answers = _answers(request.user)
    missing = next((name for name in STEPS if name not in answers.get("done", [])), None)
    if missing:
        return redirect("portal:register-step", missing)
    refusal = ""
    if request.method == "POST":
        try:
            registration.complete(request.user, by=request.user)
            return redirect("portal:home")
        except DomainError as e:
            refusal = str(e)
    rows = []
    for name, step in STEPS.items():
        form = step(step.given(answers), initial=step.given(answers))
        shown = [_shown(form, field, answers) for field in form.fields]
        rows.append((name, step.title, [s for s in shown if s]))
    context = {"rows": rows, "refusal": refusal}
    return render(request, "portal/register_check.html", context, status=422 if refusal else 200)


def _shown(form, name, answers):
    value, field = answers.get(name, ""), form.fields[name]
    choices = dict(getattr(field, "choices", ()))
    if value is True:
        return "✓"
    if value and isinstance(field, DateOfBirthField):
        return formats.date_format(date.fromisoformat(value), "j F Y")
    if value and isinstance(field, PhoneField):
        return field.to_python(value).as_international
    return str(choices.get(value, value))


@require_http_methods(FORM)
def register_step(request, step):
    """One question. What is answered is kept, so that one may stop and go on another day."""
    if step not in STEPS:
        raise Http404
    if Patient.objects.filter(user=request.user).exists():
        return redirect("portal:home")
    answers = _answers(request.user)
    form_class = STEPS[step]
    form = form_class(request.POST if request.method == "POST" else None, initial=form_class.given(answers))
    if request.method == "POST" and form.is_valid():
        registration.answer(request.user, step, form.answers())
        return redirect("portal:register")
    names = list(STEPS)
    at = names.index(step)
    context = {
        "form": form,
        "question": form_class.title,
        "number": at + 1,
        "of": len(names),
        "back": names[at - 1] if at else None,
    }
    return render(request, "portal/register_step.html", context, status=422 if form.errors else 200)
