"""Forms of the clinic that are forms: asking for a record, hours, leave."""

from datetime import datetime, time

from django import forms
from django.utils.translation import gettext_lazy as _

from hms.domain.settings import hospital
from hms.forms import DateOfBirthField, DateTextField, LongText, ShortText
from hms.models.scheduling import Weekday


class ReasonForm(forms.Form):
    reason = LongText(
        label=_("Why you need this record"),
        help_text=_("One sentence. It is kept, and the patient can read it."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why you need this record.")},
    )


class BreakGlassForm(ReasonForm):
    """Both of what identifies somebody, so that nobody is found by leafing."""

    record_number = ShortText(
        label=_("Record number"),
        help_text=_("As on the wristband or the letter, spaces do not matter."),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Write the record number.")},
    )
    date_of_birth = DateOfBirthField(label=_("Date of birth"))

    field_order = ["record_number", "date_of_birth", "reason"]

    def clean_record_number(self):
        return "".join(self.cleaned_data["record_number"].split()).replace("-", "")


class TimeTextField(forms.TimeField):
    """A time on the wall, as the browser's picker sends it or as people type it."""

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def __init__(self, **kwargs):
        kwargs.setdefault("input_formats", ["%H:%M", "%H:%M:%S", "%H.%M", "%H"])
        kwargs.setdefault("error_messages", {"invalid": _("Write the time as 14:30.")})
        super().__init__(**kwargs)


class LeaveForm(forms.Form):
    """Whole days, or hours of them."""

    since = DateTextField(label=_("First day"), error_messages={"required": _("Write the first day.")})
    since_time = TimeTextField(label=_("From"), required=False, help_text=_("Empty: from midnight."))
    until = DateTextField(label=_("Last day"), required=False, help_text=_("Empty: the same day."))
    until_time = TimeTextField(label=_("Until"), required=False, help_text=_("Empty: until the end of the day."))
    reason = ShortText(
        label=_("What for"), required=False, max_length=200, help_text=_("Leave, training, … The desk sees it.")
    )

    def span(self):
        """``(start, end)`` as moments."""
        said, zone = self.cleaned_data, hospital().zone
        last = said["until"] or said["since"]
        begins = datetime.combine(said["since"], said["since_time"] or time.min, tzinfo=zone)
        if said["until_time"]:
            return begins, datetime.combine(last, said["until_time"], tzinfo=zone)
        return begins, hospital().day_bounds(last)[1]

    def clean(self):
        said = super().clean()
        for name in ("since", "until"):
            if said.get(name) and not 2000 <= said[name].year <= 2200:
                self.add_error(name, _("That is too far away."))
        return said


class ExtraHoursForm(forms.Form):
    day = DateTextField(label=_("Day"), error_messages={"required": _("Write the day.")})
    start = TimeTextField(label=_("From"), error_messages={"required": _("Write when you begin.")})
    end = TimeTextField(label=_("Until"), error_messages={"required": _("Write when you end.")})

    def clean_day(self):
        if not 2000 <= self.cleaned_data["day"].year <= 2200:
            raise forms.ValidationError(_("That is too far away."))
        return self.cleaned_data["day"]


class WeekForm(forms.Form):
    """The hours of each weekday: up to two spans, so that a break fits between."""

    valid_from = DateTextField(label=_("Valid from"), error_messages={"required": _("Write the first day.")})
    PARTS = ("from1", "until1", "from2", "until2")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        labels = [_("from"), _("until"), _("and from"), _("until")]
        for weekday, name in Weekday.choices:
            for part, label in zip(self.PARTS, labels, strict=True):
                field = TimeTextField(label=f"{name}, {label}", required=False)
                field.widget.attrs["class"] = "input"
                self.fields[f"day_{weekday}_{part}"] = field

    def days(self):
        """``[(name of the day, its four bound fields, what is wrong), …]`` to draw."""
        drawn = []
        for weekday, name in Weekday.choices:
            fields = [self[f"day_{weekday}_{part}"] for part in self.PARTS]
            drawn.append((name, fields, [error for field in fields for error in field.errors]))
        return drawn

    def clean_valid_from(self):
        if not 2000 <= self.cleaned_data["valid_from"].year <= 2200:
            raise forms.ValidationError(_("That is too far away."))
        return self.cleaned_data["valid_from"]

    def clean(self):
        said = super().clean()
        for weekday, name in Weekday.choices:
            for n in (1, 2):
                start, end = said.get(f"day_{weekday}_from{n}"), said.get(f"day_{weekday}_until{n}")
                if (start is None) is not (end is None) and not self.errors:
                    missing = f"day_{weekday}_until{n}" if start else f"day_{weekday}_from{n}"
                    self.add_error(missing, _("%(day)s: write both times, or none.") % {"day": name})
        return said

    def week(self):
        """``{weekday: [(start, end), …]}``."""
        said, week = self.cleaned_data, {}
        for weekday in Weekday.values:
            spans = [(said[f"day_{weekday}_from{n}"], said[f"day_{weekday}_until{n}"]) for n in (1, 2)]
            week[weekday] = [span for span in spans if span[0] is not None]
        return week

    @classmethod
    def of(cls, rows):
        """Initial values of the hours in force."""
        initial, count = {}, {}
        for row in rows:
            n = count[row.weekday] = count.get(row.weekday, 0) + 1
            if n <= 2:
                initial |= {f"day_{row.weekday}_from{n}": row.start, f"day_{row.weekday}_until{n}": row.end}
        return initial
