"""Clinical records: written by doctors, read by doctors and their patient, by nobody else."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms.models.care import clinical_for
from hms.models.triggers import announce


class MedicalRecordQuerySet(models.QuerySet):
    def visible_to(self, user):
        """A doctor sees what they wrote and the records of patients in their care, a patient their signed ones."""
        if user.role == "DOCTOR":
            return self.filter(models.Q(doctor__user=user) | clinical_for(user, "patient_id"))
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
    # What was signed, word for word, and a hash over it and over the hash of the patient's record signed before it.
    sealed = models.JSONField(_("as signed"), null=True, blank=True, editable=False)
    predecessor = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="successors"
    )
    content_hash = models.CharField(_("hash"), max_length=64, blank=True, db_default="", editable=False)

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
            models.UniqueConstraint(
                fields=["appointment"], condition=models.Q(amends=None), name="record_one_of_a_visit"
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "-created_at"], name="record_patient_created"),
            models.Index(fields=["doctor", "-created_at"], name="record_doctor_created"),
            models.Index(fields=["doctor"], name="record_unsigned", condition=models.Q(signed_at=None)),
        ]
        triggers = [
            announce("record", doctors="jsonb_build_array(NEW.doctor_id)"),
            # A signed record stays as signed; what comes later is a record that amends it.
            pgtrigger.Protect(
                name="signed_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.patient}, {self.created_at:%d-%b-%Y}"

    @property
    def is_signed(self):
        return self.signed_at is not None

    @property
    def is_empty(self):
        """Nothing has been written in any of its texts."""
        return not any((self.diagnosis, self.treatment, self.prescription, self.notes))


class EditingSession(models.Model):
    """One open page on which somebody writes a record.

    ``sequence`` is the last save that was taken from it: one that is sent again (its answer was lost) is known by it,
    and is not taken for somebody else's change. ``versions`` are, for each text, the record's version at which it was
    last taken from this page: what the page knows of one text says nothing of another.
    """

    record = models.ForeignKey(MedicalRecord, on_delete=models.CASCADE, related_name="sessions")
    key = models.CharField(max_length=36)
    user = models.ForeignKey("hms.User", on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveIntegerField(default=0)
    versions = models.JSONField(default=dict)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("editing session")
        verbose_name_plural = _("editing sessions")
        constraints = [models.UniqueConstraint(fields=["record", "key"], name="editing_session_once")]

    def __str__(self):
        return f"{self.user}, {self.record_id}"


class SetAsideText(models.Model):
    """A text that could not be taken into the record, kept for whoever typed it: nobody may have read the refusal.

    One for each open page: what is typed on replaces it. It is settled when its writer put it into the record, or
    threw it away; the row stays.
    """

    class Why(models.TextChoices):
        CONFLICT = "CONFLICT", _("somebody else had changed the note")
        SIGNED = "SIGNED", _("the record was signed already")
        CALLED_OFF = "CALLED_OFF", _("the visit was called off")

    appointment = models.ForeignKey("hms.Appointment", on_delete=models.PROTECT, related_name="set_aside")
    user = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+")
    session = models.CharField(max_length=36)
    sequence = models.PositiveIntegerField(default=0)
    texts = models.JSONField()
    why = models.CharField(max_length=10, choices=Why.choices)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("text set aside")
        verbose_name_plural = _("texts set aside")
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "user", "session"],
                condition=models.Q(settled_at=None),
                name="set_aside_once_a_page",
            )
        ]

    def __str__(self):
        return f"{self.user}, {self.appointment_id}"
