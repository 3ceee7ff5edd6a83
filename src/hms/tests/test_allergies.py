"""Allergies in one of four states; problems; and the summaries that stay true."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError

from hms.domain import allergies, problems
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Patient, Severity
from hms.testing import make_doctor, make_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return make_patient()


@pytest.fixture
def by():
    return make_doctor().user


def now(patient):
    return Patient.objects.get(pk=patient.pk)


def state(patient):
    return allergies.state(now(patient))[0]


def test_the_four_states(patient, by, monkeypatch):
    assert state(patient) == allergies.UNASKED
    allergies.state_none(patient, by=by)
    assert state(patient) == allergies.NONE
    assert now(patient).allergies == "No known allergies"
    made = allergies.note(patient, substance="Penicillin", reaction="rash", severity=Severity.SEVERE, by=by)
    assert state(patient) == allergies.KNOWN
    assert now(patient).allergies == "Penicillin (rash, Severe)"
    allergies.end(made, reason="Tested: none", by=by)
    # That there are none was said before this one was found: nobody has said so since.
    assert state(patient) == allergies.UNASKED
    assert now(patient).allergies == ""

    def broken(patient):
        raise DatabaseError

    monkeypatch.setattr(allergies, "noted", broken)
    assert state(patient) == allergies.UNAVAILABLE


def test_refusals(patient, by):
    made = allergies.note(patient, substance="Nuts", by=by)
    for words, verb in [
        ("Write what", lambda: allergies.note(patient, substance=" ", by=by)),
        ("already", lambda: allergies.note(patient, substance="NUTS", by=by)),
        ("how severe", lambda: allergies.note(patient, substance="Bees", severity="DEADLY", by=by)),
        ("on the list", lambda: allergies.state_none(patient, by=by)),
        ("Say why", lambda: allergies.end(made, reason="", by=by)),
    ]:
        with pytest.raises(DomainError, match=words):
            verb()
    allergies.end(made, reason="x", by=by)
    with pytest.raises(DomainError, match="already"):
        allergies.end(made, reason="x", by=by)


@pytest.mark.usefixtures("codes")
def test_problems_and_their_summary(patient, by):
    first = problems.note(patient, code="I10", onset=date(2019, 3, 1), by=by)
    problems.note(patient, text="Lives alone", by=by)
    assert now(patient).medical_history == "Essential (primary) hypertension (Mar 2019–)\nLives alone"
    problems.end(first, on=date(2021, 5, 1), by=by)
    assert "(Mar 2019–May 2021)" in now(patient).medical_history


@pytest.mark.usefixtures("codes")
def test_problems_refuse(patient, by):
    first = problems.note(patient, code="I10", onset=date(2019, 3, 1), by=by)
    later = hospital().today() + timedelta(days=1)
    for words, verb in [
        ("already", lambda: problems.note(patient, code="I10", by=by)),
        ("no code", lambda: problems.note(patient, code="ZZZ", by=by)),
        ("Write what", lambda: problems.note(patient, text="", by=by)),
        ("still to come", lambda: problems.note(patient, text="x", onset=later, by=by)),
        ("born later", lambda: problems.note(patient, text="x", onset=date(5, 2, 1), by=by)),
        ("before it began", lambda: problems.end(first, on=date(2000, 1, 1), by=by)),
        ("still to come", lambda: problems.end(first, on=later, by=by)),
    ]:
        with pytest.raises(DomainError, match=words):
            verb()


def test_an_earlier_text_counts_until_it_is_entered_and_is_never_lost(by):
    patient = make_patient(allergies="Penicillin (rash)")
    state, found = allergies.state(patient)
    assert (state, found[0].substance) == (allergies.KNOWN, "Penicillin (rash)")
    with pytest.raises(DomainError, match="on the list"):
        allergies.state_none(patient, by=by)
    allergies.note(patient, substance="Penicillin", by=by)
    assert [a.substance for a in allergies.state(now(patient))[1]] == ["Penicillin"]


def test_what_an_earlier_text_says_of_others_stays_in_sight(by):
    patient = make_patient(allergies="Penicillin (rash); Latex; Nuts, but not almonds")
    allergies.note(patient, substance="penicillin", by=by)
    patient = now(patient)
    assert [a.substance for a in allergies.state(patient)[1]] == ["Latex", "Nuts, but not almonds", "penicillin"]
    assert patient.allergies == "Latex; Nuts, but not almonds; penicillin"
    allergies.note(patient, substance="Bees", by=by)
    assert now(patient).allergies == "Latex; Nuts, but not almonds; penicillin; Bees"


def test_an_earlier_history_goes_on_the_list_with_the_first_problem(by):
    patient = make_patient(medical_history="Asthma as a child\n\nAppendix out in 1999")
    problems.note(patient, text="Sciatica", by=by)
    assert now(patient).medical_history == "Asthma as a child\nAppendix out in 1999\nSciatica"
    problems.note(patient, text="Gout", by=by)
    assert [p.text for p in patient.problems.all()] == ["Asthma as a child", "Appendix out in 1999", "Sciatica", "Gout"]
    again = make_patient(medical_history="Asthma")
    with pytest.raises(DomainError, match="already"):
        problems.note(again, text="asthma", by=by)
    assert not again.problems.exists()
