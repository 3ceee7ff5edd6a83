"""What is refused is kept for whoever typed it: the refusal may have reached nobody."""

import pytest
from django.db import IntegrityError, transaction

from hms.domain import notes, records, set_aside
from hms.errors import DomainError
from hms.models import Appointment, MedicalRecord, SetAsideText
from hms.testing import make_appointment, make_doctor

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit():
    return make_appointment(status="IN_PROGRESS")


def save(visit, text, *, version=0, session="page-1", sequence=1, by=None):
    by = by or visit.doctor.user
    versions = {"notes": version}
    return notes.save(visit, texts={"notes": text}, versions=versions, session=session, sequence=sequence, by=by)


def refused(visit, text, **more):
    with pytest.raises(DomainError) as refusal:
        save(visit, text, **more)
    return refusal.value


def record(visit):
    return MedicalRecord.objects.get(appointment=visit)


@pytest.fixture
def conflicting(visit):
    """A text that met somebody else's."""
    save(visit, "a")
    save(visit, "theirs", version=2, session="page-2")
    return refused(visit, "mine", version=2, sequence=2).kept


def test_a_conflicting_text_is_kept(visit, conflicting):
    assert (conflicting.texts, conflicting.why) == ({"notes": "mine"}, "CONFLICT")
    assert set_aside.waiting(visit, by=visit.doctor.user) == [conflicting]


def test_what_is_typed_on_replaces_it_and_what_comes_late_does_not(visit, conflicting):
    refused(visit, "mine and more", version=2, sequence=4)
    refused(visit, "mine and", version=2, sequence=3)
    assert SetAsideText.objects.get().texts == {"notes": "mine and more"}


def test_it_is_settled_by_the_next_save_of_its_page(visit, conflicting):
    save(visit, "theirs", version=3, session="page-3")
    assert set_aside.waiting(visit, by=visit.doctor.user) == [conflicting]
    save(visit, "theirs and mine", version=3, sequence=3)
    assert set_aside.waiting(visit, by=visit.doctor.user) == []
    assert SetAsideText.objects.count() == 1


def test_a_save_of_another_text_settles_nothing(visit, conflicting):
    by = visit.doctor.user
    notes.save(visit, texts={"treatment": "tea"}, versions={"treatment": 2}, session="page-1", sequence=3, by=by)
    assert set_aside.waiting(visit, by=by) == [conflicting]


def test_it_goes_below_the_note(visit, conflicting):
    set_aside.take_in(conflicting, by=visit.doctor.user)
    assert record(visit).notes == f"theirs\n\n— Added by {visit.doctor.user} —\nmine"
    assert set_aside.waiting(visit, by=visit.doctor.user) == []


def test_what_came_after_signing_becomes_an_addendum(visit):
    save(visit, "a")
    records.sign(record(visit), by=visit.doctor.user)
    row = refused(visit, "ab", version=2, sequence=2).kept
    assert row.why == "SIGNED"
    set_aside.take_in(row, by=visit.doctor.user)
    assert MedicalRecord.objects.get(amends__isnull=False).notes == "ab"
    assert list(records.verify()) == []


def test_the_draft_of_a_visit_called_off_is_kept(visit):
    Appointment.objects.update(status="CANCELLED")
    row = refused(visit, "a").kept
    assert (row.texts, row.why) == ({"notes": "a"}, "CALLED_OFF")
    with pytest.raises(DomainError, match="cancelled"):
        set_aside.take_in(row, by=visit.doctor.user)
    assert set_aside.waiting(visit, by=visit.doctor.user) == [row]
    Appointment.objects.update(status="SCHEDULED")
    set_aside.take_in(row, by=visit.doctor.user)
    assert record(visit).notes.endswith("a")


def test_it_is_dropped_once_and_only_by_its_writer(visit, conflicting):
    other = make_doctor().user
    assert set_aside.waiting(visit, by=other) == []
    for verb in (set_aside.drop, set_aside.take_in):
        with pytest.raises(DomainError, match="somebody else"):
            verb(conflicting, by=other)
    set_aside.drop(conflicting, by=visit.doctor.user)
    with pytest.raises(DomainError, match="settled"):
        set_aside.drop(conflicting, by=visit.doctor.user)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 100_001])
def test_nothing_and_too_much_are_not_kept(visit, text):
    save(visit, "a")
    save(visit, "theirs", version=2, session="page-2")
    refused(visit, text, version=2, sequence=2)
    assert not SetAsideText.objects.exists()


def test_one_for_a_page_by_sql_too(visit, conflicting):
    with pytest.raises(IntegrityError, match="set_aside_once_a_page"), transaction.atomic():
        SetAsideText.objects.create(
            appointment=visit, user=visit.doctor.user, session="page-1", texts={}, why="SIGNED", at=conflicting.at
        )
