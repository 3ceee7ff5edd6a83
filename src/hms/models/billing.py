"""Invoices. Amounts are Decimal, in the hospital's currency; hms.money says how they are rounded.

A draft is an invoice without a number: nobody owes it, patients do not see it, its status stays PENDING, and it can be
changed or thrown away. Issuing gives it year and serial (so its number), copies everything that is printed, and from
then on only the status moves: paid, overdue, or cancelled by credit notes. The database guards each of these
(hms.models.billing_guards).
"""

import pghistory
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms import money
from hms.models import billing_guards as guards
from hms.models.prices import RATE, UP_TO_100
from hms.models.triggers import announce


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The desk and administrators see all, a patient their own that are issued, doctors none."""
        if user.role in {"ADMIN", "RECEPTIONIST"}:
            return self
        if user.role == "PATIENT":
            return self.issued().filter(patient__user=user)
        return self.none()

    def drafts(self):
        """Not issued: without a number, owed by nobody."""
        return self.filter(number=None)

    def issued(self):
        # The year is there exactly when the number is, and stands in the indexes.
        return self.filter(year__isnull=False)

    def owed(self):
        """Issued and neither paid nor cancelled."""
        return self.issued().filter(status__in=Invoice.UNPAID)

    def overdue(self, as_of):
        """Unpaid after its due date on the calendar day ``as_of``, whatever status the nightly sweep has left."""
        return self.owed().filter(due_date__lt=as_of)

    def with_people(self):
        return self.select_related("patient__user", "doctor__user", "department")


@pghistory.track()
class Invoice(models.Model):
    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        PAID = "PAID", _("Paid")
        OVERDUE = "OVERDUE", _("Overdue")
        CANCELLED = "CANCELLED", _("Cancelled")

    UNPAID = (Status.PENDING, Status.OVERDUE)

    number = models.CharField(_("number"), max_length=20, unique=True, null=True, blank=True)
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True, editable=False)
    serial = models.PositiveIntegerField(_("serial number in the year"), null=True, blank=True, editable=False)
    patient = models.ForeignKey("hms.Patient", verbose_name=_("patient"), on_delete=models.PROTECT)
    appointment = models.ForeignKey(
        "hms.Appointment", verbose_name=_("appointment"), null=True, blank=True, on_delete=models.PROTECT
    )
    # Whose visit it bills, for lists and reports; copied from the appointment.
    doctor = models.ForeignKey(
        "hms.Doctor", verbose_name=_("doctor"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    department = models.ForeignKey(
        "hms.Department",
        verbose_name=_("department"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    currency = models.CharField(_("currency"), max_length=3, default=guards.current_currency, editable=False)
    amount = models.DecimalField(_("amount"), default=0, db_default=0, **money.COLUMN)  # of all lines, before tax
    tax_amount = models.DecimalField(_("tax"), default=0, db_default=0, **money.COLUMN)
    total_amount = models.DecimalField(_("total"), default=0, db_default=0, **money.COLUMN)
    status = models.CharField(
        _("status"), max_length=9, choices=Status.choices, default=Status.PENDING, db_default=Status.PENDING
    )
    due_date = models.DateField(_("due"))  # of a draft: were it issued on the day it was made
    paid_date = models.DateField(_("paid on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    issued_on = models.DateField(_("issued"), null=True, blank=True)
    issued_by = models.ForeignKey(
        "hms.User", verbose_name=_("issued by"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Who pays, name and address, if it is not the patient.
    bill_to = models.TextField(_("bill to"), max_length=500, blank=True, db_default="")
    note = models.CharField(_("note on the invoice"), max_length=500, blank=True, db_default="")
    # Everything else that the paper says, as it was when it was issued: hospital, patient, doctor, visit, terms.
    printed = models.JSONField(_("printed"), default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    version = models.PositiveIntegerField(_("version of the draft"), default=1, db_default=1, editable=False)

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
            models.CheckConstraint(
                condition=models.Q(number__isnull=False) | models.Q(status="PENDING"), name="invoice_draft_is_pending"
            ),
            models.CheckConstraint(condition=guards.numbered(""), name="invoice_number_of_year_and_serial"),
            models.UniqueConstraint(
                fields=["year", "serial"],
                name="invoice_year_serial",
                include=["status", "due_date", "total_amount"],
            ),
            models.UniqueConstraint(
                fields=["appointment"], condition=models.Q(number=None), name="invoice_one_draft_a_visit"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_date"], name="invoice_status_due"),
            models.Index(fields=["patient", "-created_at"], name="invoice_patient_created"),
            # What the lists filter and sort by; the newest number first unless told otherwise.
            models.Index(fields=["status", "-year", "-serial"], name="invoice_status_number"),
            models.Index(fields=["doctor", "-year", "-serial"], name="invoice_doctor_number"),
            models.Index(fields=["department", "-year", "-serial"], name="invoice_department_number"),
            models.Index(fields=["due_date", "id"], name="invoice_due"),
            models.Index(fields=["total_amount", "id"], name="invoice_total"),
            models.Index(fields=["issued_on", "id"], name="invoice_issued"),
            # Which of those that are paid by now were owed on an earlier day.
            models.Index(fields=["paid_date", "issued_on"], name="invoice_paid", condition=models.Q(status="PAID")),
            models.Index(fields=["-created_at"], condition=models.Q(number=None), name="invoice_drafts"),
        ]
        triggers = [*guards.INVOICE, announce("invoice")]

    def __str__(self):
        return self.number or str(_("Draft %(pk)s") % {"pk": self.pk})

    @property
    def is_draft(self):
        return self.number is None

    @property
    def is_owed(self):
        return not self.is_draft and self.status in self.UNPAID

    def is_overdue(self, as_of):
        """What ``overdue(as_of)`` asks of many, of this one."""
        return self.is_owed and self.due_date < as_of


@pghistory.track()
class InvoiceLine(models.Model):
    """One thing that is charged. Text, code, price and rate are copied, whatever becomes of the price list."""

    class Kind(models.TextChoices):
        CONSULTATION = "CONSULTATION", _("Consultation")
        FOLLOW_UP = "FOLLOW_UP", _("Follow-up")
        SERVICE = "SERVICE", _("Service")
        OTHER = "OTHER", _("Other")

    invoice = models.ForeignKey(Invoice, verbose_name=_("invoice"), on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField(_("position"), default=1)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.OTHER, db_default=Kind.OTHER)
    service = models.ForeignKey(
        "hms.Service", verbose_name=_("service"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ticked = models.OneToOneField(
        "hms.VisitService", null=True, blank=True, on_delete=models.PROTECT, related_name="line", editable=False
    )
    department = models.ForeignKey(  # that earns it
        "hms.Department",
        verbose_name=_("department"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    code = models.CharField(_("code"), max_length=20, blank=True, db_default="")
    text = models.CharField(_("text"), max_length=200)
    quantity = models.DecimalField(
        _("quantity"), max_digits=7, decimal_places=2, default=1, db_default=1, validators=[MinValueValidator(0)]
    )
    unit_price = models.DecimalField(_("unit price"), **money.COLUMN)
    tax_rate = models.DecimalField(_("tax, percent"), validators=UP_TO_100, **RATE)
    discount = models.DecimalField(_("discount"), default=0, db_default=0, **money.COLUMN)
    discount_reason = models.CharField(_("reason of the discount"), max_length=200, blank=True, db_default="")
    discount_by = models.ForeignKey(
        "hms.User",
        verbose_name=_("discount given by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    net = models.DecimalField(_("amount"), **money.COLUMN)  # quantity × unit price, rounded, less the discount

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(unit_price__gte=0, discount__gte=0, net__gte=0), name="line_not_negative"
            ),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="line_quantity_above_zero"),
            models.CheckConstraint(
                condition=models.Q(tax_rate__gte=0, tax_rate__lte=100), name="line_tax_rate_is_percent"
            ),
            models.CheckConstraint(
                condition=models.Q(discount=0) | ~models.Q(discount_reason=""), name="line_discount_has_reason"
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="line_has_text"),
        ]
        indexes = [models.Index(fields=["service", "invoice"], name="line_service")]
        triggers = guards.LINE

    def __str__(self):
        return self.text

    @property
    def gross(self):
        """Before the discount."""
        return self.net + self.discount


class DocumentCounter(models.Model):
    """The last number given in a series and year. Its row is locked from taking a number until the commit."""

    class Series(models.TextChoices):
        INVOICE = "", _("invoices")
        CREDIT_NOTE = "C", _("credit notes")
        RECEIPT = "R", _("receipts")

    series = models.CharField(_("series"), max_length=4, choices=Series.choices, blank=True)
    year = models.PositiveSmallIntegerField(_("year"))
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("document counter")
        verbose_name_plural = _("document counters")
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="counter_series_year")]

    def __str__(self):
        return f"{self.series}{self.year}: {self.last}"


class CreditNoteQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Whoever may see the invoice may see what was taken off it."""
        return (
            self.filter(invoice__in=Invoice.objects.visible_to(user))
            if user.role == "PATIENT"
            else (self if user.role in {"ADMIN", "RECEPTIONIST"} else self.none())
        )


class CreditNote(models.Model):
    """Takes an issued invoice back, wholly or in part. Never changed: whoever erred writes a new invoice."""

    invoice = models.ForeignKey(
        Invoice, verbose_name=_("invoice"), on_delete=models.PROTECT, related_name="credit_notes"
    )
    number = models.CharField(_("number"), max_length=20, unique=True)
    year = models.PositiveSmallIntegerField(_("year"))
    serial = models.PositiveIntegerField(_("serial number in the year"))
    amount = models.DecimalField(_("amount"), **money.COLUMN)
    tax_amount = models.DecimalField(_("tax"), **money.COLUMN)
    total_amount = models.DecimalField(_("total"), **money.COLUMN)
    reason = models.CharField(_("reason"), max_length=200)
    issued_on = models.DateField(_("issued"))
    issued_by = models.ForeignKey("hms.User", verbose_name=_("issued by"), on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    printed = models.JSONField(_("printed"), default=dict, db_default=models.Value({}, models.JSONField()))

    objects = CreditNoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit note")
        verbose_name_plural = _("credit notes")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, tax_amount__gte=0, total_amount__gt=0), name="credit_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(total_amount=models.F("amount") + models.F("tax_amount")),
                name="credit_total_is_sum",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="credit_has_reason"),
            models.CheckConstraint(condition=guards.numbered("C"), name="credit_number_of_year_and_serial"),
            models.UniqueConstraint(fields=["year", "serial"], name="credit_year_serial"),
        ]
        indexes = [models.Index(fields=["issued_on", "id"], name="credit_issued")]
        triggers = [*guards.CREDIT, announce("credit_note")]

    def __str__(self):
        return self.number


class CreditNoteLine(models.Model):
    """How much of which line is taken back, before tax."""

    credit_note = models.ForeignKey(
        CreditNote, verbose_name=_("credit note"), on_delete=models.PROTECT, related_name="lines"
    )
    line = models.ForeignKey(InvoiceLine, verbose_name=_("line"), on_delete=models.PROTECT, related_name="credited")
    net = models.DecimalField(_("amount"), **money.COLUMN)

    class Meta:
        verbose_name = _("credit note line")
        verbose_name_plural = _("credit note lines")
        ordering = ["line__position", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(net__gte=0), name="credit_line_not_negative"),
            models.UniqueConstraint(fields=["credit_note", "line"], name="credit_line_once"),
        ]
        triggers = guards.CREDIT_LINE

    def __str__(self):
        return f"{self.line} −{self.net}"
