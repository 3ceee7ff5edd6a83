"""The day board: what stands in which column and row, and its HTML.

Three things keep it fast. Rows come as plain tuples in a fixed number of queries. A column is rendered once per change
of anything in it and kept (``_columns``). A whole board is kept under its fingerprint, hashes that PostgreSQL computes
over everything the board shows, so that an unchanged day is assembled from nothing but that one query.

Everything here is the same for everybody who may see the board: no user, no token, no clock reading later than the row.
What depends on the moment (waiting minutes, who is late, the now-line) is added in the browser by <day-board>.
"""

from collections import defaultdict, namedtuple
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from threading import Lock

from django.db import connection
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html_join
from markupsafe import Markup

from hms.domain import hours
from hms.domain.settings import hospital
from hms.models import Appointment, Department, Doctor

ROW = timedelta(minutes=5)  # one row of the grid; a start between two rows is drawn at the earlier one
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Status = Appointment.Status

# Moments of ``Row`` but its start are seconds since 1970: five hundred rows of datetimes cost as much as all the rest.
Row = namedtuple(
    "Row",
    "pk doctor start minutes status arrived reason family given desk_note updated patient_updated user_updated",
)
Column = namedtuple("Column", "doctor blocks cards freed")
Block = namedtuple("Block", "kind row span start end text")  # kind: open, leave, gap
Staff = namedtuple("Staff", "pk name department department_name bookable active")


class Kept(dict):
    """A dict that forgets its oldest entries beyond ``size``. Many threads may write to it."""

    def __init__(self, size):
        super().__init__()
        self.size, self.lock = size, Lock()

    def __setitem__(self, key, value):
        with self.lock:
            super().__setitem__(key, value)
            while len(self) > self.size:
                del self[next(iter(self))]


_boards = Kept(24)
_columns = Kept(2_000)
_staff = Kept(8)
_choices = Kept(8)


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
        self._params = {"begins": self.begins, "ends": self.ends, "date": date, "weekday": date.weekday()}
        self._clock = {}

    # --- what is there

    def load(self, only=None):
        """Read the day; ``only``: these doctors' ids (their columns changed)."""
        staff = [
            d
            for d in self._staff(only)
            if (not self.departments or d.department in self.departments)
            and (not self.doctor_ids or d.pk in self.doctor_ids)
        ]
        part = only is not None or bool(self.departments or self.doctor_ids)
        shown = [d.pk for d in staff] if part else None
        self.windows = hours.windows(self.date, doctors=shown)
        self.leave = hours.leave(self.begins, self.ends, doctors=shown)
        rows = self._rows(shown)
        self.first, self.last = self._bounds(*(self._edges() if part else self._ends(rows)))
        by_doctor = defaultdict(list)
        for row in rows:
            by_doctor[row.doctor].append(row)
        self.columns = [
            self._column(doctor, by_doctor.get(doctor.pk, []))
            for doctor in staff
            if doctor.pk in by_doctor or (doctor.pk in self.windows and doctor.bookable)
        ]
        return self

    def _staff(self, only=None):
        """Who works here, in the order of the columns."""
        key = self._prints[1] if only is None else None
        if kept := _staff.get(key):
            return kept
        doctors = Doctor.objects.in_order() if only is None else Doctor.objects.in_order().filter(pk__in=only)
        found = [
            Staff(pk, f"{given} {family}".strip() or email, department, name, available and active, active)
            for pk, given, family, email, department, name, available, active in doctors.values_list(
                "pk", "user__first_name", "user__last_name", "user__email", "department_id", "department__name",
                "is_available", "user__is_active",
            )
        ]  # fmt: skip
        if key is not None:
            _staff[key] = found
        return found

    def _ends(self, rows):
        """``(starts, ends)`` of every working time and every live appointment."""
        spans = [span for intervals in self.windows.values() for span in intervals]
        spans += [(r.start, r.start + timedelta(minutes=r.minutes)) for r in rows if is_live(r)]
        return [s for s, _e in spans], [e for _s, e in spans]

    def _edges(self):
        """The same of the whole hospital, when only a part of it is read: no more than the outermost."""
        with connection.cursor() as cursor:
            cursor.execute(EDGES, self._params)
            opens, closes, first, last = cursor.fetchone()
        spans = [(first, last)] if first else []
        if opens:
            spans.append(
                tuple(datetime.combine(self.date, t, tzinfo=self.zone).astimezone(UTC) for t in (opens, closes))
            )
        return [s for s, _e in spans], [e for _s, e in spans]

    def _bounds(self, starts, ends):
        """Whole hours around these: the grid is that of the whole hospital, so that every column has the same rows."""
        if not starts:
            starts, ends = [self.begins + timedelta(hours=8)], [self.begins + timedelta(hours=17)]
        first = max(_floor_hour(min(starts), self.zone), self.begins)
        last = min(-(-(max(ends) - first) // timedelta(hours=1)) * timedelta(hours=1) + first, self.ends)
        return first, max(last, first + timedelta(hours=1))

    def _rows(self, doctors=None):
        moments = {}  # appointments share their starts
        condition = "" if doctors is None else "AND a.doctor_id = ANY(%(doctors)s)"
        with connection.cursor() as cursor:
            cursor.execute(ROWS.format(condition), self._params | {"doctors": doctors})
            rows = cursor.fetchall()
        for _pk, _doctor, start, *_rest in rows:
            if start not in moments:
                moments[start] = EPOCH + timedelta(seconds=start)
        return [Row(pk, doctor, moments[start], *rest) for pk, doctor, start, *rest in rows]

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
        live = [r for r in rows if is_live(r)]
        blocks = [self._block("open", s, e) for s, e in opens]
        blocks += [self._block("leave", s, e, text) for s, e, text in away]
        return Column(doctor, blocks, live, [r for r in rows if not is_live(r)])

    def _gaps(self, column):
        """The times that can be booked."""
        opens = self.windows.get(column.doctor.pk, [])
        taken = [(s, e) for s, e, _t in self.leave.get(column.doctor.pk, [])]
        taken = sorted(taken + [(r.start, r.start + timedelta(minutes=r.minutes)) for r in column.cards])
        return [self._block("gap", s, e) for s, e in hours.subtract(opens, taken) if e - s >= timedelta(minutes=5)]

    def clock(self, moment):
        """``(10:30, 20261122T1030Z)``: a moment on the wall and in addresses."""
        if moment not in self._clock:
            self._clock[moment] = f"{moment.astimezone(self.zone):%H:%M}", f"{moment:%Y%m%dT%H%MZ}"
        return self._clock[moment]

    # --- how it looks

    def html(self):
        """``(board, queue)``: the board's inside (time column and a section per doctor), and who waits."""
        self.printed = self.fingerprint()
        key = (self.printed, self.departments, self.doctor_ids, translation.get_language())
        if kept := _boards.get(key):
            return kept
        self.load()
        columns = [self.column_html(c) for c in self.columns]
        _boards[key] = made = (_render("_board.html", day=self, columns=columns), self.queue_html())
        return made

    def column_html(self, column, refusals=None):
        """One doctor's column; ``refusals``: ``{appointment id: why the last step was not taken}``."""
        rows = [*column.cards, *column.freed]
        refusals = {r.pk: refusals[r.pk] for r in rows if r.pk in refusals} if refusals else {}
        key = (
            column.doctor,
            tuple(column.blocks),
            tuple((r.pk, r.updated, r.patient_updated, r.user_updated) for r in rows),
            (self.first, self.last, self.zone.key, self.is_today, translation.get_language()),
        )
        if refusals:
            return self._column_html(column, refusals)
        if kept := _columns.get(key):
            return kept
        _columns[key] = made = self._column_html(column, {})
        return made

    def _column_html(self, column, refusals):
        timeline = [(g.start, (g, *self.clock(g.start), *self.clock(g.end)), None) for g in self._gaps(column)]
        timeline += [(r.start, None, self._card(r, refusals)) for r in column.cards]
        return _render(
            "_column.html",
            day=self,
            column=column,
            title=translation.gettext("Dr %(name)s") % {"name": column.doctor.name},
            timeline=sorted(timeline, key=lambda t: t[0]),
            freed=[self._card(r, refusals) for r in column.freed],
            load=self._load(column),
            base=_base(),
        )

    def _card(self, row, refusals):
        """Everything that a card shows, as its macro takes it."""
        word = state(row)
        since = f"{EPOCH + timedelta(seconds=row.arrived):%Y%m%dT%H%M%SZ}" if word == "arrived" else ""
        span = self.span(row.start, row.start + timedelta(minutes=row.minutes))
        look = (word, _words(translation.get_language())[word], next_step(row, self.is_today))
        return (row, self.row(row.start), span, *self.clock(row.start), since, *look, refusals.get(row.pk))

    def _load(self, column):
        """``(booked, of)`` minutes, for the column's head."""
        of = sum((e - s for s, e in self.windows.get(column.doctor.pk, [])), timedelta())
        return int(sum(r.minutes for r in column.cards)), of // timedelta(minutes=1)

    def queue_html(self):
        """Who has arrived and waits, longest first; of the whole hospital, whatever the board is filtered by."""
        waiting = []
        if self.is_today:
            with connection.cursor() as cursor:
                cursor.execute(QUEUE, self._params)
                waiting = cursor.fetchall()
        waiting = [(pk, at, self.clock(start)[0], *names) for pk, at, start, *names in waiting]
        return _render("_queue.html", waiting=waiting, base=_base())

    def choices(self):
        """``(departments, doctors)``: the options of the board's filters, as HTML."""
        key = (self._prints[1], translation.get_language())
        if kept := _choices.get(key):
            return kept
        title = translation.gettext("Dr %(name)s")
        doctors = [(d.pk, title % {"name": d.name}) for d in self._staff() if d.active]
        departments = Department.objects.order_by("name").values_list("pk", "name")
        _choices[key] = made = tuple(format_html_join("", OPTION, rows) for rows in (departments, doctors))
        return made

    def fingerprint(self):
        """A hash over every row that the board shows; equal hashes, equal boards."""
        settings = hospital()
        kind = "t" if self.is_today else "o"
        return f"{self.date:%Y%m%d}{kind}{settings.slot_minutes}{settings.time_zone}{'.'.join(self._prints)}"

    @cached_property
    def _prints(self):
        """Hashes of the day's appointments, of who works here, and of their hours and leave: one query."""
        with connection.cursor() as cursor:
            cursor.execute(FINGERPRINT, self._params)
            return cursor.fetchone()


OPTION = '<option value="{}">{}</option>'
ROWS = """
SELECT a.id, a.doctor_id, date_part('epoch', a.appointment_date), date_part('epoch', a.duration) / 60, a.status,
    date_part('epoch', a.checked_in_at), a.reason, u.last_name, u.first_name, p.desk_note,
    date_part('epoch', a.updated_at), date_part('epoch', p.updated_at), date_part('epoch', u.updated_at)
FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s {}
ORDER BY a.appointment_date, a.id
"""
QUEUE = """
SELECT a.id, a.checked_in_at, a.appointment_date, u.last_name, u.first_name, s.first_name || ' ' || s.last_name
FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
    JOIN hms_doctor d ON d.id = a.doctor_id JOIN hms_user s ON s.id = d.user_id
WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s
    AND a.status IN ('SCHEDULED', 'CONFIRMED') AND a.checked_in_at IS NOT NULL
ORDER BY a.checked_in_at, a.id
"""
EDGES = """
SELECT h.opens, h.closes, a.first, a.last
FROM (SELECT min(start) AS opens, max("end") AS closes FROM hms_workinghours
      WHERE weekday = %(weekday)s AND valid_from <= %(date)s AND (valid_until IS NULL OR valid_until >= %(date)s)) h,
     (SELECT min(appointment_date) AS first, max(appointment_date + duration) AS last FROM hms_appointment
      WHERE appointment_date >= %(begins)s AND appointment_date < %(ends)s
        AND status NOT IN ('CANCELLED', 'NO_SHOW')) a
"""
FINGERPRINT = """
SELECT
    (SELECT count(*) || '-' || coalesce(bit_xor(hashtextextended(
            concat_ws(',', a.id, a.updated_at, p.updated_at, u.updated_at), 0)), 0)
       FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
      WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s),
    concat_ws('.',
        (SELECT bit_xor(hashtextextended(concat_ws(',', d.id, d.updated_at, u.updated_at, d.department_id), 0))
           FROM hms_doctor d JOIN hms_user u ON u.id = d.user_id),
        (SELECT bit_xor(hashtextextended(concat_ws(',', id, name), 0)) FROM hms_department)),
    concat_ws('.',
        (SELECT bit_xor(hashtextextended(h::text, 0)) FROM hms_workinghours h
          WHERE weekday = %(weekday)s AND valid_from <= %(date)s AND (valid_until IS NULL OR valid_until >= %(date)s)),
        (SELECT bit_xor(hashtextextended(t::text, 0)) FROM hms_timeoff t
          WHERE t.start < %(ends)s AND t."end" > %(begins)s))
"""


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


@lru_cache
def _words(language):
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


def is_live(row):
    """Whether the appointment holds its time."""
    return row.status not in Appointment.FREES_TIME


def state(row):
    """A card's word and look: the status, with arrival as a state of its own."""
    if row.arrived and row.status in Appointment.WAITING_TO_HAPPEN:
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
    if row.arrived:
        return ("start", _("Call in"))
    if is_today:
        return ("check-in", _("Arrived"))
    return ("confirm", _("Confirm")) if row.status == Status.SCHEDULED else None
