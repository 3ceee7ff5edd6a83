"""Who looked at what. Changes are kept by pghistory beside each table (AppointmentEvent, PatientEvent, …)."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms.models.triggers import append_only


class AccessLog(models.Model):
    """One look at a patient's data, or one search that showed some. Rows are never changed."""

    at = models.DateTimeField(_("when"), db_default=Now(), editable=False)
    user = models.ForeignKey("hms.User", verbose_name=_("who"), null=True, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(_("role"), max_length=12)
    patient = models.ForeignKey(
        "hms.Patient", verbose_name=_("patient"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(_("what"), max_length=60)  # noun.past-tense: patient.viewed
    detail = models.CharField(_("detail"), max_length=200, blank=True, db_default="")
    # Set where the access was not in the course of care: what the doctor wrote when breaking the glass.
    reason = models.CharField(_("reason"), max_length=500, blank=True, db_default="")
    break_glass = models.ForeignKey(
        "hms.BreakGlass", verbose_name=_("break-glass"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("access log")
        verbose_name_plural = _("access log")
        indexes = [
            models.Index(fields=["patient", "-at"], name="access_log_patient_at"),
            models.Index(fields=["user", "-at"], name="access_log_user_at"),
        ]
        triggers = [append_only()]

    def __str__(self):
        return f"{self.at:%d-%b-%Y %H:%M} {self.user} {self.action}"

    @property
    def why(self):
        """Why they looked, in words for the patient."""
        if self.break_glass_id or self.reason:
            return self.reason
        return WHY.get(self.role, "")


WHY = {
    "DOCTOR": _("In the course of your care"),
    "RECEPTIONIST": _("To arrange your visits"),
    "ADMIN": _("To run the hospital’s records"),
    "PATIENT": _("You yourself"),
}


class LogSeal(models.Model):
    """A hash over a stretch of the access log and over the seal before it (hms.domain.log_seals)."""

    first = models.BigIntegerField(_("after the entry"))  # id; the stretch begins behind it
    last = models.BigIntegerField(_("up to the entry"), unique=True)
    entries = models.PositiveIntegerField(_("entries"))
    hash = models.CharField(_("hash"), max_length=64)
    at = models.DateTimeField(_("when"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("seal of the access log")
        verbose_name_plural = _("seals of the access log")
        constraints = [
            models.CheckConstraint(condition=models.Q(last__gt=models.F("first")), name="log_seal_forward"),
            models.UniqueConstraint(fields=["first"], name="log_seal_once"),
        ]
        triggers = [append_only()]

    def __str__(self):
        return f"{self.first}–{self.last}"
