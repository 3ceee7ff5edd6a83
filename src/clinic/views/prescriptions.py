"""Prescribing in the consultation."""

from datetime import timedelta

from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.section_forms import LineForm
from clinic.sections import answer, attempt, visit_of
from clinic.views.consultation import SECTIONS, page
from hms import pdf, prescription_paper
from hms.domain import audit, notes
from hms.domain import prescriptions as domain
from hms.models import Appointment, Drug, Prescription, PrescriptionLine

NEW = timedelta(hours=1)  # about a visit: so long an allergy is held against what earlier visits prescribed


def context(appointment, record, user):
    """The lines of this visit, and what the patient takes already."""
    own, others = domain.beside(record, appointment.patient)
    is_open = appointment.is_live and not (record and record.is_signed)
    return {
        "sections_after": ["clinic/_prescriptions_section.html"],
        "prescriptions_lines": own,
        "prescriptions_taken": others[::-1],
        "prescriptions_conflicts": _conflicts(appointment.patient, own, others) if is_open else [],
        "prescriptions_typed_reason": {},
        "prescriptions_form": LineForm(auto_id="line-%s"),
        "prescriptions_options": None,
        "prescriptions_drug": None,
        "prescriptions_next": "",
        "prescriptions_warnings": [],
        "frequencies": [*domain.PER_DAY, "when needed"],
    }


SECTIONS.append(context)


def _conflicts(patient, own, others):
    """``[(line, sentences, seal), …]`` of allergies noted later; no seal: a line of another visit, to be stopped."""
    found = domain.unanswered(patient, own)
    hit = [(line, found[line.pk]) for line in own if line.pk in found]
    mine = [(line, texts, domain.seal(patient.pk, line.drug_name, texts)) for line, texts in hit]
    # What is taken already concerns whoever has just noted the allergy; it is not read through at every later visit.
    found = domain.unanswered(patient, others, since=timezone.now() - NEW)
    return mine + [(line, found[line.pk], "") for line in others if line.pk in found]


@require_safe
def drug_options(request, pk):
    """Drugs for what is typed, each a button that fills the form."""
    appointment = get_object_or_404(Appointment.objects.open_to(request.user).only("pk"), pk=pk)
    text = request.GET.get("drug_name", "")
    context = {"appointment": appointment, "options": domain.find_drugs(text), "text": text.strip()}
    return render(request, "clinic/_drug_options.html", context)


@require_safe
def prescription_new(request, pk):
    """The section with this drug (``?drug=``) chosen: its strengths and forms are offered."""
    appointment = visit_of(request, pk)
    number = request.GET.get("drug", "")
    drug = get_object_or_404(Drug, pk=int(number) if number.isdecimal() and len(number) < 18 else 0)
    one = {"strength": drug.strengths, "form": drug.forms}
    initial = {"drug_name": drug.name} | {k: v[0] for k, v in one.items() if len(v) == 1}
    form = LineForm(auto_id="line-%s", initial=initial)
    shown = {
        "form": form,
        "drug": drug,
        "next": next(name for name in ("strength", "form", "dose") if name not in initial),
    }
    if request.htmx:
        return answer(request, appointment, "prescriptions", **shown)
    return _page(request, appointment, **shown)


def _page(request, appointment, **shown):
    return page(request, appointment, extra={f"prescriptions_{name}": value for name, value in shown.items()})


@require_POST
def prescription_add(request, pk):
    """Prescribe; what speaks against it is shown, and needs a reason."""
    appointment = visit_of(request, pk)
    form = LineForm(request.POST, auto_id="line-%s")
    if "find" in request.POST:  # without scripts: the page with what was found
        found = domain.find_drugs(request.POST.get("drug_name", ""))
        typed = {name: request.POST.get(name, "") for name in LineForm.base_fields}
        return _page(request, appointment, form=LineForm(initial=typed, auto_id="line-%s"), options=found)
    drug = Drug.objects.filter(name__iexact=domain.one_line(request.POST.get("drug_name", ""))[:120]).first()
    if not form.is_valid():
        return answer(request, appointment, "prescriptions", refusal="", form=form, drug=drug)

    def prescribe():
        record = notes.record_for(appointment, by=request.user)
        return domain.prescribe(record, by=request.user, drug=drug, **form.cleaned_data)

    _made, refusal = attempt(appointment, prescribe)
    if refusal is None:
        return answer(request, appointment, "prescriptions", next="drug_name")
    if isinstance(refusal, domain.NeedsAcknowledgement):
        return _ask(request, appointment, refusal, form, drug)
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return answer(request, appointment, "prescriptions", refusal="", form=form, drug=drug)


def _ask(request, appointment, refusal, form, drug):
    """Show what speaks against it; the cursor stands where the reason goes."""
    form.fields["acknowledged"].widget.attrs["autofocus"] = True
    shown = {"form": form, "drug": drug, "warnings": refusal.warnings, "seal": refusal.seal}
    return answer(request, appointment, "prescriptions", refusal="", **shown)


@require_safe
def prescription_pdf(request, pk):
    """The lines of this visit on paper; a draft until the record is signed."""
    appointment = visit_of(request, pk)
    papers = Prescription.objects.filter(record__appointment=appointment, record__amends=None, lines__isnull=False)
    people = ("record__patient__user", "record__doctor__user", "record__doctor__department")
    paper = get_object_or_404(papers.select_related(*people).distinct())
    made = prescription_paper.render(paper)
    audit.viewed(paper.record.patient, by=request.user, action="prescription.printed")
    return pdf.shown(made, "prescription")


def _line(request, pk, line, **of):
    """The visit, and a line of its patient (``of``: narrower)."""
    appointment = visit_of(request, pk)
    lines = PrescriptionLine.objects.select_related("prescription__record", "drug")
    return appointment, get_object_or_404(lines, pk=line, patient=appointment.patient_id, **of)


@require_POST
def prescription_withdraw(request, pk, line):
    """Take back a line of this visit's own record."""
    appointment, found = _line(request, pk, line, prescription__record__appointment=pk)
    _done, refusal = attempt(appointment, lambda: domain.withdraw(found, by=request.user))
    return answer(request, appointment, "prescriptions", refusal=refusal)


@require_POST
def prescription_acknowledge(request, pk, line):
    """Say why a line stands although an allergy was noted after it."""
    appointment, found = _line(request, pk, line, prescription__record__appointment=pk)
    reason, shown = (request.POST.get(name, "") for name in ("reason", "shown"))
    _done, refusal = attempt(
        appointment, lambda: domain.acknowledge(found, reason=reason, shown=shown, by=request.user)
    )
    typed = {"typed_reason": {found.pk: reason}} if refusal else {}
    return answer(request, appointment, "prescriptions", refusal=refusal, reason=reason, at=found.pk, **typed)


@require_POST
def prescription_stop(request, pk, line):
    appointment, found = _line(request, pk, line)
    reason = request.POST.get("reason", "")
    _done, refusal = attempt(appointment, lambda: domain.stop(found, reason=reason, by=request.user))
    return answer(request, appointment, "prescriptions", refusal=refusal, reason=reason, at=found.pk)


@require_POST
def prescription_repeat(request, pk, line):
    """The same again in this visit."""
    appointment, found = _line(request, pk, line)

    def repeat():
        record = notes.record_for(appointment, by=request.user)
        return domain.repeat(found, record=record, by=request.user)

    _made, refusal = attempt(appointment, repeat)
    if isinstance(refusal, domain.NeedsAcknowledgement):
        initial = {name: getattr(found, name) for name in LineForm.base_fields if hasattr(found, name)}
        form = LineForm(initial | {"acknowledged": "", "shown": ""}, auto_id="line-%s")
        form.is_valid()
        return _ask(request, appointment, refusal, form, found.drug)
    return answer(request, appointment, "prescriptions", refusal=refusal)
