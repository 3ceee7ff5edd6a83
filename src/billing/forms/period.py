"""From when to when."""

from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from hms.domain.settings import hospital
from hms.forms import DateTextField

A_YEAR = timedelta(days=365)


class PeriodForm(forms.Form):
    """Two days, both included; what is not said is the last year."""

    first = DateTextField(label=_("From"), required=False)
    last = DateTextField(label=_("To"), required=False)

    def __init__(self, query):
        today = hospital().today()
        self.usual = {"first": today - A_YEAR, "last": today}
        shown = {name: query.get(name) or day.isoformat() for name, day in self.usual.items()}
        super().__init__(shown)
        for name in self.fields:
            self.fields[name].quiet = True

    def clean(self):
        data = super().clean()
        for name in ("first", "last"):
            if data.get(name) and not 1900 <= data[name].year <= 2200:
                self.add_error(name, _("Write a day of this or the last century."))
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            self.add_error("last", _("This is before the first day."))
        return data

    def days(self):
        """``(first, last)``; the usual ones where what was written is wrong."""
        if self.is_valid():
            return self.cleaned_data["first"], self.cleaned_data["last"]
        return self.usual["first"], self.usual["last"]
