"""The few fields with which the booking panel registers somebody who is not in the system yet."""

from urllib.parse import parse_qsl

from django import forms
from django.utils.translation import gettext_lazy as _

from frontdesk import newcomers
from hms.domain.patients import check_date_of_birth
from hms.errors import DomainError
from hms.forms import BirthDateTextField, PhoneField, ShortText


class NewPatientFields(forms.Form):
    """Name, birth date, phone. All empty means that a known patient is meant."""

    new_family = ShortText(label=_("Family name"), required=False, max_length=150)
    new_given = ShortText(label=_("Given name"), required=False, max_length=150)
    new_born = BirthDateTextField(label=_("Date of birth"), required=False)
    new_phone = PhoneField(label=_("Phone"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.data.get("register"):  # without scripts: what was searched for becomes what is registered
            self.data = self.data.copy()
            for name, value in parse_qsl(newcomers.booking_query(self.data.get("q", ""))):
                self.data[name] = self.data.get(name) or value
        for name in ("new_family", "new_given", "new_born"):
            self.fields[name].quiet = True  # not "(optional)": needed as soon as one of them is used

    def wants_new_patient(self):
        return any(self.data.get(name, "").strip() for name in ("new_family", "new_given", "new_born", "new_phone"))

    def clean_new_born(self):
        born = self.cleaned_data["new_born"]
        if born is not None:
            try:
                check_date_of_birth(born)
            except DomainError as e:
                raise forms.ValidationError(str(e)) from e
        return born

    def clean(self):
        data = super().clean()
        if not data.get("patient") and self.wants_new_patient():
            if not (data.get("new_family") or data.get("new_given") or {"new_family", "new_given"} & set(self.errors)):
                self.add_error("new_family", _("Write the patient's name."))
            if not data.get("new_born") and "new_born" not in self.errors:
                self.add_error("new_born", _("Write the date of birth."))
        return data

    def new_patient(self):
        """What hms.domain.patients.register takes."""
        data = self.cleaned_data
        return {
            "last_name": data["new_family"],
            "first_name": data["new_given"],
            "date_of_birth": data["new_born"],
            "phone": data["new_phone"],
        }
