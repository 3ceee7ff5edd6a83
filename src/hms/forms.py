"""Forms: how they are drawn, and the fields that more than one audience needs."""

import re
from datetime import date
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.phonenumber import to_python as read_phone

from hms import money
from hms.dates import parse_date, parse_month
from hms.domain.settings import hospital


class Renderer(TemplatesSetting):
    """``{{ form }}`` and ``{{ form.email.as_field_group }}`` come out in our own look."""

    form_template_name = "hms/_form.html"
    field_template_name = "hms/_field.html"

    def render(self, template_name, context, request=None):
        """Plain inputs, text areas and selects are put together here, as their templates would: a page has dozens."""
        if template_name == self.field_template_name:
            draw = super().render
            return drawn(context["field"], "group", lambda: draw(template_name, context, request))
        if template_name in PLAIN_INPUTS:
            widget = context["widget"]
            value = "" if widget["value"] is None else format_html(' value="{}"', widget["value"])
            return format_html(
                '<input type="{}" name="{}"{}{}>', widget["type"], widget["name"], value, _attributes(widget["attrs"])
            )
        if template_name == "django/forms/widgets/textarea.html":
            widget = context["widget"]
            text = format_html('<textarea name="{}"{}>', widget["name"], _attributes(widget["attrs"]))
            return format_html("{}\n{}</textarea>", text, widget["value"] or "")
        if template_name == "django/forms/widgets/select.html":
            widget = context["widget"]
            if all(group is None for group, _options, _index in widget["optgroups"]):
                options = [option for _group, options, _index in widget["optgroups"] for option in options]
                head = format_html('<select name="{}"{}>', widget["name"], _attributes(widget["attrs"]))
                return format_html("{}{}</select>", head, format_html_join("", OPTION, map(_option, options)))
        return super().render(template_name, context, request)


# HTML of blank fields, by form class, id, name, kind and language
_DRAWN = {}


def drawn(field, kind, draw):
    """What ``draw()`` returns, kept while nothing is typed in a form whose class says ``same_for_all``.

    No view may change labels, choices or attributes of such a form while it is blank: in one language its fields look
    the same to everybody, and a consultation has twenty of them.
    """
    form = field.form
    if form.is_bound or form.initial or not getattr(form, "same_for_all", False):
        return draw()
    key = (type(form), field.auto_id, field.html_name, kind, get_language())
    if key not in _DRAWN:
        _DRAWN[key] = draw()
    return _DRAWN[key]


OPTION = '<option value="{}"{}>{}</option>'
PLAIN_INPUTS = {
    f"django/forms/widgets/{name}.html"
    for name in ("input", "text", "number", "email", "url", "date", "time", "hidden")
}


def _option(option):
    return option["value"], _attributes(option["attrs"]), option["label"]


def _attributes(attrs):
    shown = ((name, value) for name, value in attrs.items() if value is not False)
    parts = ((name,) if value is True else (name, value) for name, value in shown)
    return mark_safe("".join(format_html(' {}="{}"' if len(p) == 2 else " {}", *p) for p in parts))  # noqa: S308


# Invisible characters that people paste without knowing. Those that reorder the text around them can make a name read
# as another one. Joiners (U+200C, U+200D) and plain direction marks are part of names in some scripts, and stay.
INVISIBLE = {
    "\t": _("a tab"),
    "\n": _("a line break"),
    "\r": _("a line break"),
    "\u200b": _("a zero-width space"),
    "\u2028": _("a line break"),
    "\u2029": _("a line break"),
    "\u202a": _("a left-to-right embedding"),
    "\u202b": _("a right-to-left embedding"),
    "\u202c": _("an end of a direction change"),
    "\u202d": _("a left-to-right override"),
    "\u202e": _("a right-to-left override"),
    "\u2060": _("a word joiner"),
    "\u2066": _("a left-to-right isolate"),
    "\u2067": _("a right-to-left isolate"),
    "\u2068": _("a direction isolate"),
    "\u2069": _("an end of a direction change"),
    "\ufeff": _("a byte order mark"),
}


CONTROL = "\x00-\x1f\x7f-\x9f\ud800-\udfff"  # with halves of characters, which no text in UTF-8 holds
UNSEEN = re.compile(f"[{CONTROL}{''.join(INVISIBLE)}]")
UNSEEN_IN_LINES = re.compile(f"(?![\n\r\t])[{CONTROL}{''.join(INVISIBLE)}]")


def plain_text(value, *, lines=False):
    """Refuse control characters and hidden direction changes, naming the first one found."""
    if found := (UNSEEN_IN_LINES if lines else UNSEEN).search(value):
        raise ValidationError(
            _("This holds %(name)s (U+%(code)s), which cannot be seen or kept. Remove it, or type the text anew."),
            params={"name": INVISIBLE.get(found[0], _("a control character")), "code": f"{ord(found[0]):04X}"},
        )


class Text(forms.CharField):
    """Text as people type and paste it."""

    default_error_messages = {
        "max_length": _("This can have at most %(limit_value)d characters, and has %(show_value)d. Shorten it.")
    }

    def widget_attrs(self, widget):
        """No ``maxlength``: browsers cut off what is pasted beyond it, and nobody sees what is missing."""
        return {name: value for name, value in super().widget_attrs(widget).items() if name != "maxlength"}


class ShortText(Text):
    """One line, in any script."""

    def to_python(self, value):
        value = super().to_python(value)
        plain_text(value)
        return value


class LongText(Text):
    """Several lines."""

    widget = forms.Textarea

    def to_python(self, value):
        value = super().to_python(value)
        plain_text(value, lines=True)
        return value


class DateTextField(forms.Field):
    """A day as people type it, or as the browser's date picker sends it. Gives a datetime.date."""

    widget = forms.DateInput(attrs={"type": "date"})
    past = False  # whether it can only be a day gone by
    example = _("6 Aug 2026")

    def prepare_value(self, value):
        return value.isoformat() if isinstance(value, date) else value

    def to_python(self, value):
        value = (value or "").strip()
        if not value:
            return None
        try:
            found = parse_date(value, past=self.past)
        except ValueError:
            raise ValidationError(_("There is no %(value)s."), params={"value": value[:30]}) from None
        if found is None:
            raise ValidationError(
                _("“%(value)s” is not a date. Write it as %(example)s."),
                params={"value": value[:30], "example": self.example},
            )
        return found


class BirthDateTextField(DateTextField):
    """A past day in one field, for places too narrow for three: typed any way, also with two digits for the year."""

    past = True
    example = _("14 Mar 1945")
    widget = forms.TextInput(attrs={"autocomplete": "off", "placeholder": example})

    def prepare_value(self, value):
        return f"{value:%d-%b-%Y}" if isinstance(value, date) else value


class DateOfBirthInput(forms.MultiWidget):
    """Three text fields with a numeric keypad: day, month (also ``mar``), year (NHS, GOV.UK)."""

    template_name = "hms/_date_of_birth.html"
    use_fieldset = True

    def __init__(self, attrs=None):
        parts = [("day", 3), ("month", 9), ("year", 4)]
        super().__init__(
            {
                name: forms.TextInput(
                    {"class": "input", "inputmode": "text" if name == "month" else "numeric", "size": size}
                )
                for name, size in parts
            },
            {"autocomplete": "off", **(attrs or {})},
        )

    def decompress(self, value):
        if isinstance(value, date):
            return [value.day, value.month, value.year]
        return [None, None, None]

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        labels = [_("Day"), _("Month"), _("Year")]
        context["parts"] = list(zip(labels, context["widget"]["subwidgets"], strict=True))
        return context

    def id_for_label(self, id_):
        return f"{id_}_0" if id_ else id_


class DateOfBirthField(forms.Field):
    """A past day in three fields; a whole date typed or pasted into the first of them counts too."""

    widget = DateOfBirthInput
    default_error_messages = {"required": _("Write the date of birth.")}

    def clean(self, value):
        parts = [str(part or "").strip()[:40] for part in value or ["", "", ""]]
        if not any(parts):
            if self.required:
                raise ValidationError(self.error_messages["required"], code="required")
            return None
        text = " ".join(filter(None, parts))
        whole = "/".join(parts) if all(parts) else parts[0]
        try:
            found = parse_date(whole, past=True)
        except ValueError:
            raise ValidationError(_("There is no %(value)s."), params={"value": text}) from None
        if found:
            return found
        missing = [name for name, part in zip((_("day"), _("month"), _("year")), parts, strict=True) if not part]
        if missing:
            raise ValidationError(
                _("The date of birth needs a %(part)s."), params={"part": _(" and a ").join(map(str, missing))}
            )
        if parse_month(parts[1]) is None:
            raise ValidationError(_("“%(value)s” is no month. Write it as 3 or Mar."), params={"value": parts[1]})
        raise ValidationError(_("“%(value)s” is not a date. Write it as 14 Mar 1945."), params={"value": text})

    def has_changed(self, initial, data):
        try:
            return self.clean(data) != initial
        except ValidationError:
            return True


class PhoneField(PhoneNumberField):
    """A phone number as people write it; without a country it is one of the hospital's own."""

    LONGEST = 15  # characters of the column, the plus sign included

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def to_python(self, value):
        text = str(value or "").strip()
        refusal = ValidationError(
            _("“%(value)s” is no phone number. Write it with its area code, or from abroad beginning with +."),
            code="invalid",
            params={"value": text[:40]},
        )
        if not text:
            return self.empty_value
        if len(text) > 40:
            raise refusal
        plain_text(text)
        number = read_phone(text, region=self.region)
        if not number or not number.is_valid() or len(number.as_e164) > self.LONGEST:
            raise refusal
        return number


class MoneyField(forms.Field):
    """An amount as people type it, in the hospital's currency. Gives a Decimal, or None when nothing is typed."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 9})

    def prepare_value(self, value):
        if not isinstance(value, Decimal):
            return value
        return f"{value:.{money.digits(hospital().currency)}f}"

    def to_python(self, value):
        text = str(value or "").strip()
        if not text:
            return None
        currency = hospital().currency
        bare = re.sub(rf"^(?:{currency}\s*)?[^\w\s.,+-]?\s*|\s*(?:{currency})?$", "", text[:40], flags=re.IGNORECASE)
        if re.fullmatch(r"[-−–]\s*[\d.,]+", bare):
            raise ValidationError(_("An amount is never below zero."))
        amount = money.parse(bare) if len(text) <= 40 else None
        if amount is None:
            raise ValidationError(
                _("“%(value)s” is not an amount. Write it as %(example)s."),
                params={"value": text[:30], "example": self.prepare_value(Decimal(1250))},
            )
        if amount > money.MOST:
            raise ValidationError(_("This is more than %(most)s."), params={"most": money.shown(money.MOST, currency)})
        if not money.is_whole(amount, currency):
            places = money.digits(currency)
            raise ValidationError(
                _("%(currency)s has no decimals.")
                if not places
                else _("%(currency)s has %(places)s decimals, not more."),
                params={"currency": currency, "places": places},
            )
        return money.rounded(amount, currency)


class DecimalTextField(forms.Field):
    """A plain number such as a quantity or a rate: digits and a point or comma, no exponent, no sign."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 5})

    def __init__(self, *, places=2, least=0, most=100, above=False, **kwargs):
        super().__init__(**kwargs)
        self.places, self.least, self.most, self.above = places, least, most, above

    def prepare_value(self, value):
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value

    def to_python(self, value):
        text = str(value or "").strip().removesuffix("%").strip()
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,9})?", text):
            raise ValidationError(_("“%(value)s” is not a number. Write it as 1 or 1.5."), params={"value": text[:30]})
        number = Decimal(text.replace(",", "."))
        if number < self.least or number > self.most or (self.above and number == self.least):
            raise ValidationError(
                _("Write a number above %(least)s and up to %(most)s.")
                if self.above
                else _("Write a number from %(least)s to %(most)s."),
                params={"least": self.least, "most": self.most},
            )
        if number != round(number, self.places):
            raise ValidationError(_("At most %(places)s decimals."), params={"places": self.places})
        return number
