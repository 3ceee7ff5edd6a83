"""Prices and follow-up rules."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from hms.domain.settings import hospital
from hms.forms import DateTextField, DecimalTextField, MoneyField, ShortText
from hms.models import Department, Doctor, Service


class PriceForm(forms.Form):
    code = ShortText(
        label=_("Code"),
        max_length=20,
        help_text=_("Capital letters, digits, dots and hyphens: XR-CHEST"),
        error_messages={"required": _("Write the code.")},
    )
    name = ShortText(label=_("Name"), max_length=150, error_messages={"required": _("Write the name.")})
    department = forms.ModelChoiceField(Department.objects.all(), label=_("Department"), required=False)
    price = MoneyField(label=_("Price, before tax"), error_messages={"required": _("Write the price.")})
    tax_rate = DecimalTextField(label=_("Tax, percent"), required=False)
    valid_from = DateTextField(
        label=_("Valid from"), error_messages={"required": _("Write the day from which it is valid.")}
    )
    valid_until = DateTextField(label=_("Valid until"), required=False)

    def __init__(self, *args, service=None, **kwargs):
        initial = {"valid_from": hospital().today()}
        if service:
            initial |= {name: getattr(service, name) for name in ("code", "name", "department", "price", "tax_rate")}
        super().__init__(*args, initial=initial, **kwargs)
        if service:
            self.fields["code"].disabled = True
            self.fields["code"].help_text = ""

    def clean_code(self):
        code = self.cleaned_data["code"].upper()
        Service._meta.get_field("code").run_validators(code)
        return code

    def clean_tax_rate(self):
        return self.cleaned_data["tax_rate"] or 0


class EndForm(forms.Form):
    last_day = DateTextField(label=_("Last day"))


class FollowUpForm(forms.Form):
    department = forms.ModelChoiceField(
        Department.objects.all(), label=_("Department"), required=False, empty_label=_("All")
    )
    doctor = forms.ModelChoiceField(Doctor.objects.in_order(), label=_("Doctor"), required=False, empty_label=_("All"))
    days = forms.IntegerField(
        label=_("Seen again within days"),
        min_value=1,
        max_value=365,
        error_messages=dict.fromkeys(
            ["required", "invalid", "min_value", "max_value"], _("Write a number of days from 1 to 365.")
        ),
    )
    percent = DecimalTextField(
        label=_("Percent of the fee"),
        help_text=_("0 is free."),
        error_messages={"required": _("Write how many percent of the fee are charged.")},
    )

    def clean(self):
        if self.cleaned_data.get("doctor") and self.cleaned_data.get("department"):
            raise ValidationError(_("A rule is for a doctor or for a department, not for both."))
        return self.cleaned_data
