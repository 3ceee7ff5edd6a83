"""Clinical records: written by doctors, read by doctors and their patient, by nobody else."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class MedicalRecordQuerySet(models.QuerySet):
    def visible_to(self, user):
        """A doctor sees the records of patients they have or had an appointment with, a patient their signed ones."""
        if user.role == "DOCTOR":
            from hms.models import Appointment

            mine = Appointment.objects.filter(doctor__user=user, patient=models.OuterRef("patient"))
            return self.filter(models.Q(doctor__user=user) | models.Exists(mine))
        if user.role == "PATIENT":
            return self.filter(patient__user=user, signed_at__isnull=False)
        return self.none()


@pghistory.track()
class MedicalRecord(models.Model):
    patient = models.ForeignKey("hms.Patient", verbose_name=_("patient"), on_delete=models.PROTECT)
    doctor = models.ForeignKey("hms.Doctor", verbose_name=_("doctor"), on_delete=models.PROTECT)
    appointment = models.ForeignKey(
        "hms.Appointment", verbose_name=_("appointment"), null=True, blank=True, on_delete=models.PROTECT
    )
    diagnosis = models.TextField(_("diagnosis"), blank=True, db_default="")
    treatment = models.TextField(_("treatment"), blank=True, db_default="")
    prescription = models.TextField(_("prescription"), blank=True, db_default="")
    notes = models.TextField(_("notes"), blank=True, db_default="")
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    version = models.PositiveIntegerField(_("version"), default=1, db_default=1)
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    signed_by = models.ForeignKey(
        "hms.User",
        verbose_name=_("signed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="signed_records",
    )
    amends = models.ForeignKey(
        "self", verbose_name=_("amends"), null=True, blank=True, on_delete=models.PROTECT, related_name="amendments"
    )

    objects = MedicalRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("medical record")
        verbose_name_plural = _("medical records")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(signed_at=None, signed_by=None)
                | models.Q(signed_at__isnull=False, signed_by__isnull=False),
                name="record_signed_by_somebody",
            ),
            models.CheckConstraint(condition=~models.Q(amends=models.F("id")), name="record_amends_another"),
        ]
        indexes = [models.Index(fields=["patient", "-created_at"], name="record_patient_created")]
        triggers = [
            # A signed record stays as signed; what comes later is a record that amends it.
            pgtrigger.Protect(
                name="signed_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            )
        ]

    def __str__(self):
        return f"{self.patient}, {self.created_at:%d-%b-%Y}"
