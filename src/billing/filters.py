"""The filters of the invoice list: a plain GET form, whose values are an allow-list."""

import django_filters
from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hms.domain.settings import hospital
from hms.filters import DEPARTMENTS, DOCTORS, QuickDate, QuickInput, QuickSelect, RowFilter, options
from hms.forms import DateTextField, MoneyField
from hms.models import Invoice

STATUS = [
    ("owed", _("Owed")),
    ("overdue", _("Overdue")),
    ("pending", _("Not due yet")),
    ("paid", pgettext_lazy("invoices", "Paid")),
    ("cancelled", pgettext_lazy("invoices", "Cancelled")),
]


DECIMAL = {"inputmode": "decimal", "autocomplete": "off", "size": 9}


class DayFilter(django_filters.Filter):
    field_class = DateTextField


class AmountFilter(django_filters.Filter):
    field_class = MoneyField


class InvoiceFilter(django_filters.FilterSet):
    """Issued invoices by state, days, amount, and whose they are."""

    q = django_filters.CharFilter(method="pass_by", max_length=100, widget=forms.TextInput)
    status = django_filters.ChoiceFilter(
        label=_("Status"),
        method="in_state",
        choices=STATUS,
        widget=QuickSelect(lambda: options([("", gettext("All")), *STATUS])),
    )
    issued_from = DayFilter(field_name="issued_on", lookup_expr="gte", label=_("Issued from"), widget=QuickDate)
    issued_until = DayFilter(field_name="issued_on", lookup_expr="lte", label=_("Issued until"), widget=QuickDate)
    due_from = DayFilter(field_name="due_date", lookup_expr="gte", label=_("Due from"), widget=QuickDate)
    due_to = DayFilter(field_name="due_date", lookup_expr="lte", label=_("Due until"), widget=QuickDate)
    department = RowFilter(label=_("Department"), field_name="department", widget=DEPARTMENTS)
    doctor = RowFilter(label=_("Doctor"), field_name="doctor", widget=DOCTORS)
    amount_from = AmountFilter(
        field_name="total_amount", lookup_expr="gte", label=_("Total from"), widget=QuickInput(DECIMAL)
    )
    amount_to = AmountFilter(
        field_name="total_amount", lookup_expr="lte", label=_("Total up to"), widget=QuickInput(DECIMAL)
    )
    patient = RowFilter(field_name="patient", widget=forms.HiddenInput)

    class Meta:
        model = Invoice
        fields = []

    @property
    def is_filtering(self):
        """Whether a filter beside the search is set."""
        data = getattr(self.form, "cleaned_data", {})
        return any(data.get(name) not in (None, "") for name in self.filters if name != "q")

    def pass_by(self, queryset, name, value):
        """The search is asked for by InvoiceData, which knows how to ask quickly."""
        return queryset

    def in_state(self, queryset, name, value):
        today = hospital().today()
        if value == "overdue":
            return queryset.overdue(today)
        if value == "owed":
            return queryset.owed()
        if value == "pending":
            return queryset.owed().filter(due_date__gte=today)
        return queryset.filter(status=value.upper())
