"""When the demo's doctors work: a weekly rota, some leave, and a duty shift around now when the clinics are closed."""

from datetime import UTC, date, datetime, time, timedelta

from hms.demo import texts
from hms.domain import hours
from hms.domain.settings import hospital
from hms.models import Appointment, TimeOff, WorkingHours

SHIFTS = {  # the lunch break is the gap
    "F": [(time(8), time(12, 30)), (time(13, 15), time(17))],
    "G": [(time(9), time(13)), (time(14), time(18))],
    "M": [(time(8), time(13))],
    "A": [(time(13), time(18))],
    "-": [],
}
BEFORE, AFTER = timedelta(minutes=90), timedelta(minutes=60)  # a day with this much on either side of now is half-way
ON_DUTY = 5  # doctors in a duty shift
REACH = timedelta(hours=4)  # of a duty shift, before and after now


def weekly_hours(doctors, since):
    """The rota of ``texts.DOCTORS`` as rows, in force from the date ``since``."""
    return [
        WorkingHours(doctor=doctor, weekday=weekday, start=start, end=end, valid_from=since)
        for doctor, line in zip(doctors, texts.DOCTORS, strict=True)
        for weekday, shift in enumerate(line[-1])
        for start, end in SHIFTS[shift]
    ]


def leave(doctors, today):
    """Leave around ``today``, none of it today: (doctor, first day, days or hours, reason)."""
    week = today - timedelta(days=today.weekday())
    at = hospital().zone
    rows = []
    for index, first, days, reason in [
        (5, week + timedelta(days=7), 7, "Annual leave"),
        (9, week - timedelta(days=14), 7, "Annual leave"),
        (7, week - timedelta(days=7), 2, "Conference"),
        (11, week + timedelta(days=14), 5, "Annual leave"),
        (10, week - timedelta(days=21), 5, "Study leave"),
    ]:
        start = datetime.combine(first, time(), tzinfo=at)
        rows.append((doctors[index], start, datetime.combine(first + timedelta(days=days), time(), tzinfo=at), reason))
    for index, days, start, end, reason in [
        (1, 1, time(14), time(16), "Teaching"),
        (6, 2, time(8), time(10), "Theatre meeting"),
        (8, -2, time(13), time(17), "Safeguarding training"),
    ]:
        day = today + timedelta(days=days)
        rows.append((doctors[index], *(datetime.combine(day, t, tzinfo=at) for t in (start, end)), reason))
    return [TimeOff(doctor=d, start=s, end=e, reason=r) for d, s, e, r in rows]


def open_times(day, doctors):
    """``{doctor id: [(start, end), …]}``: the hours of a calendar day without leave."""
    start, end = hospital().day_bounds(day)
    away = hours.leave(start, end, doctors=[d.pk for d in doctors])
    return {
        pk: left
        for pk, rows in hours.windows(day, doctors=[d.pk for d in doctors]).items()
        if (left := hours.subtract(sorted(rows), [(s, e) for s, e, _reason in away.get(pk, [])]))
    }


def is_half_way(intervals, now):
    """Whether somebody with these hours has a good part of them, or of the calendar day, behind and before them."""
    midnight, next_midnight = hospital().day_bounds(now.astimezone(hospital().zone).date())
    behind = sum((max(min(end, now) - start, timedelta()) for start, end in intervals), timedelta())
    ahead = sum((max(end - max(start, now), timedelta()) for start, end in intervals), timedelta())
    enough_ahead = min(AFTER, next_midnight - now - timedelta(minutes=1))
    return behind >= min(BEFORE, now - midnight) and ahead >= enough_ahead


def call_duty(doctors, now):
    """Early, late and at weekends: give some doctors a shift around ``now``, so that the board is alive.

    Returns ``{doctor id: [(start, end), …]}``, the times that were added. Whoever has hours today outside of the shift
    gets them off in lieu, unless patients are booked then.
    """
    today = now.astimezone(hospital().zone).date()
    if sum(is_half_way(intervals, now) for intervals in open_times(today, doctors).values()) >= 4:
        return {}
    bounds = hospital().day_bounds(today)
    away = set(hours.leave(now - REACH, now + REACH, doctors=[d.pk for d in doctors]))
    regular = hours.windows(today, doctors=[d.pk for d in doctors])
    booked = set(Appointment.objects.live().between(*bounds).values_list("doctor_id", flat=True))
    candidates = [d for d in doctors if d.pk not in away]
    # The doctor of the sample login first, then urgent care, then whoever is free that day.
    first = [doctors[0].pk, doctors[2].pk, doctors[3].pk]
    candidates.sort(key=lambda d: (d.pk not in first[:1], d.pk in booked, d.pk not in first, d.pk in regular, d.pk))
    shift = _around(now)
    added = {}
    for doctor in candidates[:ON_DUTY]:
        for day, start, end in shift:
            interval = _utc(day, start), _utc(day, end)
            own = sorted(hours.windows(day, doctors=[doctor.pk]).get(doctor.pk, []))
            for begin, until in hours.subtract([interval], own):
                _add_hours(doctor, day, begin, until)
                if day == today:
                    added.setdefault(doctor.pk, []).append((begin, until))
            if day == today and doctor.pk not in booked:
                for begin, until in hours.subtract(own, [interval]):
                    TimeOff.objects.create(doctor=doctor, start=begin, end=until, reason="In lieu of the duty shift")
    return added


def _around(now):
    """The duty shift in whole hours on the wall, as ``[(day, from, until), …]`` for today and, late, tomorrow."""
    zone = hospital().zone
    today = now.astimezone(zone).date()
    start, end = (now - REACH).astimezone(zone), (now + REACH + timedelta(minutes=59)).astimezone(zone)
    opens = time(start.hour) if start.date() == today else time()
    if end.date() == today:
        return [(today, opens, time(end.hour))]
    pieces = [(today, opens, time(23, 59))]
    return pieces + ([(end.date(), time(), time(end.hour))] if end.hour else [])


def _utc(day, at):
    return datetime.combine(day, at, tzinfo=hospital().zone).astimezone(UTC)


def _add_hours(doctor, day: date, begin, until):
    zone = hospital().zone
    start, end = (moment.astimezone(zone).time() for moment in (begin, until))
    if end > start:
        WorkingHours.objects.create(
            doctor=doctor, weekday=day.weekday(), start=start, end=end, valid_from=day, valid_until=day
        )
