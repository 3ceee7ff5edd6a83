"""Tags and filters of every template."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template

from hms.domain.settings import forget
from hms.models import Hospital
from hms.templatetags import hms as tags

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("1234.5"), "£1,234.50"),
        ("80", "£80.00"),
        (Decimal("-3.2"), "−£3.20"),
        (0, "£0.00"),
        (None, ""),
        ("ten", ""),
    ],
)
def test_money_has_the_hospitals_currency_and_two_decimals(amount, shown):
    assert tags.money(amount) == shown


def test_money_without_a_sign_of_its_own_is_named_by_its_letters():
    Hospital.objects.current()
    Hospital.objects.update(currency="CHF")
    forget()
    assert tags.money(5) == "CHF\N{NO-BREAK SPACE}5.00"


def test_clinical_dates_never_have_a_numeric_month():
    assert tags.clinical_date(date(2026, 8, 6)) == "06-Aug-2026"
    assert tags.clinical_date(None) == ""


def test_moments_are_shown_on_the_hospitals_clock():
    moment = datetime(2026, 8, 6, 23, 30, tzinfo=UTC)  # already the 7th in London
    assert tags.clinical_datetime(moment) == "07-Aug-2026 00:30"
    assert tags.patient_date(moment) == "Friday 7 August 2026, 12:30am"


@pytest.mark.parametrize(
    ("hour", "minute", "shown"), [(16, 30, "5:30pm"), (8, 0, "9am"), (11, 0, "midday"), (11, 5, "12:05pm")]
)
def test_patients_read_times_of_a_twelve_hour_clock(hour, minute, shown):
    assert tags.patient_date(datetime(2026, 8, 5, hour, minute, tzinfo=UTC)) == f"Wednesday 5 August 2026, {shown}"


@pytest.mark.parametrize(
    ("born", "shown"),
    [
        (date(1945, 7, 14), "81y"),
        (date(1945, 8, 7), "80y"),
        (date(2025, 5, 6), "15m"),
        (date(2026, 7, 1), "5w"),
        (date(2026, 8, 3), "3d"),
        (date(2026, 8, 6), "0d"),
        (date(2026, 8, 7), ""),
        (date(2004, 2, 29), "22y"),
    ],
)
def test_age_is_counted_in_the_units_of_that_age(born, shown):
    assert tags.age(born, date(2026, 8, 6)) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("+442079460123", "+44 20 7946 0123"), ("ext. 12", "ext. 12"), ("", ""), (None, "")]
)
def test_phone_numbers_are_international(number, shown):
    assert tags.phone(number) == shown


def test_minutes_of_a_length():
    assert tags.minutes(timedelta(minutes=30)) == "30 min"


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140",
            "Edge, Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("curl/8.0", "curl/8.0"),
        ("", "Unknown"),
    ],
)
def test_browser_is_named_as_people_know_it(agent, shown):
    assert tags.browser(agent) == shown


def test_icon_is_silent_unless_it_is_named():
    assert 'aria-hidden="true"' in tags.icon("check")
    assert 'role="img" aria-label="A &lt;b&gt;"' in tags.icon("check", "A <b>")


# --- forms


class Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="As in the passport.")
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    agree = forms.BooleanField(label="Agree")
    how = forms.ChoiceField(label="How", choices=[("a", "By post"), ("b", "By phone")], widget=forms.RadioSelect)

    def clean(self):
        raise forms.ValidationError("Not on a Sunday.")


def draw(template, **context):
    return Template(template).render(Context(context))


def test_unfilled_form_says_nothing_is_wrong():
    html = draw("{{ form }}", form=Sample())
    assert "error-summary" not in html
    assert (
        '<label class="field-label" for="id_note">Note <span class="field-optional">(optional)</span></label>' in html
    )
    assert 'id="id_name_helptext"' in html
    assert 'aria-describedby="id_name_helptext"' in html


def test_errors_are_summed_up_above_with_links_and_stand_at_their_fields():
    html = draw("{{ form }}", form=Sample({"note": "<kept>"}))
    assert "There is a problem" in html
    assert "<li>Not on a Sunday.</li>" in html
    assert '<a href="#id_name">' in html
    assert '<a href="#id_how_0">' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert html.count('aria-invalid="true"') >= 2
    assert html.index('id="id_name_error"') < html.index('name="name"')
    assert "&lt;kept&gt;" in html
