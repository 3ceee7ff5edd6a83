"""Appointments, and when doctors work."""

from datetime import timedelta

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hms.models.care import in_care_of
from hms.models.triggers import announce, touch

LONGEST = timedelta(days=1)


def period():
    """The time an appointment takes, half-open, as an immutable expression (timestamptz + interval is not)."""
    start = models.Func(
        models.F("appointment_date"),
        template="(%(expressions)s AT TIME ZONE 'UTC')",
        output_field=models.DateTimeField(),
    )
    end = models.Func(start, models.F("duration"), arg_joiner=" + ", template="(%(expressions)s)")
    return models.Func(start, end, models.Value("[)"), function="tsrange")


class AppointmentQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The desk sees all, a doctor their own list, a patient their own visits."""
        if user.role in {"ADMIN", "RECEPTIONIST"}:
            return self
        if user.role == "DOCTOR":
            return self.filter(doctor__user=user)
        return self.filter(patient__user=user)

    def open_to(self, doctor_user):
        """Whose consultation a doctor may open: their own, and any of a patient in their care (to cover, to add)."""
        return self.filter(models.Q(doctor__user=doctor_user) | models.Q(in_care_of(doctor_user, "patient_id")))

    def live(self):
        """Those that hold their time."""
        return self.exclude(status__in=Appointment.FREES_TIME)

    def between(self, start, end):
        """Those that take any of the time from ``start`` until ``end``, also if they began before."""
        return self.filter(appointment_date__lt=end, appointment_date__gt=start - LONGEST).filter(
            appointment_date__gt=start - models.F("duration")
        )

    def with_people(self):
        return self.select_related("patient__user", "doctor__user", "doctor__department")


@pghistory.track()
class Appointment(models.Model):
    class Status(models.TextChoices):
        SCHEDULED = "SCHEDULED", _("Scheduled")
        CONFIRMED = "CONFIRMED", _("Confirmed")
        IN_PROGRESS = "IN_PROGRESS", _("In progress")
        COMPLETED = "COMPLETED", _("Completed")
        CANCELLED = "CANCELLED", _("Cancelled")
        NO_SHOW = "NO_SHOW", _("No show")

    FREES_TIME = (Status.CANCELLED, Status.NO_SHOW)
    WAITING_TO_HAPPEN = (Status.SCHEDULED, Status.CONFIRMED)
    NEXT = {
        Status.SCHEDULED: {Status.CONFIRMED, Status.IN_PROGRESS, Status.CANCELLED, Status.NO_SHOW},
        Status.CONFIRMED: {Status.SCHEDULED, Status.IN_PROGRESS, Status.CANCELLED, Status.NO_SHOW},
        Status.IN_PROGRESS: {Status.COMPLETED, Status.SCHEDULED, Status.CONFIRMED},
        Status.COMPLETED: {Status.IN_PROGRESS},
        Status.CANCELLED: {Status.SCHEDULED, Status.CONFIRMED},
        Status.NO_SHOW: {Status.SCHEDULED, Status.CONFIRMED},
    }

    patient = models.ForeignKey("hms.Patient", verbose_name=_("patient"), on_delete=models.PROTECT)
    doctor = models.ForeignKey("hms.Doctor", verbose_name=_("doctor"), on_delete=models.PROTECT)
    appointment_date = models.DateTimeField(_("date and time"))
    duration = models.DurationField(_("duration"), default=timedelta(minutes=30), db_default=timedelta(minutes=30))
    status = models.CharField(
        _("status"), max_length=11, choices=Status.choices, default=Status.SCHEDULED, db_default=Status.SCHEDULED
    )
    reason = models.CharField(_("reason for the visit"), max_length=500, blank=True, db_default="")
    notes = models.TextField(_("notes for the desk"), max_length=2000, blank=True, db_default="")
    checked_in_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    started_at = models.DateTimeField(_("called in"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    cancel_reason = models.CharField(_("why cancelled"), max_length=200, blank=True, db_default="")
    override_reason = models.CharField(_("why outside the doctor's hours"), max_length=200, blank=True, db_default="")
    # What the patient did about it in the portal: booked it, moved it, or asks for it and waits for the desk's answer.
    online = models.CharField(
        _("by the patient"),
        max_length=7,
        choices=[
            ("BOOKED", _("Booked by the patient")),
            ("MOVED", _("Moved by the patient")),
            ("REQUEST", _("Request")),
        ],
        blank=True,
        default="",
        db_default="",
    )
    created_at = models.DateTimeField(_("booked"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        constraints = [
            ExclusionConstraint(
                name="appointment_doctor_free",
                expressions=[("doctor", "="), (period(), "&&")],
                condition=~models.Q(status__in=["CANCELLED", "NO_SHOW"]),
            ),
            ExclusionConstraint(
                name="appointment_patient_free",
                expressions=[("patient", "="), (period(), "&&")],
                condition=~models.Q(status__in=["CANCELLED", "NO_SHOW"]),
            ),
            models.CheckConstraint(
                condition=models.Q(duration__gt=timedelta(0), duration__lte=LONGEST), name="appointment_duration"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["SCHEDULED", "CONFIRMED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "NO_SHOW"]
                ),
                name="appointment_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["doctor", "appointment_date"], name="appointment_doctor_date"),
            models.Index(fields=["appointment_date"], name="appointment_date"),
            models.Index(fields=["patient", "appointment_date"], name="appointment_patient_date"),
        ]
        triggers = [touch(), announce("appointment", doctors="jsonb_build_array(NEW.doctor_id)")]

    def __str__(self):
        return f"{self.patient} – {self.doctor}, {self.appointment_date:%d-%b-%Y %H:%M}"

    @property
    def end(self):
        return self.appointment_date + self.duration

    @property
    def version(self):
        """Changes with every change of the row: what a form carries to notice that it is stale."""
        return str(int(self.updated_at.timestamp() * 1_000_000))

    @property
    def is_live(self):
        return self.status not in self.FREES_TIME

    @property
    def is_waiting_to_happen(self):
        return self.status in self.WAITING_TO_HAPPEN

    @property
    def is_to_come(self):
        """Its time lies ahead, and nobody has arrived for it."""
        return self.is_waiting_to_happen and self.checked_in_at is None and self.appointment_date > timezone.now()

    @property
    def has_arrived(self):
        return self.is_waiting_to_happen and self.checked_in_at is not None

    def can_become(self, status):
        return status in self.NEXT[self.status]


class Weekday(models.IntegerChoices):
    """Monday is 0, as in Python."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class WorkingHoursQuerySet(models.QuerySet):
    def on(self, date):
        """The hours in force on a calendar day."""
        return self.filter(weekday=date.weekday(), valid_from__lte=date).filter(
            models.Q(valid_until=None) | models.Q(valid_until__gte=date)
        )


@pghistory.track()
class WorkingHours(models.Model):
    """A doctor sees patients on this weekday from start to end, by the hospital's clock. A break is a gap between."""

    doctor = models.ForeignKey("hms.Doctor", verbose_name=_("doctor"), on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    start = models.TimeField(_("from"))
    end = models.TimeField(_("until"))
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    objects = WorkingHoursQuerySet.as_manager()

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        ordering = ["doctor", "weekday", "start"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end__gt=models.F("start")),
                name="hours_end_after_start",
                violation_error_message=_("The end must come after the start."),
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until=None) | models.Q(valid_until__gte=models.F("valid_from")),
                name="hours_valid_until_after_from",
                violation_error_message=_("“Valid until” must not come before “valid from”."),
            ),
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="hours_weekday"),
        ]
        indexes = [models.Index(fields=["weekday", "doctor"], name="hours_weekday_doctor")]
        triggers = [announce("hours", doctors="jsonb_build_array(NEW.doctor_id)")]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.start:%H:%M}–{self.end:%H:%M}"

    def clean(self):
        """Two rows of one doctor must not overlap: the board would shade them twice."""
        if not (self.doctor_id and self.start and self.end and self.valid_from):
            return
        others = WorkingHours.objects.filter(
            doctor=self.doctor_id, weekday=self.weekday, start__lt=self.end, end__gt=self.start
        ).exclude(pk=self.pk)
        others = others.filter(models.Q(valid_until=None) | models.Q(valid_until__gte=self.valid_from))
        if self.valid_until:
            others = others.filter(valid_from__lte=self.valid_until)
        if other := others.first():
            raise ValidationError(
                _("These hours overlap others of the same doctor: %(other)s."), params={"other": other}
            )


class TimeOffQuerySet(models.QuerySet):
    def between(self, start, end):
        return self.filter(start__lt=end, end__gt=start)


@pghistory.track()
class TimeOff(models.Model):
    """A doctor is away from start until end (leave, training, a blocked hour)."""

    doctor = models.ForeignKey(
        "hms.Doctor", verbose_name=_("doctor"), on_delete=models.CASCADE, related_name="time_off"
    )
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    objects = TimeOffQuerySet.as_manager()

    class Meta:
        verbose_name = _("time off")
        verbose_name_plural = _("time off")
        ordering = ["doctor", "start"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end__gt=models.F("start")),
                name="time_off_end_after_start",
                violation_error_message=_("The end must come after the start."),
            )
        ]
        indexes = [models.Index(fields=["doctor", "start"], name="time_off_doctor_start")]
        triggers = [announce("time_off", doctors="jsonb_build_array(NEW.doctor_id)")]

    def __str__(self):
        return f"{self.doctor}: {self.start:%d-%b-%Y %H:%M} – {self.end:%d-%b-%Y %H:%M}"
