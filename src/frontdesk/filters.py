"""The filters of the desk's lists: plain GET forms, whose values are an allow-list."""

from datetime import timedelta

import django_filters
from django import forms
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from frontdesk.patient_list import has_visit
from hms.domain.settings import hospital
from hms.models import Appointment, Doctor, Patient

WITHIN = {"30": 30, "90": 90, "365": 365}  # days
LAST_VISIT = [
    ("30", _("in the last 30 days")),
    ("90", _("in the last 90 days")),
    ("365", _("in the last year")),
    ("older", _("not for a year")),
    ("never", _("never")),
]


class QuickSelect(forms.Select):
    """A select drawn in one go: Django's own renders a template for each of 200 doctors."""

    def render(self, name, value, attrs=None, renderer=None):
        attrs = self.build_attrs(self.attrs, attrs)
        value = str(value or "")
        drawn = format_html_join("", "{}", ((self._choice(key, label, value),) for key, label in self.choices))
        pairs = format_html_join("", ' {}="{}"', ((k, v) for k, v in attrs.items() if v not in (None, False)))
        return format_html('<select name="{}"{}>{}</select>', name, pairs, drawn)

    def _choice(self, key, label, value):
        if isinstance(label, list):
            inside = format_html_join("", "{}", ((self._choice(k, text, value),) for k, text in label))
            return format_html('<optgroup label="{}">{}</optgroup>', key, inside)
        if str(key) == value:
            return format_html('<option value="{}" selected>{}</option>', key, label)
        return format_html('<option value="{}">{}</option>', key, label)


class PatientFilter(django_filters.FilterSet):
    """Who is among the listed: seen by a department or a doctor, of an age, last here when."""

    q = django_filters.CharFilter(method="pass_by", max_length=100)
    department = django_filters.ChoiceFilter(
        label=_("Department"), method="seen_by_department", empty_label=_("All"), widget=QuickSelect
    )
    doctor = django_filters.ChoiceFilter(
        label=_("Doctor"), method="seen_by_doctor", empty_label=_("All"), widget=QuickSelect
    )
    age_from = django_filters.NumberFilter(label=_("Age from"), method="at_least", min_value=0, max_value=130)
    age_to = django_filters.NumberFilter(label=_("Age to"), method="at_most", min_value=0, max_value=130)
    last_visit = django_filters.ChoiceFilter(
        label=_("Last visit"), method="last_here", empty_label=_("Any time"), choices=LAST_VISIT, widget=QuickSelect
    )

    class Meta:
        model = Patient
        fields = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        departments = {}
        for pk, family, given, department, name in (
            Doctor.objects.filter(user__is_active=True)
            .order_by("department__name", "user__last_name", "user__first_name")
            .values_list("pk", "user__last_name", "user__first_name", "department_id", "department__name")
        ):
            departments.setdefault((department, name), []).append((str(pk), f"{family}, {given}".strip(", ")))
        self.filters["department"].extra["choices"] = [(str(pk), name) for pk, name in departments]
        self.filters["doctor"].extra["choices"] = [(name, doctors) for (_pk, name), doctors in departments.items()]

    @property
    def is_filtering(self):
        """Whether a filter beside the search is set."""
        data = getattr(self.form, "cleaned_data", {})
        return any(data.get(name) not in (None, "") for name in self.filters if name != "q")

    def pass_by(self, queryset, name, value):
        """The search ranks; it is not a condition (see PatientData)."""
        return queryset

    def seen_by_department(self, queryset, name, value):
        return queryset.filter(_booked(doctor__department=value))

    def seen_by_doctor(self, queryset, name, value):
        return queryset.filter(_booked(doctor=value))

    def at_least(self, queryset, name, value):
        return queryset.filter(date_of_birth__lte=_years_ago(int(value)))

    def at_most(self, queryset, name, value):
        return queryset.filter(date_of_birth__gt=_years_ago(int(value) + 1))

    def last_here(self, queryset, name, value):
        now = timezone.now()
        if value in WITHIN:
            return queryset.filter(has_visit(appointment_date__gte=now - timedelta(days=WITHIN[value])))
        if value == "older":
            return queryset.filter(has_visit(), ~has_visit(appointment_date__gte=now - timedelta(days=365)))
        return queryset.filter(~has_visit())


def _booked(**conditions):
    return Exists(Appointment.objects.live().filter(patient=OuterRef("pk"), **conditions))


def _years_ago(years):
    today = hospital().today()
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)
