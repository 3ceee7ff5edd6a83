"""Prescribing: lines of a record, checked against allergies, classes and what the patient takes already.

``MedicalRecord.prescription`` is the readable summary of its lines, rewritten by the verbs here.
"""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pghistory
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import allergies, records, search
from hms.errors import DomainError
from hms.models import Drug, MedicalRecord, Prescription, PrescriptionLine

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "drugs.csv"
OPTIONS = 10
# Who is allergic to the first may react to the others too (shared ring or side chain).
CROSS = {"penicillins": {"cephalosporins"}, "cephalosporins": {"penicillins"}, "salicylates": {"NSAIDs"}}
# Two of one of these at a time are rather a mistake than a plan.
TWICE = set(
    """NSAIDs;opioids;benzodiazepines;SSRIs;SNRIs;statins;ACE inhibitors;angiotensin receptor blockers;beta blockers;
    anticoagulants;proton pump inhibitors;penicillins;cephalosporins;macrolides;quinolones;sulfonylureas;
    tricyclic antidepressants;antipsychotics;loop diuretics;thiazides""".replace("\n    ", "").split(";")
)


class NeedsAcknowledgement(DomainError):
    """The check found something: prescribe all the same only with a reason. ``warnings`` are its sentences."""

    def __init__(self, warnings):
        super().__init__(" ".join(warnings))
        self.warnings = warnings


def load_drugs(model=Drug):
    """Put the shipped list into an empty table; returns the number there. ``model``: as a migration knows it."""
    if count := model.objects.count():
        return count
    rows, problems = read_csv(SHIPPED.read_text())
    assert not problems, problems
    model.objects.bulk_create([model(**row) for row in rows], ignore_conflicts=True)
    return len(rows)


def read_csv(text):
    """``(rows, problems)`` of a list of drugs: columns name;classes;forms;strengths, several parted by commas.

    ``rows`` are what Drug takes; ``problems`` are ``(line number, words)``, one for each line that cannot be taken.
    """
    rows, problems, seen = [], [], set()
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=";")
    if reader.fieldnames != ["name", "classes", "forms", "strengths"]:
        return [], [(1, _("The first line must be name;classes;forms;strengths."))]
    for number, line in enumerate(reader, 2):
        name = " ".join((line["name"] or "").split())
        parts = {
            k: [p.strip() for p in (line[k] or "").split(",") if p.strip()] for k in ("classes", "forms", "strengths")
        }
        if not name or None in line:
            problems.append((number, _("A line needs a name and four columns.")))
        elif (
            len(name) > 120
            or any(len(p) > 60 for p in parts["classes"])
            or any(len(p) > 40 for p in parts["forms"] + parts["strengths"])
        ):
            problems.append((number, _("%(name)s: something is too long.") % {"name": name[:40]}))
        elif name.lower() in seen:
            problems.append((number, _("%(name)s stands in the file twice.") % {"name": name}))
        else:
            seen.add(name.lower())
            rows.append({"name": name} | parts)
    return rows, problems


def import_drugs(rows, *, by):
    """Add these drugs, and change those that are there by this name; returns ``(added, changed)``."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="drugs.imported"):
        there = {d.name.lower(): d for d in Drug.objects.select_for_update()}
        added = changed = 0
        for row in rows:
            drug = there.get(row["name"].lower())
            if drug is None:
                Drug.objects.create(**row)
                added += 1
            elif any(getattr(drug, k) != v for k, v in row.items()):
                for k, v in row.items():
                    setattr(drug, k, v)
                drug.save(update_fields=list(row))
                changed += 1
        return added, changed


def find_drugs(text, *, limit=OPTIONS):
    """Drugs by any part of the name, those that begin with it first; with a letter wrong if there is none."""
    plain = search.plain(search.clean(text))
    if not plain:
        return []
    found = list(Drug.objects.filter(plain__contains=plain))
    if not found:
        found = list(Drug.objects.extra(where=["%s <%% plain"], params=[plain]))
    return sorted(found, key=lambda d: (not d.plain.startswith(plain), d.name))[:limit]


def taken(patient):
    """What the patient takes now, as far as prescribed here: lines not stopped and not run out."""
    lines = PrescriptionLine.objects.filter(patient=patient, stopped_at=None).select_related(
        "prescription__record__doctor__user", "drug"
    )
    # What has surely run out stays in the database: the record of many years holds thousands of lines.
    length = ExpressionWrapper(F("days") * Value(timedelta(days=1)), DurationField())
    lines = lines.filter(Q(days=None) | Q(created_at__gt=timezone.now() - length))
    return [line for line in lines if not has_run_out(line)]


def has_run_out(line):
    """Whether the days for which it was prescribed are over."""
    return line.days is not None and line.created_at + timedelta(days=line.days) <= timezone.now()


def check(patient, *, drug, drug_name, but_not=None):
    """What speaks against it, a sentence each; none if nothing is known to."""
    warnings = []
    name, classes = search.plain(drug_name), set(drug.classes if drug else ())
    for allergy in allergies.state(patient)[1]:
        substance = search.plain(allergy.substance)
        against = {allergy.drug_class} - {""}
        for one in classes | CROSS.keys():
            if _same(substance, search.plain(one)):
                against.add(one)
        against |= {other for one in against for other in CROSS.get(one, ())}
        if _same(substance, name) or against & classes:
            more = f" ({allergy.reaction})" if allergy.reaction else ""
            warnings.append(_("Allergic to %(what)s%(more)s.") % {"what": allergy.substance, "more": more})
    for line in taken(patient):
        if but_not is not None and line.pk == but_not.pk:
            continue
        if search.plain(line.drug_name) == name:
            warnings.append(_("Takes it already: %(line)s.") % {"line": line.said()})
        elif shared := classes & TWICE & set(line.drug.classes if line.drug else ()):
            warnings.append(
                _("Takes another of the %(class)s: %(line)s.") % {"class": sorted(shared)[0], "line": line.said()}
            )
    return warnings


def _same(a, b):
    """Whether two names mean the same: equal, one the other's plural, or one a whole word of the other."""
    a, b = a.rstrip("s"), b.rstrip("s")
    return a == b or bool(re.search(rf"\b{re.escape(a)}", b)) or bool(re.search(rf"\b{re.escape(b)}\b", a))


def prescribe(record, *, drug_name, dose, frequency, by, drug=None, acknowledged="", **more):
    """Add a line. Raises NeedsAcknowledgement when the check finds something and no reason is given.

    ``more``: strength, form, days, quantity, instructions.
    """
    texts = {"drug_name": drug_name, "dose": dose, "frequency": frequency}
    needed = {
        "drug_name": _("Choose or write the drug."),
        "dose": _("Write how much at a time."),
        "frequency": _("Write how often."),
    }
    texts |= {k: more.get(k, "") for k in ("strength", "form", "quantity", "instructions")}
    for name, text in texts.items():
        texts[name] = " ".join(text.split())
        if name in needed and not texts[name]:
            raise DomainError(needed[name], field=name)
        longest = PrescriptionLine._meta.get_field(name).max_length
        if len(texts[name]) > longest:
            raise DomainError(_("At most %(n)s characters fit here.") % {"n": longest}, field=name)
    days = more.get("days")
    if days is not None and not 1 <= days <= 366:
        raise DomainError(_("Between 1 and 366 days, or empty for as long as needed."), field="days")
    if not hasattr(by, "doctor"):
        raise DomainError(_("Only doctors prescribe."))
    with transaction.atomic(), pghistory.context(user=by.pk, action="prescription.prescribed"):
        record = records.assert_open(record)
        drug = drug or Drug.objects.filter(name__iexact=texts["drug_name"]).first()
        warnings = check(record.patient, drug=drug, drug_name=texts["drug_name"])
        acknowledged = " ".join(acknowledged.split())[:300]
        if warnings and not acknowledged:
            raise NeedsAcknowledgement(warnings)
        paper, _new = Prescription.objects.get_or_create(record=record)
        texts["quantity"] = texts["quantity"] or quantity(texts["dose"], texts["frequency"], days)
        line = PrescriptionLine.objects.create(
            prescription=paper,
            patient_id=record.patient_id,
            drug=drug,
            days=days,
            warning="\n".join(warnings),
            acknowledged=acknowledged if warnings else "",
            **texts,
        )
        _summarise(record)
        return line


PER_DAY = {
    "once a day": 1,
    "in the morning": 1,
    "at night": 1,
    "twice a day": 2,
    "three times a day": 3,
    "four times a day": 4,
    "every 12 hours": 2,
    "every 8 hours": 3,
    "every 6 hours": 4,
    "every 4 hours": 6,
}


def quantity(dose, frequency, days):
    """How many are needed, when dose and frequency are countable; else nothing."""
    found, per_day = (
        re.match(r"(\d+)\s*(tablet|capsule|sachet|suppositor)", dose.lower()),
        PER_DAY.get(frequency.lower()),
    )
    return str(int(found[1]) * per_day * days) if found and per_day and days else ""


def withdraw(line, *, by):
    """Take back a line of a record that is not signed."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="prescription.withdrawn"):
        record = records.assert_open(line.prescription.record)
        PrescriptionLine.objects.filter(pk=line.pk).delete()
        _summarise(record)


def stop(line, *, reason, by):
    """The patient is to take it no more; also of a signed record, whose text stays."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise DomainError(_("Say why it is stopped."), field="reason")
    with transaction.atomic(), pghistory.context(user=by.pk, action="prescription.stopped"):
        line = PrescriptionLine.objects.select_for_update().get(pk=line.pk)
        if line.stopped_at:
            raise DomainError(_("It has been stopped already."))
        line.stopped_at, line.stopped_by, line.stop_reason = timezone.now(), by, reason
        line.save(update_fields=["stopped_at", "stopped_by", "stop_reason"])
        return line


def repeat(line, *, record, by, acknowledged=""):
    """The same once more, in another record; checked anew (that it is taken already is what repeating means)."""
    fields = ("strength", "form", "days", "quantity", "instructions", "dose", "frequency", "drug_name", "drug")
    again = {k: getattr(line, k) for k in fields}
    if not acknowledged:
        warnings = check(record.patient, drug=line.drug, drug_name=line.drug_name, but_not=line)
        acknowledged = (
            "" if warnings else _("Repeat of the prescription of %(day)s") % {"day": f"{line.created_at:%d-%b-%Y}"}
        )
    return prescribe(record, by=by, acknowledged=acknowledged, **again)


def _summarise(record):
    lines = PrescriptionLine.objects.filter(prescription__record=record)
    MedicalRecord.objects.filter(pk=record.pk).update(prescription="\n".join(line.said() for line in lines))


def signing_facts(record):
    """What of the prescription a signature covers; that a drug is stopped later is no change of it."""
    lines = PrescriptionLine.objects.filter(prescription__record=record).order_by("pk")
    return [[line.said(), line.quantity, line.warning, line.acknowledged] for line in lines]


records.SECTIONS["prescriptions"] = signing_facts
