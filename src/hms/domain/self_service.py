"""What patients do about their visits themselves: within the department's limits, and told to the desk at once."""

from datetime import timedelta
from zlib import crc32

import pghistory
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import holds, hours, letters, locks, scheduling, visits
from hms.domain.settings import hospital
from hms.errors import DomainError, SlotTaken, Stale
from hms.models import Appointment, Department, Doctor, Online

SHOWN = ["specialization", "department_id", "user__first_name", "user__last_name", "user__email"]
LENGTH = timedelta(minutes=30)


def departments():
    """The departments in which patients may book or ask, with a doctor who takes appointments."""
    return (
        Department.objects.exclude(online=Online.VIEW)
        .filter(doctor__is_available=True, doctor__user__is_active=True)
        .distinct()
    )


def doctors(department):
    """The department's doctors whom patients may choose, with no more of each than a list of them shows."""
    if department.online == Online.VIEW:
        return []
    found = Doctor.objects.in_order().filter(department=department, is_available=True, user__is_active=True)
    found = list(found.select_related(None).select_related("user").only(*SHOWN))
    for doctor in found:
        doctor.department = department
    return found


def free(doctors, *, department, patient, days=31, moving=None, near=None):
    """``[(day, [(start, doctor), …]), …]``: each free start once, with a doctor who has it free.

    Which of several sees the patient is said by ``in_turn``, once a start is chosen. From the department's notice on,
    as far ahead as it lets patients book, and at most ``days``; with ``near``, a week around that time. The time that a
    visit has already (``moving``) is no other time for it.
    """
    now = timezone.now()
    after = now + timedelta(hours=department.online_notice)
    latest = now + timedelta(days=department.online_days)
    if near is not None and after < near < latest:
        after, days = max(after, near - timedelta(days=3)), 7
    until = min(after + timedelta(days=days), latest)
    length = moving.duration if moving else LENGTH
    taken = holds.held([d.pk for d in doctors], after, until + length, but_not=patient)
    own = Appointment.objects.live().filter(patient=patient).between(after, until + length)
    own = [(a.appointment_date, a.end) for a in own if moving is None or a.pk != moving.pk]
    taken += [(doctor.pk, *busy) for busy in own for doctor in doctors]
    found = hours.first_free(doctors, after=after, until=until, duration=length, ignoring=moving, taken=taken)
    found_days = {}
    for start, doctor in found.items():
        if start <= until and (moving is None or start != moving.appointment_date):
            found_days.setdefault(start.date(), []).append((start, doctor))
    return list(found_days.items())


def may_book(patient, department):
    """Refuse in words when the department's limits are reached."""
    if department.online == Online.VIEW:
        raise DomainError(_("%(department)s books by phone only.") % {"department": department})
    coming = Appointment.objects.filter(
        patient=patient,
        doctor__department=department,
        status__in=Appointment.WAITING_TO_HAPPEN,
        appointment_date__gt=timezone.now(),
    ).count()
    if coming >= department.online_most:
        raise DomainError(
            _("You have %(n)d visits to come there, which is as many as can be booked online. Call us for more.")
            % {"n": coming}
        )


def within_limits(department, start):
    """Refuse a time nearer or farther than patients may book."""
    now = timezone.now()
    if start < now + timedelta(hours=department.online_notice):
        raise DomainError(_("This time is too near to be booked online. Call us, or choose a later one."))
    if start > now + timedelta(days=department.online_days):
        raise DomainError(_("This time is too far ahead to be booked online yet."))


def in_turn(doctors, start, *, duration=LENGTH, patient, moving=None):
    """Those of the doctors who have this start free, in the order in which they are asked to take it.

    Whoever sees the fewest patients that day comes first; of equals it depends on the time, so that nobody is always
    the first. A visit that is moved stays with its doctor where it can.
    """
    end = start + duration
    found = hours.free_times(doctors, after=start, duration=duration, until=end, limit=len(doctors), ignoring=moving)
    held = {pk for pk, _start, _end in holds.held([d.pk for d in doctors], start, end, but_not=patient)}
    free = [doctor for doctor, at in found if at == start and doctor.pk not in held]
    begin, over = hospital().day_bounds(start.astimezone(hospital().zone).date())
    day = Appointment.objects.live().filter(
        doctor__in=[d.pk for d in free], appointment_date__gte=begin, appointment_date__lt=over
    )
    seen = dict(day.order_by().values_list("doctor").annotate(n=Count("pk")))
    at = int(start.timestamp())

    def place(doctor):
        stays = moving is not None and doctor.pk == moving.doctor_id
        return not stays, seen.get(doctor.pk, 0), crc32(f"{at} {doctor.pk}".encode())

    return sorted(free, key=place)


def hold(patient, doctors, *, department, start):
    """Hold this time with one of the doctors, all of the department, until the patient has decided; the SlotHold."""
    may_book(patient, department)
    within_limits(department, start)
    candidates = doctors if len(doctors) == 1 else in_turn(doctors, start, patient=patient)
    return _first(candidates, lambda doctor: holds.hold(patient=patient, doctor=doctor, start=start, duration=LENGTH))


def _first(candidates, do):
    """What ``do`` answers for the first of the doctors whom nobody else has just taken."""
    refused = _taken()
    for doctor in candidates:
        try:
            return do(doctor)
        except SlotTaken as e:
            refused = e
    raise refused


def book(patient, *, reason, by):
    """Book, or ask for, the time that the patient holds; returns the appointment.

    Raises SlotTaken when the hold has run out or the desk has given the time to somebody else, DomainError when the
    department's limit is reached.
    """
    over = SlotTaken(_("The time was held for ten minutes, and they are over. Choose a time again."))
    held = holds.current(patient)
    if held is None:
        raise over
    given = Appointment.objects.live().filter(doctor=held.doctor_id).between(held.start, held.end)
    if given.exclude(patient=patient).exists():
        raise _taken()  # of forty who want one time, most need not wait for a turn
    with locks.losing_raises(_taken), transaction.atomic():
        locks.take(doctors=[held.doctor_id], patients=[patient.pk])
        if (still := holds.current(patient)) is None or still.pk != held.pk:
            # The second of a double click finds what the first has booked.
            if made := booked_already(patient, held.doctor_id, held.start):
                return made
            raise over
        department = held.doctor.department
        may_book(patient, department)
        if not hours.offered(held.doctor, held.start, held.end - held.start):
            raise _taken()  # the desk booked over the hold, or the doctor is away by now
        appointment = scheduling.book(
            patient=patient,
            doctor=held.doctor,
            start=held.start,
            duration=held.end - held.start,
            reason=reason[:500],
            by=by,
            online="REQUEST" if department.online == Online.REQUEST else "BOOKED",
        )
        holds.release(patient)
    return appointment


def booked_already(patient, doctor, start):
    """The visit that this patient has with this doctor at this time, or None."""
    found = Appointment.objects.live().filter(patient=patient, doctor=doctor, appointment_date=start)
    return found.with_people().first()


def _taken():
    return SlotTaken(_("This time is no longer free. Choose another one."))


def why_not_change(appointment):
    """Why the patient cannot move or cancel this visit themself, in words; "" if they can."""
    if not appointment.is_waiting_to_happen or appointment.checked_in_at:
        return _("This visit can no longer be changed.")
    if appointment.appointment_date <= timezone.now():
        return _("This visit's time has come.")
    limit = hospital().change_hours
    if appointment.online != "REQUEST" and appointment.appointment_date < timezone.now() + timedelta(hours=limit):
        return _("It is less than %(n)d hours away. Please call us.") % {"n": limit}
    return ""


def _may_change(appointment):
    if why := why_not_change(appointment):
        raise DomainError(why)


def _as_shown(appointment):
    """The visit as it is now, locked. Raises Stale if it has another time than its patient was shown."""
    current = scheduling.fresh(appointment)
    if (current.doctor_id, current.appointment_date) != (appointment.doctor_id, appointment.appointment_date):
        raise Stale(_("This visit has been moved meanwhile. Look at its new time first."), current=current)
    return current


def move_to_any(appointment, doctors, *, start, by):
    """Move the visit to this time, with one of the doctors who have it free."""
    candidates = in_turn(doctors, start, duration=appointment.duration, patient=appointment.patient, moving=appointment)
    return _first(candidates, lambda doctor: move(appointment, doctor=doctor, start=start, by=by))


def move(appointment, *, doctor, start, by):
    """Move the visit in one step; a department that wants to be asked is asked again."""
    with locks.losing_raises(_taken), transaction.atomic():
        # Turns before the row, as the desk takes them; and nobody can begin to hold the time meanwhile.
        locks.take(doctors=[appointment.doctor_id, doctor.pk], patients=[appointment.patient_id])
        appointment = _as_shown(appointment)
        _may_change(appointment)
        department = doctor.department
        if department.pk != appointment.doctor.department_id:
            raise DomainError(_("Choose a doctor of the same department."))
        if department.online == Online.VIEW:
            raise DomainError(_("%(department)s books by phone only.") % {"department": department})
        within_limits(department, start)
        if not hours.offered(doctor, start, appointment.duration, ignoring=appointment):
            raise _taken()
        if holds.held([doctor.pk], start, start + appointment.duration, but_not=appointment.patient):
            raise SlotTaken(_("Somebody else is about to book this time. Choose another one."))
        online = "REQUEST" if department.online == Online.REQUEST else "MOVED"
        return scheduling.reschedule(appointment, doctor=doctor, start=start, by=by, online=online)


def cancel(appointment, *, by):
    """Cancel the visit, within the hospital's limit; one that is cancelled already stays so."""
    with transaction.atomic():
        current = _as_shown(appointment)
        if current.status == Appointment.Status.CANCELLED:
            return current
        _may_change(current)
        return visits.cancel(current, by=by, reason=_("Cancelled by the patient"))


def confirm(appointment, *, by):
    """The patient says that they will come."""
    with transaction.atomic():
        current = _as_shown(appointment)
        if current.online == "REQUEST":
            raise DomainError(_("We have not answered your request yet."))
        if current.checked_in_at:
            raise DomainError(_("You are checked in already."))
        if not current.is_waiting_to_happen or current.appointment_date <= timezone.now():
            raise DomainError(_("This visit can no longer be changed."))
        if current.status == Appointment.Status.CONFIRMED:
            return current
        return visits.confirm(current, by=by)


def may_check_in(appointment):
    """Whether it is near enough to the visit to say: I am here."""
    return (
        appointment.is_waiting_to_happen
        and not appointment.checked_in_at
        and appointment.online != "REQUEST"
        and appointment.appointment_date - visits.EARLY <= timezone.now()
    )


def check_in(appointment, *, by):
    """The patient is here: from ninety minutes before the visit on."""
    with transaction.atomic():
        current = scheduling.fresh(appointment)
        if current.online == "REQUEST":
            raise DomainError(_("We have not answered your request yet. Please speak to the front desk."))
        if current.appointment_date - visits.EARLY > timezone.now():
            raise DomainError(_("You can check in from 90 minutes before your visit."))
        return visits.check_in(current, by=by)


# --- what the desk answers


def requests():
    """What patients ask for and nobody has answered, the nearest first."""
    return (
        Appointment.objects.filter(
            online="REQUEST", status__in=Appointment.WAITING_TO_HAPPEN, appointment_date__gt=timezone.now()
        )
        .with_people()
        .order_by("appointment_date")
    )


def approve(appointment, *, by):
    """The desk says yes; the patient is told."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="request.approved"):
        current = _asked(appointment)
        # A visit that was agreed before, and that its patient has moved to where the desk is asked, stays marked so.
        agreed = letters.events(current).exclude(online="REQUEST").exists()
        current.online = "MOVED" if agreed else "BOOKED"
        current.save(update_fields=["online"])
        current = Appointment.objects.with_people().get(pk=current.pk)
        letters.tell(current, "approved")
        return current


def decline(appointment, *, reason, by):
    """The desk says no, and why; the time is free again."""
    with transaction.atomic():
        current = _asked(appointment)
        if not reason.strip():
            raise DomainError(_("Say why, so that the patient can choose better."), field="reason")
        return visits.cancel(current, by=by, reason=reason, told="declined")


def _asked(appointment):
    current = scheduling.fresh(appointment)
    if current.online != "REQUEST" or not current.is_waiting_to_happen:
        raise DomainError(_("This request has been answered already."))
    return current
