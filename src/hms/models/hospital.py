"""The hospital itself: one row of settings, and its departments."""

import zoneinfo
from datetime import datetime, timedelta

import pghistory
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hms import money
from hms.models.billing_guards import HOSPITAL as currency_stays
from hms.models.triggers import announce


def _known_zone(name):
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone. Write it as Europe/London."), params={"name": name})


class HospitalManager(models.Manager):
    def current(self):
        """The one hospital row; made from the environment's settings at first use."""
        from django.conf import settings

        row = self.first()
        if row is None:
            row, _created = self.get_or_create(
                pk=1,
                defaults={"time_zone": settings.HOSPITAL_TIME_ZONE, "currency": settings.HOSPITAL_CURRENCY},
            )
        return row


@pghistory.track()
class Hospital(models.Model):
    """Exactly one row: what every page and letter says of the hospital."""

    name = models.CharField(_("name"), max_length=200, default="HMS Hospital")
    address = models.TextField(_("address"), blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/London", validators=[_known_zone])
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="GBP",
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three letters, as GBP."))],
    )
    slot_minutes = models.PositiveSmallIntegerField(
        _("slot length, minutes"), default=15, validators=[MinValueValidator(5), MaxValueValidator(120)]
    )

    tax_number = models.CharField(_("tax number"), max_length=40, blank=True, db_default="")
    payment_days = models.PositiveSmallIntegerField(
        _("invoices are due after days"), default=14, db_default=14, validators=[MaxValueValidator(365)]
    )
    payment_terms = models.TextField(
        _("how to pay, as invoices say it"),
        max_length=1000,
        blank=True,
        db_default="",
        help_text=_("Bank account, reference, opening hours of the cash desk."),
    )
    fee_tax_rate = models.DecimalField(
        _("tax on consultation fees, percent"),
        max_digits=5,
        decimal_places=2,
        default=0,
        db_default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    discount_limit = models.DecimalField(
        _("discount that the desk may give, percent"),
        max_digits=5,
        decimal_places=2,
        default=20,
        db_default=20,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Of a line; administrators may give more."),
    )

    cash_rounding = models.DecimalField(
        _("cash is rounded to"),
        max_digits=6,
        decimal_places=3,
        default=0,
        db_default=0,
        validators=[MinValueValidator(0)],
        help_text=_("The smallest coin that there is, as 0.05 for Swiss francs; 0: cash is not rounded."),
    )

    change_hours = models.PositiveSmallIntegerField(
        _("patients change or cancel, hours before"),
        default=24,
        db_default=24,
        validators=[MaxValueValidator(720)],
        help_text=_("Later than that they are asked to call."),
    )

    objects = HospitalManager()

    class Meta:
        verbose_name = _("hospital")
        verbose_name_plural = _("hospital")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="hospital_one_row"),
            models.CheckConstraint(
                condition=models.Q(slot_minutes__gte=5, slot_minutes__lte=120), name="hospital_slot_minutes"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    payment_days__lte=365,
                    fee_tax_rate__gte=0,
                    fee_tax_rate__lte=100,
                    discount_limit__gte=0,
                    discount_limit__lte=100,
                    cash_rounding__gte=0,
                ),
                name="hospital_billing",
            ),
        ]
        triggers = [announce("hospital"), currency_stays]

    def __str__(self):
        return self.name

    def clean(self):
        """The currency is fixed by the first invoice (so says a trigger too); cash is rounded to coins of it."""
        from hms.models.billing import Invoice

        if self.cash_rounding and not money.is_whole(self.cash_rounding, self.currency):
            raise ValidationError({"cash_rounding": _("%(currency)s has no such coin.") % {"currency": self.currency}})

        before = Hospital.objects.filter(pk=self.pk).values_list("currency", flat=True).first()
        if before and before != self.currency and Invoice.objects.exists():
            raise ValidationError(
                {
                    "currency": _("There are invoices in %(currency)s already; the currency cannot change any more.")
                    % {"currency": before}
                }
            )

    @property
    def zone(self):
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def slot(self):
        return timedelta(minutes=self.slot_minutes)

    def today(self):
        """The hospital's calendar day, now."""
        return timezone.now().astimezone(self.zone).date()

    def day_bounds(self, date):
        """``(start, end)`` of a calendar day as aware UTC times; 23 or 25 hours apart when a clock changes."""
        start = datetime(date.year, date.month, date.day, tzinfo=self.zone)
        after = date + timedelta(days=1)
        end = datetime(after.year, after.month, after.day, tzinfo=self.zone)
        return start.astimezone(zoneinfo.ZoneInfo("UTC")), end.astimezone(zoneinfo.ZoneInfo("UTC"))


@pghistory.track()
class Department(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    description = models.TextField(_("description"), blank=True)
    head_doctor = models.ForeignKey(
        "hms.Doctor", verbose_name=_("head"), null=True, blank=True, on_delete=models.SET_NULL, related_name="heads"
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    # What patients may do themselves in the portal (Online), and within what limits.
    online = models.CharField(
        _("patients may"),
        max_length=7,
        choices=[("VIEW", _("see visits only")), ("REQUEST", _("ask for a time")), ("BOOK", _("book directly"))],
        default="BOOK",
        db_default="BOOK",
    )
    online_days = models.PositiveSmallIntegerField(
        _("days ahead"), default=60, db_default=60, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    online_notice = models.PositiveSmallIntegerField(
        _("hours before, at the latest"), default=2, db_default=2, validators=[MaxValueValidator(720)]
    )
    online_most = models.PositiveSmallIntegerField(
        _("visits to come, at most"), default=3, db_default=3, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="department_name_any_case",
                violation_error_message=_("There is a department of this name already."),
            )
        ]
        triggers = [announce("department")]

    def __str__(self):
        return self.name
