"""What the desk types about a patient, and what is done when somebody else typed meanwhile."""

from datetime import UTC, datetime, timedelta

from django import forms
from django.apps import apps
from django.utils.translation import gettext_lazy as _

from hms.domain import patients
from hms.errors import DomainError
from hms.forms import DateOfBirthField, PhoneField, ShortText
from hms.models import Patient, User

OFF = {"autocomplete": "off"}  # the browser must not offer one patient's data for another


class NameText(ShortText):
    """A name that is asked for as if required; the form checks that there is one of the two."""

    def validate(self, value):
        pass


class PatientForm(forms.Form):
    """Register, or with ``patient`` edit."""

    last_name = NameText(
        label=_("Family name"),
        max_length=150,
        help_text=_("Somebody with one name: write it here."),
        widget=forms.TextInput(attrs=OFF | {"autofocus": True, "dir": "auto", "spellcheck": "false"}),
    )
    first_name = NameText(
        label=_("Given names"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs=OFF | {"dir": "auto", "spellcheck": "false"}),
    )
    date_of_birth = DateOfBirthField(label=_("Date of birth"), help_text=_("For example 14 3 1945 or 14 Mar 1945"))
    gender = forms.ChoiceField(label=_("Gender"), choices=Patient.Gender.choices, initial=Patient.Gender.UNKNOWN)
    phone = PhoneField(label=_("Phone"), required=False)
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("With an address the patient can sign in to the portal."),
        widget=forms.TextInput(attrs=OFF | {"type": "email", "spellcheck": "false"}),
        error_messages={"invalid": _("This is no e-mail address. It looks like name@example.org.")},
        max_length=254,
    )
    emergency_contact = PhoneField(
        label=_("Emergency contact, phone"), required=False, help_text=_("Of somebody close to the patient.")
    )
    desk_note = ShortText(
        label=_("Note for the desk"),
        max_length=200,
        required=False,
        help_text=_("Wheelchair, interpreter, … Nothing clinical."),
        widget=forms.TextInput(attrs=OFF | {"dir": "auto"}),
    )
    is_active = forms.BooleanField(
        label=_("Active record"), required=False, initial=True, help_text=_("Nobody can book for an inactive record.")
    )
    version = forms.CharField(widget=forms.HiddenInput, required=False)

    GROUPS = [
        (_("Who"), ["last_name", "first_name", "date_of_birth", "gender"]),
        (_("How to reach them"), ["phone", "email", "emergency_contact"]),
        (_("At the desk"), ["desk_note", "is_active"]),
    ]
    stale = False  # somebody else changed the record while this was typed

    def __init__(self, data=None, *, by, patient=None, **kwargs):
        self.by, self.patient = by, patient
        if patient is not None:
            kwargs["initial"] = _values(patient.user, patient) | {"version": patients.version_of(patient)}
        super().__init__(data, **kwargs)
        if not by.is_admin or patient is None:
            del self.fields["is_active"]
        if patient is not None and not patients.may_change_email(patient, by):
            # The value is shown; what a request says instead is not looked at.
            self.fields["email"].disabled = True
            self.fields["email"].help_text = _("The patient signs in with it; an administrator can change it.")

    def groups(self):
        """``[(heading, fields), …]`` for the page."""
        return [(title, [self[name] for name in names if name in self.fields]) for title, names in self.GROUPS]

    def clean_date_of_birth(self):
        born = self.cleaned_data["date_of_birth"]
        try:
            patients.check_date_of_birth(born)
        except DomainError as e:
            raise forms.ValidationError(str(e)) from e
        return born

    def clean_email(self):
        email = User.objects.normalize_email(self.cleaned_data["email"]) or None
        used = User.objects.filter(email=email) if email else User.objects.none()
        if self.patient is not None:
            used = used.exclude(pk=self.patient.user_id)
        if other := used.first():
            if other.is_patient:
                raise forms.ValidationError(_("%(name)s already has this address."), params={"name": other.formal_name})
            raise forms.ValidationError(_("This e-mail address is already used."))
        return email

    def clean(self):
        data = super().clean()
        if not (data.get("last_name") or data.get("first_name") or {"last_name", "first_name"} & set(self.errors)):
            self.add_error("last_name", _("Write the patient's name."))
        return data

    def save(self):
        """Register or edit; raises DomainError, and Stale after which ``merge`` says what to show."""
        fields = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        if self.patient is None:
            return patients.register(**fields, by=self.by)
        return patients.edit(self.patient, **fields, version=self.cleaned_data["version"] or "none", by=self.by)

    def merge(self):
        """Somebody else saved first: keep what was typed, take over what was not touched, say what differs.

        Sets ``stale``, the new version, and in ``theirs`` ``[(field, value now), …]`` of both kinds.
        """
        self.stale = True
        self.patient = Patient.objects.select_related("user").get(pk=self.patient.pk)
        base, now = self._base(), _values(self.patient.user, self.patient)
        self.data = self.data.copy()
        self.theirs = []
        for name in self.fields:
            if name == "version" or self.fields[name].disabled:
                continue
            typed = self.cleaned_data.get(name, self[name].data)
            if _same(typed, now[name]):
                continue
            untouched = base is not None and _same(typed, base[name])
            if untouched:
                self._put(name, now[name])
            if untouched or base is None or not _same(now[name], base[name]):
                self.theirs.append((self[name], _shown(self.fields[name], now[name]), untouched))
        self.data["version"] = patients.version_of(self.patient)

    def _put(self, name, value):
        widget = self.fields[name].widget
        if isinstance(widget, forms.MultiWidget):
            for suffix, part in zip(widget.widgets_names, widget.decompress(value), strict=True):
                self.data[f"{name}{suffix}"] = str(part)
        elif isinstance(widget, forms.CheckboxInput):
            self.data.pop(name, None)
            if value:
                self.data[name] = "on"
        else:
            self.data[name] = "" if value is None else str(value)

    def _base(self):
        """The values that the form was opened with, from the record's history; None if it does not go back so far."""
        rows = []
        versions = (self.data.get("version") or "").split("-")
        if len(versions) != 2 or not all(v.isascii() and v.isdigit() and len(v) < 18 for v in versions):
            return None
        for model, pk, version in zip(
            ("UserEvent", "PatientEvent"), (self.patient.user_id, self.patient.pk), versions, strict=True
        ):
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(version))
            # A version is a moment that went through a float.
            near = {
                "updated_at__gte": at - timedelta(microseconds=2),
                "updated_at__lte": at + timedelta(microseconds=2),
            }
            rows.append(apps.get_model("hms", model).objects.filter(pgh_obj_id=pk, **near).order_by("pgh_id").last())
        return _values(*rows) if all(rows) else None


def _values(user, patient):
    names = {name: getattr(user, name) for name in patients.USER_FIELDS}
    return names | {name: getattr(patient, name) for name in patients.PATIENT_FIELDS}


def _same(a, b):
    return (a or "") == (b or "") or str(a or "") == str(b or "")


def _shown(field, value):
    """A value in words: what the record says now."""
    if isinstance(field, forms.BooleanField):
        return _("yes") if value else _("no")
    if isinstance(field, forms.ChoiceField):
        return dict(field.choices).get(value, value)
    if hasattr(value, "strftime"):
        return f"{value:%d-%b-%Y}"
    return value or _("empty")
