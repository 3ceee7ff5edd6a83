"""The editor of a draft: its head, a row of fields for each line, a row for a new one."""

from decimal import Decimal

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from hms import money
from hms.domain import prices
from hms.domain.settings import hospital
from hms.forms import DecimalTextField, LongText, MoneyField, ShortText

LINE = ["text", "quantity", "unit_price", "tax_rate", "discount", "discount_reason"]


class DiscountField(MoneyField):
    """An amount, or a share of the line: ``10%``. Gives a Decimal, or ``("percent", Decimal)``."""

    share = DecimalTextField(required=False)

    def to_python(self, value):
        text = str(value or "").strip()
        if text.endswith("%"):
            return ("percent", self.share.to_python(text))
        return super().to_python(text)


class HeadForm(forms.Form):
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    bill_to = LongText(
        label=_("Bill to, if not the patient"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    note = ShortText(label=_("Note on the invoice"), required=False, max_length=500)


class LineForm(forms.Form):
    text = ShortText(label=_("Text"), max_length=200)
    quantity = DecimalTextField(label=_("Quantity"), most=9999.99, above=True)
    unit_price = MoneyField(label=_("Price"))
    tax_rate = DecimalTextField(label=_("Tax %"), required=False)
    discount = DiscountField(label=_("Discount"), required=False)
    discount_reason = ShortText(label=_("Reason"), required=False, max_length=200)
    remove = forms.BooleanField(label=_("Remove"), required=False)

    def __init__(self, *args, line, **kwargs):
        self.line = line
        values = {name: getattr(line, name) for name in LINE}
        if not line.discount:
            values["discount"] = ""
        super().__init__(*args, prefix=f"line-{line.pk}", initial=values, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{field.label}, {line.text}"
            if name == "discount_reason":
                field.widget.attrs["placeholder"] = field.label

    def clean(self):
        data = self.cleaned_data
        if data.get("remove"):
            self._errors.clear()  # a line that goes need not be right
            return data
        data["tax_rate"] = data.get("tax_rate") or Decimal(0)
        discount = data.get("discount") or Decimal(0)
        if isinstance(discount, tuple) and {"quantity", "unit_price"} <= data.keys():
            gross = money.rounded(data["quantity"] * data["unit_price"], hospital().currency)
            discount = money.rounded(gross * discount[1] / 100, hospital().currency)
        data["discount"] = discount
        if discount and not data.get("discount_reason"):
            self.add_error("discount_reason", _("Say why there is a discount."))
        return data


class NewLineForm(forms.Form):
    """A code of the price list, or any text with its price."""

    what = ShortText(
        label=_("Code or text"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"list": "price-list", "autocomplete": "off", "placeholder": _("Add a line")}),
    )
    quantity = DecimalTextField(label=_("Quantity"), required=False, most=9999.99, above=True)
    unit_price = MoneyField(label=_("Price"), required=False)
    tax_rate = DecimalTextField(label=_("Tax %"), required=False)

    is_unfinished = False

    def __init__(self, *args, day, typing=False, **kwargs):
        super().__init__(*args, prefix="new", **kwargs)
        self.day, self.typing = day, typing
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = _("%(field)s, new line") % {"field": field.label}

    def clean(self):
        data = self.cleaned_data
        what = data.get("what") or ""
        if not what:
            self.is_unfinished = self.typing and data.get("unit_price") is not None
            if self.is_unfinished:
                return data
            if data.get("unit_price") is not None and not self.errors:
                self.add_error("what", _("Write what is charged."))
            return data
        # The browser's list completes to "CODE Name"; what somebody types is the code alone.
        service = prices.find(what.upper(), self.day) or prices.find(what.split(" ")[0].upper(), self.day)
        if service and what.upper() in {service.code.upper(), str(service).upper()}:
            data["service"] = service
        elif data.get("unit_price") is None and "unit_price" not in self.errors:
            self.is_unfinished = self.typing
            if self.is_unfinished:
                return data
            self.add_error("unit_price", _("This is no code of the price list; write its price too."))
        return data

    @property
    def added(self):
        """What ``invoicing.edit`` takes, or None when the row is empty."""
        data = self.cleaned_data
        if not data.get("what") or self.is_unfinished:
            return None
        quantity = data.get("quantity") or Decimal(1)
        if service := data.get("service"):
            return {"service": service, "quantity": quantity}
        return {
            "text": data["what"],
            "quantity": quantity,
            "unit_price": data["unit_price"],
            "tax_rate": data.get("tax_rate"),
        }


class DraftForm:
    """All of them together; valid when each is."""

    def __init__(self, invoice, lines, *, day, data=None, typing=False):
        self.invoice, self.data = invoice, data
        head = {"version": invoice.version, "bill_to": invoice.bill_to, "note": invoice.note}
        self.head = HeadForm(data, initial=head)
        # Of the lines that are there now; a line that somebody else added since is left as it is.
        self.lines = [LineForm(self._sent(line), line=line) for line in lines]
        self.new = NewLineForm(data, day=day, typing=typing)

    def _sent(self, line):
        return self.data if self.data is not None and f"line-{line.pk}-text" in self.data else None

    @property
    def parts(self):
        return [self.head, *[form for form in self.lines if form.is_bound], self.new]

    def is_valid(self):
        valid = [form.is_valid() for form in self.parts]  # each, so that every mistake is said at once
        return all(valid)

    @cached_property
    def changes(self):
        """What ``invoicing.edit`` takes."""
        bound = [form for form in self.lines if form.is_bound]
        gone = [form.line.pk for form in bound if form.cleaned_data.get("remove")]
        return {
            "version": self.head.cleaned_data["version"],
            "head": {name: self.head.cleaned_data[name] for name in ("bill_to", "note")},
            "lines": {
                form.line.pk: {name: form.cleaned_data[name] for name in LINE}
                for form in bound
                if form.line.pk not in gone
            },
            "removed": gone,
            "added": self.new.added,
        }

    def refuse(self, error):
        """Show what the domain refused beside its field."""
        line = getattr(error, "line", None)
        form = next((f for f in self.lines if f.line.pk == line), self.new if line == "new" else self.head)
        field = {"text": "what"}.get(error.field, error.field) if form is self.new else error.field
        form.add_error(field if field in form.fields else None, str(error))

    @property
    def errors(self):
        """``[(id of the field or None, sentence), …]`` of all parts."""
        found = []
        for form in self.parts:
            found += [(None, e) for e in form.non_field_errors()]
            found += [(form[name].auto_id, e) for name in form.fields for e in form[name].errors]
        return found
