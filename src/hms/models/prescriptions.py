"""Drugs, and what is prescribed of them; phrases that doctors write with."""

import secrets

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms.models.people import Plain


class Drug(models.Model):
    """A generic drug of the shipped list, or one that an administrator imported."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    classes = ArrayField(models.CharField(max_length=60), verbose_name=_("classes"), default=list)
    forms = ArrayField(models.CharField(max_length=40), verbose_name=_("forms"), default=list)
    strengths = ArrayField(models.CharField(max_length=40), verbose_name=_("strengths"), default=list)
    plain = models.GeneratedField(expression=Plain("name"), output_field=models.TextField(), db_persist=True)

    class Meta:
        verbose_name = _("drug")
        verbose_name_plural = _("drugs")
        ordering = ["name"]
        indexes = [GinIndex(OpClass("plain", "gin_trgm_ops"), name="drug_name_trigrams")]

    def __str__(self):
        return self.name


# A signature covers its lines: after it nothing but stopping changes them. The verbs lock the record while they look.
SIGNED_LINES = """
IF TG_OP = 'UPDATE' AND OLD.stopped_at IS NULL
    AND to_jsonb(NEW) - '{stopped_at,stopped_by_id,stop_reason}'::text[]
      = to_jsonb(OLD) - '{stopped_at,stopped_by_id,stop_reason}'::text[] THEN
    RETURN NEW;
END IF;
IF EXISTS (
    SELECT FROM hms_prescription p JOIN hms_medicalrecord r ON r.id = p.record_id
    WHERE r.signed_at IS NOT NULL
        AND (TG_OP <> 'INSERT' AND p.id = OLD.prescription_id OR TG_OP <> 'DELETE' AND p.id = NEW.prescription_id)
) THEN
    RAISE EXCEPTION 'prescription_is_signed: lines of a signed record stay' USING
        ERRCODE = '23514', CONSTRAINT = 'prescription_is_signed';
END IF;
IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
RETURN NEW;
"""


def _token():
    return secrets.token_urlsafe(16)


class Prescription(models.Model):
    """The paper of one record's lines. Its token leads to a page that says that it is genuine, and nothing of whom."""

    record = models.OneToOneField("hms.MedicalRecord", on_delete=models.PROTECT, related_name="paper")
    token = models.CharField(max_length=32, unique=True, default=_token, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("prescription")
        verbose_name_plural = _("prescriptions")

    def __str__(self):
        return f"#{self.pk}"


@pghistory.track()
class PrescriptionLine(models.Model):
    """One drug, as it is to be taken. ``warning`` is what the check said, ``acknowledged`` why it was prescribed."""

    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="lines")
    patient = models.ForeignKey("hms.Patient", on_delete=models.PROTECT, related_name="prescription_lines")
    drug = models.ForeignKey(Drug, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    drug_name = models.CharField(_("drug"), max_length=120)
    strength = models.CharField(_("strength"), max_length=40, blank=True)
    form = models.CharField(_("form"), max_length=40, blank=True)
    dose = models.CharField(_("dose"), max_length=60)
    frequency = models.CharField(_("how often"), max_length=60)
    days = models.PositiveSmallIntegerField(_("days"), null=True, blank=True)
    quantity = models.CharField(_("quantity"), max_length=40, blank=True)
    instructions = models.CharField(_("instructions"), max_length=300, blank=True)
    warning = models.TextField(_("warning"), blank=True, db_default="")
    acknowledged = models.CharField(_("why all the same"), max_length=300, blank=True, db_default="")
    created_at = models.DateTimeField(_("prescribed"), db_default=Now(), editable=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stopped_by = models.ForeignKey("hms.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    stop_reason = models.CharField(_("why stopped"), max_length=200, blank=True, db_default="")

    class Meta:
        verbose_name = _("prescription line")
        verbose_name_plural = _("prescription lines")
        ordering = ["pk"]
        indexes = [models.Index(fields=["patient", "-created_at"], name="prescribed_to_patient")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(warning="") | ~models.Q(acknowledged=""), name="prescribed_warning_acknowledged"
            ),
            models.CheckConstraint(
                condition=models.Q(stopped_at=None, stopped_by=None)
                | models.Q(stopped_at__isnull=False, stopped_by__isnull=False),
                name="prescribed_stopped_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(days=None) | models.Q(days__gte=1, days__lte=366), name="prescribed_days"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="signed_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=SIGNED_LINES,
            )
        ]

    def __str__(self):
        return self.said()

    def said(self):
        """The whole line in words: Amoxicillin 500 mg capsule, 1 capsule, three times a day, 7 days."""
        what = " ".join(filter(None, (self.drug_name, self.strength, self.form)))
        days = f"{self.days} days" if self.days else ""
        return ", ".join(filter(None, (what, self.dose, self.frequency, days, self.instructions)))


@pghistory.track()
class Phrase(models.Model):
    """Text that ``.word`` expands to while a note is written. The hospital's own have no doctor."""

    doctor = models.ForeignKey("hms.Doctor", null=True, blank=True, on_delete=models.CASCADE, related_name="phrases")
    word = models.SlugField(_("word"), max_length=30, help_text=_("Typed as .word"))
    text = models.TextField(_("text"), max_length=4000)
    shared = models.BooleanField(_("for all doctors"), default=False, db_default=False)

    class Meta:
        verbose_name = _("phrase")
        verbose_name_plural = _("phrases")
        ordering = ["word"]
        constraints = [
            models.UniqueConstraint(fields=["doctor", "word"], name="phrase_word_once"),
            models.UniqueConstraint(fields=["word"], condition=models.Q(shared=True), name="phrase_shared_once"),
            models.CheckConstraint(
                condition=models.Q(shared=True) | models.Q(doctor__isnull=False), name="phrase_hospitals_shared"
            ),
        ]

    def __str__(self):
        return f".{self.word}"
