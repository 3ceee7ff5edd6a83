"""Parts of filters that several audiences use: quick selects, the doctors and departments to choose from."""

import time

import django_filters
from django import forms
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext

from hms.models import Department, Doctor


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


class QuickInput(forms.TextInput):
    """An input drawn without a template, for lists that are drawn at each letter that somebody types."""

    def render(self, name, value, attrs=None, renderer=None):
        attrs = self.build_attrs(self.attrs, attrs)
        attrs = {"type": self.input_type, "name": name, "value": self.format_value(value)} | attrs
        pairs = " ".join(f'{escape(k)}="{escape(v)}"' for k, v in attrs.items() if v not in (None, False, ""))
        return mark_safe(f"<input {pairs}>")  # noqa: S308 (escaped, each part)


class QuickDate(QuickInput):
    input_type = "date"


def options(pairs):
    return "".join(f'<option value="{escape(key)}">{escape(label)}</option>' for key, label in pairs)


class RowFilter(django_filters.Filter):
    """By the id of a row; an id that no row has finds nobody."""

    field_class = forms.IntegerField

    def __init__(self, *args, **kwargs):
        super().__init__(*args, min_value=1, max_value=2**63 - 1, **kwargs)


KEEP = 5  # seconds; a search asks for the same doctors at each letter that somebody types
_kept = {}  # language → (until, choices)


def choices():
    """The finished options of departments and, by department, of doctors; at most KEEP seconds old."""
    now, language = time.monotonic(), get_language()
    until, found = _kept.get(language, (0, None))
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
            f'<optgroup label="{escape(name)}">{options(doctors)}</optgroup>'
            for (_pk, name), doctors in departments.items()
        )
        found = (every + options(departments), every + grouped)
        _kept[language] = (now + KEEP, found)
    return found


@receiver([post_save, post_delete], sender=Doctor)
@receiver([post_save, post_delete], sender=Department)
def _doctors_changed(**kwargs):
    """What this process changed is seen at once."""
    _kept.clear()


DEPARTMENTS = QuickSelect(lambda: choices()[0])
DOCTORS = QuickSelect(lambda: choices()[1])
