"""Vitals: impossible, unlikely, wrong."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from hms.domain import records, vitals
from hms.errors import DomainError
from hms.models import Vitals
from hms.models.clinical import RANGES
from hms.testing import make_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def record():
    return make_record(notes="x")


def take(record, sure=(), **values):
    return vitals.take(record, values=values, by=record.doctor.user, sure=sure)


def test_a_set_is_written_down_and_bmi_is_computed(record):
    made = take(record, temperature=Decimal("37.2"), pulse=80, weight=Decimal(80), height=Decimal(200))
    assert made.bmi == Decimal("20.0")
    assert vitals.latest(record.patient) == made
    assert [c.name for c in vitals.courses(record.patient)] == ["temperature", "pulse", "weight", "height", "bmi"]


def test_both_pressures_are_one_course(record):
    for systolic, diastolic in ((150, 95), (140, 90)):
        take(record, systolic=systolic, diastolic=diastolic, pulse=80)
    take(record, pulse=70)
    pressure = next(c for c in vitals.courses(record.patient) if c.name == "pressure")
    assert (pressure.label, pressure.unit, pressure.columns) == ("Blood pressure", "mmHg", ["Systolic", "Diastolic"])
    assert [values for _at, values in pressure.rows] == [[150, 95], [140, 90]]


def test_a_weight_that_does_not_go_with_the_height_is_asked_about(record):
    odd = {"weight": Decimal(5), "height": Decimal(180), "pulse": 70}
    with pytest.raises(vitals.Unlikely, match=r"weight 5 kg, height 180 cm \(BMI 1\.5\)") as question:
        take(record, **odd)
    assert question.value.fields == ["weight", "height"]
    with pytest.raises(vitals.Unlikely):
        take(record, sure={"weight"}, **odd)
    assert take(record, sure={"weight", "height"}, **odd).weight == 5
    assert take(record, weight=Decimal("3.4"), height=Decimal(51)).bmi == Decimal("13.1")  # a newborn


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"temperature": Decimal(400)}, "temperature"),
        ({"pulse": 0}, "pulse"),
        ({"saturation": 101}, "saturation"),
        ({"pain": 11}, "pain"),
        ({"systolic": 80, "diastolic": 120}, "systolic"),
        ({"systolic": 120}, "diastolic"),
        ({"height": Decimal("1.80")}, "height"),
    ],
)
def test_the_impossible_is_refused_beside_its_field(record, values, field):
    with pytest.raises(DomainError) as refusal:
        take(record, sure=tuple(values), **values)
    assert refusal.value.field == field
    assert not Vitals.objects.exists()


def test_the_unlikely_is_asked_about_and_taken_when_confirmed(record):
    with pytest.raises(vitals.Unlikely) as question:
        take(record, temperature=Decimal("42.1"), pulse=70)
    assert question.value.fields == ["temperature"]
    assert take(record, sure=("temperature",), temperature=Decimal("42.1"), pulse=70).temperature == Decimal("42.1")


def test_nothing_is_nothing(record):
    with pytest.raises(DomainError, match="at least one"):
        take(record)


def test_a_wrong_one_is_marked_and_no_longer_counts(record):
    made = take(record, pulse=70)
    with pytest.raises(DomainError, match="what is wrong"):
        vitals.mark_wrong(made, reason=" ", by=record.doctor.user)
    vitals.mark_wrong(made, reason="other patient", by=record.doctor.user)
    assert vitals.latest(record.patient) is None
    assert vitals.courses(record.patient) == []
    with pytest.raises(DomainError, match="already"):
        vitals.mark_wrong(made, reason="again", by=record.doctor.user)


def test_what_is_signed_stays_and_a_change_by_sql_is_noticed(record):
    made = take(record, pulse=70)
    records.sign(record, by=record.doctor.user)
    with pytest.raises(DomainError, match="signed"):
        take(record, pulse=71)
    with pytest.raises(DomainError, match="signed"):
        vitals.mark_wrong(made, reason="x", by=record.doctor.user)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hms_vitals SET pulse = 90")
    assert [p.record for p in records.verify()] == [record]


@pytest.mark.parametrize("field", RANGES)
def test_the_database_refuses_the_impossible_too(record, field):
    made = take(record, pulse=70)
    most = RANGES[field][4]
    value = 99.9 if field == "temperature" else most + 1 if field not in {"weight", "height"} else 999
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE hms_vitals SET {field} = %s WHERE id = %s", [value, made.pk])


def test_the_database_refuses_swapped_pressures(record):
    take(record, systolic=120, diastolic=80)
    with pytest.raises(DatabaseError, match="in_order"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE hms_vitals SET systolic = 70")
