"""Consultation notes: saved as they are typed, never lost, never overwritten in silence.

A save says for each text which version of the record it started from (``versions``), from which open page it comes
(``session``) and its number there (``sequence``). It is taken if nobody else changed these texts since. What the same
page sent before may have been taken although its answer was lost: a save is compared with the last one of its own page,
not only with the version that the page knows of. Every taken text is kept, with who wrote it (MedicalRecordEvent);
one that is refused is set aside for its writer (hms.domain.set_aside).
"""

from collections import namedtuple
from datetime import timedelta

import pghistory
from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import records, set_aside
from hms.errors import DomainError
from hms.models import Appointment, EditingSession, MedicalRecord, SetAsideText

FIELDS = ("treatment", "notes")  # what is typed freely; diagnosis and prescription are summaries of their rows
LONGEST = 100_000  # characters of one field: about fifty pages
PRESENT = timedelta(seconds=30)  # after the last save or sign of life somebody still counts as writing
FORGOTTEN = timedelta(days=2)  # after that long an open page is taken for closed

# ``before``: the record's version before this save. Whoever knew that one knows all there is.
Saved = namedtuple("Saved", "record version before at")


class NoteConflict(DomainError):
    """Somebody else changed the same text. ``record`` is theirs, ``fields`` those in which the two differ."""

    why = SetAsideText.Why.CONFLICT

    def __init__(self, record, fields, who):
        super().__init__(_("%(who)s changed this note meanwhile.") % {"who": who})
        self.record, self.fields, self.who = record, fields, who


def record_for(appointment, *, by):
    """The record of this visit, made when first needed. Refuses visits that do not take place, and other doctors'."""
    record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
    if record is not None:
        return record
    with transaction.atomic(), pghistory.context(user=by.pk, action="record.begun"):
        appointment = Appointment.objects.select_for_update().select_related("doctor").get(pk=appointment.pk)
        records.assert_takes_place(appointment)
        if not hasattr(by, "doctor"):
            raise DomainError(_("Only doctors write in a record."))
        record, _made = MedicalRecord.objects.get_or_create(
            appointment=appointment,
            amends=None,
            defaults={"patient_id": appointment.patient_id, "doctor_id": appointment.doctor_id},
        )
        return record


def save(appointment, *, texts, versions, session, sequence, by, whole_form=False):
    """Take what was typed, ``{field: text}``; ``versions`` are those the texts were started from. Returns Saved.

    With ``whole_form`` the texts that are as they were at their version count as not touched. Raises NoteConflict when
    somebody else changed one of these fields since; DomainError for a signed record, a visit that does not take place,
    and a text that is too long. What is refused is set aside, unless it is too long.
    """
    texts = {name: _clean(name, texts[name]) for name in FIELDS if name in texts}
    session = session.replace("\x00", "")[:36]
    try:
        saved = _take(appointment, texts, versions, session, sequence, by, whole_form)
    except DomainError as refusal:
        if why := getattr(refusal, "why", None):
            kept = {name: texts[name] for name in getattr(refusal, "fields", texts)}
            refusal.kept = set_aside.keep(appointment, texts=kept, why=why, session=session, sequence=sequence, by=by)
        raise
    set_aside.settle_page(appointment, session=session, fields=texts, by=by)
    return saved


def _take(appointment, texts, versions, session, sequence, by, whole_form):
    record = record_for(appointment, by=by)
    with transaction.atomic(), pghistory.context(user=by.pk, action="note.saved"):
        current = records.assert_open(record)
        page, new = EditingSession.objects.get_or_create(
            record=current, key=session, defaults={"user": by, "seen_at": timezone.now()}
        )
        if new:
            EditingSession.objects.filter(record=current, seen_at__lt=timezone.now() - FORGOTTEN).delete()
        if page.user_id != by.pk:
            raise DomainError(_("This page belongs to somebody else. Reload it."))
        if sequence <= page.sequence:  # sent again, or overtaken by a later one: it is in
            return Saved(current, max(page.versions.values(), default=0), None, page.seen_at)
        versions = {name: max(versions.get(name, 0), page.versions.get(name, 0)) for name in texts}
        before = current.version
        changed = _changed(current, texts, versions, whole_form)
        for name, text in changed.items():
            setattr(current, name, text)
        if changed:
            current.version += 1
            current.save(update_fields=[*changed, "version"])
        page.seen_at, page.sequence = timezone.now(), sequence
        page.versions |= dict.fromkeys(texts, current.version)
        page.save(update_fields=["seen_at", "sequence", "versions"])
        return Saved(current, current.version, before, page.seen_at)


def _changed(current, texts, versions, whole_form):
    """What of ``texts`` is to be written. Raises NoteConflict if the text there is not the one it was started from."""
    bases = {name: _text_at(current, name, versions[name]) for name in texts}
    changed = {name: text for name, text in texts.items() if text != getattr(current, name)}
    if whole_form:
        changed = {name: text for name, text in changed.items() if text != bases[name]}
    theirs = [name for name in changed if bases[name] != getattr(current, name)]
    if theirs:
        raise NoteConflict(current, theirs, last_writer(current) or _("Somebody"))
    return changed


def _text_at(current, name, version):
    """One text of the record as it was at this version."""
    if version >= current.version:
        return getattr(current, name)
    events = apps.get_model("hms", "MedicalRecordEvent").objects.filter(pgh_obj_id=current.pk, version__lte=version)
    return events.order_by("-pgh_id").values_list(name, flat=True).first() or ""


def last_writer(record):
    """Who changed the record last, as a User; None if it was done outside HMS."""
    from hms.models import User

    event = apps.get_model("hms", "MedicalRecordEvent").objects.filter(pgh_obj_id=record.pk).order_by("-pgh_id").first()
    user = event and (event.pgh_context or {}).get("user")
    return User.objects.filter(pk=user).first() if user else None


def saved_at(record):
    """When the record was last changed."""
    events = apps.get_model("hms", "MedicalRecordEvent").objects.filter(pgh_obj_id=record.pk)
    return events.order_by("-pgh_id").values_list("pgh_created_at", flat=True).first()


def writing(record, *, but_not=""):
    """The Users who write this record on another page now, ``but_not`` the page with this key."""
    rows = EditingSession.objects.filter(record=record, seen_at__gt=timezone.now() - PRESENT).exclude(key=but_not)
    return list({row.user_id: row.user for row in rows.select_related("user").order_by("seen_at")}.values())


def here(record, *, session, by):
    """A sign of life of an open page: somebody is about to write."""
    page, made = EditingSession.objects.get_or_create(
        record=record, key=session[:36], defaults={"user": by, "seen_at": timezone.now()}
    )
    if not made and page.user_id == by.pk:
        EditingSession.objects.filter(pk=page.pk).update(seen_at=timezone.now())


def left(*, session, by):
    """The page with this key is gone: its writer writes there no more, unless it gives a sign of life again."""
    pages = EditingSession.objects.filter(key=session[:36], user=by)
    pages.filter(seen_at__gt=timezone.now() - PRESENT).update(seen_at=timezone.now() - PRESENT)


def drafts(record):
    """Every text that the record held, oldest first: ``[(when, who's id or None, {field: text}), …]``."""
    events = apps.get_model("hms", "MedicalRecordEvent").objects.filter(pgh_obj_id=record.pk).order_by("pgh_id")
    found = []
    for event in events.values("pgh_created_at", "pgh_context", *records.TEXTS):
        texts = {name: event[name] for name in records.TEXTS}
        if not found or found[-1][2] != texts:
            found.append((event["pgh_created_at"], (event["pgh_context"] or {}).get("user"), texts))
    return found


def _clean(name, text):
    """The text as it is kept. Browsers send line ends as CR LF; what no database keeps is dropped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if len(text) > LONGEST:
        raise DomainError(
            _("This text has %(n)s characters; a field holds %(most)s. It is not saved: shorten it, or split it.")
            % {"n": f"{len(text):,}", "most": f"{LONGEST:,}"},
            field=name,
        )
    return text
