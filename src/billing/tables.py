"""Billing's lists. They share hms/_table.html."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms.domain.settings import hospital
from hms.models import Invoice, Payment
from hms.names import formal
from hms.record_number import grouped
from hms.tables import DrawnTable
from hms.templatetags.hms import clinical_date, clinical_datetime, icon, money

NARROW = {"td": {"class": "nowrap"}}
NUMBER = {"td": {"class": "nowrap num"}, "th": {"class": "num"}}
WIDE = {"td": {"class": "nowrap wide-only"}, "th": {"class": "wide-only"}}

# How a state looks: (word, style, icon). Never colour alone.
STATES = {
    "PENDING": (gettext_lazy("Pending"), "tag-info", "clock"),
    "OVERDUE": (gettext_lazy("Overdue"), "tag-error", "exclamation-triangle"),
    "PAID": (gettext_lazy("Paid"), "tag-success", "check-circle"),
    "CANCELLED": (gettext_lazy("Cancelled"), "tag", "no-symbol"),
    "DRAFT": (gettext_lazy("Draft"), "tag", "pencil-square"),
}


DOCUMENTS = {"invoice": "billing:invoice", "credit_note": "billing:credit-note", "payment": "billing:receipt"}


def document_link(kind, pk, number):
    """A document's number, leading to its page."""
    return format_html('<a href="{}">{}</a>', reverse(DOCUMENTS[kind], args=[pk]), number)


def state(status, due_date, today):
    """The state of an issued invoice on a day: overdue by its due date, whatever the nightly sweep has left."""
    if status in Invoice.UNPAID:
        return "OVERDUE" if due_date < today else "PENDING"
    return status


def state_tag(name):
    """A state's tag: icon, word, colour."""
    word, css, picture = STATES[name]
    return mark_safe(f'<span class="tag {css}">{icon(picture)}{escape(word)}</span>')  # noqa: S308 (constants)


class InvoiceTable(DrawnTable):
    """Issued invoices; the rows are drawn in one go."""

    number = tables.Column(gettext_lazy("Number"), attrs=NARROW)
    patient = tables.Column(gettext_lazy("Patient"), orderable=False)
    doctor = tables.Column(gettext_lazy("Doctor"), orderable=False, attrs=WIDE)
    issued = tables.Column(gettext_lazy("Issued"), accessor="issued_on", attrs=NARROW)
    due = tables.Column(gettext_lazy("Due"), accessor="due_date", attrs=NARROW)
    total = tables.Column(gettext_lazy("Total"), accessor="total_amount", attrs=NUMBER)
    status = tables.Column(gettext_lazy("Status"), orderable=False, attrs=NARROW)
    select = tables.Column(gettext_lazy("Select"), orderable=False, attrs={"td": {"class": "row-select"}})

    caption = gettext_lazy("Invoices")
    above = "billing/_invoices_above.html"

    class Meta:
        attrs = {"id": "invoices-list"}
        per_page = 25

    @cached_property
    def words(self):
        """Asked for once: a translation takes longer than a cell."""
        return {
            "page": reverse("billing:invoice", args=[0]),
            "select": escape(_("Select")),
            "today": hospital().today(),
            "states": {name: state_tag(name) for name in STATES},
        }

    def row_id(self, row):
        return f"invoice-{row.pk}"

    def cells(self, row):
        return _cells(row, self.words)


def _cells(row, words):
    """The HTML of each cell of an invoice's row, in the order of the columns."""
    name = escape(formal(row.last_name, row.first_name) or f"#{row.patient_id}")
    doctor = escape(formal(row.doctor_last, row.doctor_first))
    if row.department and doctor:
        doctor += f' <span class="muted">{escape(row.department)}</span>'
    now = state(row.status, row.due_date, words["today"])
    total = money(row.total_amount, row.currency)
    if row.credited:
        total += f' <span class="muted">−{money(row.credited, row.currency)}</span>'
    box = ""
    if now == "OVERDUE":  # what a reminder can be sent of
        box = (
            f'<input class="checkbox" type="checkbox" name="invoice" value="{row.pk}" form="invoices-bulk"'
            f' aria-label="{words["select"]} {row.number}">'
        )
    return [
        f'<a href="{words["page"].replace("/0/", f"/{row.pk}/")}">{row.number}</a>',
        f'<bdi>{name}</bdi> <span class="muted nowrap">{grouped(row.record_number)}</span>',
        doctor,
        clinical_date(row.issued_on),
        clinical_date(row.due_date),
        total,
        words["states"][now],
        box,
    ]


class PaymentTable(DrawnTable):
    """Rows of the ledger."""

    receipt = tables.Column(gettext_lazy("Receipt"), attrs=NARROW)
    received = tables.Column(gettext_lazy("Received"), accessor="received_at", attrs=NARROW)
    patient = tables.Column(gettext_lazy("Patient"), orderable=False)
    kind = tables.Column(gettext_lazy("Kind"), orderable=False)
    method = tables.Column(gettext_lazy("Method"), orderable=False, attrs=NARROW)
    clerk = tables.Column(gettext_lazy("Clerk"), orderable=False, attrs=WIDE)
    value = tables.Column(gettext_lazy("Value"), attrs=NUMBER)

    caption = gettext_lazy("Payments")
    above = "billing/_payments_above.html"

    class Meta:
        attrs = {"id": "payments-list"}
        per_page = 25

    @cached_property
    def words(self):
        """Asked for once: a translation takes longer than a cell."""
        methods, kinds = (
            {key: escape(str(label)) for key, label in choices}
            for choices in (Payment.Method.choices, Payment.Kind.choices)
        )
        pages = {"receipt": reverse("billing:receipt", args=[0]), "account": reverse("billing:account", args=[0])}
        return pages | {"methods": methods, "kinds": kinds}

    def row_id(self, row):
        return f"payment-{row.pk}"

    def cells(self, row):
        words, patient = self.words, row.patient
        kind = words["kinds"][row.kind]
        if row.reason:
            kind += f' <span class="muted"><bdi>{escape(row.reason)}</bdi></span>'
        return [
            f'<a href="{words["receipt"].replace("/0/", f"/{row.pk}/")}">{row.number}</a>',
            clinical_datetime(row.received_at),
            f'<a href="{words["account"].replace("/0/", f"/{patient.pk}/")}"><bdi>'
            f"{escape(patient.user.formal_name)}</bdi></a>"
            f' <span class="muted nowrap">{grouped(patient.record_number)}</span>',
            kind,
            words["methods"][row.method],
            f"<bdi>{escape(row.received_by.formal_name)}</bdi>",
            money(row.value, row.currency),
        ]
