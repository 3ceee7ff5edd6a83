"""The day board: what stands in which column and row, and its HTML.

Three things keep it fast. Rows come as plain tuples in a fixed number of queries. A card is rendered once per change and
kept (``_cards``). A whole board is kept under its fingerprint, a hash that PostgreSQL computes over everything the board
shows, so that an unchanged day is assembled from nothing but that one query.

Everything here is the same for everybody who may see the board: no user, no token, no clock reading later than the row.
What depends on the moment (waiting minutes, who is late, the now-line) is added in the browser by <day-board>.
"""

from collections import defaultdict, namedtuple
from datetime import timedelta
from functools import lru_cache

from django.db import connection
from django.db.models import F, Max, Min
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from markupsafe import Markup

from hms.domain import hours
from hms.domain.settings import hospital
from hms.models import Appointment, Doctor

ROW = timedelta(minutes=5)  # one row of the grid; a start between two rows is drawn at the earlier one
Status = Appointment.Status

Row = namedtuple(
    "Row",
    "pk doctor start duration status checked_in_at started_at override updated"
    " family given patient_pk record_number desk_note patient_updated user_updated reason",
)
Column = namedtuple("Column", "doctor blocks cards freed")
Block = namedtuple("Block", "kind row span start end text")  # kind: open, leave, gap


class Kept(dict):
    """A dict that forgets its oldest entries beyond ``size``."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        while len(self) > self.size:
            self.pop(next(iter(self)), None)


_cards = Kept(20_000)
_boards = Kept(24)


class Day:
    """One calendar day of the board: its bounds on the grid, its columns and their cards.

    ``departments`` and ``doctors`` are ids to show, empty for all.
    """

    def __init__(self, date, *, departments=(), doctors=()):
        self.date = date
        self.is_today = date == hospital().today()
        self.zone = hospital().zone
        self.begins, self.ends = hospital().day_bounds(date)
        self.departments, self.doctor_ids = tuple(departments), tuple(doctors)

    # --- what is there

    def load(self, only=None):
        """Read the day; ``only``: these doctors' ids (their columns changed)."""
        staff = Doctor.objects.in_order()
        if only is not None:
            staff = staff.filter(pk__in=only)
        if self.departments:
            staff = staff.filter(department__in=self.departments)
        if self.doctor_ids:
            staff = staff.filter(pk__in=self.doctor_ids)
        staff = {d.pk: d for d in staff}
        # The grid's first and last hour are those of the whole hospital, so that every column has the same rows.
        self.windows = hours.windows(self.date)
        self.leave = hours.leave(self.begins, self.ends)
        first, last = self._bounds()
        rows = self._rows(None if only is None and not self.doctor_ids and not self.departments else staff)
        by_doctor = defaultdict(list)
        for row in rows:
            by_doctor[row.doctor].append(row)
        self.first, self.last = first, last
        self.columns = [
            self._column(doctor, by_doctor.get(pk, []))
            for pk, doctor in staff.items()
            if pk in by_doctor or (pk in self.windows and doctor.user.is_active and doctor.is_available)
        ]
        return self

    def _bounds(self):
        """Whole hours around every working time and every appointment of the day."""
        spans = [i for intervals in self.windows.values() for i in intervals]
        edges = Appointment.objects.live().filter(appointment_date__gte=self.begins, appointment_date__lt=self.ends)
        starts, ends = [s for s, _e in spans], [e for _s, e in spans]
        if row := _first_and_last(edges):
            starts.append(row[0])
            ends.append(row[1])
        if not starts:
            starts, ends = [self.begins + timedelta(hours=8)], [self.begins + timedelta(hours=17)]
        first = max(_floor_hour(min(starts), self.zone), self.begins)
        last = min(-(-(max(ends) - first) // timedelta(hours=1)) * timedelta(hours=1) + first, self.ends)
        return first, max(last, first + timedelta(hours=1))

    def _rows(self, staff):
        rows = Appointment.objects.filter(appointment_date__lt=self.ends, appointment_date__gte=self.begins)
        if staff is not None:
            rows = rows.filter(doctor__in=list(staff))
        return [
            Row(*values)
            for values in rows.order_by("appointment_date", "pk").values_list(
                "pk", "doctor_id", "appointment_date", "duration", "status", "checked_in_at", "started_at",
                "override_reason", "updated_at", "patient__user__last_name", "patient__user__first_name", "patient_id",
                "patient__record_number", "patient__desk_note", "patient__updated_at", "patient__user__updated_at",
                "reason",
            )
        ]  # fmt: skip

    # --- where it stands

    def row(self, moment):
        """The grid row (from 1) of a moment, kept within the board."""
        return min(max((moment - self.first) // ROW, 0), self.height - 1) + 1

    @property
    def height(self):
        """How many rows the grid has."""
        return -(-(self.last - self.first) // ROW)

    def span(self, start, end):
        return max(self.row(end - timedelta(seconds=1)) - self.row(start) + 1, 1)

    @property
    def hours(self):
        """``[(row, label), …]``: the hour lines; a clock change shows as a label twice or not at all."""
        labels, moment = [], self.first
        while moment < self.last:
            labels.append((self.row(moment), moment.astimezone(self.zone).strftime("%H:%M")))
            moment += timedelta(hours=1)
        return labels

    def _block(self, kind, start, end, text=""):
        start, end = max(start, self.first), min(end, self.last)
        return Block(kind, self.row(start), self.span(start, end), start, end, text)

    def _column(self, doctor, rows):
        opens = self.windows.get(doctor.pk, [])
        away = self.leave.get(doctor.pk, [])
        live = [r for r in rows if r.status not in Appointment.FREES_TIME]
        taken = sorted([(s, e) for s, e, _t in away] + [(r.start, r.start + r.duration) for r in live])
        blocks = [self._block("open", s, e) for s, e in opens]
        blocks += [self._block("leave", s, e, text) for s, e, text in away]
        gaps = [self._block("gap", s, e) for s, e in hours.subtract(opens, taken) if e - s >= timedelta(minutes=5)]
        timeline = sorted([(g.start, g, None) for g in gaps] + [(r.start, None, r) for r in live], key=lambda t: t[0])
        return Column(doctor, blocks, timeline, [r for r in rows if r.status in Appointment.FREES_TIME])

    # --- how it looks

    def html(self):
        """``(board, queue)``: the board's inside (time column and a section per doctor), and who waits."""
        self.printed = self.fingerprint()
        key = (self.printed, self.departments, self.doctor_ids, translation.get_language())
        if key not in _boards:
            self.load()
            columns = [self.column_html(c) for c in self.columns]
            _boards[key] = (_render("_board.html", day=self, columns=columns), self.queue_html())
        return _boards[key]

    def column_html(self, column, refusals=None):
        """One doctor's column; ``refusals``: ``{appointment id: why the last step was not taken}``."""
        timeline = [(gap, None if row is None else self.card_html(row, refusals)) for _at, gap, row in column.cards]
        freed = [self.card_html(row, refusals) for row in column.freed]
        load = self._load(column)
        return _render("_column.html", day=self, column=column, timeline=timeline, freed=freed, load=load, base=_base())

    def card_html(self, row, refusals=None):
        refusal = (refusals or {}).get(row.pk)
        position = (self.row(row.start), self.span(row.start, row.start + row.duration))
        key = (
            row.pk,
            row.updated,
            row.patient_updated,
            row.user_updated,
            position,
            self.is_today,
            translation.get_language(),
        )
        if not refusal and key in _cards:
            return _cards[key]
        html = _render(
            "_appointment_card.html",
            a=row,
            row=position[0],
            span=position[1],
            time=row.start.astimezone(self.zone).strftime("%H:%M"),
            minutes=row.duration // timedelta(minutes=1),
            state=state(row),
            words=words(),
            step=next_step(row, self.is_today),
            refusal=refusal,
            base=_base(),
        )
        if not refusal:
            _cards[key] = html
        return html

    def _load(self, column):
        """``(booked, of)`` minutes, for the column's head."""
        of = sum((e - s for s, e in self.windows.get(column.doctor.pk, [])), timedelta())
        booked = sum((r.duration for _at, _gap, r in column.cards if r is not None), timedelta())
        return booked // timedelta(minutes=1), of // timedelta(minutes=1)

    def queue_html(self):
        """Who has arrived and waits, longest first; of the whole hospital, whatever the board is filtered by."""
        waiting = []
        if self.is_today:
            waiting = (
                Appointment.objects.filter(appointment_date__gte=self.begins, appointment_date__lt=self.ends)
                .filter(status__in=Appointment.WAITING_TO_HAPPEN, checked_in_at__isnull=False)
                .with_people()
                .order_by("checked_in_at")
            )
        return _render("_queue.html", waiting=waiting, day=self, base=_base())

    def fingerprint(self):
        """A hash over every row that the board shows; equal hashes, equal boards."""
        with connection.cursor() as cursor:
            cursor.execute(
                FINGERPRINT,
                {"begins": self.begins, "ends": self.ends, "date": self.date, "weekday": self.date.weekday()},
            )
            (hashed,) = cursor.fetchone()
        settings = hospital()
        return f"{self.date:%Y%m%d}{'t' if self.is_today else 'o'}{settings.slot_minutes}{settings.time_zone}{hashed}"


FINGERPRINT = """
SELECT concat_ws('.',
    (SELECT count(*) || '-' || coalesce(bit_xor(hashtextextended(concat_ws(',', a.id, a.updated_at, p.updated_at, u.updated_at), 0)), 0)
       FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
      WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s),
    (SELECT bit_xor(hashtextextended(concat_ws(',', d.id, d.updated_at, u.updated_at, d.department_id), 0))
       FROM hms_doctor d JOIN hms_user u ON u.id = d.user_id),
    (SELECT bit_xor(hashtextextended(concat_ws(',', id, name), 0)) FROM hms_department),
    (SELECT bit_xor(hashtextextended(h::text, 0)) FROM hms_workinghours h
      WHERE weekday = %(weekday)s AND valid_from <= %(date)s AND (valid_until IS NULL OR valid_until >= %(date)s)),
    (SELECT bit_xor(hashtextextended(t::text, 0)) FROM hms_timeoff t WHERE t.start < %(ends)s AND t."end" > %(begins)s))
"""


def _first_and_last(appointments):
    """Earliest start and latest end, or None; two ends of an index, not a walk through the day."""
    found = appointments.aggregate(first=Min("appointment_date"), last=Max(F("appointment_date") + F("duration")))
    return None if found["first"] is None else (found["first"], found["last"])


def _floor_hour(moment, zone):
    local = moment.astimezone(zone)
    return moment - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _render(name, **context):
    # Jinja2's template itself: Django's wrapper would build a request context per card. What an autoescaping template
    # has made is safe to stand inside another.
    return Markup(_template(name).render(context))  # noqa: S704


@lru_cache
def _template(name):
    return get_template(f"frontdesk/{name}", using="jinja2").template


@lru_cache
def _base():
    return reverse("frontdesk:day") + "appointments/"


def words():
    """What each state is called."""
    _ = translation.gettext
    return {
        "scheduled": _("Scheduled"),
        "confirmed": _("Confirmed"),
        "arrived": _("Waiting"),
        "in-progress": _("In progress"),
        "completed": _("Completed"),
        "cancelled": _("Cancelled"),
        "no-show": _("No show"),
    }


def state(row):
    """A card's word and look: the status, with arrival as a state of its own."""
    if row.checked_in_at and row.status in Appointment.WAITING_TO_HAPPEN:
        return "arrived"
    return row.status.lower().replace("_", "-")


def next_step(row, is_today):
    """``(URL name, label)`` of the one-click step on the card, or None."""
    _ = translation.gettext
    if row.status in Appointment.FREES_TIME:
        return ("reinstate", _("Reinstate"))
    if row.status == Status.IN_PROGRESS:
        return ("complete", _("Done"))
    if row.status == Status.COMPLETED:
        return None
    if row.checked_in_at:
        return ("start", _("Call in"))
    if is_today:
        return ("check-in", _("Arrived"))
    return ("confirm", _("Confirm")) if row.status == Status.SCHEDULED else None
