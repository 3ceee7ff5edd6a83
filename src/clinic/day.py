"""The doctor's day: who comes, who waits since when, what is not yet written or signed."""

from collections import Counter
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from hms.domain.settings import hospital
from hms.models import Appointment, MedicalRecord, Patient, Wish

Status = Appointment.Status
UNFINISHED = timedelta(days=60)  # how far back notes that were left are looked for
MOST = 30  # of them shown


class MyDay:
    """One day of one doctor. ``rows``: the visits that take or took place, in order; ``off``: those that do not."""

    def __init__(self, doctor, date):
        self.doctor, self.date = doctor, date
        self.begins, self.ends = hospital().day_bounds(date)
        visits = (
            Appointment.objects.filter(doctor=doctor, appointment_date__gte=self.begins, appointment_date__lt=self.ends)
            .select_related("patient__user")
            .defer("patient__allergies", "patient__medical_history")
            .annotate(signed=Exists(_records(signed_at__isnull=False)), written=Exists(_records()))
            .order_by("appointment_date", "pk")
        )
        visits = list(visits)
        self.rows = [v for v in visits if v.is_live]
        self.off = [v for v in visits if not v.is_live]

    @property
    def is_today(self):
        return self.date == hospital().today()

    @property
    def waiting(self):
        """Those who are here and not yet called in: who should come first, first."""
        return sorted((v for v in self.rows if v.has_arrived), key=lambda v: (v.checked_in_at, v.pk))

    @property
    def inside(self):
        return [v for v in self.rows if v.status == Status.IN_PROGRESS]

    @property
    def next(self):
        return self.waiting[0] if self.waiting else None

    @property
    def done(self):
        return sum(v.status == Status.COMPLETED for v in self.rows)


def _records(**conditions):
    return MedicalRecord.objects.filter(appointment=OuterRef("pk"), amends=None, **conditions)


def week(doctor, date):
    """``[(day, number of visits), …]`` of the week around ``date``, Monday first."""
    days = [date - timedelta(days=date.weekday()) + timedelta(days=i) for i in range(7)]
    begins, ends = hospital().day_bounds(days[0])[0], hospital().day_bounds(days[-1])[1]
    visits = Appointment.objects.live().filter(doctor=doctor, appointment_date__gte=begins, appointment_date__lt=ends)
    counts = Counter(
        visits.annotate(day=TruncDate("appointment_date", tzinfo=hospital().zone)).values_list("day", flat=True)
    )
    return [(day, counts[day]) for day in days]


def unfinished(doctor):
    """``(how many, the oldest of them)``: the doctor's visits that are over and whose notes are not signed."""
    since = timezone.now() - UNFINISHED
    visits = (
        Appointment.objects.filter(doctor=doctor, appointment_date__gte=since)
        .filter(Q(status=Status.COMPLETED) | Q(status=Status.IN_PROGRESS, appointment_date__lt=_today()))
        .annotate(signed=Exists(_records(signed_at__isnull=False)), written=Exists(_records()))
        .filter(signed=False)
        .select_related("patient__user")
        .defer("patient__allergies", "patient__medical_history")
        .order_by("appointment_date")
    )
    found = list(visits[: MOST + 1])
    return (visits.count() if len(found) > MOST else len(found)), found[:MOST]


def wishes(doctor):
    """What patients of this doctor say is wrong in their record, and nobody has answered."""
    found = Wish.objects.filter(kind=Wish.Kind.CORRECT, done_at=None)
    found = found.filter(patient__in=Patient.objects.clinical_for(doctor.user))
    return list(found.select_related("patient__user").order_by("pk")[:MOST])


def _today():
    return hospital().day_bounds(hospital().today())[0]
