"""What doctors type into the sections of a consultation."""

import contextlib
import re
from decimal import Decimal, InvalidOperation

from django import forms
from django.utils.translation import gettext_lazy as _

from hms.domain import vitals
from hms.forms import DateTextField, LongText, ShortText
from hms.models import Severity, Vitals
from hms.models.clinical import RANGES

SHORT = {"saturation": _("SpO₂")}  # as the values are headed; the whole word does not fit above its field


class Measure(forms.Field):
    """One number, with a comma or a point; Decimal where the column has a decimal, else int."""

    def __init__(self, name):
        column = Vitals._meta.get_field(name)
        self.places = getattr(column, "decimal_places", 0)
        self.unit = RANGES[name][0]
        super().__init__(
            label=SHORT.get(name, column.verbose_name.capitalize()),
            required=False,
            widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 5}),
        )
        self.quiet = True

    def to_python(self, value):
        text = (value or "").strip().replace(",", ".")
        if not text:
            return None
        number = None
        if len(text) <= 12 and text.lstrip("-").replace(".", "", 1).isdecimal() and text.isascii():
            with contextlib.suppress(InvalidOperation):
                number = Decimal(text)
        if number is None:
            raise forms.ValidationError(_("“%(value)s” is not a number."), params={"value": value[:20]})
        if number != round(number, self.places):
            raise forms.ValidationError(_("At most %(n)s digits after the point."), params={"n": self.places})
        return number if self.places else int(number)


class VitalsForm(forms.Form):
    """A set of measurements, in the order in which they are taken."""

    same_for_all = True

    # What was asked about and confirmed: field=value, field=value. Another value is asked about anew.
    sure = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in RANGES:
            self.fields[name] = Measure(name)

    def clean(self):
        """All that cannot be is said at once, beside what is no number."""
        for name, why in vitals.wrong(self.values()):
            if name not in self.errors:
                self.add_error(name, why)

    def values(self):
        return {name: self.cleaned_data.get(name) for name in RANGES}

    def to_confirm(self, fields):
        return ",".join(f"{name}={self.cleaned_data[name]}" for name in fields)

    def confirmed(self):
        """The fields whose values were confirmed as they are."""
        said = set(self.cleaned_data["sure"].split(","))
        return {name for name, value in self.values().items() if f"{name}={value}" in said}


class AllergyForm(forms.Form):
    same_for_all = True

    substance = ShortText(label=_("Allergic to"), max_length=200, required=False)
    drug_class = ShortText(label=_("Class of drugs"), max_length=60, required=False)
    reaction = ShortText(label=_("Reaction"), max_length=200, required=False)
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices, initial=Severity.UNKNOWN)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["substance"].quiet = True  # the domain says that it is needed


class ProblemForm(forms.Form):
    text = ShortText(label=_("Problem"), max_length=300, required=False)
    code = forms.CharField(required=False, max_length=8, widget=forms.HiddenInput)
    onset = DateTextField(label=_("Since"), required=False)


class LineForm(forms.Form):
    """One line of a prescription."""

    same_for_all = True

    drug_name = ShortText(label=_("Drug"), max_length=120, required=False)
    strength = ShortText(label=_("Strength"), max_length=40, required=False)
    form = ShortText(label=_("Form"), max_length=40, required=False)
    dose = ShortText(label=_("Dose"), max_length=60, required=False)
    frequency = ShortText(label=_("How often"), max_length=60, required=False)
    days = forms.IntegerField(
        label=_("Days"), required=False, error_messages={"invalid": _("Write the days as a whole number.")}
    )
    quantity = ShortText(label=_("Quantity"), max_length=40, required=False)
    instructions = ShortText(label=_("Instructions"), max_length=300, required=False)
    acknowledged = ShortText(label=_("Why all the same"), max_length=300, required=False)
    # Of the warnings that were shown: a reason counts for these and no others.
    shown = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("drug_name", "dose", "frequency", "acknowledged"):
            self.fields[name].quiet = True  # the domain says what is needed
        self.fields["days"].widget.attrs |= {"min": 1, "max": 366}
        for name, choices in (("drug_name", "drugs"), ("frequency", "frequencies")):
            self.fields[name].widget.attrs |= {"list": f"{choices}-list", "autocomplete": "off"}

    @property
    def parts(self):
        """The short fields that stand side by side."""
        return [self[name] for name in ("strength", "form", "dose", "frequency", "days", "quantity")]


class PhraseForm(forms.Form):
    word = ShortText(label=_("Word"), max_length=31, help_text=_("Typed in a note as .word, for example .cold"))
    text = LongText(label=_("Text"), max_length=4000)
    shared = forms.BooleanField(label=_("For all doctors"), required=False)

    def clean_word(self):
        word = self.cleaned_data["word"].removeprefix(".")
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,30}", word):
            raise forms.ValidationError(_("One word of letters a to z, digits, hyphens and underscores."))
        return word
