"""What happens to an appointment on the day, a verb for each step, and each step's way back."""

from contextlib import contextmanager
from datetime import timedelta

import pghistory
from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import hours, invoicing, letters, locks
from hms.domain.scheduling import fresh
from hms.domain.settings import hospital
from hms.errors import DomainError, SlotTaken
from hms.models import Appointment, Invoice, MedicalRecord

EARLY = timedelta(minutes=90)  # how long before the visit its patient may say: I am here

Status = Appointment.Status


@contextmanager
def _step(appointment, by, action):
    """Lock and re-read; what follows decides from the row as it is now."""
    with transaction.atomic(), pghistory.context(user=by.pk, action=action):
        yield fresh(appointment)


def _become(appointment, status, **changes):
    if not appointment.can_become(status):
        raise DomainError(
            _("This appointment is already %(status)s.") % {"status": appointment.get_status_display().lower()}
        )
    return _save(appointment, status=status, **changes)


def _save(appointment, **changes):
    for name, value in changes.items():
        setattr(appointment, name, value)
    appointment.save(update_fields=list(changes))
    return Appointment.objects.with_people().get(pk=appointment.pk)


def is_of_a_later_day(appointment):
    """Whether its day, by the hospital's clock, is still to come; a visit soon after midnight belongs to this night."""
    start = appointment.appointment_date
    return start >= hospital().day_bounds(hospital().today())[1] and start - EARLY > timezone.now()


def confirm(appointment, *, by):
    """The patient said they will come."""
    with _step(appointment, by, "appointment.confirmed") as current:
        if current.status == Status.IN_PROGRESS:  # back from there is undo_start
            raise DomainError(_("This appointment is already in progress."))
        if not current.is_live:
            raise DomainError(_("This appointment is cancelled or missed. Reinstate it first."))
        return _become(current, Status.CONFIRMED)


def unconfirm(appointment, *, by):
    """Back to scheduled: confirmed by mistake."""
    with _step(appointment, by, "appointment.unconfirmed") as current:
        if current.status != Status.CONFIRMED:
            raise DomainError(_("This appointment is not confirmed."))
        return _become(current, Status.SCHEDULED)


def check_in(appointment, *, by):
    """The patient is here, on the day of the visit; of one soon after midnight, on the evening before too."""
    with _step(appointment, by, "appointment.checked_in") as current:
        if not current.is_waiting_to_happen:
            raise DomainError(
                _("This appointment is %(status)s; nobody can arrive for it.")
                % {"status": current.get_status_display().lower()}
            )
        if current.checked_in_at:
            raise DomainError(_("This patient has already arrived."))
        day = current.appointment_date.astimezone(hospital().zone).date()
        if day < hospital().today() or is_of_a_later_day(current):
            raise DomainError(_("This appointment is on %(day)s, not today.") % {"day": f"{day:%d-%b-%Y}"})
        return _save(current, checked_in_at=timezone.now())


def undo_check_in(appointment, *, by):
    """The patient was marked as arrived by mistake."""
    with _step(appointment, by, "appointment.check_in_undone") as current:
        if not current.has_arrived:
            raise DomainError(_("This patient is not marked as waiting."))
        return _save(current, checked_in_at=None)


def start(appointment, *, by):
    """Call the patient in. Somebody called in without having been checked in has arrived by that.

    Refuses a visit of a day to come. One of a day that is over can be caught up with: it was forgotten, not moved.
    """
    with _step(appointment, by, "appointment.started") as current:
        if current.status == Status.COMPLETED:
            raise DomainError(_("This appointment is already completed."))
        if current.is_waiting_to_happen and is_of_a_later_day(current):
            raise DomainError(
                _("This visit is on %(day)s. If the patient is here already, have it moved to today first.")
                % {"day": f"{current.appointment_date.astimezone(hospital().zone):%d-%b-%Y}"}
            )
        now = timezone.now()
        return _become(current, Status.IN_PROGRESS, started_at=now, checked_in_at=current.checked_in_at or now)


def undo_start(appointment, *, by):
    """Back to the waiting room."""
    with _step(appointment, by, "appointment.start_undone") as current:
        if current.status != Status.IN_PROGRESS:
            raise DomainError(_("This appointment is not in progress."))
        _refuse_if_built_upon(current)
        # Whoever was called in without having been checked in is not in the waiting room now either.
        arrived = current.checked_in_at if current.checked_in_at != current.started_at else None
        return _become(current, _status_before(current), started_at=None, checked_in_at=arrived)


def complete(appointment, *, by):
    """The visit is over: its invoice is drafted."""
    with _step(appointment, by, "appointment.completed") as current:
        if current.status != Status.IN_PROGRESS:
            raise DomainError(
                _("This appointment is %(status)s, not in progress.") % {"status": current.get_status_display().lower()}
            )
        done = _become(current, Status.COMPLETED, ended_at=timezone.now())
        invoicing.draft_for_visit(done, by=by)
        return done


def reopen(appointment, *, by):
    """The visit goes on: completed by mistake."""
    with _step(appointment, by, "appointment.reopened") as current:
        if current.status != Status.COMPLETED:
            raise DomainError(_("This appointment is not completed."))
        _refuse_if_built_upon(current)
        invoicing.drop_untouched_draft(current, by=by)
        return _become(current, Status.IN_PROGRESS, ended_at=None)


def cancel(appointment, *, by, reason, told="cancelled"):
    """Give the time back. A reason is required; the history keeps it. The patient is told."""
    with _step(appointment, by, "appointment.cancelled") as current:
        if not reason.strip():
            raise DomainError(_("Say why the appointment is cancelled."), field="reason")
        gone = _become(current, Status.CANCELLED, cancel_reason=reason.strip()[:200])
        if gone.patient.user.email and gone.appointment_date > timezone.now():
            letters.tell(gone, told)
        return gone


def no_show(appointment, *, by):
    """The patient did not come. Refuses before the appointment's time, and for somebody who has arrived."""
    with _step(appointment, by, "appointment.missed") as current:
        if current.has_arrived:
            raise DomainError(_("This patient has arrived."))
        if current.appointment_date > timezone.now():
            raise DomainError(_("The appointment's time has not come yet."))
        return _become(current, Status.NO_SHOW)


def reinstate(appointment, *, by):
    """Un-cancel, or the patient came after all: back to where it was, if the time is still free."""

    def taken():
        after = max(appointment.appointment_date, timezone.now())
        return SlotTaken(
            _("The time has been given to somebody else. Book another one."),
            free_times=hours.free_times([appointment.doctor], after=after, duration=appointment.duration),
        )

    with (
        locks.losing_raises(taken),
        transaction.atomic(),
        pghistory.context(user=by.pk, action="appointment.reinstated"),
    ):
        # Turns before rows, as in scheduling; should the row have moved meanwhile, the constraint still judges.
        locks.take(doctors=[appointment.doctor_id], patients=[appointment.patient_id])
        current = fresh(appointment)
        if current.is_live:
            raise DomainError(_("This appointment is neither cancelled nor missed."))
        people = Appointment.objects.filter(doctor=current.doctor) | Appointment.objects.filter(patient=current.patient)
        others = people.live().between(current.appointment_date, current.end).exclude(pk=current.pk)
        if in_the_way := list(others.with_people()):
            error = taken()
            error.in_the_way = in_the_way
            raise error
        return _become(current, _status_before(current), cancel_reason="", checked_in_at=None)


def _refuse_if_built_upon(appointment):
    if MedicalRecord.objects.filter(appointment=appointment, signed_at__isnull=False).exists():
        raise DomainError(_("The doctor has signed the notes of this visit; it cannot be undone."))
    if Invoice.objects.filter(appointment=appointment, status=Invoice.Status.PAID).exists():
        raise DomainError(_("The invoice of this visit has been paid; it cannot be undone."))


def _status_before(appointment):
    """Scheduled or confirmed: whichever the appointment was before it went on."""
    events = apps.get_model("hms", "AppointmentEvent").objects
    return (
        events.filter(pgh_obj_id=appointment.pk, status__in=Appointment.WAITING_TO_HAPPEN)
        .order_by("-pgh_id")
        .values_list("status", flat=True)
        .first()
        or Status.SCHEDULED
    )
