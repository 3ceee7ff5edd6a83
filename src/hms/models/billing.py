"""Money. Amounts are Decimal, in the hospital's currency."""

import pghistory
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The desk and administrators see all, a patient their own, doctors none."""
        if user.role in {"ADMIN", "RECEPTIONIST"}:
            return self
        if user.role == "PATIENT":
            return self.filter(patient__user=user)
        return self.none()

    def overdue(self, as_of):
        """Unpaid after its due date on the calendar day ``as_of``, whatever status the nightly sweep has left."""
        return self.filter(status__in=[Invoice.Status.PENDING, Invoice.Status.OVERDUE], due_date__lt=as_of)


@pghistory.track()
class Invoice(models.Model):
    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        PAID = "PAID", _("Paid")
        OVERDUE = "OVERDUE", _("Overdue")
        CANCELLED = "CANCELLED", _("Cancelled")

    number = models.CharField(_("number"), max_length=20, unique=True, null=True, blank=True)
    patient = models.ForeignKey("hms.Patient", verbose_name=_("patient"), on_delete=models.PROTECT)
    appointment = models.ForeignKey(
        "hms.Appointment", verbose_name=_("appointment"), null=True, blank=True, on_delete=models.PROTECT
    )
    amount = models.DecimalField(_("amount"), max_digits=10, decimal_places=2)
    tax_amount = models.DecimalField(_("tax"), max_digits=10, decimal_places=2, default=0, db_default=0)
    total_amount = models.DecimalField(_("total"), max_digits=10, decimal_places=2)
    status = models.CharField(
        _("status"), max_length=9, choices=Status.choices, default=Status.PENDING, db_default=Status.PENDING
    )
    due_date = models.DateField(_("due"))
    paid_date = models.DateField(_("paid on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, tax_amount__gte=0, total_amount__gte=0), name="invoice_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(total_amount=models.F("amount") + models.F("tax_amount")),
                name="invoice_total_is_sum",
            ),
            models.CheckConstraint(
                condition=models.Q(status="PAID", paid_date__isnull=False)
                | (~models.Q(status="PAID") & models.Q(paid_date=None)),
                name="invoice_paid_date_when_paid",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["PENDING", "PAID", "OVERDUE", "CANCELLED"]), name="invoice_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_date"], name="invoice_status_due"),
            models.Index(fields=["patient", "-created_at"], name="invoice_patient_created"),
        ]

    def __str__(self):
        return self.number or f"#{self.pk}"
