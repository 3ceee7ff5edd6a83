"""What doctors wrote of the demo's visits: records with diagnoses, vitals and prescriptions, signed in order.

Written at once, past the verbs, and equal to what they would have written: the seals are those of domain.records. A
later run writes of the visits that have ended since, and signs what its doctors had left; a record that a person
touched stays as it is, and so does a visit for which a person began one.
"""

import random
from collections import defaultdict
from datetime import UTC, timedelta
from decimal import Decimal
from itertools import chain

from django.apps import apps
from django.db import connection
from django.db.models import Q

from hms.demo import history, texts
from hms.demo.clock import at
from hms.demo.consultations import ALLERGIES, OWN_PHRASES, PHRASES, PROBLEMS, VISITS, YEAR
from hms.demo.play import Story
from hms.domain import prescriptions, records
from hms.models import (
    Allergy,
    Appointment,
    Diagnosis,
    Drug,
    IcdCode,
    MedicalRecord,
    Patient,
    Phrase,
    Prescription,
    PrescriptionLine,
    Problem,
    Vitals,
)
from hms.models.clinical import RANGES

UNSIGNED = (2, 3, 4)  # of a doctor's newest visits, so many wait for a signature
MINUTE = timedelta(minutes=1)
SICK = {"High fever since last night", "Sore throat and fever", "Short of breath with a cold", "Ear pain"}
UNWEIGHED = {"Results of blood tests", "Removal of stitches", "Something in the eye", "Repeat prescription review"}


# --- what is known of somebody before the first visit


def describe(patient, rng, today):
    """Bring what ``people`` said of a new patient into lists: returns unsaved Allergies and Problems."""
    known = [
        Allergy(
            patient=patient, substance=s, drug_class=c, severity=v, reaction=r, noted_at=patient.created_at + MINUTE
        )
        for s, c, v, r in ALLERGIES.get(patient.allergies, [])
    ]
    patient.no_allergies_at = patient.created_at + MINUTE if patient.allergies == texts.NO_ALLERGIES else None
    problems = []
    if patient.medical_history:
        code, words, years = rng.choice(PROBLEMS)
        onset = max(today - timedelta(days=rng.randint(200, years * 365)), patient.date_of_birth)
        noted = patient.created_at + 2 * MINUTE
        problems.append(Problem(patient=patient, code_id=code, text=words, onset=onset, noted_at=noted))
        patient.medical_history = f"{words} ({onset:%b %Y})"
    return known, problems


def write_lists(lists, doctors):
    """Save what ``describe`` returned for everybody; the doctors of general medicine and urgent care noted it."""
    there = _codes()
    for model, rows in (
        (Allergy, [a for known, _p in lists for a in known]),
        (Problem, [p for _a, x in lists for p in x]),
    ):
        for n, row in enumerate(rows):
            row.noted_by = doctors[n % 4].user
            row.patient_id = row.patient.pk
            if model is Problem and row.code_id not in there:
                row.code_id = None
        with history.own_history(model):
            model.objects.bulk_create(rows)
        noun = model._meta.model_name
        _remember(model, rows, lambda row: row.noted_by_id, f"{noun}.noted", "noted_at")


def phrases(doctors):
    """Everybody's, and those of the doctor of the sample login."""
    rows = [Phrase(word=w, text=t, shared=True) for w, t in PHRASES.items()]
    rows += [Phrase(doctor=doctors[0], word=w, text=t) for w, t in OWN_PHRASES.items()]
    Phrase.objects.bulk_create(rows, ignore_conflicts=True)


def year(doctors, clerk, today):
    """The sample patient's visits of the year before the demo's weeks, as Stories that have ended."""
    patient = Patient.objects.get(user__email="patient@hms.example")
    reasons = {r[0]: r[1] for _d, _w, rows in texts.DEPARTMENTS.values() for r in rows}
    stories, monday = [], today - timedelta(days=today.weekday())
    for weeks, number, reason, _note in YEAR:
        doctor = doctors[number]
        weekday = next(n for n, shift in enumerate(texts.DOCTORS[number][-1]) if shift in "FG")
        begin = at(monday - timedelta(weeks=weeks) + timedelta(days=weekday), 9 * 60 + 30)
        length = reasons[reason] * MINUTE
        row = Appointment(
            patient=patient, doctor=doctor, appointment_date=begin, duration=length, reason=reason, notes="",
            cancel_reason="", override_reason="",
        )  # fmt: skip
        story = Story(row)
        story.begin(begin - timedelta(days=9, minutes=20), clerk)
        story.happen(begin - 8 * MINUTE, "appointment.checked_in", clerk, checked_in_at=begin - 8 * MINUTE)
        started = begin + 2 * MINUTE
        story.happen(started, "appointment.started", doctor.user, status="IN_PROGRESS", started_at=started)
        ended = begin + length - MINUTE
        story.happen(ended, "appointment.completed", doctor.user, status="COMPLETED", ended_at=ended)
        stories.append(story)
    return stories


# --- records


def write(seed, doctors, now):
    """Write and sign what is to be by ``now``; returns how many records were made and signed."""
    return _Writing(seed, doctors, now).run()


class _Writing:
    def __init__(self, seed, doctors, now):
        self.seed, self.now = seed, now.astimezone(UTC)
        self.doctors = {d.pk: d for d in doctors}
        self.codes = _codes()
        self.drugs = {d.name: d for d in Drug.objects.filter(name__in=[v[3][0] for v in VISITS.values() if v[3]])}
        self.diagnoses, self.vitals, self.papers, self.lines = (defaultdict(list) for _ in range(4))

    def run(self):
        visits = self._visits()
        new = self._begin(visits)
        old = self._left(visits)
        signing = self._to_sign(visits, new, old)
        if not new and not signing:
            return 0, 0
        self._compose(new, visits)
        self._seal(signing, {r.pk for r in new})
        self._save(new, signing, old)
        return len(new), len(signing)

    def _visits(self):
        """The demo's own visits that are over, with what is known of the patient: ``{id: appointment}``."""
        mine = apps.get_model("hms", "AppointmentEvent").objects.filter(pgh_label="insert", pgh_context__has_key="demo")
        rows = (
            Appointment.objects.filter(
                pk__in=mine.values("pgh_obj_id"), status="COMPLETED", doctor__in=self.doctors, ended_at__isnull=False
            )
            .select_related("patient")
            .order_by("ended_at", "pk")
        )
        return {row.pk: row for row in rows}

    def _begin(self, visits):
        """Records of those that have none, numbered by the table's own sequence."""
        written = set(MedicalRecord.objects.filter(appointment__in=visits).values_list("appointment_id", flat=True))
        rows = [v for v in visits.values() if v.pk not in written]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence('hms_medicalrecord', 'id')) FROM generate_series(1, %s)",
                [len(rows)],
            )
            numbers = [pk for (pk,) in cursor.fetchall()]
        return [
            MedicalRecord(
                pk=pk, patient_id=v.patient_id, doctor_id=v.doctor_id, appointment_id=v.pk, version=3,
                diagnosis="", treatment="", prescription="", notes="",
                created_at=v.started_at.astimezone(UTC) + MINUTE,
            )
            for pk, v in zip(numbers, rows, strict=True)
        ]  # fmt: skip

    def _left(self, visits):
        """Records that an earlier run left unsigned, and that nobody has touched."""
        events = apps.get_model("hms", "MedicalRecordEvent").objects
        touched = events.filter(~Q(pgh_context__has_key="demo") | Q(pgh_context=None)).values("pgh_obj_id")
        rows = MedicalRecord.objects.filter(appointment__in=visits, amends=None, signed_at=None)
        return list(rows.filter(doctor__in=self.doctors).exclude(pk__in=touched))

    def _to_sign(self, visits, new, old):
        waiting = {r.appointment_id: r for r in chain(old, new)}
        newest_first = defaultdict(list)
        for visit in visits.values():
            newest_first[visit.doctor_id].insert(0, visit.pk)
        left = {
            pk
            for doctor, ids in newest_first.items()
            for pk in ids[: UNSIGNED[int(self.doctors[doctor].license_number) % 3]]
        }
        signing = [r for pk, r in waiting.items() if pk not in left]
        for record in signing:
            visit = visits[record.appointment_id]
            rng = self._rng(visit, "signing")
            wanted = visit.ended_at + MINUTE * rng.randint(2, 20)
            record.signed_at = (wanted if wanted < self.now else self.now).astimezone(UTC)
            record.signed_by_id = self.doctors[record.doctor_id].user_id
        return sorted(signing, key=lambda r: (r.signed_at, r.pk))

    def _rng(self, visit, what):
        licence = self.doctors[visit.doctor_id].license_number
        return random.Random(f"{self.seed}:{what}:{licence}:{visit.appointment_date.isoformat()}")  # noqa: S311

    # --- what stands in them

    def _compose(self, new, visits):
        sample = Patient.objects.filter(user__email="patient@hms.example").values_list("pk", flat=True).first()
        own = self._own_words(sample, visits)
        taking = set(PrescriptionLine.objects.filter(stopped_at=None).values_list("patient_id", "drug_name"))
        for record in new:
            visit = visits[record.appointment_id]
            rng = self._rng(visit, "writing")
            if visit.reason not in VISITS:
                record.notes = "Examined and advised."
                continue
            note, treatment, codes, drug = VISITS[visit.reason]
            record.notes, record.treatment = own.get(visit.pk, note), treatment
            self._diagnose(record, codes)
            weeks = (self.now - visit.ended_at).days // 7 if visit.patient_id == sample else None
            self._measure(record, visit, rng, weeks)
            # Not where the check would have asked: to somebody with an allergy, or who takes the same already.
            safe = visit.patient_id == sample or visit.patient.allergies in ("", texts.NO_ALLERGIES)
            if drug and safe and rng.random() < 0.8 and (visit.patient_id, drug[0]) not in taking:
                taking.add((visit.patient_id, drug[0]))
                self._prescribe(record, drug)

    def _own_words(self, sample, visits):
        """The sample patient's year has notes of its own: ``{visit id: note}``."""
        found, mine = {}, [v for v in visits.values() if v.patient_id == sample]
        for visit, (_weeks, _doctor, reason, note) in zip(mine, YEAR, strict=False):
            if note and visit.reason == reason:
                found[visit.pk] = note
        return found

    def _diagnose(self, record, codes):
        for n, code in enumerate(codes):
            if code in self.codes:
                row = Diagnosis(record=record, code_id=code, text=self.codes[code], is_primary=n == 0)
                row.created_at = record.created_at + 4 * MINUTE
                self.diagnoses[record.pk].append(row)
        record.diagnosis = "\n".join(f"{d.code_id} {d.text}" for d in self.diagnoses[record.pk])

    def _measure(self, record, visit, rng, weeks):
        if weeks is None and (visit.reason in UNWEIGHED or rng.random() < 0.15):
            return
        age = (visit.appointment_date.date() - visit.patient.date_of_birth).days // 365
        row = Vitals(
            patient_id=record.patient_id, record=record, taken_at=record.created_at + 2 * MINUTE, error_reason=""
        )
        row.taken_by_id = self.doctors[record.doctor_id].user_id
        values = _child(age, rng) if age < 16 else _adult(age, visit.patient_id, rng)
        if visit.reason in SICK:
            values |= {"temperature": f"{rng.uniform(38, 39.5):.1f}", "pulse": values["pulse"] + 18}
        if weeks is not None:  # a year in which the pressure rose, and came down under treatment
            high = 128 + max(0, 34 - 2 * abs(weeks - 36)) // (1 if weeks > 30 else 2)
            values |= {"systolic": high + rng.randint(-3, 3), "diastolic": 76 + (high - 128) // 2 + rng.randint(-2, 2)}
            values |= {"weight": f"{71.5 - weeks * 0.12 + rng.uniform(-0.4, 0.4):.1f}", "height": "168.0"}
        for name, value in values.items():
            setattr(row, name, Decimal(value) if isinstance(value, str) else value)
        self.vitals[record.pk].append(row)

    def _prescribe(self, record, drug):
        name, strength, form, dose, frequency, days = drug
        when = record.created_at + 6 * MINUTE
        paper = Prescription(record=record, created_at=when)
        line = PrescriptionLine(
            prescription=paper, patient_id=record.patient_id, drug=self.drugs.get(name), drug_name=name,
            strength=strength, form=form, dose=dose, frequency=frequency, days=days, created_at=when,
            quantity=prescriptions.quantity(dose, frequency, days), instructions="", warning="", acknowledged="",
        )  # fmt: skip
        self.papers[record.pk].append(paper)
        self.lines[record.pk].append(line)
        record.prescription = line.said()

    # --- signing

    def _seal(self, signing, new):
        last = {}
        chains = MedicalRecord.objects.filter(
            signed_at__isnull=False, patient__in={r.patient_id for r in signing}
        ).order_by("patient_id", "signed_at", "pk")
        for row in chains.only("patient_id", "signed_at", "content_hash"):
            last[row.patient_id] = row
        for record in signing:
            before = last.get(record.patient_id)
            if before and record.signed_at <= before.signed_at:
                record.signed_at = before.signed_at + timedelta(milliseconds=1)
            facts = self._facts(record) if record.pk in new else records._facts(record)
            record.predecessor_id = before and before.pk
            record.sealed = records._content(record) | {"sections": facts}
            record.content_hash = records._hash(record.sealed, before.content_hash if before else "")
            last[record.patient_id] = record

    def _facts(self, record):
        """What records._facts would read back of a record that is still to be written."""
        facts = {
            "diagnoses": [[d.code_id, d.text, d.is_primary] for d in self.diagnoses[record.pk]],
            "prescriptions": [[x.said(), x.quantity, "", ""] for x in self.lines[record.pk]],
            "vitals": [
                {"at": v.taken_at.isoformat(), "wrong": ""}
                | {n: str(getattr(v, n)) for n in RANGES if getattr(v, n) is not None}
                for v in self.vitals[record.pk]
            ],
        }
        return {name: rows for name, rows in facts.items() if rows}

    # --- writing

    def _save(self, new, signing, old):
        signed = ["signed_at", "signed_by", "predecessor", "sealed", "content_hash"]
        left = {r.pk for r in old}
        resting = {(PrescriptionLine, "signed_is_final")}  # records are written signed, their lines after them
        with history.own_history(MedicalRecord, Diagnosis, Vitals, PrescriptionLine, resting=resting):
            history.copy_new(MedicalRecord, new)
            MedicalRecord.objects.bulk_update([r for r in signing if r.pk in left], signed, batch_size=200)
            rows = {
                model: list(chain.from_iterable(kept.values()))
                for model, kept in (
                    (Diagnosis, self.diagnoses),
                    (Vitals, self.vitals),
                    (Prescription, self.papers),
                    (PrescriptionLine, self.lines),
                )
            }
            for model, made in rows.items():
                for row in made:
                    if model is PrescriptionLine:
                        row.prescription_id = row.prescription.pk
                history.copy_new(model, made)
        users = {d.pk: d.user_id for d in self.doctors.values()}
        writers = {r.pk: users[r.doctor_id] for r in new}
        unsigned = dict.fromkeys(["signed_at", "signed_by_id", "predecessor_id", "sealed"]) | {"content_hash": ""}
        by = lambda record: users[record.doctor_id]  # noqa: E731
        _remember(MedicalRecord, new, by, "note.saved", "created_at", but=unsigned)
        _remember(MedicalRecord, signing, by, "record.signed", "signed_at", label="update")
        by = lambda row: writers[row.record_id]  # noqa: E731
        _remember(Diagnosis, rows[Diagnosis], by, "diagnosis.added", "created_at")
        _remember(Vitals, rows[Vitals], by, "vitals.taken", "taken_at")
        by = lambda row: writers[row.prescription.record_id]  # noqa: E731
        _remember(PrescriptionLine, rows[PrescriptionLine], by, "prescription.prescribed", "created_at")
        if len(new) > 1000:  # the planner of queries should not wait for its nightly round to hear of them
            with connection.cursor() as cursor:
                cursor.execute(
                    f"ANALYZE {', '.join(m._meta.db_table for m in (MedicalRecord, Allergy, Problem, *rows))}"
                )


def _codes():
    wanted = {c for v in VISITS.values() for c in v[2]} | {c for c, _w, _y in PROBLEMS if c}
    return dict(IcdCode.objects.filter(code__in=wanted).values_list("code", "title"))


def _remember(model, rows, by, action, at_, **more):
    """The events of rows by several people."""
    groups = defaultdict(list)
    for row in rows:
        groups[by(row)].append(row)
    for user, theirs in groups.items():
        history.record_inserts(model, theirs, by=user, action=action, at=at_, **more)


def _adult(age, patient, rng):
    body = random.Random(f"body:{patient}")  # noqa: S311 (the same person is as tall each time)
    height = body.gauss(170, 9)
    systolic = int(rng.gauss(112 + age * 0.28, 9))
    return {
        "temperature": f"{rng.uniform(36.2, 37.2):.1f}",
        "pulse": rng.randint(58, 88),
        "systolic": systolic,
        "diastolic": int(systolic * rng.uniform(0.58, 0.66)),
        "saturation": rng.randint(95, 99),
        "weight": f"{max(44, body.gauss(25.5, 3.2) * (height / 100) ** 2 + rng.uniform(-1, 1)):.1f}",
        "height": f"{height:.1f}",
    }


def _child(age, rng):
    height = 52 + 24 * min(age, 1) + 6.4 * max(age - 1, 0) + rng.uniform(-3, 3)
    return {
        "temperature": f"{rng.uniform(36.3, 37.3):.1f}",
        "pulse": int(130 - age * 3.4 + rng.uniform(-8, 8)),
        "respiration": int(32 - age + rng.uniform(-3, 3)),
        "saturation": rng.randint(96, 100),
        "weight": f"{5 + age * 2.6 + max(age - 8, 0) * 1.8 + rng.uniform(-1, 1.5):.1f}",
        "height": f"{height:.1f}",
    }
