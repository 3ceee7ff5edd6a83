"""Booking and moving appointments. What happens to them on the day is in hms.domain.visits."""

from contextlib import contextmanager
from datetime import timedelta

import pghistory
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import hours, letters, locks
from hms.domain.settings import hospital
from hms.errors import DomainError, NeedsReason, SlotTaken, Stale
from hms.models import Appointment, Doctor, Patient
from hms.models.scheduling import LONGEST

SHORTEST = timedelta(minutes=5)
LONGEST_AT_THE_DESK = timedelta(hours=8)
FURTHEST = timedelta(days=2 * 365)


def book(*, patient, doctor, start, duration, by, reason="", notes="", override_reason="", online=""):
    """Give the patient this time with the doctor (``start`` aware, ``duration`` a timedelta); returns the appointment.

    Raises SlotTaken when the doctor or the patient is busy then, NeedsReason when the doctor does not work then and no
    ``override_reason`` is given, DomainError for a time in the past, an odd length, somebody inactive.
    """
    with (
        _or_taken(doctor, patient.pk, start, duration),
        transaction.atomic(),
        pghistory.context(user=by.pk, action="appointment.booked"),
    ):
        locks.take(doctors=[doctor.pk], patients=[patient.pk])
        doctor, patient = _bookable_doctor(doctor), _bookable_patient(patient)
        override_reason = _check_time(doctor, start, duration, override_reason)
        _check_free(doctor, patient.pk, start, duration)
        made = Appointment.objects.create(
            patient=patient,
            doctor=doctor,
            appointment_date=start,
            duration=duration,
            reason=reason,
            notes=notes,
            override_reason=override_reason,
            online=online,
        )
        if patient.user.email:
            letters.tell(made, "requested" if online == "REQUEST" else "booked")
        return made


def reschedule(appointment, *, doctor, start, duration=None, by, override_reason="", version=None, online=None):
    """Move the appointment to another time, doctor or length. Raises as ``book``, and Stale if ``version`` is old."""
    length = duration or appointment.duration
    with (
        _or_taken(doctor, appointment.patient_id, start, length, appointment),
        transaction.atomic(),
        pghistory.context(user=by.pk, action="appointment.moved"),
    ):
        locks.take(doctors=[appointment.doctor_id, doctor.pk], patients=[appointment.patient_id])
        appointment = fresh(appointment, version)
        if not appointment.is_waiting_to_happen:
            raise DomainError(
                _("This appointment is %(status)s and cannot be moved.") % {"status": _status(appointment)}
            )
        doctor = _bookable_doctor(doctor)
        other_doctor = doctor.pk != appointment.doctor_id
        same_time = (appointment.doctor_id, appointment.appointment_date, appointment.duration) == (
            doctor.pk,
            start,
            length,
        )
        if same_time:
            return appointment
        stays = start == appointment.appointment_date  # made longer or shorter, perhaps while it runs
        override_reason = _check_time(doctor, start, length, override_reason, past=stays)
        _check_free(doctor, appointment.patient_id, start, length, moving=appointment)
        appointment.doctor, appointment.appointment_date, appointment.duration = doctor, start, length
        appointment.override_reason = override_reason
        # A request that the desk moves is answered by that.
        appointment.online = online if online is not None else appointment.online.replace("REQUEST", "BOOKED")
        appointment.save(update_fields=["doctor", "appointment_date", "duration", "override_reason", "online"])
        moved = Appointment.objects.with_people().get(pk=appointment.pk)
        if moved.patient.user.email and (other_doctor or not stays):
            letters.tell(moved, "requested" if online == "REQUEST" else "moved")
        return moved


def edit(appointment, *, reason, notes, duration, by, start=None, version=None, override_reason=""):
    """Change what the visit is about and how long it takes, or with ``start`` when: both are checked as a move is."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="appointment.edited"):
        locks.take(doctors=[appointment.doctor_id], patients=[appointment.patient_id])  # turns before rows, everywhere
        current = fresh(appointment, version)
        start = start or current.appointment_date
        if (start, duration) != (current.appointment_date, current.duration):
            current = reschedule(
                current,
                doctor=current.doctor,
                start=start,
                duration=duration,
                by=by,
                override_reason=override_reason,
            )
        if (current.reason, current.notes) != (reason, notes):
            current.reason, current.notes = reason, notes
            current.save(update_fields=["reason", "notes"])
        return Appointment.objects.with_people().get(pk=current.pk)


def fresh(appointment, version=None):
    """The row as it is now, locked. Raises Stale if it changed since ``version`` was read."""
    current = Appointment.objects.select_for_update(of=("self",)).with_people().get(pk=appointment.pk)
    if version and version != current.version:
        raise Stale(
            _("Somebody changed this appointment meanwhile: it is now %(status)s, %(time)s with %(doctor)s.")
            % {"status": _status(current), "time": _at(current.appointment_date), "doctor": current.doctor},
            current=current,
        )
    return current


def _status(appointment):
    return appointment.get_status_display().lower()


def _at(moment):
    return moment.astimezone(hospital().zone).strftime("%d-%b-%Y %H:%M")


class _Busy(Exception):
    """Somebody has the time; ``taken``: the ids of the appointments in the way, none when PostgreSQL said so."""

    def __init__(self, taken=()):
        self.taken = taken


@contextmanager
def _or_taken(doctor, patient_id, start, duration, moving=None):
    """Tell the loser who is in the way and what is free instead, after the turn was given back: others wait for it."""
    try:
        with locks.losing_raises(_Busy):
            if moving is None and start > timezone.now():  # of forty who want one slot, most need not wait for a turn
                check_duration(duration)
                _check_free(doctor, patient_id, start, duration)
            yield
    except _Busy as e:
        raise _taken(doctor, patient_id, start, duration, moving, e.taken) from e


def _taken(doctor, patient_id, start, duration, moving, taken):
    in_the_way = list(Appointment.objects.filter(pk__in=taken).with_people().order_by("appointment_date"))
    in_the_way.sort(key=lambda a: a.doctor_id != doctor.pk)
    free = hours.free_times([doctor], after=max(start, timezone.now()), duration=duration, ignoring=moving, limit=20)
    free = _without(free, patient_id, duration, moving)[:5]
    if not in_the_way:
        message = _("Somebody else was just given this time.")
    else:
        first = in_the_way[0]
        names = {"doctor": first.doctor, "patient": first.patient, "time": _at(first.appointment_date)}
        if first.doctor_id == doctor.pk:
            message = _("%(doctor)s already has a patient at %(time)s.") % names
        else:
            message = _("%(patient)s already has an appointment with %(doctor)s at %(time)s.") % names
    return SlotTaken(message, in_the_way=in_the_way, free_times=free)


def _bookable_doctor(doctor):
    doctor = Doctor.objects.select_related("user", "department").filter(pk=doctor.pk).first()
    if doctor is None or not doctor.user.is_active:
        raise DomainError(_("This doctor no longer works here."), field="doctor")
    if not doctor.is_available:
        raise DomainError(_("%(doctor)s takes no appointments at present.") % {"doctor": doctor}, field="doctor")
    return doctor


def _bookable_patient(patient):
    patient = Patient.objects.select_related("user").filter(pk=patient.pk).first()
    if patient is None or not patient.user.is_active:
        raise DomainError(
            _("This patient's record is inactive. Ask an administrator to make it active again."), field="patient"
        )
    return patient


def _check_time(doctor, start, duration, override_reason, *, past=False):
    """Refuse a time that is not one; returns the reason to keep, empty where the doctor works then anyway."""
    check_duration(duration)
    now, slot = timezone.now(), hospital().slot
    if not past and start + slot <= now:  # the slot that runs can still be given to somebody who walks in
        raise DomainError(_("%(time)s is in the past.") % {"time": _at(start)}, field="time")
    if start > now + FURTHEST:
        raise DomainError(_("Appointments are booked at most two years ahead."), field="date")
    state = hours.working(doctor, start, start + duration)
    if state == "yes":
        return ""
    if override_reason:
        return override_reason
    if state == "leave":
        raise NeedsReason(
            _("%(doctor)s is away at that time. Give a reason to book all the same.") % {"doctor": doctor}
        )
    raise NeedsReason(
        _("This is outside %(doctor)s's working hours. Give a reason to book all the same.") % {"doctor": doctor}
    )


def check_duration(duration):
    """Refuse a length that no visit at the desk has."""
    if duration < SHORTEST or duration > LONGEST_AT_THE_DESK or duration > LONGEST:
        raise DomainError(_("A visit takes between 5 minutes and 8 hours."), field="duration")


def _check_free(doctor, patient_id, start, duration, moving=None):
    """Raises _Busy; with the advisory locks held, what this sees is still so when the row is written."""
    at_that_time = Appointment.objects.live().between(start, start + duration)
    at_that_time = at_that_time.filter(Q(doctor=doctor) | Q(patient=patient_id))
    if moving is not None:
        at_that_time = at_that_time.exclude(pk=moving.pk)
    if taken := list(at_that_time.values_list("pk", flat=True)):
        raise _Busy(taken)


def _without(free, patient_id, duration, moving):
    """Of these free times, those at which the patient is free too."""
    if not free:
        return free
    busy = Appointment.objects.live().filter(patient_id=patient_id).between(free[0][1], free[-1][1] + duration)
    busy = [(a.appointment_date, a.end) for a in busy.exclude(pk=moving and moving.pk)]
    return [(d, t) for d, t in free if not any(s < t + duration and e > t for s, e in busy)]
