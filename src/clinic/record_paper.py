"""A record on paper: what hms/typst/record.typ prints, all of it text."""

from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import allergies, prescriptions, printing
from hms.models import Problem
from hms.record_number import grouped
from hms.templatetags.hms import age, clinical_date, clinical_datetime


def data(access, asked, page):
    patient = access.patient
    return {
        "title": _("Medical record"),
        "hospital": printing.hospital_lines(),
        "printed_at": clinical_datetime(timezone.now()),
        "reference": grouped(patient.record_number),
        "patient": {
            "name": patient.user.formal_name,
            "born": f"{clinical_date(patient.date_of_birth)} ({age(patient.date_of_birth)})",
            "gender": patient.get_gender_display(),
            "number": grouped(patient.record_number),
        },
        "notices": _notices(access, asked, page),
        "allergies": _allergies(patient),
        "medication": [line.said() for line in prescriptions.taken(patient)],
        "problems": [_problem(p) for p in Problem.objects.filter(patient=patient, ended=None).order_by("pk")],
        "entries": [_entry(entry) for entry in page.entries],
    }


def _notices(access, asked, page):
    found = []
    if access.glass:
        found.append(_("Opened by break-glass: %(why)s") % {"why": access.glass.reason})
    if asked.is_filtered:
        found.append(_("A part of the record") + ": " + asked.part)
    if page.older:
        found.append(_("Only the newest %(n)d entries. Choose a period for older ones.") % {"n": len(page.entries)})
    return found


def _allergies(patient):
    state, active = allergies.state(patient)
    words = {
        allergies.NONE: _("No known allergies"),
        allergies.UNASKED: _("Allergies not recorded"),
        allergies.UNAVAILABLE: _("Allergies unavailable"),
    }
    if state in words:
        return words[state]
    return _("Known allergies") + ": " + ", ".join(a.substance for a in active)


def _problem(problem):
    since = f", {_('since')} {clinical_date(problem.onset)}" if problem.onset else ""
    return f"{problem.code_id or ''} {problem.text}".strip() + since


def _entry(entry):
    return {
        "when": clinical_date(entry.at) if entry.day_only else clinical_datetime(entry.at),
        "kind": str(entry.source.label),
        "title": entry.title,
        "who": entry.doctor,
        "marks": ", ".join(text for text, _look in entry.marks),
        "texts": [[str(label).capitalize(), text] for label, text in entry.texts],
    }
