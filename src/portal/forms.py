"""One question a page: each step of registering is a form of its own."""

from django import forms
from django.utils.translation import gettext_lazy as _

from hms.domain.registration import check_age
from hms.errors import DomainError
from hms.forms import DateOfBirthField, LongText, PhoneField, ShortText
from hms.models import Patient


class Step(forms.Form):
    """``answers()`` are JSON-able; ``given(answers)`` are the initial values again."""

    title = ""

    def answers(self):
        return {k: str(v) if v is not None else "" for k, v in self.cleaned_data.items()}

    @classmethod
    def given(cls, answers):
        return {k: answers.get(k, "") for k in cls.base_fields}


class Names(Step):
    title = _("What is your name?")
    first_name = ShortText(label=_("Given name"), max_length=150, required=False)
    last_name = ShortText(label=_("Family name"), max_length=150, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, what in (("first_name", "given-name"), ("last_name", "family-name")):
            self.fields[name].widget.attrs["autocomplete"] = what
            self.fields[name].quiet = True

    def clean(self):
        data = super().clean()
        if not self.errors and not (data.get("first_name") or data.get("last_name")):
            self.add_error("first_name", _("Write your name."))
        return data


class Born(Step):
    title = _("What is your date of birth?")
    date_of_birth = DateOfBirthField(label=_("Date of birth"), help_text=_("For example 27 3 1965"))

    def clean_date_of_birth(self):
        try:
            check_age(self.cleaned_data["date_of_birth"])
        except DomainError as e:
            raise forms.ValidationError(str(e)) from e
        return self.cleaned_data["date_of_birth"]

    @classmethod
    def given(cls, answers):
        from datetime import date

        text = answers.get("date_of_birth")
        return {"date_of_birth": date.fromisoformat(text)} if text else {}


class Gender(Step):
    title = _("What is your gender?")
    gender = forms.ChoiceField(
        label=_("Gender"),
        choices=Patient.Gender.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of these; “Not stated” is an answer too.")},
    )


class Phone(Step):
    title = _("On which phone can we reach you?")
    phone = PhoneField(label=_("Phone"), required=False)


class Emergency(Step):
    title = _("Whom should we call in an emergency?")
    emergency_contact = PhoneField(label=_("Their phone"), required=False)


class Blood(Step):
    title = _("Do you know your blood type?")
    blood_type = forms.ChoiceField(
        label=_("Blood type"),
        choices=[("", _("I do not know")), *Patient.BloodType.choices],
        required=False,
        widget=forms.RadioSelect,
    )


class Allergies(Step):
    title = _("Are you allergic to anything?")
    allergies = forms.ChoiceField(
        label=_("Allergies"),
        choices=[("none", _("No")), ("unsure", _("I am not sure")), ("list", _("Yes"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the three.")},
    )
    allergy_list = LongText(
        label=_("If yes, to what?"),
        help_text=_("One on each line"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    allergy_list.quiet = True  # neither optional nor required: it hangs on the answer above

    def clean(self):
        data = super().clean()
        if data.get("allergies") == "list" and not data.get("allergy_list"):
            self.add_error("allergy_list", _("Write what you are allergic to."))
        if data.get("allergies") in {"none", "unsure"} and data.get("allergy_list"):
            # What was typed is not dropped in silence.
            self.add_error("allergies", _("You wrote an allergy below. Choose “Yes”, or clear what you wrote."))
        return data


class Consent(Step):
    title = _("May we keep your record?")
    consent = forms.BooleanField(
        label=_("I agree that the hospital keeps a record of my visits and treatment"),
        error_messages={"required": _("We can only see you if we may keep a record.")},
    )

    def answers(self):
        return {"consent": True}

    @classmethod
    def given(cls, answers):
        return {"consent": bool(answers.get("consent"))}


STEPS = {
    "name": Names,
    "born": Born,
    "gender": Gender,
    "phone": Phone,
    "emergency": Emergency,
    "blood": Blood,
    "allergies": Allergies,
    "consent": Consent,
}


class ContactForm(forms.Form):
    phone = PhoneField(label=_("Phone"), required=False)
    emergency_contact = PhoneField(label=_("Emergency contact, phone"), required=False)


class WishForm(forms.Form):
    text = LongText(
        label=_("What is wrong?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Write what is wrong.")},
    )
