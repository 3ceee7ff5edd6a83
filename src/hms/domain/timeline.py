"""The record as one time line: everything that happened to a patient, newest first, read a page at a time.

Each kind of entry is a Source: a query of its own, ordered by the same moment, so that a page reads a page's worth of
each kind and no more, whether the patient came 3 times or 1,000. A Source searches its own texts; accents and case do
not count. Nothing here asks who may read: the view did (hms.domain.relations).
"""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice

from django.db.models import F, Q, TextField, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms.domain.settings import hospital
from hms.models import Appointment, MedicalRecord
from hms.models.people import Plain

PAGE = 25
LONGEST = 100  # characters of a search that are looked at
WORDS = 8  # of them
SOURCES = {}  # kind → Source, in the order in which the filter offers them


@dataclass(slots=True)
class Entry:
    """One thing on the line. ``texts`` are ``(label, text)`` to read, ``marks`` short words about its state."""

    at: datetime
    kind: str
    pk: int
    title: str
    doctor: str = ""
    texts: list = field(default_factory=list)
    marks: list = field(default_factory=list)  # (text, look): look is success, warning, error, info or ""
    appointment: int | None = None
    author: int | None = None  # user id of its doctor
    dim: bool = False  # did not take place, or is over
    day_only: bool = False  # known to the day; the time means nothing

    @property
    def source(self):
        return SOURCES[self.kind]


@dataclass(frozen=True, slots=True)
class Source:
    kind: str
    label: str
    icon: str
    rows: object  # function(patient) → queryset
    at: str  # the field, or annotation, that places a row on the line
    entries: object  # function(rows) → [Entry, …] in the same order
    search: object  # function(queryset, patient, plain word) → queryset of the rows that hold it
    only_asked: bool = False  # on the line only when this kind is asked for: visits tell it already


def source(kind, label, icon, *, at, search, rows, only_asked=False):
    """Decorator of the function(rows) → entries that makes this kind of entry."""

    def decorate(entries):
        SOURCES[kind] = Source(kind, label, icon, rows, at, entries, search, only_asked)
        return entries

    return decorate


@dataclass(slots=True)
class Page:
    entries: list
    older: str = ""  # the cursor of the next page; "" on the last


def page(patient, *, kinds=(), words=(), since=None, until=None, before="", size=PAGE):
    """A Page of the patient's line: the ``size`` newest entries, or those after the cursor ``before``.

    ``kinds``: only these, empty for all; ``words`` (of ``search_words``): each must occur; ``since``, ``until``: days.
    """
    wanted = [s for s in SOURCES.values() if (s.kind in kinds if kinds else not s.only_asked)]
    cursor = _read(before)
    found = [_some(s, patient, words, since, until, cursor, size + 1) for s in wanted]
    entries = list(islice(merge(*found, key=_place, reverse=True), size + 1))
    older = _write(entries[size - 1]) if len(entries) > size else ""
    return Page(entries[:size], older)


def search_words(text):
    """What is searched for: the words of a typed text, plain."""
    return plain("".join(c if c.isprintable() else " " for c in text[:LONGEST])).split()[:WORDS]


def plain(text):
    """Lower case, without accents: as the SQL function hms_plain compares."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def pieces(text, words):
    """``[(piece, whether it is one of the words), …]`` of a text, for the reader to see what was found."""
    letters, places = [], []  # the plain text, and for each of its characters where it came from
    for place, character in enumerate(text):
        for letter in plain(character):
            letters.append(letter)
            places.append(place)
    whole, hits = "".join(letters), set()
    for word in words:
        at = whole.find(word)
        while at >= 0:
            hits.update(range(places[at], places[at + len(word) - 1] + 1))
            at = whole.find(word, at + len(word))
    found = []
    for place, character in enumerate(text):
        if found and found[-1][1] is (place in hits):
            found[-1][0].append(character)
        else:
            found.append(([character], place in hits))
    return [("".join(characters), hit) for characters, hit in found]


def holds(word, *fields):
    """Condition: one of these text fields holds the plain word."""
    texts = [Coalesce(F(name), Value(""), output_field=TextField()) for name in fields]
    together = [part for text in texts for part in (Value("\n"), text)]
    return Q(Contains(Plain(Concat(*together, output_field=TextField())), word))


def Contains(expression, word):
    from django.db.models.lookups import Contains as Lookup

    return Lookup(expression, Value(word, output_field=TextField()))


# --- the cursor: the last entry shown, as <microseconds>.<kind>.<id>; of equal moments the later kind and id come first


def _place(entry):
    return (entry.at, entry.kind, entry.pk)


def _write(entry):
    return f"{round(entry.at.timestamp() * 1_000_000)}.{entry.kind}.{entry.pk}"


def _read(text):
    parts = text.split(".")
    if len(parts) != 3 or parts[1] not in SOURCES:
        return None
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(parts[0][:18]))
        return moment, parts[1], int(parts[2][:18])
    except (ValueError, OverflowError):
        return None


def _some(one, patient, words, since, until, cursor, size):
    rows = one.rows(patient)
    if since:
        rows = rows.filter(**{f"{one.at}__gte": hospital().day_bounds(since)[0]})
    if until:
        rows = rows.filter(**{f"{one.at}__lt": hospital().day_bounds(until)[1]})
    if cursor:
        moment, kind, pk = cursor
        older = Q(**{f"{one.at}__lt": moment})
        if one.kind < kind:
            older |= Q(**{one.at: moment})
        elif one.kind == kind:
            older |= Q(**{one.at: moment, "pk__lt": pk})
        rows = rows.filter(older)
    for word in words:
        rows = one.search(rows, patient, word)
    return one.entries(list(rows.order_by(f"-{one.at}", "-pk")[:size]))


# --- visits, with what was written of them


def _visits(patient):
    """What took place until now, or should have."""
    past = Q(appointment_date__lte=timezone.now()) | Q(status__in=["IN_PROGRESS", "COMPLETED"])
    visits = Appointment.objects.filter(past, patient=patient).select_related("doctor__user", "doctor__department")
    return visits.only("reason", "appointment_date", "status", *named("doctor__user"), "doctor__department__name")


def named(path):
    """The fields that it takes to name somebody: a whole user is slow to make, a hundred times."""
    return [f"{path}__{name}" for name in ("first_name", "last_name", "email")]


def _visits_with(rows, patient, word):
    written = MedicalRecord.objects.filter(patient=patient, appointment__isnull=False).filter(holds(word, *TEXTS))
    return rows.filter(holds(word, "reason") | Q(pk__in=written.values("appointment")))


TEXTS = ("diagnosis", "treatment", "prescription", "notes")
LABELS = {name: MedicalRecord._meta.get_field(name).verbose_name for name in TEXTS}
LOOKS = {"COMPLETED": "success", "IN_PROGRESS": "info", "NO_SHOW": "warning", "CANCELLED": ""}


@source(
    "visit",
    gettext_lazy("Visits"),
    "calendar",
    rows=_visits,
    at="appointment_date",
    search=_visits_with,
)
def _visit_entries(rows):
    records = defaultdict(list)
    written = MedicalRecord.objects.filter(appointment__in=[row.pk for row in rows]).select_related("doctor__user")
    written = written.only("appointment", "amends", "created_at", "signed_at", *TEXTS, *named("doctor__user"))
    for record in written.order_by("created_at", "pk") if rows else ():
        records[record.appointment_id].append(record)
    return [_visit_entry(row, records[row.pk]) for row in rows]


def _visit_entry(visit, records):
    entry = Entry(
        at=visit.appointment_date,
        kind="visit",
        pk=visit.pk,
        title=visit.reason or _("Visit"),
        doctor=f"{visit.doctor}, {visit.doctor.department}",
        appointment=visit.pk,
        author=visit.doctor.user_id,
        dim=not visit.is_live,
    )
    if visit.status != Appointment.Status.COMPLETED:
        entry.marks.append((visit.get_status_display(), LOOKS.get(visit.status, "")))
    _add_records(entry, records)
    return entry


def _add_records(entry, records):
    for record in records:
        if record.amends_id:
            label = _("Addendum, %(who)s, %(day)s") % {
                "who": record.doctor,
                "day": f"{record.created_at.astimezone(hospital().zone):%d-%b-%Y %H:%M}",
            }
            entry.texts.append((label, record.notes))
            continue
        entry.texts += [(str(LABELS[name]), text) for name in TEXTS if (text := getattr(record, name))]
        entry.marks.append((_("Signed"), "success") if record.is_signed else (_("Not signed"), "warning"))


# --- records of no visit


def _notes_with(rows, patient, word):
    return rows.filter(holds(word, *TEXTS))


@source(
    "note",
    gettext_lazy("Other notes"),
    "document-text",
    rows=lambda patient: MedicalRecord.objects.filter(patient=patient, appointment=None, amends=None).select_related(
        "doctor__user"
    ),
    at="created_at",
    search=_notes_with,
)
def _note_entries(rows):
    found = []
    for record in rows:
        entry = Entry(at=record.created_at, kind="note", pk=record.pk, title=_("Note"), doctor=str(record.doctor))
        _add_records(entry, [record])
        found.append(entry)
    return found


from hms.domain import timeline_kinds  # noqa: E402, F401 (the other kinds; they need what stands above)
