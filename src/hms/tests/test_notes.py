"""Notes are saved as they are typed: nothing lost, nothing overwritten in silence, every text kept."""

import pytest

from hms.domain import notes, records
from hms.errors import DomainError
from hms.models import EditingSession, MedicalRecord
from hms.testing import make_appointment, make_doctor, make_record, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit():
    return make_appointment(status="IN_PROGRESS")


def save(visit, text, *, version=0, session="page-1", sequence=1, by=None, field="notes"):
    return notes.save(
        visit,
        texts={field: text},
        versions={field: version},
        session=session,
        sequence=sequence,
        by=by or visit.doctor.user,
    )


def kept(visit):
    return MedicalRecord.objects.get(appointment=visit)


def test_the_first_save_makes_the_record(visit):
    saved = save(visit, "Cough since Monday.")
    assert (kept(visit).notes, kept(visit).doctor, kept(visit).patient) == (
        "Cough since Monday.",
        visit.doctor,
        visit.patient,
    )
    assert saved.version == kept(visit).version == 2


def test_one_page_goes_on_from_its_own_saves(visit):
    first = save(visit, "a")
    second = save(visit, "ab", version=first.version, sequence=2)
    assert second.version == first.version + 1
    assert kept(visit).notes == "ab"


def test_a_save_whose_answer_was_lost_is_no_conflict_with_itself(visit):
    save(visit, "a")  # taken, but the page never heard so: it still knows version 0
    save(visit, "ab", version=0, sequence=2)
    assert kept(visit).notes == "ab"


def test_the_same_save_again_changes_nothing(visit):
    first = save(visit, "a")
    save(visit, "ab", version=first.version, sequence=2)
    again = save(visit, "a", sequence=1)  # overtaken on the way
    assert kept(visit).notes == "ab"
    assert again.version == kept(visit).version


def test_somebody_elses_change_of_the_same_text_is_a_conflict_and_both_texts_stay(visit):
    first = save(visit, "a")
    save(visit, "theirs", version=first.version, session="page-2")
    with pytest.raises(notes.NoteConflict) as conflict:
        save(visit, "mine", version=first.version, sequence=2)
    assert conflict.value.fields == ["notes"]
    assert conflict.value.record.notes == "theirs"
    assert conflict.value.who == visit.doctor.user
    assert kept(visit).notes == "theirs"


def test_changes_of_different_texts_do_not_meet(visit):
    first = save(visit, "a")
    save(visit, "theirs", version=first.version, session="page-2", field="treatment")
    save(visit, "mine", version=first.version, sequence=2)
    assert (kept(visit).notes, kept(visit).treatment) == ("mine", "theirs")


def test_the_same_words_are_no_conflict(visit):
    first = save(visit, "a")
    save(visit, "same", version=first.version, session="page-2")
    save(visit, "same", version=first.version, sequence=2)
    assert kept(visit).notes == "same"


def test_after_choosing_the_save_on_top_of_theirs_is_taken(visit):
    first = save(visit, "a")
    theirs = save(visit, "theirs", version=first.version, session="page-2")
    save(visit, "theirs and mine", version=theirs.version, sequence=2)
    assert kept(visit).notes == "theirs and mine"


@pytest.mark.parametrize("status", ["CANCELLED", "NO_SHOW"])
def test_a_visit_that_does_not_take_place_refuses_in_words(visit, status):
    save(visit, "a draft")
    type(visit).objects.filter(pk=visit.pk).update(status=status)
    with pytest.raises(DomainError, match="Copy your text"):
        save(visit, "more", version=2, sequence=2)
    assert kept(visit).notes == "a draft"


def test_a_signed_record_refuses(visit):
    save(visit, "a")
    records.sign(kept(visit), by=visit.doctor.user)
    with pytest.raises(DomainError, match="addendum"):
        save(visit, "b", version=2, sequence=2)
    assert kept(visit).notes == "a"


def test_a_paste_of_two_hundred_pages_is_refused_and_nothing_saved_is_lost(visit):
    save(visit, "a")
    with pytest.raises(DomainError, match="shorten it") as refusal:
        save(visit, "x" * 600_000, version=2, sequence=2)
    assert refusal.value.field == "notes"
    assert kept(visit).notes == "a"


def test_line_ends_and_what_no_database_keeps(visit):
    save(visit, "one\r\ntwo\rthree\x00 😀 <script>")
    assert kept(visit).notes == "one\ntwo\nthree 😀 <script>"


def test_only_doctors_write(visit):
    with pytest.raises(DomainError, match="Only doctors"):
        save(visit, "a", by=make_user("RECEPTIONIST"))


def test_a_page_is_one_persons(visit):
    save(visit, "a")
    with pytest.raises(DomainError, match="somebody else"):
        save(visit, "b", version=2, sequence=2, by=make_doctor().user)


def test_who_else_writes_is_known(visit):
    other = make_doctor().user
    save(visit, "a")
    record = kept(visit)
    assert notes.writing(record, but_not="page-1") == []
    notes.here(record, session="page-2", by=other)
    assert notes.writing(record, but_not="page-1") == [other]
    EditingSession.objects.filter(key="page-2").update(seen_at="2020-01-01T00:00Z")
    assert notes.writing(record, but_not="page-1") == []


def test_every_text_that_was_saved_is_kept_with_its_writer(visit):
    first = save(visit, "a")
    save(visit, "ab", version=first.version, sequence=2)
    assert [texts["notes"] for _at, _who, texts in notes.drafts(kept(visit))] == ["", "a", "ab"]


def test_one_record_of_a_visit_by_sql_too(visit):
    make_record(visit)
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError, match="record_one_of_a_visit"), transaction.atomic():
        make_record(visit)


def test_a_save_of_one_text_knows_nothing_of_another(visit):
    """Saving the treatment must not make the page's old notes look new."""
    save(visit, "a")
    save(visit, "theirs", version=2, session="page-2", sequence=1)
    save(visit, "tea", version=2, sequence=2, field="treatment")
    with pytest.raises(notes.NoteConflict):
        save(visit, "mine", version=2, sequence=3)
    assert (kept(visit).notes, kept(visit).treatment) == ("theirs", "tea")


def test_a_save_overtaken_on_the_way_says_the_version_of_its_own_page(visit):
    """Not the newest: that one holds somebody else's text, which the page has not seen."""
    save(visit, "ab", sequence=2)
    save(visit, "theirs", version=2, session="page-2")
    assert save(visit, "a", sequence=1).version == 2


def test_a_form_takes_only_what_was_touched(visit):
    save(visit, "a")
    save(visit, "theirs", version=2, session="page-2")
    form = {"texts": {"treatment": "tea", "notes": "a"}, "versions": {"treatment": 2, "notes": 2}}
    notes.save(visit, **form, session="form", sequence=1, by=visit.doctor.user, whole_form=True)
    assert (kept(visit).notes, kept(visit).treatment) == ("theirs", "tea")


def test_pages_that_were_left_are_forgotten(visit):
    save(visit, "a")
    EditingSession.objects.update(seen_at="2020-01-01T00:00Z")
    save(visit, "ab", version=2, session="page-2")
    assert [page.key for page in EditingSession.objects.all()] == ["page-2"]
