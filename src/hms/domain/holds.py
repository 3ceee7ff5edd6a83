"""Times that patients hold while they decide. The desk may book over one; other patients may not."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import hours, locks
from hms.errors import DomainError, SlotTaken
from hms.models import Appointment, SlotHold

LONG = timedelta(minutes=10)


def hold(*, patient, doctor, start, duration):
    """Hold this time for the patient; what they held before is given up. Raises SlotTaken when it is not free."""

    def taken():
        return SlotTaken(_("Somebody else has just taken this time. Choose another one."))

    now, end = timezone.now(), start + duration
    others = SlotHold.objects.filter(doctor=doctor, start__lt=end, end__gt=start, expires_at__gt=now)
    visits = Appointment.objects.live().filter(doctor=doctor).between(start, end)

    def refuse_taken():
        if others.exclude(patient=patient).exists() or visits.exclude(patient=patient).exists():
            raise taken()

    refuse_taken()  # of forty who want one time, most need not wait for a turn
    with locks.losing_raises(taken), transaction.atomic():
        locks.take(doctors=[doctor.pk], patients=[patient.pk])
        SlotHold.objects.filter(doctor=doctor, expires_at__lte=now).delete()
        SlotHold.objects.filter(patient=patient).delete()
        if start <= now:
            raise DomainError(_("This time is over. Choose another one."))
        refuse_taken()
        if Appointment.objects.live().filter(patient=patient).between(start, end).exists():
            raise DomainError(_("You already have a visit at that time."))
        if not hours.offered(doctor, start, duration):
            raise taken()
        return SlotHold.objects.create(patient=patient, doctor=doctor, start=start, end=end, expires_at=now + LONG)


def current(patient):
    """What the patient holds now, or None."""
    found = SlotHold.objects.filter(patient=patient, expires_at__gt=timezone.now())
    return found.select_related("doctor__user", "doctor__department").first()


def release(patient):
    """The patient decided otherwise."""
    SlotHold.objects.filter(patient=patient).delete()


def held(doctors, begin, end, *, but_not=None):
    """``[(doctor id, start, end), …]`` held in this span of time by others than the patient ``but_not``."""
    rows = SlotHold.objects.filter(doctor__in=doctors, start__lt=end, end__gt=begin, expires_at__gt=timezone.now())
    if but_not is not None:
        rows = rows.exclude(patient=but_not)
    return list(rows.values_list("doctor_id", "start", "end"))
