"""Money that is typed: payments, refunds, the drawer."""

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from hms import money
from hms.domain import shifts
from hms.domain.payments import Part
from hms.forms import ShortText
from hms.models import Payment
from hms.templatetags.hms import money as shown


class AmountField(forms.Field):
    """An amount as people write it (1,234.50; 80); Decimal, or a refusal in words."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 10}))
        super().__init__(**kwargs)

    def to_python(self, value):
        text = (value or "").strip()
        if not text:
            return None
        negative = text.startswith(("-", "−"))
        amount = money.parse(text.lstrip("-−"))
        if amount is None:
            raise forms.ValidationError(_("“%(value)s” is no amount."), params={"value": text[:20]})
        return -amount if negative else amount


def new_key():
    """A key for one form: sent twice, it is done once."""
    return uuid.uuid4().hex


class PaymentForm(forms.Form):
    """Money in, by up to three methods at once."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    cash = AmountField(label=_("Cash"), required=False)
    tendered = AmountField(label=_("Cash tendered"), required=False)
    card = AmountField(label=_("Card"), required=False)
    transfer = AmountField(label=_("Transfer"), required=False)
    keep_rest = forms.BooleanField(label=_("Keep what is above as credit"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("cash", "tendered", "card", "transfer", "keep_rest"):
            self.fields[name].quiet = True

    def parts(self):
        data, methods = self.cleaned_data, Payment.Method
        cash = Part(methods.CASH, data["cash"], data["tendered"])
        parts = [cash, Part(methods.CARD, data["card"]), Part(methods.TRANSFER, data["transfer"])]
        return [part for part in parts if part.amount is not None or part.tendered is not None]


class BackForm(forms.Form):
    """Giving back, or taking back: how much, and why."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    amount = AmountField(label=_("Amount"), required=False)
    reason = ShortText(label=_("Why"), max_length=200, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("amount", "reason"):
            self.fields[name].quiet = True


class OpenForm(forms.Form):
    opening_float = AmountField(
        label=_("In the drawer now"), error_messages={"required": _("Write how much is in the drawer now.")}
    )


class CloseForm(forms.Form):
    """How many of each coin and note, and why it differs if it does."""

    explanation = ShortText(label=_("Why it differs"), max_length=300, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["explanation"].quiet = True
        for coin in shifts.coins():
            self.fields[f"coin_{coin}"] = forms.IntegerField(
                label=shown(coin),
                required=False,
                min_value=0,
                max_value=100_000,
                widget=forms.NumberInput(attrs={"min": 0, "size": 5}),
                error_messages=dict.fromkeys(["invalid", "min_value"], _("Write how many, as a whole number.")),
            )
            self.fields[f"coin_{coin}"].quiet = True

    def coins(self):
        return [self[name] for name in self.fields if name.startswith("coin_")]

    def counted(self):
        return {coin: self.cleaned_data.get(f"coin_{coin}") or 0 for coin in shifts.coins()}
