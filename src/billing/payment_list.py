"""The rows of the list of payments."""

import re

from django.db.models import Count, F, Q, Sum
from django.utils.translation import gettext as _

from billing import exports
from billing.list_data import ListData
from hms import money
from hms.domain import search
from hms.models import Patient, Payment

ORDERS = {
    "receipt": [F("id")],
    "received": [F("received_at"), F("id")],
    "value": [F("value"), F("id")],
}
RECEIPT = re.compile(r"R\d{4}-\d{0,9}", re.IGNORECASE)  # R2026-000041, or how it begins
INVOICE = re.compile(r"\d{4}-\d{1,9}")


def matching(payments, text):
    """Those that somebody means by ``text``: a receipt's number, an invoice's, a reason, or whose patient matches."""
    text = search.clean(text)
    if not text:
        return payments
    if RECEIPT.fullmatch(text):
        return payments.filter(number__startswith=text.upper())
    if INVOICE.fullmatch(text):
        return payments.filter(pk__in=Payment.objects.filter(allocations__invoice__number=text).values("pk"))
    users = [match.user_id for match in search.patients(text, limit=search.CAP).matches]
    patients = list(Patient.objects.filter(user__in=users).values_list("pk", flat=True))
    # Only what went back has a reason.
    told = Payment.objects.filter(of__isnull=False, reason__icontains=text).order_by()[: search.CAP]
    return payments.filter(Q(patient__in=patients) | Q(pk__in=list(told.values_list("pk", flat=True))))


def read(pks):
    """What a row shows of these payments, in their order."""
    people = ("patient__user", "received_by")
    rows = Payment.objects.select_related(*people).in_bulk(pks) if pks else {}
    return [rows[pk] for pk in pks if pk in rows]


class PaymentData(ListData):
    orders = ORDERS
    usual = [F("received_at").desc(), F("id").desc()]
    read = staticmethod(read)


def totals(payments):
    """How many rows, what came in, what went out, and what is left of it by method."""
    came, went = Q(value__gt=0), Q(value__lt=0)
    by = Payment.Method.choices
    found = payments.aggregate(
        count=Count("*"),
        into=Sum("value", filter=came),
        out=Sum("value", filter=went),
        together=Sum("value"),
        **{f"by_{method}": Sum("value", filter=Q(method=method)) for method, _label in by},
    )
    found = {name: value or 0 for name, value in found.items()}
    return found | {"methods": [(label, sum_) for method, label in by if (sum_ := found[f"by_{method}"])]}


def heads():
    """The columns of the list's file."""
    whose = [_("Patient"), _("Record number"), _("Clerk"), _("Reason")]
    return [_("Receipt"), _("Received"), _("Kind"), _("Method"), _("Value"), _("Currency"), *whose]


def file_rows(pks):
    """The values of each row of the list's file, read as they are asked for."""
    for p in exports.read(pks, read):
        yield [
            p.number,
            p.received_at,
            str(p.get_kind_display()),
            str(p.get_method_display()),
            money.rounded(p.value, p.currency),
            p.currency,
            p.patient.user.formal_name,
            p.patient.record_number,
            p.received_by.formal_name,
            p.reason,
        ]
