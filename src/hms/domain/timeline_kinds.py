"""The kinds of entries on the record's line beside visits: what was measured, diagnosed, prescribed, what stays true.

A visit shows its diagnoses and prescription in its own words; one by one they are on the line when asked for.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms.domain.timeline import Entry, holds, named, source
from hms.models import Allergy, Diagnosis, PrescriptionLine, Problem, Vitals
from hms.models.clinical import RANGES


def _clinical(moment):
    from hms.domain.settings import hospital

    return f"{moment.astimezone(hospital().zone):%d-%b-%Y}"


def readings(vitals):
    """A set of measurements in one line, with units."""
    pressure = f"{vitals.systolic}/{vitals.diastolic} mmHg" if vitals.systolic is not None else ""
    parts = [
        (_("temperature"), vitals.temperature, "°C"),
        (_("pulse"), vitals.pulse, "/min"),
        (_("pressure"), pressure or None, ""),
        (_("respiration"), vitals.respiration, "/min"),
        (_("SpO₂"), vitals.saturation, "%"),
        (_("weight"), vitals.weight, "kg"),
        (_("height"), vitals.height, "cm"),
        (_("BMI"), vitals.bmi, "kg/m²"),
        (_("pain"), vitals.pain, "/10"),
    ]
    return ", ".join(f"{name} {value} {unit}".rstrip() for name, value, unit in parts if value is not None)


VITALS = ("taken_at", "error_reason", *RANGES, *named("taken_by"))


@source(
    "vitals",
    gettext_lazy("Vitals"),
    "heart",
    rows=lambda patient: Vitals.objects.filter(patient=patient).select_related("taken_by").only(*VITALS),
    at="taken_at",
    search=lambda rows, patient, word: rows.filter(holds(word, "error_reason")),
)
def _vitals(rows):
    return [
        Entry(
            at=v.taken_at,
            kind="vitals",
            pk=v.pk,
            title=readings(v) or _("Vitals"),
            doctor=str(v.taken_by),
            dim=bool(v.error_reason),
            marks=[(_("Entered in error: %(why)s") % {"why": v.error_reason}, "warning")] if v.error_reason else [],
        )
        for v in rows
    ]


@source(
    "diagnosis",
    gettext_lazy("Diagnoses"),
    "clipboard-document-check",
    rows=lambda patient: Diagnosis.objects.filter(record__patient=patient).select_related("record__doctor__user"),
    at="created_at",
    search=lambda rows, patient, word: rows.filter(holds(word, "text", "code_id")),
    only_asked=True,
)
def _diagnoses(rows):
    return [
        Entry(
            at=d.created_at,
            kind="diagnosis",
            pk=d.pk,
            title=str(d),
            doctor=str(d.record.doctor),
            marks=[(_("primary"), "info")] if d.is_primary else [],
        )
        for d in rows
    ]


@source(
    "prescription",
    gettext_lazy("Prescriptions"),
    "document-text",
    rows=lambda patient: PrescriptionLine.objects.filter(patient=patient).select_related(
        "prescription__record__doctor__user"
    ),
    at="created_at",
    search=lambda rows, patient, word: rows.filter(holds(word, "drug_name", "instructions", "stop_reason")),
    only_asked=True,
)
def _prescriptions(rows):
    found = []
    for line in rows:
        entry = Entry(
            at=line.created_at,
            kind="prescription",
            pk=line.pk,
            title=line.said(),
            doctor=str(line.prescription.record.doctor),
            dim=line.stopped_at is not None,
        )
        if line.warning:
            entry.texts.append((_("Warning"), f"{line.warning} – {line.acknowledged}"))
        if line.stopped_at:
            said = _("Stopped %(day)s: %(why)s") % {"day": _clinical(line.stopped_at), "why": line.stop_reason}
            entry.marks.append((said.rstrip(": "), "warning"))
        found.append(entry)
    return found


@source(
    "allergy",
    gettext_lazy("Allergies"),
    "exclamation-triangle",
    rows=lambda patient: Allergy.objects.filter(patient=patient).select_related("noted_by"),
    at="noted_at",
    search=lambda rows, patient, word: rows.filter(holds(word, "substance", "reaction", "drug_class", "end_reason")),
)
def _allergies(rows):
    found = []
    for allergy in rows:
        entry = Entry(
            at=allergy.noted_at,
            kind="allergy",
            pk=allergy.pk,
            title=_("Allergy: %(what)s") % {"what": allergy.substance},
            doctor=str(allergy.noted_by),
            marks=[(allergy.get_severity_display(), "error" if allergy.severity == "SEVERE" else "")],
            dim=allergy.ended_at is not None,
        )
        if allergy.reaction:
            entry.texts.append((_("Reaction"), allergy.reaction))
        if allergy.ended_at:
            entry.texts.append((_("Ended %(day)s") % {"day": _clinical(allergy.ended_at)}, allergy.end_reason))
        found.append(entry)
    return found


@source(
    "problem",
    gettext_lazy("Problems"),
    "list-bullet",
    rows=lambda patient: Problem.objects.filter(patient=patient).select_related("noted_by"),
    at="noted_at",
    search=lambda rows, patient, word: rows.filter(holds(word, "text", "code_id")),
)
def _problems(rows):
    found = []
    for problem in rows:
        code = f"{problem.code_id} " if problem.code_id else ""
        entry = Entry(
            at=problem.noted_at,
            kind="problem",
            pk=problem.pk,
            title=_("Problem: %(what)s") % {"what": code + problem.text},
            doctor=str(problem.noted_by),
            dim=problem.ended is not None,
        )
        if problem.onset:
            entry.marks.append((_("since %(day)s") % {"day": f"{problem.onset:%d-%b-%Y}"}, ""))
        if problem.ended:
            entry.marks.append((_("over since %(day)s") % {"day": f"{problem.ended:%d-%b-%Y}"}, "success"))
        found.append(entry)
    return found
