"""What the hospital charges: services with their prices over time, and when a second visit costs less."""

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms import money
from hms.models.triggers import touch

RATE = {"max_digits": 5, "decimal_places": 2, "default": 0, "db_default": 0}
UP_TO_100 = [MinValueValidator(0), MaxValueValidator(100)]


def validity():
    """The days on which a price holds, both ends included."""
    return models.Func(models.F("valid_from"), models.F("valid_until"), models.Value("[]"), function="daterange")


class ServiceQuerySet(models.QuerySet):
    def on(self, date):
        """The prices in force on a calendar day: at most one row for each code."""
        return self.filter(valid_from__lte=date).filter(models.Q(valid_until=None) | models.Q(valid_until__gte=date))


@pghistory.track()
class Service(models.Model):
    """What one code costs from one day until another. A new price is a new row; the rows of a code never overlap."""

    code = models.CharField(
        _("code"),
        max_length=20,
        validators=[RegexValidator(r"^[A-Z0-9][A-Z0-9._-]*\Z", _("Capital letters, digits, dots and hyphens."))],
    )
    name = models.CharField(_("name"), max_length=150)
    department = models.ForeignKey(
        "hms.Department", verbose_name=_("department"), null=True, blank=True, on_delete=models.PROTECT
    )
    price = models.DecimalField(_("price"), **money.COLUMN)
    tax_rate = models.DecimalField(_("tax, percent"), validators=UP_TO_100, **RATE)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["code", "valid_from"]
        constraints = [
            ExclusionConstraint(
                name="service_one_price_a_day",
                expressions=[("code", "="), (validity(), "&&")],
                violation_error_message=_("This code already has a price on some of these days."),
            ),
            models.CheckConstraint(condition=models.Q(price__gte=0), name="service_price_not_negative"),
            models.CheckConstraint(
                condition=models.Q(tax_rate__gte=0, tax_rate__lte=100), name="service_tax_rate_is_percent"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until=None) | models.Q(valid_until__gte=models.F("valid_from")),
                name="service_valid_until_after_from",
                violation_error_message=_("“Valid until” must not come before “valid from”."),
            ),
            models.CheckConstraint(condition=~models.Q(code="") & ~models.Q(name=""), name="service_has_a_name"),
        ]
        indexes = [models.Index(fields=["code", "-valid_from"], name="service_code_from")]
        triggers = [touch()]

    def __str__(self):
        return f"{self.code} {self.name}"

    def is_valid_on(self, date):
        return self.valid_from <= date and (self.valid_until is None or date <= self.valid_until)


@pghistory.track()
class FollowUpRule(models.Model):
    """Seen again by the same doctor within so many days, a patient pays this share of the fee: 0 is free.

    A doctor's own rule goes before the department's, and that before the hospital's (neither doctor nor department).
    """

    doctor = models.ForeignKey(
        "hms.Doctor", verbose_name=_("doctor"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    department = models.ForeignKey(
        "hms.Department",
        verbose_name=_("department"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    days = models.PositiveSmallIntegerField(_("within days"), validators=[MinValueValidator(1), MaxValueValidator(365)])
    percent = models.DecimalField(_("percent of the fee"), validators=UP_TO_100, **RATE)

    class Meta:
        verbose_name = _("follow-up rule")
        verbose_name_plural = _("follow-up rules")
        constraints = [
            models.UniqueConstraint(
                fields=["doctor", "department"],
                nulls_distinct=False,
                name="follow_up_one_rule_each",
                violation_error_message=_("There is a rule for these already."),
            ),
            models.CheckConstraint(
                condition=models.Q(doctor=None) | models.Q(department=None), name="follow_up_doctor_or_department"
            ),
            models.CheckConstraint(condition=models.Q(days__gte=1, days__lte=365), name="follow_up_days"),
            models.CheckConstraint(condition=models.Q(percent__gte=0, percent__lte=100), name="follow_up_percent"),
        ]

    def __str__(self):
        whom = self.doctor or self.department or _("everybody")
        return f"{whom}: {self.days} d, {self.percent} %"


class VisitService(models.Model):
    """A service that the doctor ticked at a visit; completing the visit puts it on the invoice."""

    appointment = models.ForeignKey(
        "hms.Appointment", verbose_name=_("appointment"), on_delete=models.PROTECT, related_name="services"
    )
    service = models.ForeignKey(Service, verbose_name=_("service"), on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1, db_default=1)
    ticked_by = models.ForeignKey("hms.User", verbose_name=_("ticked by"), on_delete=models.PROTECT, related_name="+")
    ticked_at = models.DateTimeField(_("ticked"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("service of a visit")
        verbose_name_plural = _("services of visits")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["appointment", "service"], name="visit_service_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1, quantity__lte=999), name="visit_service_quantity"
            ),
        ]

    def __str__(self):
        return f"{self.service} × {self.quantity}"
