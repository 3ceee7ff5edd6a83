"""One person, one record: finding two records of one person, making them one, and undoing it.

What moves is only the column that says whose a row is. Sealed rows are moved too, and nothing that was signed, issued
or receipted is altered by it: a record's ``sealed`` text and its hash keep the number of the patient for whom it was
signed, each seal's chain stays with that number, and ``records.verify`` asks the Merge rows whether a record may now
be somebody else's. So every page, list and sum follows by itself. The triggers that guard those rows are passed for
these updates alone, in this transaction alone. Logs of who looked stay as they are: they are sealed over their patient.
"""

from contextlib import contextmanager

import pghistory
import pgtrigger
from allauth.account.models import EmailAddress
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import allergies, problems
from hms.domain.patients import ALIKE, signs_in
from hms.errors import DomainError
from hms.models import (
    Allergy,
    Appointment,
    Invitation,
    Invoice,
    MedicalRecord,
    Merge,
    OutboxMail,
    Patient,
    Payment,
    PrescriptionLine,
    Problem,
    User,
    Vitals,
    Wish,
)

MOST = 100  # pairs shown
# What follows the patient. A test fails when a model points at Patient and stands neither here nor in STAYS.
MOVES = {
    model._meta.label_lower: model
    for model in (
        Appointment,
        MedicalRecord,
        Vitals,
        Allergy,
        Problem,
        PrescriptionLine,
        Invoice,
        Payment,
        Wish,
    )
}
STAYS = {
    "hms.accesslog": "sealed over the patient; who looked at what, as it was",
    "hms.breakglass": "append-only; a reason given for the record as it was",
    "hms.slothold": "runs out within minutes",
    "hms.dataexport": "files of the record as it was, gone within days; nobody else's to fetch",
    "hms.invitation": "revoked: nobody is let into a record by an invitation to another",
    "hms.merge": "says itself who was who",
    "hms.doctor": "by way of the appointments",
}
# Triggers that refuse, or note, a change of anything in a row: not asked about the column that says whose it is.
GUARDS = ("touch", "append_only", "signed_is_final", "issued_is_final")
FILLED_USER = ("email", "phone")
FILLED_PATIENT = ("emergency_contact", "blood_type", "desk_note")
SIGNING = 3  # as in hms.domain.records


def suspects(limit=MOST):
    """Pairs that may be one person, ``[(Patient, Patient, reasons)]``: two joins of the table with itself, bounded."""
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, {"alike": ALIKE, "limit": limit})
        pairs = cursor.fetchall()
    people = Patient.objects.select_related("user").defer("allergies", "medical_history", "blood_type")
    people = people.in_bulk({pk for a, b, _born, _phone in pairs for pk in (a, b)})
    return [
        (people[a], people[b], [*([_("same birth date")] if born else []), *([_("same phone")] if phone else [])])
        for a, b, born, phone in pairs
    ]


PAIRS = """
    WITH pairs AS (
        (SELECT a.id AS a, b.id AS b FROM hms_patient a JOIN hms_patient b
            ON b.date_of_birth = a.date_of_birth AND b.id > a.id
            JOIN hms_user u ON u.id = a.user_id AND u.is_active JOIN hms_user v ON v.id = b.user_id AND v.is_active
            WHERE similarity(u.family_first, v.family_first) >= %(alike)s
               OR similarity(u.family_first, v.given_first) >= %(alike)s
            LIMIT %(limit)s)
        UNION
        (SELECT least(a.id, b.id), greatest(a.id, b.id) FROM hms_user u JOIN hms_user v
            ON v.phone = u.phone AND v.id > u.id
            JOIN hms_patient a ON a.user_id = u.id JOIN hms_patient b ON b.user_id = v.id
            WHERE u.phone <> '' AND u.is_active AND v.is_active
              AND (similarity(u.family_first, v.family_first) >= %(alike)s
                OR similarity(u.family_first, v.given_first) >= %(alike)s)
            LIMIT %(limit)s)
    )
    SELECT p.a, p.b, a.date_of_birth = b.date_of_birth, u.phone <> '' AND u.phone = v.phone
    FROM pairs p JOIN hms_patient a ON a.id = p.a JOIN hms_patient b ON b.id = p.b
    JOIN hms_user u ON u.id = a.user_id JOIN hms_user v ON v.id = b.user_id
    ORDER BY (a.date_of_birth = b.date_of_birth)::int + (u.phone <> '' AND u.phone = v.phone)::int DESC,
        similarity(u.family_first, v.family_first) DESC, p.a, p.b
    LIMIT %(limit)s
"""


def counts(patient):
    """What there is of a patient, in numbers only: ``[(words, how many)]``."""
    rows = [(m._meta.verbose_name_plural, m.objects.filter(patient=patient).count()) for m in MOVES.values()]
    return [*rows, (_("mails"), OutboxMail.objects.filter(user=patient.user_id).count())]


def records_of(patient):
    """The ids of this patient's record and of every record that was merged into it and still is."""
    found = [patient.pk]
    while more := set(Merge.objects.filter(kept__in=found, undone_at=None).values_list("gone", flat=True)) - set(found):
        found += sorted(more)
    return found


def refusal(keep, gone):
    """Why these two cannot become one, in words; None if they can."""
    if keep.pk == gone.pk:
        return _("This is one and the same record.")
    for patient in (keep, gone):
        if Merge.objects.filter(gone=patient, undone_at=None).exists():
            return _("%(name)s has been merged into another record already.") % {"name": patient}
    if signs_in(gone.user):
        if signs_in(keep.user):
            return _("Both sign in to the portal with a password of their own. An administrator must end one account.")
        return _("%(name)s signs in with record %(number)s. Keep that one instead.") % {
            "name": gone,
            "number": gone.record_number,
        }
    if overlap := _overlap(keep, gone):
        return _("Both have a visit at the same time (%(when)s). Move or cancel one of them first.") % {
            "when": timezone.localtime(overlap.appointment_date).strftime("%d-%b-%Y %H:%M")
        }
    return None


def _overlap(keep, gone):
    """A live visit of the one during a live visit of the other."""
    others = Appointment.objects.live().filter(
        patient=keep,
        appointment_date__lt=OuterRef("appointment_date") + OuterRef("duration"),
        appointment_date__gt=OuterRef("appointment_date") - F("duration"),
    )
    return Appointment.objects.live().filter(Exists(others), patient=gone).first()


def merge(keep, gone, *, by):
    """Move everything of ``gone`` to ``keep`` and close its account; returns the Merge, by which it can be undone."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="patient.merged"):
        keep, gone = _lock(keep.pk, gone.pk)
        if why := refusal(keep, gone):
            raise DomainError(why)
        made = Merge(kept=keep, gone=gone, by=by)
        made.moved = {"rows": {}, "before": {}, "after": {}}
        _note(made, "before", keep, gone)
        with _unguarded():
            for label, model in MOVES.items():
                pks = sorted(model.objects.filter(patient=gone).values_list("pk", flat=True))
                made.moved["rows"][label] = pks
                model.objects.filter(pk__in=pks).update(patient=keep)
            made.moved["mails"] = _move_mails(gone.user_id, keep.user_id)
            made.moved["invitations"] = list(
                Invitation.objects.filter(patient=gone, used_at=None, revoked_at=None).values_list("pk", flat=True)
            )
            Invitation.objects.filter(pk__in=made.moved["invitations"]).update(revoked_at=timezone.now())
            addresses = EmailAddress.objects.filter(user=gone.user)
            made.moved["addresses"] = serializers.serialize("json", addresses)
            addresses.delete()
            _close_and_fill(keep, gone)
        _note(made, "after", keep, gone)
        made.save()
        return made


def undo(made, *, by):
    """Give back what the merge moved; both are as they were. What was written since stays with the kept record."""
    try:
        with transaction.atomic(), pghistory.context(user=by.pk, action="patient.merge-undone"):
            return _undo(made.pk, by)
    except DatabaseError as e:
        if getattr(e.__cause__, "sqlstate", "").startswith("23"):
            raise DomainError(_("This can no longer be undone: something was booked or paid since.")) from e
        raise


def _undo(pk, by):
    made = Merge.objects.select_for_update().get(pk=pk)
    if made.undone_at:
        raise DomainError(_("This merge is undone already."))
    if made.moved.get("forgotten"):
        raise DomainError(_("This can no longer be undone: the account was deleted since."))
    keep, gone = _lock(made.kept_id, made.gone_id)
    if Merge.objects.filter(gone=keep, undone_at=None).exists():
        raise DomainError(_("The kept record was merged into another since. Undo that first."))
    rows = made.moved["rows"]
    for label, model in MOVES.items():
        for field in model._meta.concrete_fields:
            target = field.related_model and field.related_model._meta.label_lower
            if target in rows and field.name != "patient":
                since = model.objects.filter(**{"patient": keep, f"{field.attname}__in": rows[target]})
                if since.exclude(pk__in=rows[label]).exists():
                    raise DomainError(
                        _("This can no longer be undone: %(what)s were added since to what would go back.")
                        % {"what": model._meta.verbose_name_plural}
                    )
    with _unguarded():
        for label, model in MOVES.items():
            model.objects.filter(pk__in=rows[label], patient=keep).update(patient=gone)
        OutboxMail.objects.filter(pk__in=made.moved["mails"]).update(user=gone.user_id)
        Invitation.objects.filter(pk__in=made.moved["invitations"]).update(revoked_at=None)
        _restore(made, keep, gone)
        for address in serializers.deserialize("json", made.moved["addresses"]):
            address.save()
    # The money of both must still add up; the database's own check, which looks only at new payments by itself.
    with connection.cursor() as cursor:
        cursor.execute("SELECT hms_check_credit_of(%s), hms_check_credit_of(%s)", [keep.pk, gone.pk])
    _summarise_if_changed(made, keep)
    made.undone_at, made.undone_by = timezone.now(), by
    made.save(update_fields=["undone_at", "undone_by"])
    return made


def _lock(keep, gone):
    """Both, users first and in order, and against signatures that are being made."""
    list(User.objects.select_for_update().filter(patient__in=[keep, gone]).order_by("pk"))
    list(Patient.objects.select_for_update().filter(pk__in=[keep, gone]).order_by("pk"))
    with connection.cursor() as cursor:
        for pk in sorted({keep, gone}):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SIGNING, pk % 2**31])
    found = Patient.objects.select_related("user").in_bulk([keep, gone])
    return found[keep], found[gone]


@contextmanager
def _unguarded():
    """Pass the guards of rows that never change, for changing whose they are."""
    models = [*MOVES.values(), Patient, User]
    with pgtrigger.ignore(*(f"{m._meta.label}:{t.name}" for m in models for t in m._meta.triggers if t.name in GUARDS)):
        yield


def _move_mails(gone, keep):
    pks = sorted(OutboxMail.objects.filter(user=gone).values_list("pk", flat=True))
    OutboxMail.objects.filter(pk__in=pks).update(user=keep)
    return pks


USER_KEPT = ("email", "phone", "is_active", "updated_at")
PATIENT_KEPT = (*FILLED_PATIENT, "allergies", "medical_history", "no_allergies_at", "updated_at")


def _note(made, when, *patients):
    """What the two rows of each hold now, of the columns that a merge may change."""
    encode = DjangoJSONEncoder().default
    for patient in patients:
        user = User.objects.filter(pk=patient.user_id).values(*USER_KEPT).get()
        row = Patient.objects.filter(pk=patient.pk).values(*PATIENT_KEPT).get()
        made.moved[when][str(patient.pk)] = {
            name: {key: _plain(value, encode) for key, value in values.items()}
            for name, values in (("user", user), ("patient", row))
        }


def _plain(value, encode):
    """JSON-able and exact (the encoder of Django cuts microseconds)."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int) else str(value)


def _close_and_fill(keep, gone):
    """The gone account opens nothing any more; what the kept one lacked it gets."""
    email = gone.user.email
    User.objects.filter(pk=gone.user_id).update(is_active=False, email=None)
    values = {"email": keep.user.email or email, "phone": keep.user.phone or gone.user.phone}
    User.objects.filter(pk=keep.user_id).update(**values)
    Patient.objects.filter(pk=keep.pk).update(
        **{name: getattr(keep, name) or getattr(gone, name) for name in FILLED_PATIENT}
    )
    # The summaries join, as the lists do; that there are no allergies holds only while neither names one.
    said = [p.allergies for p in (keep, gone) if p.allergies and not p.no_allergies_at]
    stated = next((p for p in (keep, gone) if p.no_allergies_at), None)
    history = [p.medical_history for p in (keep, gone) if p.medical_history]
    Patient.objects.filter(pk=keep.pk).update(
        allergies="; ".join(dict.fromkeys(said)) or (stated.allergies if stated else ""),
        no_allergies_at=None if said or not stated else stated.no_allergies_at,
        medical_history="\n".join(dict.fromkeys(history)),
    )


def _restore(made, keep, gone):
    """Each column as it was before, unless somebody changed it since the merge."""
    now = Merge(moved={"now": {}})
    _note(now, "now", keep, gone)
    # The kept account's address first: it may be the other's.
    for patient in (keep, gone):
        was, then, is_now = (m[str(patient.pk)] for m in (made.moved["before"], made.moved["after"], now.moved["now"]))
        users, patients = User.objects.filter(pk=patient.user_id), Patient.objects.filter(pk=patient.pk)
        for name, rows in (("user", users), ("patient", patients)):
            values = {key: value for key, value in was[name].items() if is_now[name][key] == then[name][key]}
            if values:
                rows.update(**values)


def _summarise_if_changed(made, keep):
    """Whatever was noted since the merge stays with the kept record, in its summaries too."""
    keep.refresh_from_db()
    if Allergy.objects.filter(patient=keep).filter(Q(noted_at__gt=made.at) | Q(ended_at__gt=made.at)).exists():
        allergies._summarise(keep, keep.no_allergies_at)
    if Problem.objects.filter(patient=keep, noted_at__gt=made.at).exists():
        problems._summarise(keep)
