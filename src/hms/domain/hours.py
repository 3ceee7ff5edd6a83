"""When doctors work, and which of that time is free. Intervals are half-open pairs of UTC moments."""

from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from math import ceil

from django.db import connection

from hms.domain.settings import hospital
from hms.models import Appointment
from hms.models.scheduling import LONGEST

LOOK_AHEAD = timedelta(days=60)  # how far the slot finder searches


def windows(date, *, doctors=None):
    """``{doctor id: [(start, end), …]}``: the working hours in force on a calendar day, leave not yet taken out."""
    zone = hospital().zone
    result = defaultdict(list)
    for doctor, start, end in _rows(WINDOWS, doctors, date=date, weekday=date.weekday()):
        result[doctor].append(_interval(date, start, end, zone))
    return dict(result)


@lru_cache(maxsize=2_000)  # doctors share their hours
def _interval(date, start, end, zone):
    # A boundary that a clock change skips or repeats is taken as the first reading: hours are rules, not appointments.
    return tuple(datetime.combine(date, t, tzinfo=zone).astimezone(UTC) for t in (start, end))


def leave(start, end, *, doctors=None):
    """``{doctor id: [(start, end, reason), …]}``: time off that touches the given time."""
    result = defaultdict(list)
    for doctor, begin, until, reason in _rows(LEAVE, doctors, start=start, end=end):
        result[doctor].append((begin, until, reason))
    return dict(result)


# In plain SQL: each booking and each change on a board asks these two, and Django takes longer to write them than
# PostgreSQL to answer. Their conditions are those of WorkingHours.objects.on() and TimeOff.objects.between().
WINDOWS = """SELECT doctor_id, start, "end" FROM hms_workinghours WHERE weekday = %(weekday)s AND valid_from <= %(date)s
    AND (valid_until IS NULL OR valid_until >= %(date)s) {} ORDER BY start"""
LEAVE = """SELECT doctor_id, start, "end", reason FROM hms_timeoff WHERE start < %(end)s AND "end" > %(start)s {}
    ORDER BY start"""


def _rows(sql, doctors, **params):
    if doctors is not None:
        params["doctors"] = [getattr(doctor, "pk", doctor) for doctor in doctors]
    with connection.cursor() as cursor:
        cursor.execute(sql.format("" if doctors is None else "AND doctor_id = ANY(%(doctors)s)"), params)
        return cursor.fetchall()


def subtract(intervals, taken):
    """What is left of ``intervals`` without ``taken``; both sorted by start."""
    left = []
    for start, end in intervals:
        at = start
        for begin, until in taken:
            if until <= at or begin >= end:
                continue
            if begin > at:
                left.append((at, begin))
            at = max(at, until)
        if at < end:
            left.append((at, end))
    return left


def working(doctor, start, end):
    """Whether the doctor works all of the time from ``start`` until ``end``: ``"yes"``, ``"leave"`` or ``"off"``."""
    away = leave(start, end, doctors=[doctor]).get(doctor.pk, [])
    if away:
        return "leave"
    dates = {moment.astimezone(hospital().zone).date() for moment in (start, end)}
    open_ = sorted(i for date in dates for i in windows(date, doctors=[doctor]).get(doctor.pk, []))
    return "off" if subtract([(start, end)], open_) else "yes"


def free_times(doctors, *, after, duration, limit=5, until=None, ignoring=None):
    """The first ``limit`` free starts for a visit of ``duration`` from ``after`` on: ``[(doctor, start), …]``.

    They lie on the slot grid of the doctor's hours, earliest first. ``ignoring``: an appointment whose own time
    counts as free (it is being moved).
    """
    by_pk = {d.pk: d for d in doctors}
    until = until or after + LOOK_AHEAD
    first, last = _dates(after, until)
    found = []
    # A week at a time: mostly the first week is enough.
    for week in range(0, (last - first).days + 1, 7):
        dates = [first + timedelta(days=week + i) for i in range(7)]
        free = _free_in(by_pk, [d for d in dates if d <= last], duration, after, ignoring)
        found += sorted((start, pk) for pk, grid, fits in free for start in grid if fits(start))
        if len(found) >= limit:
            break
    return [(by_pk[pk], datetime.fromtimestamp(start, UTC)) for start, pk in found[:limit]]


def first_free(doctors, *, after, until, duration, ignoring=None, taken=()):
    """``{start: doctor}``, earliest first: all free starts, each with one of the doctors who have it free.

    ``taken``: more that is not free, ``(doctor id, start, end)`` each. Starts are in the hospital's time zone.
    """
    by_pk = {d.pk: d for d in doctors}
    first, last = _dates(after, until)
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    firsts = {}
    for pk, grid, fits in _free_in(by_pk, dates, duration, after, ignoring, taken):
        for start in grid:
            if start not in firsts and fits(start):  # of thirty doctors, the first few leave little to look for
                firsts[start] = pk
    zone = hospital().zone
    return {datetime.fromtimestamp(start, zone): by_pk[pk] for start, pk in sorted(firsts.items())}


def offered(doctor, start, duration, *, ignoring=None):
    """Whether exactly this start would be found by ``free_times``: within the hours, on their grid, and not taken."""
    found = free_times([doctor], after=start, duration=duration, limit=1, until=start + duration, ignoring=ignoring)
    return [at for _doctor, at in found] == [start]


def _dates(after, until):
    return [moment.astimezone(hospital().zone).date() for moment in (after, until)]


def _free_in(by_pk, dates, duration, after, ignoring, held=()):
    """``(doctor id, grid of starts, function that says whether one is free)`` of each stretch of working hours.

    In Unix seconds: Python takes numbers faster than moments. Doctors come in the order of their ids.
    """
    slot, length = int(hospital().slot.total_seconds()), int(duration.total_seconds())
    begin, end = hospital().day_bounds(dates[0])[0], hospital().day_bounds(dates[-1])[1]
    taken = _taken(by_pk, begin, end, ignoring, held)
    grids, after = defaultdict(list), ceil(after.timestamp())
    for (opens, closes), doctors in _openings(by_pk, dates).items():
        # The grid is that of the hours, not of the last appointment's end.
        grid = range(opens + max(-((opens - after) // slot), 0) * slot, closes - length + 1, slot)
        for pk in doctors if grid else ():
            grids[pk].append(grid)
    for pk in sorted(grids):
        fits = partial(_fits, *taken[pk], length)
        for grid in grids[pk]:
            yield pk, grid, fits


def _fits(begins, ends, length, start):
    """Whether a visit of ``length`` from ``start`` on touches none of the sorted intervals."""
    n = bisect_right(ends, start)
    return n == len(begins) or begins[n] >= start + length


# One row for each doctor, not for each visit: a department has thousands in a month. Doctor by doctor, else PostgreSQL
# reads everybody's visits of the month to find a department's.
TAKEN = """SELECT doctor, array_agg(floor(date_part('epoch', start))::bigint),
        array_agg(ceil(date_part('epoch', "end"))::bigint) FROM unnest(%(doctors)s::bigint[]) doctor, LATERAL (
    SELECT appointment_date AS start, appointment_date + duration AS "end" FROM hms_appointment
    WHERE doctor_id = doctor AND status <> ALL(%(frees)s) AND id IS DISTINCT FROM %(ignoring)s
        AND appointment_date > %(start)s - %(longest)s AND appointment_date < %(end)s
        AND appointment_date + duration > %(start)s
    UNION ALL SELECT start, "end" FROM hms_timeoff WHERE doctor_id = doctor AND start < %(end)s AND "end" > %(start)s
    ) taken GROUP BY doctor"""


def _taken(by_pk, begin, end, ignoring, held):
    """``{doctor id: (starts, ends)}`` of what is not free, in Unix seconds, sorted, none touching the next."""
    taken = defaultdict(list)
    asked = {"start": begin, "end": end, "longest": LONGEST, "ignoring": ignoring and ignoring.pk}
    for pk, starts, ends in _rows(TAKEN, by_pk, frees=list(Appointment.FREES_TIME), **asked):
        taken[pk] = list(zip(starts, ends, strict=True))
    for pk, start, stop in held:
        taken[pk].append(_seconds(start, stop))
    return defaultdict(lambda: ((), ()), {pk: tuple(zip(*_joined(rows), strict=True)) for pk, rows in taken.items()})


def _seconds(start, end):
    """An interval in whole Unix seconds."""
    return int(start.timestamp()), ceil(end.timestamp())


def _joined(intervals):
    """Sorted, and those that touch or overlap made one: then their ends are sorted too."""
    result = []
    for begin, until in sorted(intervals):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(until, result[-1][1]))
        else:
            result.append((begin, until))
    return result


OPENINGS = """SELECT weekday, start, "end", valid_from, valid_until, array_agg(doctor_id) FROM hms_workinghours
    WHERE doctor_id = ANY(%(doctors)s) AND valid_from <= %(last)s AND (valid_until IS NULL OR valid_until >= %(first)s)
    GROUP BY 1, 2, 3, 4, 5"""


def _openings(by_pk, dates):
    """``{(opens, closes): {doctor id, …}}`` in Unix seconds: doctors share their hours."""
    result = defaultdict(set)
    for weekday, start, end, valid_from, valid_until, doctors in _rows(OPENINGS, by_pk, first=dates[0], last=dates[-1]):
        for date in dates:
            if date.weekday() == weekday and valid_from <= date and (valid_until is None or date <= valid_until):
                result[_interval_in_seconds(date, start, end, hospital().zone)].update(doctors)
    return result


@lru_cache(maxsize=2_000)
def _interval_in_seconds(date, start, end, zone):
    return _seconds(*_interval(date, start, end, zone))
