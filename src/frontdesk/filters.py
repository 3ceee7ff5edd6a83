"""The filters of the desk's lists: plain GET forms, whose values are an allow-list."""

from datetime import timedelta

import django_filters
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from frontdesk.patient_list import has_visit
from hms.domain.settings import hospital
from hms.filters import QuickSelect, RowFilter, choices, options
from hms.models import Appointment, Patient

WITHIN = {"30": 30, "90": 90, "365": 365}  # days
LAST_VISIT = [
    ("30", _("in the last 30 days")),
    ("90", _("in the last 90 days")),
    ("365", _("in the last year")),
    ("older", _("not for a year")),
    ("never", _("never")),
]


class PatientFilter(django_filters.FilterSet):
    """Who is among the listed: seen by a department or a doctor, of an age, last here when."""

    q = django_filters.CharFilter(method="pass_by", max_length=100)
    department = RowFilter(label=_("Department"), method="seen_by_department", widget=QuickSelect(lambda: choices()[0]))
    doctor = RowFilter(label=_("Doctor"), method="seen_by_doctor", widget=QuickSelect(lambda: choices()[1]))
    age_from = django_filters.NumberFilter(label=_("Age from"), method="at_least", min_value=0, max_value=130)
    age_to = django_filters.NumberFilter(label=_("Age to"), method="at_most", min_value=0, max_value=130)
    last_visit = django_filters.ChoiceFilter(
        label=_("Last visit"),
        method="last_here",
        choices=LAST_VISIT,
        widget=QuickSelect(lambda: options([("", gettext("Any time")), *LAST_VISIT])),
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


def _booked(**conditions):
    return Exists(Appointment.objects.live().filter(patient=OuterRef("pk"), **conditions))


def _years_ago(years):
    today = hospital().today()
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)
