"""Forms of the clinic that are forms: asking for a record, hours, leave."""

from django import forms
from django.utils.translation import gettext_lazy as _

from hms.forms import DateOfBirthField, LongText, ShortText


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
