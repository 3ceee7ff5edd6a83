"""The day board: what stands in which column and row, and its HTML.

Two things keep it fast. A column is kept under a hash that PostgreSQL computes over everything it shows, and only the
columns that changed are read and rendered. The whole board is kept likewise, so that an unchanged day costs one query.

Everything here is the same for everybody who may see the board: no user, no token, no clock reading later than the row.
What depends on the moment (waiting minutes, who is late, the now-line) is added in the browser by <day-board>.
"""

from collections import defaultdict, namedtuple
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from threading import Lock

from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html_join
from markupsafe import Markup

from frontdesk import board_rows
from frontdesk.board_rows import EPOCH, is_live
from hms.domain import hours
from hms.domain.settings import hospital
from hms.models import Appointment, Department

ROW = timedelta(minutes=5)  # one row of the grid; a start between two rows is drawn at the earlier one
OPTION = '<option value="{}">{}</option>'
Status = Appointment.Status

Column = namedtuple("Column", "doctor blocks cards freed")
Block = namedtuple("Block", "kind row span start end text")  # kind: open, leave, gap


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
        self._day = board_rows.bounds(date, self.begins, self.ends)
        self._clock, self._place = {}, {}  # cards share their times

    # --- what is there

    def load(self, only):
        """Read the columns of these doctors (ids)."""
        return self._read(board_rows.staff(only))

    def _read(self, staff):
        ids = [d.pk for d in staff]
        self.windows = hours.windows(self.date, doctors=ids)
        self.leave = hours.leave(self.begins, self.ends, doctors=ids)
        by_doctor = defaultdict(list)
        for row in board_rows.rows(self._day, ids):
            by_doctor[row.doctor].append(row)
        self.columns = [
            self._column(doctor, by_doctor.get(doctor.pk, []))
            for doctor in staff
            if doctor.pk in by_doctor or (doctor.pk in self.windows and doctor.bookable)
        ]
        return self

    @cached_property
    def _prints(self):
        return board_rows.prints(self._day)

    @property
    def _staff(self):
        """Everybody who works here."""
        if kept := _staff.get(self._prints.staff):
            return kept
        _staff[self._prints.staff] = read = board_rows.staff()
        return read

    def _shown(self):
        """The doctors who have a column, as the filters want it."""
        nothing = (False, False, "")
        for doctor in self._staff:
            booked, works, _hash = self._prints.doctors.get(doctor.pk, nothing)
            if (
                (booked or (works and doctor.bookable))
                and (not self.departments or doctor.department in self.departments)
                and (not self.doctor_ids or doctor.pk in self.doctor_ids)
            ):
                yield doctor

    @cached_property
    def _bounds(self):
        """``(first, last)``: whole hours around every working time and appointment of the whole hospital.

        So every column has the same rows, whoever is shown.
        """
        known = self.__dict__.get("_prints")  # read already?
        opens, closes, first, last = known.edges if known else board_rows.edges(self._day)
        spans = [] if first is None else [tuple(EPOCH + timedelta(seconds=t) for t in (first, last))]
        if opens:
            walls = [datetime.combine(self.date, t, tzinfo=self.zone) for t in (opens, closes)]
            spans.append(tuple(wall.astimezone(UTC) for wall in walls))
        if not spans:
            spans = [(self.begins + timedelta(hours=8), self.begins + timedelta(hours=17))]
        first = max(_floor_hour(min(s for s, _e in spans), self.zone), self.begins)
        length = -(-(max(e for _s, e in spans) - first) // timedelta(hours=1)) * timedelta(hours=1)
        return first, max(min(first + length, self.ends), first + timedelta(hours=1))

    @property
    def first(self):
        return self._bounds[0]

    @property
    def last(self):
        return self._bounds[1]

    # --- where it stands

    def row(self, moment):
        """The grid row (from 1) of a moment, kept within the board."""
        return min(max((moment - self.first) // ROW, 0), self.height - 1) + 1

    @cached_property
    def height(self):
        """How many rows the grid has."""
        return -(-(self.last - self.first) // ROW)

    def place(self, start, end):
        """``(row, span)`` of a time on the grid."""
        if (start, end) not in self._place:
            row = self.row(start)
            self._place[start, end] = row, max(self.row(end - timedelta(seconds=1)) - row + 1, 1)
        return self._place[start, end]

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
        return Block(kind, *self.place(start, end), start, end, text)

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
        columns = self._columns_html()
        _boards[key] = made = (_render("_board.html", day=self, columns=columns), self.queue_html())
        return made

    def _columns_html(self):
        """Every column, those that changed rendered anew."""
        place = (self.date, self.first, self.last, self.zone.key, self.is_today, translation.get_language())
        keys = {d.pk: (d, self._prints.doctors[d.pk][2], place) for d in self._shown()}
        html = {pk: _columns.get(key) for pk, key in keys.items()}
        missing = [keys[pk][0] for pk, kept in html.items() if kept is None]
        for column in self._read(missing).columns if missing else ():
            pk = column.doctor.pk
            _columns[keys[pk]] = html[pk] = self.column_html(column)
        return [column for column in html.values() if column is not None]

    def column_html(self, column, refusals=None):
        """One doctor's column; ``refusals``: ``{appointment id: why the last step was not taken}``."""
        refusals = refusals or {}
        timeline = [(g.start, (g, *self.clock(g.start), *self.clock(g.end)), None) for g in self._gaps(column)]
        timeline += [(r.start, None, self._card(r, refusals)) for r in column.cards]
        # A macro, not a template: it needs no context of its own, and the cards are macros in it.
        return _template("_column.html").module.column(
            day=self,
            column=column,
            title=translation.gettext("Dr %(name)s") % {"name": column.doctor.name},
            timeline=sorted(timeline, key=lambda t: t[0]),
            freed=[self._card(r, refusals) for r in column.freed],
            load=self._load(column),
            base=_base(),
        )

    def _card(self, a, refusals):
        """Everything that a card shows, as its macro takes it: strings, and few of them, since there are hundreds."""
        look = state(a)
        row, span = self.place(a.start, a.start + timedelta(minutes=a.minutes))
        css = f"card {look}{' short' if span < 5 else ''} row-start-{row} row-span-{span}"
        since = f"{EPOCH + timedelta(seconds=a.arrived):%Y%m%dT%H%M%SZ}" if look == "arrived" else ""
        data = (*self.clock(a.start), str(int(a.minutes)), str(int(a.updated * 1_000_000)), since)
        texts = (_words(translation.get_language())[look], a.family.upper(), a.given, a.desk_note)
        reason = a.reason if span > 3 else ""
        if a.online:  # what the patient did is said on the card; a request waits for the desk's answer
            note = _words(translation.get_language())[a.online]
            texts = (f"{texts[0]} · {note}" if a.online == "REQUEST" else texts[0], *texts[1:3], a.desk_note or note)
        url = f"{_base()}{a.pk}/"
        return (a.pk, css, url, *data, *texts, reason, next_step(a, self.is_today), a.family, refusals.get(a.pk))

    def _load(self, column):
        """``(booked, of)`` minutes, for the column's head."""
        of = sum((e - s for s, e in self.windows.get(column.doctor.pk, [])), timedelta()) // timedelta(minutes=1)
        return min(int(sum(r.minutes for r in column.cards)), of), of

    def queue_html(self):
        """Who has arrived and waits, longest first; of the whole hospital, whatever the board is filtered by."""
        waiting = board_rows.queue(self._day) if self.is_today else []
        waiting = [(pk, at, self.clock(start)[0], *names) for pk, at, start, *names in waiting]
        return _render("_queue.html", waiting=waiting, base=_base())

    def choices(self):
        """``(departments, doctors)``: the options of the board's filters, as HTML."""
        key = (self._prints.staff, translation.get_language())
        if kept := _choices.get(key):
            return kept
        title = translation.gettext("Dr %(name)s")
        doctors = [(d.pk, title % {"name": d.name}) for d in self._staff if d.active]
        departments = Department.objects.order_by("name").values_list("pk", "name")
        _choices[key] = made = tuple(format_html_join("", OPTION, rows) for rows in (departments, doctors))
        return made

    def fingerprint(self):
        """A hash over every row that the board shows; equal hashes, equal boards."""
        settings = hospital()
        kind = "t" if self.is_today else "o"
        return f"{self.date:%Y%m%d}{kind}{settings.slot_minutes}{settings.time_zone}{self._prints.day}"


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
        "BOOKED": _("Booked by the patient"),
        "MOVED": _("Moved by the patient"),
        "REQUEST": _("Request"),
    }


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
