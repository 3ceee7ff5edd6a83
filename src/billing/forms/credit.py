"""A credit note: how much of each line is taken back, and why."""

from django import forms
from django.utils.translation import gettext_lazy as _

from hms.forms import MoneyField, ShortText


class CreditForm(forms.Form):
    reason = ShortText(
        label=_("Reason"),
        max_length=200,
        help_text=_("Printed on the credit note."),
        error_messages={"required": _("Say why it is taken back.")},
    )

    def __init__(self, *args, rests, **kwargs):
        super().__init__(*args, **kwargs)
        self.rests = rests  # [(line, what is left of it), …]
        for line, rest in rests:
            self.fields[f"line_{line.pk}"] = MoneyField(
                label=_("Take back of “%(text)s”") % {"text": line.text},
                required=False,
                initial=rest,
                disabled=not rest,
            )

    @property
    def rows(self):
        return [(line, rest, self[f"line_{line.pk}"]) for line, rest in self.rests]

    @property
    def amounts(self):
        return {line.pk: self.cleaned_data[f"line_{line.pk}"] or 0 for line, rest in self.rests if rest}
