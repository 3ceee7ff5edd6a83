"""Signing, and what comes after: a signed record stays as it was signed; later text is an addendum, signed too.

The seal is a hash (SHA-256) over what was signed and over the hash of the record of this patient that was signed before
it: whoever alters a row past the application would have to alter every later one as well.
"""

import hashlib
import json
from collections import namedtuple

import pghistory
from django.apps import apps
from django.db import connection, transaction
from django.db.models import BigIntegerField, Func
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Appointment, MedicalRecord, Merge, SetAsideText, User

TEXTS = ("diagnosis", "treatment", "prescription", "notes")
LONGEST_ADDENDUM = 20_000  # characters
SIGNING = 3  # the first key of the two-key advisory lock: one signature of a patient at a time

KEY = BigIntegerField()
SIGNED_FOR = (
    "CASE WHEN jsonb_typeof(%(expressions)s->'patient') = 'number' THEN (%(expressions)s->>'patient')::bigint END"
)
Problem = namedtuple("Problem", "record what")

# section of the consultation → function(record) → what of it is signed, JSON-able. Each section's module adds its own
# (hms.apps imports them all), so that signing needs to know none of them.
SECTIONS = {}
# Functions(record) that refuse, with a DomainError, what is not ready to be signed.
CONDITIONS = []


def assert_open(record):
    """Lock the record and refuse if it is signed, or its visit called off; returns the row as it is now."""
    record = MedicalRecord.objects.select_for_update(of=["self"]).select_related("appointment").get(pk=record.pk)
    assert_unsigned(record)
    assert_takes_place(record.appointment)
    return record


def assert_unsigned(record):
    if record.is_signed:
        refusal = DomainError(_("This record is signed and stays as it is. Write an addendum instead."))
        refusal.why = SetAsideText.Why.SIGNED
        raise refusal


def assert_takes_place(appointment):
    """Refuse what is written for a visit that was cancelled or missed. A record without a visit has none to miss."""
    if appointment is not None and appointment.status in Appointment.FREES_TIME:
        refusal = DomainError(
            _("This visit is %(status)s, so nothing more is saved for it. Copy your text, or have it reinstated.")
            % {"status": appointment.get_status_display().lower()}
        )
        refusal.why = SetAsideText.Why.CALLED_OFF
        raise refusal


def assert_begun(appointment, refusal):
    """Refuse, in these words, what cannot be done for a visit that is still to come: the patient was not seen."""
    if appointment is not None and appointment.is_to_come:
        raise DomainError(refusal % {"day": f"{appointment.appointment_date.astimezone(hospital().zone):%d-%b-%Y}"})


def sign(record, *, by, version=None):
    """Sign the record: nothing of it changes any more. Refuses one that is empty, signed, or somebody else's.

    ``version`` is the one that was read: nobody signs what somebody else wrote after that.
    """
    with transaction.atomic(), pghistory.context(user=by.pk, action="record.signed"):
        _one_at_a_time(record.patient_id)
        record = assert_open(record)
        if record.doctor.user_id != by.pk:
            raise DomainError(_("Only %(doctor)s can sign this record.") % {"doctor": record.doctor})
        assert_begun(
            record.appointment,
            _("This visit is still to come, on %(day)s. Notes can be prepared; sign once the patient is here."),
        )
        if version is not None and (other := _changed_by_others(record, version, by)):
            raise DomainError(
                _("%(who)s changed the note after you read it. Read it again, then sign.") % {"who": other},
                field="note",
            )
        facts = _facts(record)
        if record.is_empty and not any(facts.values()):
            raise DomainError(_("There is nothing written yet. Write something before you sign."), field="note")
        for condition in CONDITIONS:
            condition(record)
        return _seal(record, by, facts)


def _changed_by_others(record, version, by):
    """Somebody else who wrote in the record after this version: a User, a word for nobody known, or None."""
    events = apps.get_model("hms", "MedicalRecordEvent").objects.filter(pgh_obj_id=record.pk, version__gt=version)
    writers = {(context or {}).get("user") for context in events.values_list("pgh_context", flat=True)} - {by.pk}
    if not writers:
        return None
    return User.objects.filter(pk__in=writers - {None}).first() or _("Somebody")


def addend(record, *, text, by):
    """Add to a signed record, signed at once; returns the addendum, a record that amends the other."""
    text = text.strip()
    if not text:
        raise DomainError(_("Write what you want to add."), field="text")
    if len(text) > LONGEST_ADDENDUM:
        raise DomainError(
            _("An addendum holds %(most)s characters; this has %(n)s.") % {"most": LONGEST_ADDENDUM, "n": len(text)},
            field="text",
        )
    with transaction.atomic(), pghistory.context(user=by.pk, action="record.amended"):
        _one_at_a_time(record.patient_id)
        record = MedicalRecord.objects.select_for_update().get(pk=record.pk)
        if not record.is_signed:
            raise DomainError(_("This record is not signed yet: write in it."))
        if not hasattr(by, "doctor"):
            raise DomainError(_("Only doctors write in a record."))
        addendum = MedicalRecord.objects.create(
            patient_id=record.patient_id,
            doctor=by.doctor,
            appointment_id=record.appointment_id,
            notes=text,
            amends_id=record.amends_id or record.pk,
        )
        return _seal(addendum, by, {})


def verify(patients=None):
    """Every Problem of the signed records (of these patients), read patient by patient; none if all is as signed."""
    # Each chain is of the patient for whom it was signed, also where a merge made the records another's since.
    chain = Coalesce(Func("sealed", template=SIGNED_FOR, output_field=KEY), "patient_id", output_field=KEY)
    records = MedicalRecord.objects.filter(signed_at__isnull=False).annotate(chain=chain)
    records = records.order_by("chain", "signed_at", "pk")
    if patients is not None:
        records = records.filter(patient__in=patients)
    before = None
    for record in records.iterator(chunk_size=500):
        if before is not None and before.chain != record.chain:
            before = None
        if record.predecessor_id != (before and before.pk):
            yield Problem(record, _("the record signed before it is missing or another"))
        previous = before.content_hash if before else ""
        if record.content_hash != _hash(record.sealed, previous):
            yield Problem(record, _("the seal does not fit what was signed"))
        elif changed := _changed(record):
            yield Problem(record, _("changed after signing: %(what)s") % {"what": ", ".join(changed)})
        elif not record.amends_id and (record.sealed or {}).get("sections", {}) != _facts(record):
            yield Problem(record, _("diagnoses, vitals or prescriptions changed after signing"))
        before = record


def _changed(record):
    """What of the record is no longer as it was sealed."""
    sealed = record.sealed or {}
    changed = [key for key, value in _content(record).items() if sealed.get(key) != value]
    if "patient" in changed and _merged(sealed.get("patient"), record.patient_id):
        changed.remove("patient")
    return changed


def _merged(patient, into):
    """Whether the merges that stand lead from one patient to the other."""
    seen = set()
    while patient is not None and patient != into and patient not in seen:
        seen.add(patient)
        patient = Merge.objects.filter(gone=patient, undone_at=None).values_list("kept", flat=True).first()
    return patient == into


def _one_at_a_time(patient_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SIGNING, patient_id % 2**31])


def _seal(record, by, facts):
    last = (
        MedicalRecord.objects.filter(sealed__patient=record.patient_id, signed_at__isnull=False)
        .order_by("signed_at", "pk")
        .last()
    )
    # Never before its predecessor, whatever the clock says: the order of signing is the order of the chain.
    record.signed_at = max(timezone.now(), last.signed_at) if last else timezone.now()
    record.signed_by = by
    record.predecessor = last
    record.sealed = _content(record) | {"sections": facts}
    record.content_hash = _hash(record.sealed, last.content_hash if last else "")
    record.save(update_fields=["signed_at", "signed_by", "predecessor", "sealed", "content_hash"])
    return record


def _content(record):
    """What of the record itself is signed, JSON-able."""
    return {
        "id": record.pk,
        "patient": record.patient_id,
        "doctor": record.doctor_id,
        "appointment": record.appointment_id,
        "amends": record.amends_id,
        "signed_by": record.signed_by_id,
        "signed_at": record.signed_at.isoformat(timespec="microseconds"),
        **{name: getattr(record, name) for name in TEXTS},
    }


def _facts(record):
    """What the page's other sections hold of this visit: ``{section: JSON-able}``."""
    return {name: facts for name, function in sorted(SECTIONS.items()) if (facts := function(record))}


def _hash(sealed, previous):
    text = json.dumps([previous, sealed], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
