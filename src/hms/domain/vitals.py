"""Vitals: what is impossible is refused, what is unlikely is asked about, what proves wrong is marked."""

from collections import namedtuple

import pghistory
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import records
from hms.errors import DomainError
from hms.models import MedicalRecord, Vitals
from hms.models.clinical import RANGES

# How something developed: ``rows`` are ``(at, [value, …])``, oldest first, a value for each of ``columns``.
Course = namedtuple("Course", "name label unit columns rows")
# What stands on a chart together. Both pressures are measured or neither.
CHARTS = {
    "temperature": ["temperature"],
    "pulse": ["pulse"],
    "pressure": ["systolic", "diastolic"],
    "respiration": ["respiration"],
    "saturation": ["saturation"],
    "weight": ["weight"],
    "height": ["height"],
    "bmi": ["bmi"],
    "pain": ["pain"],
}
BMI = (9, 70)  # kg/m²; below it are starving adults and the smallest newborn, above it a handful of people


class Unlikely(DomainError):
    """Possible, but rarely true: ``fields`` are to be confirmed."""

    def __init__(self, message, fields):
        super().__init__(message)
        self.fields = fields


def take(record, *, values, by, sure=()):
    """Write down a set of measurements, ``{field: number}``; ``sure``: the fields that were confirmed, though unlikely.

    Units are those of RANGES. Raises DomainError for the impossible (``field`` says which), Unlikely without ``sure``.
    """
    values = {name: value for name, value in values.items() if name in RANGES and value is not None}
    if not values:
        raise DomainError(_("Write at least one measurement."))
    if found := wrong(values):
        field, why = found[0]
        raise DomainError(why, field=field)
    unlikely = [n for n, v in values.items() if n not in sure and not RANGES[n][2] <= v <= RANGES[n][3]]
    if (bmi := _odd_bmi(values)) and not {"weight", "height"} <= set(sure):
        unlikely += [n for n in ("weight", "height") if n not in unlikely]
    if unlikely:
        said = ", ".join(f"{Vitals._meta.get_field(n).verbose_name} {values[n]} {RANGES[n][0]}" for n in unlikely)
        if bmi and "weight" in unlikely:
            said += f" (BMI {bmi:.1f})"
        raise Unlikely(_("This is unusual: %(what)s. Is it right?") % {"what": said}, unlikely)
    with transaction.atomic(), pghistory.context(user=by.pk, action="vitals.taken"):
        record = records.assert_open(record)
        return Vitals.objects.create(
            patient_id=record.patient_id, record=record, taken_at=timezone.now(), taken_by=by, **values
        )


def wrong(values):
    """``[(field, why), …]`` of what cannot be in ``{field: number or None}``; one for each field."""
    values = {name: value for name, value in values.items() if value is not None}
    found = []
    for name, value in values.items():
        unit, least, _low, _high, most = RANGES[name]
        if not least <= value <= most:
            said = {"value": value, "unit": unit, "least": least, "most": most}
            found.append((name, _("%(value)s %(unit)s cannot be. Between %(least)s and %(most)s is possible.") % said))
    if any(name in ("systolic", "diastolic") for name, _why in found):
        return found
    if ("systolic" in values) != ("diastolic" in values):
        found.append(("diastolic" if "systolic" in values else "systolic", _("A blood pressure has two numbers.")))
    elif "systolic" in values and values["systolic"] <= values["diastolic"]:
        found.append(("systolic", _("The upper pressure comes first: these two are swapped.")))
    return found


def _odd_bmi(values):
    """The body mass index, kg/m², where each of weight and height may be right, but hardly both; else None."""
    if not {"weight", "height"} <= values.keys():
        return None
    bmi = values["weight"] / (values["height"] / 100) ** 2
    return None if BMI[0] <= bmi <= BMI[1] else bmi


def mark_wrong(vitals, *, reason, by):
    """Entered in error: kept, crossed out, and no longer counted."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise DomainError(_("Say what is wrong with it."), field="reason")
    with transaction.atomic(), pghistory.context(user=by.pk, action="vitals.marked-wrong"):
        if vitals.record_id:
            records.assert_open(MedicalRecord(pk=vitals.record_id))
        vitals = Vitals.objects.select_for_update().get(pk=vitals.pk)
        if vitals.error_reason:
            raise DomainError(_("This has been marked already."))
        vitals.error_reason = reason
        vitals.save(update_fields=["error_reason"])
        return vitals


def latest(patient):
    """The newest set that counts, or None."""
    return Vitals.objects.filter(patient=patient, error_reason="").first()


def courses(patient, most=60):
    """A Course of each thing that was measured, of the newest sets that count; BMI among them, as computed."""
    sets = list(Vitals.objects.filter(patient=patient, error_reason="")[:most])[::-1]
    found = []
    for name, fields in CHARTS.items():
        rows = [(s.taken_at, [getattr(s, f) for f in fields]) for s in sets if getattr(s, fields[0]) is not None]
        if rows:
            found.append(Course(name, _title(name), _unit(fields[0]), [_title(f) for f in fields], rows))
    return found


def _title(name):
    special = {"pressure": _("Blood pressure"), "systolic": _("Systolic"), "diastolic": _("Diastolic"), "bmi": _("BMI")}
    return special.get(name) or Vitals._meta.get_field(name).verbose_name.capitalize()


def _unit(name):
    return "kg/m²" if name == "bmi" else RANGES[name][0]


def signing_facts(record):
    """What of the vitals a signature covers."""
    rows = Vitals.objects.filter(record=record).order_by("pk")
    return [
        {"at": v.taken_at.isoformat(), "wrong": v.error_reason}
        | {n: str(getattr(v, n)) for n in RANGES if getattr(v, n) is not None}
        for v in rows
    ]


records.SECTIONS["vitals"] = signing_facts
