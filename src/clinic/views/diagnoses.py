"""Diagnoses in the consultation: found in ICD-10 while typing, or in free words."""

from django.db.models import Exists, OuterRef
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from clinic.sections import answer, attempt, visit_of
from clinic.views.consultation import SECTIONS, page
from hms.domain import diagnoses as domain
from hms.domain import notes
from hms.models import Appointment, Diagnosis, FavouriteCode, IcdCode

TYPED = {"diagnoses": "diagnosis", "problems": "text"}  # section → the field in which codes are looked for


def context(appointment, record, user):
    """The diagnoses of this visit."""
    mine = FavouriteCode.objects.filter(doctor__user=user, code=OuterRef("code"))
    found = list(record.diagnoses.annotate(starred=Exists(mine))) if record else []
    return {
        "sections_before": ["clinic/_diagnoses_section.html"],
        "diagnoses_list": found,
        "diagnoses_typed": "",
        "diagnoses_options": None,
    }


SECTIONS.append(context)


@require_safe
def code_options(request, pk, section):
    """Codes for what is typed: the doctor's favourites and recent ones first, those alone for nothing.

    Choosing one adds a diagnosis, or leads to the form of a problem, as the ``section`` has it.
    """
    # Asked with every few letters: of the visit it needs to know no more than that it is this doctor's to see.
    appointment = get_object_or_404(Appointment.objects.open_to(request.user).only("pk"), pk=pk)
    text = request.GET.get(TYPED[section], "")
    found = domain.find(text, doctor=request.user.doctor)
    shown = {"appointment": appointment, "section": section, "options": found, "text": text.strip()}
    return render(request, "clinic/_code_options.html", shown)


@require_POST
def diagnosis_add(request, pk):
    """Add one, by the code that was chosen or in the words that were typed."""
    appointment = visit_of(request, pk)
    code, text = (request.POST.get(name, "").replace("\x00", "") for name in ("code", "diagnosis"))
    if "find" in request.POST:  # without scripts: the page with what was found
        found = domain.find(text, doctor=request.user.doctor)
        return page(request, appointment, extra={"diagnoses_options": found, "diagnoses_typed": text})

    def add():
        record = notes.record_for(appointment, by=request.user)
        return domain.add(record, code=code, text=text, by=request.user)

    _made, refusal = attempt(appointment, add)
    return answer(request, appointment, "diagnoses", refusal=refusal, typed=text if refusal else "")


@require_POST
def diagnosis_remove(request, pk, diagnosis):
    return _change(request, pk, diagnosis, domain.remove)


@require_POST
def diagnosis_primary(request, pk, diagnosis):
    return _change(request, pk, diagnosis, domain.make_primary)


def _change(request, pk, diagnosis, verb):
    appointment = visit_of(request, pk)
    found = get_object_or_404(Diagnosis.objects.select_related("record"), pk=diagnosis, record__appointment=appointment)
    _done, refusal = attempt(appointment, lambda: verb(found, by=request.user))
    return answer(request, appointment, "diagnoses", refusal=refusal)


@require_POST
def diagnosis_star(request, pk):
    """Make a code one of my favourites, or no longer."""
    appointment = visit_of(request, pk)
    code = get_object_or_404(IcdCode, pk=request.POST.get("code", "").replace("\x00", "")[:8])
    domain.star(code, doctor=request.user.doctor)
    return answer(request, appointment, "diagnoses")
