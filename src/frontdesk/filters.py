"""The filters of the desk's lists: plain GET forms, whose values are an allow-list."""

import time
from datetime import timedelta

import django_filters
from django import forms
from django.db.models import Exists, OuterRef
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from frontdesk.patient_list import has_visit
from hms.domain.settings import hospital
from hms.models import Appointment, Department, Doctor, Patient

WITHIN = {"30": 30, "90": 90, "365": 365}  # days
LAST_VISIT = [
    ("30", _("in the last 30 days")),
    ("90", _("in the last 90 days")),
    ("365", _("in the last year")),
    ("older", _("not for a year")),
    ("never", _("never")),
]


class QuickSelect(forms.Select):
    """A select drawn in one go from finished options: Django's own renders a template for each of 200 doctors."""

    def __init__(self, options):
        super().__init__()
        self.options = options  # a function that returns the HTML of all <option>s

    def render(self, name, value, attrs=None, renderer=None):
        attrs = self.build_attrs(self.attrs, attrs)
        pairs = "".join(f' {escape(k)}="{escape(v)}"' for k, v in attrs.items() if v not in (None, False))
        chosen = f'<option value="{escape(value or "")}"'
        options = str(self.options()).replace(chosen, f"{chosen} selected", 1)
        return mark_safe(f'<select name="{escape(name)}"{pairs}>{options}</select>')  # noqa: S308 (escaped, each part)


def _options(pairs):
    return "".join(f'<option value="{escape(key)}">{escape(label)}</option>' for key, label in pairs)


class RowFilter(django_filters.Filter):
    """By the id of a row; an id that no row has finds nobody."""

    field_class = forms.IntegerField

    def __init__(self, *args, **kwargs):
        super().__init__(*args, min_value=1, max_value=2**63 - 1, **kwargs)


class PatientFilter(django_filters.FilterSet):
    """Who is among the listed: seen by a department or a doctor, of an age, last here when."""

    q = django_filters.CharFilter(method="pass_by", max_length=100)
    department = RowFilter(
        label=_("Department"), method="seen_by_department", widget=QuickSelect(lambda: _choices()[0])
    )
    doctor = RowFilter(label=_("Doctor"), method="seen_by_doctor", widget=QuickSelect(lambda: _choices()[1]))
    age_from = django_filters.NumberFilter(label=_("Age from"), method="at_least", min_value=0, max_value=130)
    age_to = django_filters.NumberFilter(label=_("Age to"), method="at_most", min_value=0, max_value=130)
    last_visit = django_filters.ChoiceFilter(
        label=_("Last visit"),
        method="last_here",
        choices=LAST_VISIT,
        widget=QuickSelect(lambda: _options([("", gettext("Any time")), *LAST_VISIT])),
    )

    class Meta:
        model = Patient
        fields = []

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


KEEP = 5  # seconds; a search asks for the same doctors at each letter that somebody types
_kept = {}  # language → (until, choices)


def _choices():
    """The finished options of departments and, by department, of doctors; at most KEEP seconds old."""
    now, language = time.monotonic(), get_language()
    until, choices = _kept.get(language, (0, None))
    if now > until:
        departments = {}
        for pk, family, given, department, name in (
            Doctor.objects.filter(user__is_active=True)
            .order_by("department__name", "user__last_name", "user__first_name")
            .values_list("pk", "user__last_name", "user__first_name", "department_id", "department__name")
        ):
            departments.setdefault((department, name), []).append((pk, f"{family}, {given}".strip(", ")))
        every = f'<option value="">{escape(gettext("All"))}</option>'
        grouped = "".join(
            f'<optgroup label="{escape(name)}">{_options(doctors)}</optgroup>'
            for (_pk, name), doctors in departments.items()
        )
        choices = (every + _options(departments), every + grouped)
        _kept[language] = (now + KEEP, choices)
    return choices


@receiver([post_save, post_delete], sender=Doctor)
@receiver([post_save, post_delete], sender=Department)
def _doctors_changed(**kwargs):
    """What this process changed is seen at once."""
    _kept.clear()


def _booked(**conditions):
    return Exists(Appointment.objects.live().filter(patient=OuterRef("pk"), **conditions))


def _years_ago(years):
    today = hospital().today()
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)
