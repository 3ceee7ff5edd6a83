"""Visits that a doctor's leave or new hours left without a doctor, until the desk has found another time for them."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms.models.triggers import announce


class VisitToMoveQuerySet(models.QuerySet):
    def unresolved(self):
        """Those whose visit still waits at the time at which it cannot be held.

        What the desk does resolves them without a word more: moved, given to another doctor, cancelled, missed, kept
        with a reason (``override_reason``), called in all the same.
        """
        return self.filter(
            appointment__status__in=["SCHEDULED", "CONFIRMED"],
            appointment__override_reason="",
            appointment__doctor=models.F("doctor"),
            appointment__appointment_date=models.F("start"),
            start__gte=Now() - models.Value("12 hours", models.DurationField()),
        )


class VisitToMove(models.Model):
    appointment = models.ForeignKey(
        "hms.Appointment", verbose_name=_("appointment"), on_delete=models.CASCADE, related_name="to_move"
    )
    # As it was when the time went: the visit is resolved once either differs.
    doctor = models.ForeignKey("hms.Doctor", verbose_name=_("doctor"), on_delete=models.CASCADE, related_name="+")
    start = models.DateTimeField(_("date and time"))
    # The leave in the way; none: the doctor's weekly hours changed.
    time_off = models.ForeignKey(
        "hms.TimeOff", verbose_name=_("time off"), null=True, on_delete=models.CASCADE, related_name="to_move"
    )
    noted_at = models.DateTimeField(_("noted"), db_default=Now(), editable=False)
    noted_by = models.ForeignKey("hms.User", verbose_name=_("noted by"), on_delete=models.PROTECT, related_name="+")

    objects = VisitToMoveQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit to move")
        verbose_name_plural = _("visits to move")
        constraints = [
            models.UniqueConstraint(fields=["appointment", "time_off"], name="visit_to_move_once", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["start"], name="visit_to_move_start")]
        triggers = [announce("to_move", doctors="jsonb_build_array(NEW.doctor_id)")]

    def __str__(self):
        return f"{self.appointment_id}"
