"""When a doctor works: weekly hours, extra hours, leave and blocked periods.

Whatever takes time away first names the visits in that time (VisitsInTheWay); done all the same, it leaves them to the
desk as visits to move. The doctor's turn is held from the look to the write, as booking holds it: a visit booked
meanwhile is either named here, or refused there.
"""

from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

import pghistory
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import hours, locks
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Appointment, TimeOff, VisitToMove, WorkingHours
from hms.models.scheduling import Weekday

LONGEST = timedelta(days=370)
FURTHEST = timedelta(days=3 * 365)
MOST = 4  # spans of one day


class VisitsInTheWay(DomainError):
    """Visits are booked in that time; ``visits`` are all of them. Done when called again with their ids as ``seen``."""

    def __init__(self, visits):
        super().__init__(_("Visits are booked in that time. Look at them first."))
        self.visits = visits


def in_the_way(doctor, start, end):
    """The doctor's visits that wait to happen in this time, in order."""
    return list(_waiting(doctor).between(start, end))


def take(doctor, *, start, end, reason="", by, seen=()):
    """The doctor is away from ``start`` until ``end``; returns the TimeOff.

    Raises VisitsInTheWay unless all visits in that time are among ``seen`` (ids). Refuses a time that is over, too long
    or too far away, and one during which they are away already.
    """
    if end <= start:
        raise DomainError(_("The end must come after the start."), field="until")
    if end <= timezone.now():
        raise DomainError(_("This time is over."), field="until")
    if end - start > LONGEST:
        raise DomainError(_("Leave takes a year at most. Ask an administrator for more."), field="until")
    _refuse_far(start, "since")
    with _turn(doctor, by, "time_off.taken"):
        other = TimeOff.objects.filter(doctor=doctor).between(start, end).first()
        if other:
            said = {"from": _at(other.start), "until": _at(other.end)}
            raise DomainError(_("Already away from %(from)s until %(until)s.") % said, field="since")
        visits = _seen_or_raise(in_the_way(doctor, start, end), seen)
        time_off = TimeOff.objects.create(doctor=doctor, start=start, end=end, reason=reason.strip()[:200])
        _leave_to_the_desk(visits, by, time_off)
        return time_off


def withdraw(time_off, *, by):
    """The doctor is there after all. What is booked in that time no longer has to move."""
    with _turn(time_off.doctor, by, "time_off.withdrawn"):
        current = TimeOff.objects.select_for_update().filter(pk=time_off.pk).first()
        if current is None:
            raise DomainError(_("This leave is withdrawn already."))
        if current.end <= timezone.now():
            raise DomainError(_("This leave is over and stays as it was."))
        current.delete()


def set_week(doctor, *, week, valid_from, by, seen=()):
    """The doctor works ``week``, ``{weekday: [(start, end), …]}`` of times, from the day ``valid_from`` on.

    What was in force ends the day before; single extra days stay. Raises VisitsInTheWay as ``take`` does.
    """
    if valid_from < hospital().today():
        raise DomainError(_("New hours begin today at the earliest."), field="valid_from")
    _refuse_far(hospital().day_bounds(valid_from)[0], "valid_from")
    for weekday, spans in week.items():
        _check_spans(weekday, spans)
    with _turn(doctor, by, "hours.changed"):
        rows = list(WorkingHours.objects.filter(doctor=doctor).exclude(valid_until__lt=valid_from))
        extra = [row for row in rows if _is_extra(row)]
        new = [
            WorkingHours(doctor=doctor, weekday=weekday, start=start, end=end, valid_from=valid_from)
            for weekday, spans in sorted(week.items())
            for start, end in sorted(spans)
        ]
        _refuse_overlap(new, extra)
        visits = [v for v in _waiting(doctor, hospital().day_bounds(valid_from)[0]) if _falls_out(v, rows, extra + new)]
        _seen_or_raise(visits, seen)
        for row in rows:
            if row in extra:
                continue
            if row.valid_from >= valid_from:
                row.delete()
            else:
                row.valid_until = valid_from - timedelta(days=1)
                row.save(update_fields=["valid_until"])
        for row in new:
            row.save()
        _leave_to_the_desk(visits, by)
        return new


def add_hours(doctor, *, day, start, end, by):
    """The doctor also works on this one day from ``start`` until ``end``; returns the WorkingHours."""
    if day < hospital().today():
        raise DomainError(_("This day is over."), field="day")
    _refuse_far(hospital().day_bounds(day)[0], "day")
    _check_spans(day.weekday(), [(start, end)])
    with _turn(doctor, by, "hours.added"):
        row = WorkingHours(doctor=doctor, weekday=day.weekday(), start=start, end=end, valid_from=day, valid_until=day)
        _refuse_overlap([row], WorkingHours.objects.filter(doctor=doctor).on(day))
        row.save()
        return row


def remove_hours(row, *, by, seen=()):
    """Take single extra hours back. Raises VisitsInTheWay as ``take`` does."""
    with _turn(row.doctor, by, "hours.removed"):
        row = WorkingHours.objects.select_for_update().filter(pk=row.pk).first()
        if row is None:
            raise DomainError(_("These hours are removed already."))
        if not _is_extra(row):
            raise DomainError(_("These are weekly hours. Change the week instead."))
        if row.valid_from < hospital().today():
            raise DomainError(_("This day is over."))
        rows = list(WorkingHours.objects.filter(doctor=row.doctor_id).on(row.valid_from))
        begins, ends = hospital().day_bounds(row.valid_from)
        left = [other for other in rows if other.pk != row.pk]
        visits = [v for v in in_the_way(row.doctor, begins, ends) if _falls_out(v, rows, left)]
        _seen_or_raise(visits, seen)
        row.delete()
        _leave_to_the_desk(visits, by)


def to_move():
    """The visits that the desk has to find another time for (VisitToMove, with people), the earliest first."""
    rows = (
        VisitToMove.objects.unresolved()
        .select_related("appointment__patient__user", "doctor__user", "doctor__department", "time_off", "noted_by")
        .defer("appointment__patient__allergies", "appointment__patient__medical_history")
        .order_by("start", "pk")
    )
    shown, once = [], set()
    for row in rows:
        back = row.time_off_id is None and hours.working(row.doctor, row.start, row.appointment.end) == "yes"
        if not back and row.appointment_id not in once:
            once.add(row.appointment_id)
            shown.append(row)
    return shown


def keep(row, *, reason, by):
    """The visit takes place all the same: the desk says why."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise DomainError(_("Say why the visit stays where it is."), field="reason")
    if by.role not in {"ADMIN", "RECEPTIONIST"}:
        raise DomainError(_("The front desk decides what becomes of the visits."))
    with transaction.atomic(), pghistory.context(user=by.pk, action="visit.kept"):
        # Leave and new hours may both be in the way of it.
        rows = VisitToMove.objects.select_for_update().filter(appointment=row.appointment_id, kept_at=None)
        if not rows.update(kept_at=timezone.now(), kept_by=by, kept_reason=reason):
            raise DomainError(_("Somebody else has decided about this visit already."))


# --- helpers


@contextmanager
def _turn(doctor, by, action):
    """Hold the doctor's turn; refuse whoever may not decide on their hours."""
    if by.pk != doctor.user_id and by.role not in {"ADMIN", "RECEPTIONIST"}:
        raise DomainError(_("Only the doctor and the front desk change these hours."))
    busy = locks.losing_raises(lambda: DomainError(_("Somebody is booking with this doctor right now. Try again.")))
    with busy, transaction.atomic(), pghistory.context(user=by.pk, action=action):
        locks.take(doctors=[doctor.pk])
        yield


def _waiting(doctor, since=None):
    visits = Appointment.objects.filter(doctor=doctor, status__in=Appointment.WAITING_TO_HAPPEN)
    visits = visits.filter(appointment_date__gte=max(since or timezone.now(), timezone.now()))
    return visits.with_people().order_by("appointment_date")


def _seen_or_raise(visits, seen):
    if {visit.pk for visit in visits} - set(seen):
        raise VisitsInTheWay(visits)
    return visits


def _leave_to_the_desk(visits, by, time_off=None):
    for visit in visits:
        VisitToMove.objects.update_or_create(
            appointment=visit,
            time_off=time_off,
            defaults={
                "doctor_id": visit.doctor_id,
                "start": visit.appointment_date,
                "noted_by": by,
                "kept_at": None,
                "kept_by": None,
                "kept_reason": "",
            },
        )


def _is_extra(row):
    return row.valid_from == row.valid_until


def _falls_out(visit, before, after):
    """Whether the visit lay in the hours ``before`` and does not in those ``after``."""
    return _covers(before, visit) and not _covers(after, visit)


def _covers(rows, visit):
    zone = hospital().zone
    open_ = []
    for day in sorted({moment.astimezone(zone).date() for moment in (visit.appointment_date, visit.end)}):
        for row in rows:
            in_force = row.valid_from <= day and (row.valid_until is None or day <= row.valid_until)
            if in_force and row.weekday == day.weekday():
                open_.append(tuple(datetime.combine(day, t, tzinfo=zone) for t in (row.start, row.end)))
    return not hours.subtract([(visit.appointment_date, visit.end)], sorted(open_))


def _check_spans(weekday, spans):
    if weekday not in Weekday.values:
        raise DomainError(_("There is no such day of the week."))
    if len(spans) > MOST:
        raise DomainError(_("A day has %(n)d spans at most.") % {"n": MOST}, field=f"day_{weekday}")
    before = time.min
    for n, (start, end) in enumerate(sorted(spans)):
        if end <= start:
            raise DomainError(
                _("%(day)s: the end must come after the start.") % {"day": Weekday(weekday).label},
                field=f"day_{weekday}",
            )
        if n and start < before:
            raise DomainError(
                _("%(day)s: the spans overlap.") % {"day": Weekday(weekday).label}, field=f"day_{weekday}"
            )
        before = end


def _refuse_overlap(new, others):
    for row in new:
        for other in others:
            same_day = other.weekday == row.weekday and other.valid_from <= (row.valid_until or date.max)
            if (
                same_day
                and (other.valid_until or date.max) >= row.valid_from
                and (other.start < row.end and other.end > row.start)
            ):
                said = {"hours": f"{other.start:%H:%M}–{other.end:%H:%M}", "day": other.get_weekday_display()}
                if _is_extra(other):
                    said["day"] = f"{other.valid_from:%d-%b-%Y}"
                raise DomainError(
                    _("This overlaps hours that are there already: %(day)s, %(hours)s.") % said, field="start"
                )


def _refuse_far(moment, field):
    if moment > timezone.now() + FURTHEST:
        raise DomainError(_("That is more than three years away."), field=field)


def _at(moment):
    return moment.astimezone(hospital().zone).strftime("%d-%b-%Y %H:%M")
