"""The filters of billing's lists: plain GET forms, whose values are allow-lists."""

from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

import django_filters
from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hms.domain import cash
from hms.domain.settings import hospital
from hms.filters import DEPARTMENTS, DOCTORS, QuickDate, QuickInput, QuickSelect, RowFilter, options
from hms.forms import DateTextField, MoneyField
from hms.models import Invoice, Payment, User
from hms.templatetags.hms import clinical_date, money

STATUS = [
    ("owed", _("Owed")),
    ("overdue", _("Overdue")),
    ("pending", _("Not due yet")),
    ("paid", pgettext_lazy("invoices", "Paid")),
    ("cancelled", pgettext_lazy("invoices", "Cancelled")),
]


DECIMAL = {"inputmode": "decimal", "autocomplete": "off", "size": 9}


class DayField(DateTextField):
    """A day on which a hospital could have billed: others have no bounds in some time zones."""

    def to_python(self, value):
        day = super().to_python(value)
        if day and not 1900 <= day.year <= 2200:
            raise forms.ValidationError(_("Write a day between 1900 and 2200."))
        return day


class DayFilter(django_filters.Filter):
    field_class = DayField


class AmountFilter(django_filters.Filter):
    field_class = MoneyField


class ListFilter(django_filters.FilterSet):
    """What every list of billing can be narrowed by: a text, and one patient."""

    q = django_filters.CharFilter(label=_("Search"), method="pass_by", max_length=100, widget=forms.TextInput)
    patient = RowFilter(label=_("Patient"), field_name="patient", widget=forms.HiddenInput)

    # ``{filter: order}``: in which order an index finds what is filtered at once.
    quick_orders = {}

    @property
    def is_filtering(self):
        """Whether a filter beside the search is set."""
        data = getattr(self.form, "cleaned_data", {})
        return any(data.get(name) not in (None, "") for name in self.filters if name != "q")

    @property
    def words(self):
        """``[(label, value), …]`` of what is filtered by, for whoever is asked whether that is meant."""
        data = getattr(self.form, "cleaned_data", {})
        found = [(self.form.fields[name].label, name, value) for name, value in data.items() if value not in (None, "")]
        return [(label or name, self._word(name, value)) for label, name, value in found]

    def _word(self, name, value):
        if isinstance(value, date):
            return clinical_date(value)
        if isinstance(value, Decimal):
            return money(value)
        if isinstance(self.filters[name], RowFilter):
            return self.queryset.model._meta.get_field(name).related_model.objects.filter(pk=value).first() or value
        return dict(getattr(self.form.fields[name], "choices", ())).get(value, value)

    @property
    def found(self):
        """What is narrowed; nothing is, while a field is odd: it says so itself."""
        return self.filter_queryset(self.queryset) if self.form.is_valid() else self.queryset

    @property
    def order(self):
        """The order that was asked for; else the quick one of what is filtered."""
        if "sort" in self.data:
            return self.data.getlist("sort")[:1]
        return next(([order] for name, order in self.quick_orders.items() if name in self.data), [])

    def pass_by(self, queryset, name, value):
        """The search is asked for by the list, which knows how to ask quickly."""
        return queryset


def asked(request, kind, rows, matching):
    """``(filters, rows)`` of an address; what is odd in it is said at its field, and not filtered by.

    ``matching(rows, text)`` searches. What is not set stays out of the addresses that the page links to.
    """
    request.GET = QueryDict(urlencode([(k, v) for k, v in request.GET.items() if v]))
    filters = kind(request.GET, queryset=rows)
    return filters, matching(filters.found, request.GET.get("q", ""))


class InvoiceFilter(ListFilter):
    """Issued invoices by state, days, amount, and whose they are."""

    quick_orders = {
        "amount_from": "-total",
        "amount_to": "-total",
        "due_from": "due",
        "due_to": "due",
        "issued_from": "-issued",
        "issued_until": "-issued",
    }

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

    class Meta:
        model = Invoice
        fields = []

    def in_state(self, queryset, name, value):
        today = hospital().today()
        if value == "overdue":
            return queryset.overdue(today)
        if value == "owed":
            return queryset.owed()
        if value == "pending":
            return queryset.owed().filter(due_date__gte=today)
        return queryset.filter(status=value.upper())


def _clerks():
    """Who may stand at a drawer, or once did."""
    staff = User.objects.filter(role__in=[User.Role.RECEPTIONIST, User.Role.ADMIN]).order_by("last_name", "first_name")
    return options([("", gettext("All")), *((user.pk, user.formal_name) for user in staff)])


def _kinds(choices):
    """Methods or kinds, rounding only where cash is rounded."""
    return options([("", gettext("All")), *(c for c in choices.choices if c[0] != "ROUNDING" or cash.is_rounded())])


class PaymentFilter(ListFilter):
    """Rows of the ledger by how, by whom, when, how much, and whose they are."""

    quick_orders = {"first": "-received", "last": "-received"}

    method = django_filters.ChoiceFilter(
        label=_("Method"),
        choices=Payment.Method.choices,
        widget=QuickSelect(lambda: _kinds(Payment.Method)),
    )
    kind = django_filters.ChoiceFilter(
        label=_("Kind"),
        choices=Payment.Kind.choices,
        widget=QuickSelect(lambda: _kinds(Payment.Kind)),
    )
    clerk = RowFilter(label=_("Clerk"), field_name="received_by", widget=QuickSelect(_clerks))
    first = DayFilter(label=_("From"), method="since", widget=QuickDate)
    last = DayFilter(label=_("Until"), method="until", widget=QuickDate)
    amount_from = AmountFilter(label=_("Amount from"), method="at_least", widget=QuickInput(DECIMAL))
    amount_to = AmountFilter(label=_("Amount up to"), method="at_most", widget=QuickInput(DECIMAL))
    shift = RowFilter(field_name="shift", widget=forms.HiddenInput)

    class Meta:
        model = Payment
        fields = []

    def since(self, queryset, name, day):
        return queryset.filter(received_at__gte=hospital().day_bounds(day)[0])

    def until(self, queryset, name, day):
        return queryset.filter(received_at__lt=hospital().day_bounds(day)[1])

    def at_least(self, queryset, name, amount):
        """In or out: of a refund, what was given back."""
        return queryset.filter(Q(value__gte=amount) | Q(value__lte=-amount))

    def at_most(self, queryset, name, amount):
        return queryset.filter(value__gte=-amount, value__lte=amount)
