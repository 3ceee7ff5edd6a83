"""Finding ICD-10 codes, and the diagnoses of a record."""

import pytest
from django.db import DatabaseError, connection, transaction

from hms.domain import diagnoses, records
from hms.errors import DomainError
from hms.models import IcdCode
from hms.testing import make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("codes")]


@pytest.fixture
def record():
    return make_record()


def found(text, **more):
    return [c.code for c in diagnoses.find(text, **more)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("J45", "J45"),
        ("j45.9", "J45.9"),
        ("J459", "J45.9"),
        ("asthma", "J45"),
        ("asthma unspecified", "J45.9"),
        ("unspecified asthma", "J45.9"),
        ("asth", "J45"),
    ],
)
def test_a_code_is_found(text, first):
    assert first in found(text)[:3]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ashtma", "asthma"),
        ("pnuemonia", "pneumonia"),
        ("diabetis", "diabetes"),
        ("pnuemo", "pneumonia"),
        ("hypertenshun", "hypertension"),
        ("chest pian", "chest"),
        ("diabetis type 2", "type 2 diabetes"),
        ("iron deficiency anemia", "iron deficiency anaemia"),
        ("heart attack", "myocardial infarction"),
        ("acute heart attack", "acute transmural myocardial infarction"),
        ("high blood pressure", "hypertension"),
    ],
)
def test_misspellings_and_what_people_say(text, word):
    assert any(word in c.title.lower() for c in diagnoses.find(text))


@pytest.mark.parametrize("text", ["", "   ", "qqqqzzzz", "%", "_", "'; DROP TABLE x; --", "😀", "a" * 500])
def test_odd_texts_are_survived(text):
    assert isinstance(diagnoses.find(text), list)


def test_a_misspelt_word_is_told_from_one_that_is_not_finished():
    assert diagnoses._corrected(["fract", "raduis", "of", "zzqqxx", "50%_"]) == [
        "fract",
        "radius",
        "of",
        "zzqqxx",
        "50%_",
    ]


def test_what_is_mine_comes_first_however_much_else_fits(record):
    doctor = record.doctor
    late = diagnoses.find("unspecified", limit=5000)[-1]
    diagnoses.star(late, doctor=doctor)
    assert found("unspecified", doctor=doctor)[0] == late.pk
    assert [c.starred for c in diagnoses.find("unspecified", doctor=doctor)][:2] == [True, False]


@pytest.mark.parametrize(("text", "most"), [("", 2), ("J45", 2), ("asthma", 2), ("ashtma", 4), ("zzqqxx", 3)])
def test_a_search_asks_little(record, text, most, django_assert_max_num_queries):
    diagnoses.add(record, code="J45.1", by=record.doctor.user)
    with django_assert_max_num_queries(most):
        diagnoses.find(text, doctor=record.doctor)


def test_favourites_and_recent_ones_come_first(record):
    doctor = record.doctor
    assert "J45.1" not in found("asthma", limit=1)
    diagnoses.add(record, code="J45.1", by=doctor.user)
    assert found("asthma", doctor=doctor)[0] == "J45.1"
    diagnoses.star(IcdCode.objects.get(pk="J45.8"), doctor=doctor)
    assert found("asthma", doctor=doctor)[:2] == ["J45.8", "J45.1"]
    assert found("", doctor=doctor) == ["J45.8", "J45.1"]
    assert not diagnoses.star(IcdCode.objects.get(pk="J45.8"), doctor=doctor)


def test_the_first_is_primary_and_the_summary_follows(record):
    by = record.doctor.user
    first = diagnoses.add(record, code="J45.9", by=by)
    second = diagnoses.add(record, text="Tired all the time", by=by)
    record.refresh_from_db()
    assert (first.is_primary, second.is_primary) == (True, False)
    assert record.diagnosis == "J45.9 Asthma, unspecified\nTired all the time"
    diagnoses.make_primary(second, by=by)
    record.refresh_from_db()
    assert record.diagnosis.startswith("Tired")
    diagnoses.remove(second, by=by)
    record.refresh_from_db()
    assert record.diagnosis == "J45.9 Asthma, unspecified"
    assert record.diagnoses.get().is_primary


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"code": "X999"}, "no code"), ({"text": " "}, "Write the diagnosis"), ({"code": "J45.9"}, "already")],
)
def test_refusals(record, fields, words):
    diagnoses.add(record, code="J45.9", by=record.doctor.user)
    with pytest.raises(DomainError, match=words):
        diagnoses.add(record, by=record.doctor.user, **fields)


def test_what_is_signed_stays(record):
    first = diagnoses.add(record, code="J45.9", by=record.doctor.user)
    records.sign(record, by=record.doctor.user)
    for verb in (
        lambda: diagnoses.add(record, text="x", by=record.doctor.user),
        lambda: diagnoses.remove(first, by=record.doctor.user),
        lambda: diagnoses.make_primary(first, by=record.doctor.user),
    ):
        with pytest.raises(DomainError, match="signed"):
            verb()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hms_diagnosis SET text = 'x'")
    assert [p.record for p in records.verify()] == [record]


def test_one_primary_by_sql_too(record):
    diagnoses.add(record, code="J45.9", by=record.doctor.user)
    with pytest.raises(DatabaseError, match="diagnosis_one_primary"), transaction.atomic():
        record.diagnoses.create(text="x", is_primary=True)
