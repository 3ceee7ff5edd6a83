"""Pieces of forms that more than one audience uses."""

from datetime import date, timedelta

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from hms.dates import find_date, parse_date, parse_month
from hms.forms import BirthDateTextField, DateOfBirthField, DateTextField, LongText, PhoneField, ShortText
from hms.templatetags.hms import control


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\x00b", "a control character (U+0000)"),
        ("a\x1bb", "a control character (U+001B)"),
        ("a\x85b", "a control character (U+0085)"),
        ("a\tb", "a tab (U+0009)"),
        ("a\nb", "a line break (U+000A)"),
        ("a\u202eb", "a right-to-left override (U+202E)"),
        ("a\u2066b", "a left-to-right isolate (U+2066)"),
        ("a\u200bb", "a zero-width space (U+200B)"),
        ("a\ufeffb", "a byte order mark (U+FEFF)"),
    ],
)
def test_an_invisible_character_is_refused_by_name(text, words):
    with pytest.raises(ValidationError, match="cannot be seen") as refusal:
        ShortText().clean(text)
    assert words in refusal.value.messages[0]


@pytest.mark.parametrize(
    "text", ["O’Brien", "مريم", "क्‍ष", "می‌خواهم", "李雷", "Ṣọlá", "\u200eAnn\u200f", "😀", "<b>", "=1+1"]
)
def test_names_of_all_scripts_pass_with_their_joiners_and_marks(text):
    assert ShortText().clean(text) == text


def test_several_lines_may_hold_line_breaks_and_tabs():
    assert LongText().clean("one\r\n\ttwo") == "one\r\n\ttwo"
    with pytest.raises(ValidationError):
        LongText().clean("one\x0btwo")


@pytest.mark.parametrize(
    "text",
    [
        "6/8/2026",
        "06.08.2026",
        "6 Aug 2026",
        "6 August 2026",
        "6-Aug-2026",
        "2026-08-06",
        "6th Aug. 2026",
        "aug 6, 2026",
        " 6 / 8 / 2026 ",
    ],
)
def test_typed_days(text):
    assert parse_date(text) == date(2026, 8, 6)


@pytest.mark.parametrize(
    "text", ["", "6", "August", "6/8", "6/8/26", "62026", "tomorrow", "6 foo 2026", "6/8/20266", "٦/٨/٢٠٢٦x"]
)
def test_what_is_no_day_is_none(text):
    assert parse_date(text) is None


@pytest.mark.parametrize("text", ["31/2/2026", "29/2/2025", "0/1/2026", "1/13/2026", "1/1/0000", "2026-13-01"])
def test_a_day_that_does_not_exist(text):
    with pytest.raises(ValueError, match=r"."):
        parse_date(text)
    with pytest.raises(ValidationError, match="There is no"):
        DateTextField().clean(text)


def test_two_digits_of_a_year_are_the_last_such_year():
    today = date.today()
    assert parse_date("1/1/45", past=True).year == 1945
    assert parse_date(f"1/1/{today.year % 100:02}", past=True).year == today.year
    assert parse_date(f"1/1/{(today + timedelta(days=366)).year % 100:02}", past=True).year == today.year - 99


@pytest.mark.parametrize("text", ["14 Mar 1945", "14/3/45", "14.03.1945", "14031945", "1945-03-14", "March 14, 1945"])
def test_a_birth_date_is_typed_in_one_field_any_way(text):
    assert BirthDateTextField().clean(text) == date(1945, 3, 14)


def test_a_birth_date_that_is_none_shows_how_one_looks():
    with pytest.raises(ValidationError, match="Write it as 14 Mar 1945"):
        BirthDateTextField().clean("tomorrow")
    with pytest.raises(ValidationError, match="There is no 31021945"):
        BirthDateTextField().clean("31021945")


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("3", 3),
        ("03", 3),
        ("mar", 3),
        ("March", 3),
        ("MAR.", 3),
        ("sept", 9),
        ("13", None),
        ("0", None),
        ("ma", None),
        ("", None),
        ("٣", None),
        ("9" * 5000, None),
    ],
)
def test_typed_months(text, month):
    assert parse_month(text) == month


def test_a_day_is_found_within_a_text():
    assert find_date("smith 14/7/1945") == (date(1945, 7, 14), "smith")
    assert find_date("smith 31/2/1945") == (None, "smith 31/2/1945")
    assert find_date("İİ 14/7/1945")[0] is None or find_date("İİ 14/7/1945")[1].startswith("İİ")


class Born(forms.Form):
    born = DateOfBirthField()


def born(day="", month="", year=""):
    return Born({"born_day": day, "born_month": month, "born_year": year})


@pytest.mark.parametrize(
    "parts",
    [
        ("14", "3", "1945"),
        ("14", "mar", "1945"),
        ("14", "March", "1945"),
        ("14", "3", "45"),
        ("14.3.1945",),
        ("14 Mar 1945",),
    ],
)
def test_a_birth_date_in_three_fields(parts):
    form = born(*parts)
    assert form.is_valid()
    assert form.cleaned_data["born"] == date(1945, 3, 14)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), "Write the date of birth."),
        (("14",), "needs a month and a year"),
        (("", "3", "1945"), "needs a day"),
        (("31", "2", "1945"), "There is no 31 2 1945"),
        (("14", "foo", "1945"), "“foo” is no month"),
        (("x", "3", "1945"), "not a date"),
        (("14", "3", "19455"), "not a date"),
        (("1" * 9999, "3", "1945"), "not a date"),
    ],
)
def test_a_wrong_birth_date_is_explained(parts, words):
    assert words in born(*parts).errors["born"][0]


def test_what_was_typed_is_shown_again():
    html = str(born("31", "feb", "1945")["born"])
    assert all(f'value="{value}"' in html for value in ("31", "feb", "1945"))
    assert html.count("<label") == 3


def test_a_known_birth_date_fills_the_three_fields():
    html = str(Born(initial={"born": date(1945, 3, 14)})["born"])
    assert all(f'value="{value}"' in html for value in ("14", "3", "1945"))


@pytest.mark.parametrize(
    "text", ["020 7946 0123", "+44 20 7946 0123", "0044 20 7946 0123", "(020) 7946-0123", "tel: 020 7946 0123"]
)
def test_phones_in_any_format(text):
    assert PhoneField().clean(text).as_e164 == "+442079460123"


@pytest.mark.parametrize("text", ["12", "phone", "+999 1234567890123", "0" * 39, "x" * 9999, "020 7946 01234567"])
def test_what_is_no_phone_number(text):
    with pytest.raises(ValidationError, match="no phone number"):
        PhoneField().clean(text)


def test_no_phone_is_fine_where_none_is_asked_for():
    assert PhoneField(required=False).clean(" ") == ""


class Named(forms.Form):
    same_for_all = True
    name = ShortText(label=_("Name"), max_length=20, required=False)


class TestBlankFieldsDrawnOnce:
    """A blank field is drawn once; nothing that anybody typed, or that was found wrong with it, is ever kept."""

    def test_what_one_person_typed_is_not_shown_to_the_next(self):
        blank = Named()["name"].as_field_group()
        typed = Named({"name": "Canary" * 9})["name"].as_field_group()
        filled = Named(initial={"name": "Canary"})["name"].as_field_group()
        assert "Canary" in typed
        assert "field-error" in typed
        assert 'value="Canary"' in filled
        assert Named()["name"].as_field_group() == blank
        assert "Canary" not in blank

    def test_each_form_each_id_and_each_language_has_its_own(self):
        class Other(forms.Form):
            same_for_all = True
            name = ShortText(label="Something else")

        blank = control(Named()["name"])
        assert control(Named()["name"]) is blank
        assert 'id="other-name"' in control(Named(auto_id="other-%s")["name"])
        assert "Something else" in Other()["name"].as_field_group()
        with override("de"):
            assert "Name" in Named()["name"].as_field_group()
            assert control(Named()["name"]) is not blank
