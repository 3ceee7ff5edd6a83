"""Prescribing: lines of a record, checked against allergies, classes and what the patient takes already.

``MedicalRecord.prescription`` is the readable summary of its lines, rewritten by the verbs here.
"""

import csv
import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pghistory
from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import allergies, drug_names, records, search
from hms.errors import DomainError
from hms.models import Drug, MedicalRecord, Patient, Prescription, PrescriptionLine

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "drugs.csv"
OPTIONS = 10
# Who is allergic to the first may react to the others too (shared ring or side chain).
CROSS = {
    "penicillins": {"cephalosporins", "beta-lactams"},
    "cephalosporins": {"penicillins"},
    "salicylates": {"NSAIDs"},
    "NSAIDs": {"salicylates"},
}
# Two of one of these at a time are rather a mistake than a plan.
TWICE = set(
    """NSAIDs;opioids;benzodiazepines;SSRIs;SNRIs;statins;ACE inhibitors;angiotensin receptor blockers;beta blockers;
    anticoagulants;proton pump inhibitors;penicillins;cephalosporins;macrolides;quinolones;sulfonylureas;
    tricyclic antidepressants;antipsychotics;loop diuretics;thiazides""".replace("\n    ", "").split(";")
)


class NeedsAcknowledgement(DomainError):
    """The check found something: prescribe all the same only with a reason.

    ``warnings`` are its sentences; ``seal`` stands for them in the form in which they are shown.
    """

    def __init__(self, warnings, seal):
        super().__init__(" ".join(warnings))
        self.warnings, self.seal = warnings, seal


def load_drugs(model=Drug):
    """Put the shipped list into an empty table; returns the number there. ``model``: as a migration knows it."""
    if count := model.objects.count():
        return count
    with SHIPPED.open(newline="") as file:
        rows = [
            model(name=row.pop("name"), **{k: several(v) for k, v in row.items()})
            for row in csv.DictReader(file, delimiter=";")
        ]
    model.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def several(text):
    """The parts of a list that is parted by commas, each once."""
    return list(dict.fromkeys(part for part in (" ".join(part.split()) for part in text.split(",")) if part))


def import_drugs(rows, *, by):
    """Add these drugs, and change those that are there by this name; returns ``(added, changed)``."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="drugs.imported"):
        with connection.cursor() as cursor:  # two imports at once: one after the other
            cursor.execute("LOCK TABLE hms_drug IN SHARE ROW EXCLUSIVE MODE")
        there = {d.name.casefold(): d for d in Drug.objects.all()}
        added, changed = [], []
        for row in rows:
            drug = there.get(row["name"].casefold())
            if drug is None:
                added.append(Drug(**row))
            elif any(getattr(drug, k) != v for k, v in row.items()):
                for k, v in row.items():
                    setattr(drug, k, v)
                changed.append(drug)
        Drug.objects.bulk_create(added)
        Drug.objects.bulk_update(changed, ["name", "classes", "forms", "strengths"])
        return len(added), len(changed)


def find_drugs(text, *, limit=OPTIONS):
    """Drugs by any part of the name or the beginning of a brand, those that begin with it first; with a letter wrong
    if there is none."""
    plain = search.plain(search.clean(text))
    if not plain:
        return []
    found = list(Drug.objects.filter(Q(plain__contains=plain) | Q(name__in=drug_names.branded(plain))))
    if not found:
        found = list(Drug.objects.extra(where=["%s <%% plain"], params=[plain]))
    return sorted(found, key=lambda d: (not d.plain.startswith(plain), d.name))[:limit]


def taken(patient):
    """What the patient takes now, as far as prescribed here: lines not stopped and not run out."""
    lines = PrescriptionLine.objects.filter(_lasting(), patient=patient).select_related("drug")
    return [line for line in lines if not has_run_out(line)]


def beside(record, patient):
    """``(lines of this record, what the patient takes of other records)``, in one question."""
    lines = PrescriptionLine.objects.filter(_lasting() | Q(prescription__record=record), patient=patient)
    own, others = [], []
    for line in lines.select_related("prescription"):
        if record is not None and line.prescription.record_id == record.pk:
            own.append(line)
        elif not has_run_out(line):
            others.append(line)
    return own, others


def _lasting():
    """Neither stopped nor run out. The others stay in the database: a record of many years holds thousands."""
    length = ExpressionWrapper(F("days") * Value(timedelta(days=1)), DurationField())
    return Q(stopped_at=None) & (Q(days=None) | Q(created_at__gt=timezone.now() - length))


def has_run_out(line):
    """Whether the days for which it was prescribed are over."""
    return line.days is not None and line.created_at + timedelta(days=line.days) <= timezone.now()


def check(patient, *, drug, drug_name):
    """What speaks against it, a sentence each; none if nothing is known to."""
    return [text for text, _line in _against(patient, drug, drug_name)]


def _against(patient, drug, drug_name):
    """``(sentence, line)``: ``line`` is the one that is this very drug, None for all other sentences."""
    warnings, list_ = [], drug_names.Catalogue()
    this = list_.named(drug_name)
    classes = this.classes | this.by_name | set(drug.classes if drug else ())
    warnings += [(text, None) for text in _allergic(list_, allergies.state(patient)[1], this, classes, drug_name)]
    for line in taken(patient):
        other = list_.named(line.drug_name)
        if search.plain(line.drug_name) == search.plain(drug_name) or (this.names and this.names == other.names):
            warnings.append((_("Takes it already: %(line)s.") % {"line": line.said()}, line))
            continue
        if part := sorted(this.names & other.names):
            text = _("Takes %(part)s already: %(line)s.") % {"part": ", ".join(part), "line": line.said()}
            warnings.append((text, None))
            continue
        others = other.classes | other.by_name | set(line.drug.classes if line.drug else ())
        if shared := classes & TWICE & others:
            text = _("Takes another of the %(class)s: %(line)s.") % {"class": sorted(shared)[0], "line": line.said()}
            warnings.append((text, None))
    return warnings


def _allergic(list_, allergies_, this, classes, drug_name):
    """A sentence for each of these allergies that speaks against the drug."""
    found = []
    for allergy in allergies_:
        said, of_class = list_.named(allergy.substance), list_.named(allergy.drug_class)
        against = said.classes | of_class.classes | {allergy.drug_class} - {""}
        against |= {one for one in said.by_name | of_class.by_name if drug_names.crosses(one)}
        against |= {other for one in against for other in CROSS.get(one, ())}
        if said.names & this.names or against & classes or _same(allergy.substance, drug_name):
            more = f" ({allergy.reaction})" if allergy.reaction else ""
            found.append(_("Allergic to %(what)s%(more)s.") % {"what": allergy.substance, "more": more})
    return found


def unanswered(patient, lines, *, since=None):
    """``{line's pk: sentences}`` of allergies noted after the line was prescribed, for which it gives no reason.

    Only of those noted ``since`` then, if it is given: reading the list of drugs takes a while.
    """
    found, list_ = {}, None
    noted = [allergy for allergy in allergies.state(patient)[1] if allergy.pk] if lines else []
    noted = [allergy for allergy in noted if since is None or allergy.noted_at > since]
    for line in lines:
        # Moments are those at which transactions began: one that waited for the other may look the earlier one.
        later = [allergy for allergy in noted if allergy.noted_at > line.created_at - timedelta(minutes=1)]
        if line.stopped_at or not later:
            continue
        list_ = list_ or drug_names.Catalogue()
        this = list_.named(line.drug_name)
        classes = this.classes | this.by_name | set(line.drug.classes if line.drug else ())
        texts = _allergic(list_, later, this, classes, line.drug_name)
        if texts := [text for text in texts if text not in line.warning.split("\n")]:
            found[line.pk] = texts
    return found


def _same(a, b):
    """Whether one is the other, or stands in it as whole words."""
    a, b = (f" {drug_names.singular(search.plain(search.clean(text)))} " for text in (a, b))
    return min(len(a), len(b)) >= drug_names.SHORTEST + 2 and (a in b or b in a)


def seal(patient_id, drug_name, warnings):
    """What a form carries so that its reason counts for these sentences about this drug, and for no others."""
    text = "\n".join([str(patient_id), search.plain(drug_name), *warnings])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def one_line(text):
    """As it is kept: one line, without what nobody sees and no database keeps."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def prescribe(record, *, drug_name, dose, frequency, by, drug=None, acknowledged="", shown="", repeats=None, **more):
    """Add a line. Raises NeedsAcknowledgement when the check finds something and no reason is given for it.

    ``acknowledged`` counts only for what was shown (``shown``: the seal of that refusal). That the line ``repeats`` is
    taken already needs no reason. ``more``: strength, form, days, quantity, instructions.
    """
    texts = {"drug_name": drug_name, "dose": dose, "frequency": frequency}
    needed = {
        "drug_name": _("Choose or write the drug."),
        "dose": _("Write how much at a time."),
        "frequency": _("Write how often."),
    }
    texts |= {k: more.get(k, "") for k in ("strength", "form", "quantity", "instructions")}
    for name, text in texts.items():
        texts[name] = one_line(text)
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
        records.assert_begun(
            record.appointment,
            _("This visit is still to come, on %(day)s. Prescribe once the patient is here, or in a visit of today."),
        )
        # Two doctors at once, or an allergy noted at this moment: one after the other, each sees what came before.
        patient = Patient.objects.select_for_update(no_key=True, of=["self"]).get(pk=record.patient_id)
        drug = drug or Drug.objects.filter(name__iexact=texts["drug_name"]).first()
        found = _against(patient, drug, texts["drug_name"])
        warnings, acknowledged = [text for text, _line in found], one_line(acknowledged)[:300]
        token = seal(patient.pk, texts["drug_name"], warnings)
        if found and repeats is not None and all(line == repeats for _text, line in found):
            acknowledged = _("Repeat of the prescription of %(day)s") % {"day": f"{repeats.created_at:%d-%b-%Y}"}
        elif found and not (acknowledged and shown == token):
            raise NeedsAcknowledgement(warnings, token)
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


def acknowledge(line, *, reason, shown, by):
    """Say why a line of an open record stands although an allergy was noted after it.

    ``shown`` is the seal of the sentences that were read: a reason counts for these and no others.
    """
    if not hasattr(by, "doctor"):
        raise DomainError(_("Only doctors prescribe."))
    reason = one_line(reason)
    if not reason:
        raise DomainError(_("Say why it is prescribed all the same, or take it off the prescription."), field="reason")
    with transaction.atomic(), pghistory.context(user=by.pk, action="prescription.acknowledged"):
        record = records.assert_open(line.prescription.record)
        patient = Patient.objects.select_for_update(no_key=True, of=["self"]).get(pk=record.patient_id)
        line = PrescriptionLine.objects.select_for_update(of=["self"]).filter(pk=line.pk).first()
        if line is None:
            raise DomainError(_("It has been removed already."))
        texts = unanswered(patient, [line]).get(line.pk, [])
        if shown != seal(patient.pk, line.drug_name, texts):
            raise DomainError(" ".join([_("This has changed. Read it again, then say why."), *texts]))
        reason = "; ".join(filter(None, [line.acknowledged, reason]))
        if len(reason) > (longest := PrescriptionLine._meta.get_field("acknowledged").max_length):
            raise DomainError(_("At most %(n)s characters fit here.") % {"n": longest}, field="reason")
        line.warning, line.acknowledged = "\n".join(filter(None, [line.warning, *texts])), reason
        line.save(update_fields=["warning", "acknowledged"])
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
    """Take back a line of a record that is not signed. Refuses one that was stopped: that is part of the history."""
    if not hasattr(by, "doctor"):
        raise DomainError(_("Only doctors prescribe."))
    with transaction.atomic(), pghistory.context(user=by.pk, action="prescription.withdrawn"):
        record = records.assert_open(line.prescription.record)
        current = PrescriptionLine.objects.select_for_update().filter(pk=line.pk).first()
        if current is None:
            raise DomainError(_("It has been removed already."))
        if current.stopped_at:
            raise DomainError(_("It has been stopped and stays on the record."))
        current.delete()
        _summarise(record)


def stop(line, *, reason, by):
    """The patient is to take it no more; also of a signed record, whose text stays."""
    if not hasattr(by, "doctor"):
        raise DomainError(_("Only doctors stop what is prescribed."))
    reason = one_line(reason)[:200]
    if not reason:
        raise DomainError(_("Say why it is stopped."), field="reason")
    with transaction.atomic(), pghistory.context(user=by.pk, action="prescription.stopped"):
        line = PrescriptionLine.objects.select_for_update().filter(pk=line.pk).first()
        if line is None:
            raise DomainError(_("It has been removed already."))
        if line.stopped_at:
            raise DomainError(_("It has been stopped already."))
        line.stopped_at, line.stopped_by, line.stop_reason = timezone.now(), by, reason
        line.save(update_fields=["stopped_at", "stopped_by", "stop_reason"])
        return line


def repeat(line, *, record, by):
    """The same once more, in another record; checked anew (that it is taken already is what repeating means)."""
    if line.patient_id != record.patient_id:
        raise DomainError(_("This was prescribed to somebody else."))
    fields = ("strength", "form", "days", "quantity", "instructions", "dose", "frequency", "drug_name", "drug")
    return prescribe(record, by=by, repeats=line, **{k: getattr(line, k) for k in fields})


def _summarise(record):
    lines = PrescriptionLine.objects.filter(prescription__record=record)
    MedicalRecord.objects.filter(pk=record.pk).update(prescription="\n".join(line.said() for line in lines))


def signing_facts(record):
    """What of the prescription a signature covers; that a drug is stopped later is no change of it."""
    lines = PrescriptionLine.objects.filter(prescription__record=record).order_by("pk")
    return [[line.said(), line.quantity, line.warning, line.acknowledged] for line in lines]


def _assert_answered(record):
    """Refuse to sign a prescription against an allergy that was noted after it and that nobody answered."""
    lines = list(PrescriptionLine.objects.filter(prescription__record=record).select_related("drug"))
    if not lines:
        return
    # An allergy that is being noted at this moment is waited for.
    patient = Patient.objects.select_for_update(no_key=True, of=["self"]).get(pk=record.patient_id)
    found = unanswered(patient, lines)
    said = [f"{line.drug_name}: {' '.join(found[line.pk])}" for line in lines if line.pk in found]
    if said:
        raise DomainError(
            _("%(what)s Noted after it was prescribed: take it off, or say why at the prescription. Then sign.")
            % {"what": " ".join(said)},
            field="prescriptions",
        )


records.SECTIONS["prescriptions"] = signing_facts
records.CONDITIONS.append(_assert_answered)
