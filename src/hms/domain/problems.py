"""The problem list. ``Patient.medical_history`` is its summary, rewritten by the verbs here."""

from textwrap import wrap

import pghistory
from django.db import transaction
from django.utils.translation import gettext as _

from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import IcdCode, Patient, Problem


def note(patient, *, text="", code=None, onset=None, by):
    """Put a problem on the list, coded or in free words."""
    icd = IcdCode.objects.filter(pk=code).first() if code else None
    if code and icd is None:
        raise DomainError(_("There is no code %(code)s.") % {"code": code[:20]}, field="text")
    text = " ".join((icd.title if icd else text).split())[:300]
    if not text:
        raise DomainError(_("Write what the problem is."), field="text")
    _in_a_life(patient, onset, "onset")
    with transaction.atomic(), pghistory.context(user=by.pk, action="problem.noted"):
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        _enter_earlier(patient, by)
        same = Problem.objects.filter(patient=patient, ended=None)
        if same.filter(code=icd).exists() if icd else same.filter(text__iexact=text).exists():
            raise DomainError(_("%(what)s is on the list already.") % {"what": text}, field="text")
        made = Problem.objects.create(patient=patient, code=icd, text=text, onset=onset, noted_by=by)
        _summarise(patient)
        return made


def _enter_earlier(patient, by):
    """A history from before there was a list goes on it as it stands: a problem for each line."""
    if not Problem.objects.filter(patient=patient).exists():
        for line in patient.medical_history.splitlines():
            for text in wrap(line, 300):
                Problem.objects.create(patient=patient, text=text, noted_by=by)


def end(problem, *, on, by):
    """The problem is over since ``on``."""
    _in_a_life(problem.patient, on, "ended")
    with transaction.atomic(), pghistory.context(user=by.pk, action="problem.ended"):
        patient = Patient.objects.select_for_update().get(pk=problem.patient_id)
        problem = Problem.objects.select_for_update().get(pk=problem.pk)
        if problem.ended:
            raise DomainError(_("This problem has been ended already."))
        if problem.onset and on < problem.onset:
            raise DomainError(_("It cannot end before it began."), field="ended")
        problem.ended = on
        problem.save(update_fields=["ended"])
        _summarise(patient)
        return problem


def _in_a_life(patient, day, field):
    if day and day > hospital().today():
        raise DomainError(_("This day is still to come."), field=field)
    if day and day < patient.date_of_birth:
        raise DomainError(
            _("The patient was born later, on %(day)s.") % {"day": f"{patient.date_of_birth:%d-%b-%Y}"}, field=field
        )


def _summarise(patient):
    lines = []
    for p in Problem.objects.filter(patient=patient):
        since = f"{p.onset:%b %Y}" if p.onset else ""
        until = f"{p.ended:%b %Y}" if p.ended else ""
        span = f" ({since}–{until})" if since or until else ""
        lines.append(f"{p.text}{span}")
    patient.medical_history = "\n".join(lines)
    patient.save(update_fields=["medical_history"])
