"""Texts that could not be taken into a record: kept for whoever typed them, who may be gone before the refusal came."""

import pghistory
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.errors import DomainError
from hms.models import SetAsideText


def keep(appointment, *, texts, why, session, sequence, by):
    """Keep the refused texts, ``{field: text}``, instead of what the same page had sent before."""
    texts = {name: text for name, text in texts.items() if text.strip()}
    if not texts:
        return None
    with transaction.atomic():
        row, new = SetAsideText.objects.select_for_update().get_or_create(
            appointment_id=appointment.pk,
            user=by,
            session=session,
            settled_at=None,
            defaults={"texts": texts, "why": why, "sequence": sequence, "at": timezone.now()},
        )
        if not new and sequence >= row.sequence:  # one overtaken on the way says nothing new
            row.texts, row.why, row.sequence, row.at = row.texts | texts, why, sequence, timezone.now()
            row.save(update_fields=["texts", "why", "sequence", "at"])
        return row


def waiting(appointment, *, by):
    """What is set aside of this person's texts for this visit, the oldest first."""
    return list(SetAsideText.objects.filter(appointment_id=appointment.pk, user=by, settled_at=None).order_by("at"))


def is_waiting_of(patient, *, by):
    """Whether any text of this person's for any visit of the patient is set aside."""
    return SetAsideText.objects.filter(appointment__patient=patient, user=by, settled_at=None).exists()


def settle_page(appointment, *, session, fields, by):
    """A later save of these fields of the same page was taken: its writer has chosen what stays."""
    rows = SetAsideText.objects.filter(appointment_id=appointment.pk, user=by, session=session, settled_at=None)
    rows.filter(texts__has_any_keys=list(fields)).update(settled_at=timezone.now())


def drop(row, *, by):
    """Its writer does not need it any more."""
    with transaction.atomic():
        row = _mine(row, by)
        row.settled_at = timezone.now()
        row.save(update_fields=["settled_at"])
        return row


def take_in(row, *, by):
    """Put it below what the record says now, marked as such; into an addendum if the record is signed."""
    from hms.domain import notes, records

    with transaction.atomic(), pghistory.context(user=by.pk, action="note.taken-in"):
        row = _mine(row, by)
        record = notes.record_for(row.appointment, by=by)
        record.refresh_from_db()
        if record.is_signed:
            records.addend(record, text="\n\n".join(row.texts.values()), by=by)
        else:
            stamp = _("Added by %(who)s") % {"who": by}
            texts = {
                name: f"{getattr(record, name)}\n\n— {stamp} —\n{text}".strip() for name, text in row.texts.items()
            }
            notes.save(
                row.appointment,
                texts=texts,
                versions=dict.fromkeys(texts, record.version),
                session=f"set-aside-{row.pk}",
                sequence=1,
                by=by,
            )
        row.settled_at = timezone.now()
        row.save(update_fields=["settled_at"])
        return row


def _mine(row, by):
    row = SetAsideText.objects.select_for_update().get(pk=row.pk)
    if row.user_id != by.pk:
        raise DomainError(_("This text is somebody else's."))
    if row.settled_at is not None:
        raise DomainError(_("This text is settled already."))
    return row
