"""The ledger: what was paid, given back and taken back, and which invoices it was for. Rows are added, never changed.

``Payment.value`` is signed: money in is above zero, money out below. ``Allocation.amount`` is signed too: above zero it
is taken from the patient's money for an invoice, below it goes back. So what is paid of an invoice is the sum of its
allocations, a patient's credit is the sum of values less that of allocations, and a drawer holds its float and the sum
of its cash. Where cash is rounded to the smallest coin, the difference is a row of its own (ROUNDING), in no drawer.
The database refuses at commit whatever would put one of these out of bounds (migration …_ledger.sql).
"""

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms import money
from hms.models import billing_guards as guards
from hms.models.triggers import announce, append_only

INTO_CLOSED = guards.refuse(
    "shift_is_closed",
    "nothing is paid into a closed shift",
    "EXISTS (SELECT FROM hms_shift WHERE id = NEW.shift_id AND closed_at IS NOT NULL)",
)
BEFORE_OPENING = guards.refuse(
    "payment_in_its_shift",
    "a payment is not older than its shift",
    "NEW.received_at < (SELECT opened_at FROM hms_shift WHERE id = NEW.shift_id)",
)
FOLLOWS = "".join(
    guards.refuse(name, sentence, f"EXISTS (SELECT FROM hms_payment o WHERE o.id = NEW.of_id AND {condition})")
    for name, sentence, condition in [
        ("reversal_is_final", "nothing follows a reversal", "o.kind = 'REVERSAL'"),
        ("refund_of_payment", "only a payment is given back", "NEW.kind = 'REFUND' AND o.kind <> 'PAYMENT'"),
        (
            "refund_of_payment",
            "what was taken back is not given back too",
            """NEW.kind = 'REFUND' AND EXISTS (
                SELECT FROM hms_payment r WHERE r.of_id = o.id AND r.kind = 'REVERSAL')""",
        ),
    ]
)
COUNTED_AS_SAID = guards.refuse(
    "shift_ties_to_ledger",
    "a drawer should hold its float and the cash of its rows, and holds what was counted",
    """NEW.expected <> NEW.opening_float + (
            SELECT coalesce(sum(value), 0) FROM hms_payment WHERE shift_id = NEW.id AND method = 'CASH')
        OR NEW.counted_total <> (
            SELECT coalesce(sum(key::numeric * value::numeric), 0) FROM jsonb_each_text(NEW.counted))""",
)
AS_OPENED = guards.refuse(
    "shift_stays_as_opened",
    "whose drawer it is, since when and with how much does not change",
    guards.fixed("closed_at", "counted", "counted_total", "expected", "explanation", "totals"),
)


class Shift(models.Model):
    """A clerk's time at a drawer. Once closed it stays as it was counted."""

    clerk = models.ForeignKey("hms.User", verbose_name=_("clerk"), on_delete=models.PROTECT, related_name="shifts")
    opened_at = models.DateTimeField(_("opened"), db_default=Now(), editable=False)
    opening_float = models.DecimalField(_("in the drawer at the start"), **money.COLUMN)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    counted = models.JSONField(_("counted"), default=dict, blank=True)  # {coin or note: how many}
    counted_total = models.DecimalField(_("counted"), null=True, blank=True, **money.COLUMN)
    expected = models.DecimalField(_("expected"), null=True, blank=True, **money.COLUMN)
    explanation = models.CharField(_("why it differs"), max_length=300, blank=True, db_default="")
    totals = models.JSONField(_("totals by method"), default=dict, blank=True)

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["clerk"], condition=models.Q(closed_at=None), name="shift_one_open"),
            models.CheckConstraint(condition=models.Q(opening_float__gte=0), name="shift_float_not_negative"),
            models.CheckConstraint(
                condition=models.Q(closed_at=None, counted_total=None, expected=None)
                | models.Q(closed_at__isnull=False, counted_total__isnull=False, expected__isnull=False),
                name="shift_closed_is_counted",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at=None)
                | models.Q(counted_total=models.F("expected"))
                | ~models.Q(explanation=""),
                name="shift_difference_explained",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="closed_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__closed_at__isnull=False),
            ),
            pgtrigger.Trigger(
                name="ties_to_ledger",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__closed_at__isnull=True),
                func=f"""
                    {AS_OPENED}
                    IF NEW.closed_at IS NOT NULL THEN
                        {COUNTED_AS_SAID}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self):
        return f"{self.clerk}, {self.opened_at:%d-%b-%Y %H:%M}"

    @property
    def difference(self):
        return None if self.counted_total is None else self.counted_total - self.expected


class Payment(models.Model):
    class Kind(models.TextChoices):
        PAYMENT = "PAYMENT", _("Payment")
        REFUND = "REFUND", _("Refund")
        REVERSAL = "REVERSAL", _("Reversal")
        ROUNDING = "ROUNDING", _("Rounding")

    class Method(models.TextChoices):
        CASH = "CASH", _("Cash")
        CARD = "CARD", _("Card")
        TRANSFER = "TRANSFER", _("Transfer")
        ROUNDING = "ROUNDING", _("Rounding")  # no money: what cash was rounded by, up (below zero) or down

    patient = models.ForeignKey("hms.Patient", verbose_name=_("patient"), on_delete=models.PROTECT)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    method = models.CharField(_("method"), max_length=8, choices=Method.choices)
    value = models.DecimalField(_("value"), **money.COLUMN)
    currency = models.CharField(_("currency"), max_length=3, default=guards.current_currency, editable=False)
    tendered = models.DecimalField(_("tendered"), null=True, blank=True, **money.COLUMN)
    shift = models.ForeignKey(Shift, verbose_name=_("shift"), on_delete=models.PROTECT, related_name="payments")
    # Of a refund, the payment that is given back; of a reversal, the row that was a mistake; of rounding, its cash.
    of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="followed")
    key = models.CharField(_("key"), max_length=80, unique=True)  # of the post that made it
    fingerprint = models.CharField(max_length=64)  # of what that post held
    number = models.CharField(_("receipt"), max_length=20, unique=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True, db_default="")
    received_at = models.DateTimeField(_("received"), db_default=Now(), editable=False)
    received_by = models.ForeignKey(
        "hms.User", verbose_name=_("received by"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="PAYMENT", value__gt=0, of=None)
                | models.Q(kind="REFUND", value__lt=0, of__isnull=False)
                | models.Q(kind="REVERSAL", of__isnull=False)
                | (models.Q(kind="ROUNDING", of__isnull=False) & ~models.Q(value=0)),
                name="payment_value_of_its_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(method="ROUNDING", kind__in=["ROUNDING", "REVERSAL"])
                | (~models.Q(method="ROUNDING") & ~models.Q(kind="ROUNDING")),
                name="payment_rounding_is_no_money",
            ),
            models.UniqueConstraint(fields=["of"], condition=models.Q(kind="REVERSAL"), name="payment_reversed_once"),
            models.UniqueConstraint(fields=["of"], condition=models.Q(kind="ROUNDING"), name="payment_rounded_once"),
            models.CheckConstraint(
                condition=models.Q(tendered=None) | models.Q(method="CASH", tendered__gte=models.F("value")),
                name="payment_tendered_enough",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "-id"], name="payment_patient"),
            models.Index(fields=["shift", "method"], name="payment_shift", include=["value"]),
            models.Index(fields=["received_at", "id"], name="payment_received"),
            models.Index(fields=["value", "id"], name="payment_value"),
        ]
        triggers = [
            append_only(),
            announce("payment"),
            # At once, not at commit: the shift may be closed later in the same transaction.
            pgtrigger.Trigger(
                name="open_shift",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=f"{INTO_CLOSED} {BEFORE_OPENING} RETURN NEW;",
            ),
            pgtrigger.Trigger(
                name="follows",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__of__isnull=False),
                func=f"{FOLLOWS} RETURN NEW;",
            ),
            guards.at_commit("ledger", "hms_check_payment(NEW.id)", pgtrigger.Insert),
        ]

    def __str__(self):
        return self.number

    @property
    def change(self):
        """What was given back of the cash tendered; None where none was."""
        return None if self.tendered is None else self.tendered - self.value


class Allocation(models.Model):
    """So much of a patient's money is for this invoice; below zero, no longer."""

    invoice = models.ForeignKey("hms.Invoice", on_delete=models.PROTECT, related_name="allocations")
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="allocations"
    )  # none: from credit, or back to it
    amount = models.DecimalField(_("amount"), **money.COLUMN)
    at = models.DateTimeField(_("when"), db_default=Now(), editable=False)
    by = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="allocation_not_zero")]
        indexes = [models.Index(fields=["invoice"], name="allocation_invoice", include=["amount", "at"])]
        triggers = [
            append_only(),
            guards.at_commit("ledger", "hms_check_allocation(NEW.invoice_id)", pgtrigger.Insert),
        ]

    def __str__(self):
        return f"{self.amount} → {self.invoice_id}"
