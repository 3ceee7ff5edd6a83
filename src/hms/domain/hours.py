"""When doctors work, and which of that time is free. Intervals are half-open pairs of UTC moments."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import ceil

from django.db import connection
from django.db.models import BigIntegerField, F, Func

from hms.domain.settings import hospital
from hms.models import Appointment, WorkingHours

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


def free_times(doctors, *, after, duration, limit=5, until=None, ignoring=None, taken=(), each_once=False):
    """The first ``limit`` free starts for a visit of ``duration`` from ``after`` on: ``[(doctor, start), …]``.

    They lie on the slot grid of the doctor's hours, earliest first. ``ignoring``: an appointment whose own time
    counts as free (it is being moved). ``taken``: more that is not free, ``(doctor id, start, end)`` each.
    ``each_once``: a start that several have free is found with the first of them only.
    """
    by_pk = {d.pk: d for d in doctors}
    until = until or after + LOOK_AHEAD
    zone = hospital().zone
    first, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    found = []
    # A week at a time: three queries each, and mostly the first week is enough. Who asks for more gets it all at once.
    step = 7 if limit <= 100 else (last - first).days + 1
    for week in range(0, (last - first).days + 1, step):
        dates = [first + timedelta(days=week + i) for i in range(step)]
        free = _free_in(by_pk, [d for d in dates if d <= last], duration, after, ignoring, taken)
        if each_once:
            firsts = {}
            for starts, pk in free:
                for start in starts:
                    firsts.setdefault(start, pk)
            found += sorted(firsts.items())
        else:
            found += sorted((start, pk) for starts, pk in free for start in starts)
        if len(found) >= limit:
            break
    return [(by_pk[pk], datetime.fromtimestamp(start, UTC)) for start, pk in found[:limit]]


def offered(doctor, start, duration, *, ignoring=None):
    """Whether exactly this start would be found by ``free_times``: within the hours, on their grid, and not taken."""
    found = free_times([doctor], after=start, duration=duration, limit=1, until=start + duration, ignoring=ignoring)
    return [at for _doctor, at in found] == [start]


class _Seconds(Func):
    """A moment in whole Unix seconds. Thousands of rows are read and stepped through: Python takes numbers faster."""

    template = "extract(epoch FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


def _free_in(by_pk, dates, duration, after, ignoring, held=()):
    """``[(free starts in Unix seconds, doctor id), …]``, doctors in the order of their ids."""
    slot, length = int(hospital().slot.total_seconds()), int(duration.total_seconds())
    begin, end = hospital().day_bounds(dates[0])[0], hospital().day_bounds(dates[-1])[1]
    taken = defaultdict(list)
    for pk, rows in leave(begin, end, doctors=by_pk).items():
        taken[pk] += [_seconds(s, e) for s, e, _reason in rows]
    busy = Appointment.objects.filter(doctor__in=by_pk).live().between(begin, end).exclude(pk=ignoring and ignoring.pk)
    ends_at = F("appointment_date") + F("duration")
    for pk, start, stop in busy.values_list("doctor_id", _Seconds("appointment_date"), _Seconds(ends_at)):
        taken[pk].append((start, stop))
    for pk, start, stop in held:
        taken[pk].append(_seconds(start, stop))
    found = []
    hours, after = _hours_of_week(by_pk, dates), ceil(after.timestamp())
    for pk, intervals in sorted(hours.items()):
        blocks = _joined(taken[pk])
        ends = [until for _begin, until in blocks]
        starts = []
        for opens, closes in intervals:
            near = blocks[bisect_right(ends, opens) : bisect_left(blocks, (closes,))]
            for start, stop in subtract([(opens, closes)], near):
                # The grid is that of the hours, not of the last appointment's end.
                steps = max(-(-(max(start, after) - opens) // slot), 0)
                starts += range(opens + steps * slot, stop - length + 1, slot)
        found.append((starts, pk))
    return found


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


def _hours_of_week(by_pk, dates):
    rows = WorkingHours.objects.filter(doctor__in=by_pk, valid_from__lte=dates[-1]).exclude(valid_until__lt=dates[0])
    result = defaultdict(list)
    for pk, weekday, start, end, valid_from, valid_until in rows.values_list(
        "doctor_id", "weekday", "start", "end", "valid_from", "valid_until"
    ):
        for date in dates:
            if date.weekday() == weekday and valid_from <= date and (valid_until is None or date <= valid_until):
                result[pk].append(_interval_in_seconds(date, start, end, hospital().zone))
    return result


@lru_cache(maxsize=2_000)
def _interval_in_seconds(date, start, end, zone):
    return _seconds(*_interval(date, start, end, zone))
