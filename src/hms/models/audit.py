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
