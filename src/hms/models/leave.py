"""Visits that a doctor's leave or new hours left without a doctor, until the desk has found another time for them."""

from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hms.models.triggers import announce

RECENT = timedelta(hours=12)  # a visit's time may pass while the desk still has to see to it


class VisitToMoveQuerySet(models.QuerySet):
    def unresolved(self):
        """Those whose visit still waits at the time at which it cannot be held.

        What the desk does resolves them without a word more: moved, given to another doctor, cancelled, missed, called
        in all the same, or kept with a reason.
        """
        return self.filter(
            appointment__status__in=["SCHEDULED", "CONFIRMED"],
            kept_at=None,
            appointment__doctor=models.F("doctor"),
            appointment__appointment_date=models.F("start"),
            start__gte=timezone.now() - RECENT,
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
    kept_at = models.DateTimeField(_("kept"), null=True, blank=True)
    kept_by = models.ForeignKey(
        "hms.User", verbose_name=_("kept by"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    kept_reason = models.CharField(_("why it stays"), max_length=200, blank=True, db_default="")

    objects = VisitToMoveQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit to move")
        verbose_name_plural = _("visits to move")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kept_at=None, kept_by=None, kept_reason="")
                | models.Q(kept_at__isnull=False, kept_by__isnull=False) & ~models.Q(kept_reason=""),
                name="visit_to_move_kept_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["appointment", "time_off"], name="visit_to_move_once", nulls_distinct=False
            ),
        ]
        indexes = [models.Index(fields=["start"], name="visit_to_move_start")]
        triggers = [announce("to_move", doctors="jsonb_build_array(NEW.doctor_id)")]

    def __str__(self):
        return f"{self.appointment_id}"
