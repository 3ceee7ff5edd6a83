from django import forms
from django.utils.translation import gettext_lazy as _

from hms.forms import ShortText


class DisplayForm(forms.Form):
    name = ShortText(
        label=_("Where will it hang?"),
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": _("Waiting room, ground floor")}),
    )
