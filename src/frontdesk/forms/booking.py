"""Booking, moving, editing, cancelling: what is typed at the desk, made into what hms.domain.scheduling takes."""

import re
from datetime import UTC, datetime, time, timedelta

from django import forms
from django.db import transaction
from django.forms.utils import flatatt
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from frontdesk.forms.new_patient import NewPatientFields
from hms.domain import clock, patients, scheduling
from hms.domain.settings import hospital
from hms.errors import DomainError, NeedsReason, SlotTaken, Stale
from hms.forms import DateTextField, LongText, ShortText
from hms.models import Doctor, Patient

COMPACT = "%Y%m%dT%H%MZ"  # a UTC moment in addresses: 20261122T1015Z


def compact(moment):
    return moment.astimezone(UTC).strftime(COMPACT)


def parse_compact(text):
    """The moment that ``compact`` wrote; None for anything else."""
    try:
        moment = datetime.strptime(text or "", COMPACT).replace(tzinfo=UTC)
    except ValueError:
        return None
    # Nothing is booked outside of these, and at the ends of the calendar no zone can be applied.
    return moment if 2000 <= moment.year < 2100 else None


class TimeTextField(forms.Field):
    """A time of day as people type it: 10:30, 10.30, 1030, 9, 9:15pm. Gives a datetime.time."""

    pattern = re.compile(r"^(\d{1,2})(?:[:.h ]?(\d{2}))?\s*([ap])?\.?(?:m\.?)?$", re.IGNORECASE)

    widget = forms.TextInput(attrs={"autocomplete": "off", "size": 6, "placeholder": "10:30"})

    def prepare_value(self, value):
        return f"{value:%H:%M}" if isinstance(value, time) else value

    def to_python(self, value):
        value = (value or "").strip()
        if not value:
            return None
        if found := self.pattern.match(value):
            hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
            if half and 1 <= hour <= 12:
                hour = hour % 12 + (12 if half == "p" else 0)
            if hour < 24 and minute < 60:
                return time(hour, minute)
        raise forms.ValidationError(_("“%(value)s” is not a time. Write it as 10:30."), params={"value": value[:20]})


class MinutesField(forms.IntegerField):
    """A length in minutes. Gives a timedelta."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.NumberInput(attrs={"min": 5, "max": 480, "step": 5}))
        words = {"invalid": _("Write the length in whole minutes."), "required": _("Write how many minutes.")}
        super().__init__(error_messages=words, **kwargs)

    def prepare_value(self, value):
        return value // timedelta(minutes=1) if isinstance(value, timedelta) else value

    def clean(self, value):
        minutes = super().clean(value)
        if minutes is None:
            return None
        if not 5 <= minutes <= 480:
            raise forms.ValidationError(_("A visit takes between 5 minutes and 8 hours."))
        return timedelta(minutes=minutes)


class DoctorSelect(forms.Select):
    """Drawn in one go from plain rows: Django's own makes objects and renders a template for each of 200 doctors."""

    def render(self, name, value, attrs=None, renderer=None):
        title = _t("Dr %(name)s")
        doctors = Doctor.objects.in_order().filter(user__is_active=True)
        rows = doctors.values_list("pk", "user__first_name", "user__last_name", "user__email")
        chosen = "" if value is None else str(value)
        options = [format_html('<option value="">{}</option>', _t("Choose a doctor"))]
        for pk, given, family, mail in rows:
            text = escape(title % {"name": f"{given} {family}".strip() or mail})
            options.append(f'<option value="{pk}"{" selected" if str(pk) == chosen else ""}>{text}</option>')
        attrs = flatatt(self.build_attrs(self.attrs, {"name": name} | (attrs or {})))
        return format_html("<select{}>{}</select>", attrs, mark_safe("".join(options)))  # noqa: S308 (escaped above)

    def use_required_attribute(self, initial):
        return not self.is_hidden  # there is an empty choice; looking for it would read every doctor once more


class When(forms.Form):
    """Doctor, day and time, with the two questions that only sometimes come up."""

    doctor = forms.ModelChoiceField(
        label=_("Doctor"),
        queryset=Doctor.objects.none(),
        widget=DoctorSelect,
        error_messages={
            "required": _("Choose a doctor."),
            "invalid_choice": _("This doctor does not work here. Choose one from the list."),
        },
    )
    date = DateTextField(label=_("Day"), error_messages={"required": _("Choose a day.")})
    time = TimeTextField(label=_("Time"), error_messages={"required": _("Write the time, as 10:30.")})
    duration = MinutesField(label=_("Minutes"))
    fold = forms.TypedChoiceField(
        label=_("Which of the two?"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("0", "1"), ("1", "2")],
        widget=forms.RadioSelect,
    )
    override_reason = ShortText(label=_("Reason for booking outside the hours"), required=False, max_length=200)

    # What the last refusal knew, for the template.
    refusal = theirs = None
    in_the_way = free_times = ()
    ask_reason = False
    times = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # No more than whether there is one: the domain reads them again when it is their turn.
        self.fields["doctor"].queryset = Doctor.objects.filter(user__is_active=True).only("pk")
        self.ask_reason = bool(self.data.get("override_reason"))
        for name in ("fold", "override_reason"):
            self.fields[name].quiet = True  # shown only when asked for: not "(optional)" then
        # One of the free times offered instead: its button carries doctor and moment.
        self.instead = None
        doctor, _at, moment = self.data.get("instead", "").partition("@")
        if parse_compact(moment) and doctor.isdigit():
            self.instead = parse_compact(moment)
            local = self.instead.astimezone(hospital().zone)
            self.data = self.data.copy()
            self.data["doctor"], self.data["date"], self.data["time"] = doctor, f"{local:%Y-%m-%d}", f"{local:%H:%M}"

    @staticmethod
    def at(moment):
        """Initial values for a moment."""
        local = moment.astimezone(hospital().zone)
        return {"date": local.date(), "time": local.time()}

    def start(self):
        """The moment that day and time mean; raises as hms.domain.clock.moment does."""
        if self.instead:
            return self.instead
        data = self.cleaned_data
        return clock.moment(data["date"], data["time"], hospital().zone, fold=data.get("fold"))

    def refuse(self, error):
        """Show why the domain said no, beside what caused it."""
        field = error.field if error.field in self.fields else None
        self.refusal = error
        if isinstance(error, SlotTaken):
            self.in_the_way, self.free_times = error.in_the_way, error.free_times
        if isinstance(error, NeedsReason):
            self.ask_reason, field = True, "override_reason"
        if isinstance(error, clock.AmbiguousTime):
            field = "fold"
        if isinstance(error, Stale):
            self.theirs = error.current
            # Sent again, it is meant: the other's change has been shown.
            self.data = self.data.copy()
            self.data["version"] = error.current.version
        self.ask_which()
        self.add_error(field, str(error))

    def ask_which(self):
        """Offer the two moments of a time that happens twice, also beside another question."""
        data = self.cleaned_data
        if "fold" not in self.fields or self.instead or not (data.get("date") and data.get("time")):
            return
        zone = hospital().zone
        try:
            clock.moment(data["date"], data["time"], zone)
        except clock.AmbiguousTime as e:
            self.times = e.choices
            local = [m.astimezone(zone) for m in e.choices]
            self.fields["fold"].choices = [(str(i), f"{m:%H:%M} {m.tzname()}") for i, m in enumerate(local)]
        except DomainError:
            return

    @property
    def status(self):
        """The HTTP status of showing this form again: 409 if somebody else was quicker, else 422."""
        return 409 if isinstance(self.refusal, SlotTaken | Stale) else 422


class BookingForm(NewPatientFields, When):
    """A new appointment, for a known patient or for one who is registered by it."""

    patient = forms.ModelChoiceField(
        label=_("Patient"),
        queryset=Patient.objects.only("pk"),
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("This patient is not in the system. Search again.")},
    )
    reason = ShortText(label=_("Reason for the visit"), required=False, max_length=500)
    notes = LongText(label=_("Notes for the desk"), required=False, max_length=2000)

    field_order = ["patient", "doctor", "date", "time", "duration", "reason"]

    def clean(self):
        data = super().clean()
        if not data.get("patient") and not self.errors.get("patient") and not self.wants_new_patient():
            self.add_error("patient", _t("Choose a patient, or register a new one."))
        return data

    def book(self, *, by):
        """Book, registering the patient first if new: both or neither."""
        if patient := self.cleaned_data.get("patient"):
            return self._book(patient, by)  # in no transaction but the booking's own: its end is the next one's turn
        with transaction.atomic():
            return self._book(patients.register(**self.new_patient(), by=by), by)

    def _book(self, patient, by):
        data = self.cleaned_data
        return scheduling.book(
            patient=patient,
            doctor=data["doctor"],
            start=self.start(),
            duration=data["duration"],
            reason=data["reason"],
            notes=data["notes"],
            override_reason=data["override_reason"],
            by=by,
        )


class MoveForm(When):
    version = forms.CharField(widget=forms.HiddenInput, required=False)

    def move(self, appointment, *, by):
        data = self.cleaned_data
        return scheduling.reschedule(
            appointment,
            doctor=data["doctor"],
            start=self.start(),
            duration=data["duration"],
            override_reason=data["override_reason"],
            version=data["version"],
            by=by,
        )


class EditForm(forms.Form):
    reason = ShortText(label=_("Reason for the visit"), required=False, max_length=500)
    notes = LongText(label=_("Notes for the desk"), required=False, max_length=2000)
    duration = MinutesField(label=_("Minutes"))
    override_reason = ShortText(label=_("Reason for booking outside the hours"), required=False, max_length=200)
    version = forms.CharField(widget=forms.HiddenInput, required=False)

    refusal = theirs = None
    in_the_way = free_times = ()
    refuse = When.refuse
    ask_which = When.ask_which
    status = When.status

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ask_reason = bool(self.data.get("override_reason"))
        # A free time at which the longer visit fits, of the same doctor.
        self.instead = parse_compact(self.data.get("instead", "").partition("@")[2])


class CancelForm(forms.Form):
    reason = ShortText(
        label=_("Why is it cancelled?"),
        max_length=200,
        error_messages={"required": _("Say why the appointment is cancelled.")},
    )
