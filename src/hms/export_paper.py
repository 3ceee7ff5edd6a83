"""Everything that is kept of a patient, on paper: what hms/typst/everything.typ prints, all of it text."""

from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms import pdf
from hms.domain import printing
from hms.record_number import grouped
from hms.templatetags.hms import clinical_date, clinical_datetime

TITLES = {
    "about": gettext_lazy("About you"),
    "consent": gettext_lazy("Your consent"),
    "visits": gettext_lazy("Visits"),
    "records": gettext_lazy("What doctors signed"),
    "prescriptions": gettext_lazy("Prescriptions"),
    "vitals": gettext_lazy("Measurements"),
    "allergies": gettext_lazy("Allergies"),
    "problems": gettext_lazy("Problems"),
    "invoices": gettext_lazy("Invoices"),
    "payments": gettext_lazy("Payments"),
    "letters": gettext_lazy("Letters to you"),
    "wishes": gettext_lazy("What you asked of us"),
    "looks": gettext_lazy("Who opened your record"),
    "sessions": gettext_lazy("Where you are signed in"),
}
HEADS = ("number", "substance", "problem", "at")  # the first of these that an entry has is its heading

LABELS = {
    "addenda": gettext_lazy("Added later"),
    "address": gettext_lazy("Address"),
    "agreed_to_a_record": gettext_lazy("Agreed that a record is kept"),
    "allergies": gettext_lazy("Allergies"),
    "amount": gettext_lazy("Amount"),
    "answer": gettext_lazy("Our answer"),
    "answered": gettext_lazy("Answered"),
    "arrived": gettext_lazy("Arrived"),
    "at": gettext_lazy("When"),
    "bill_to": gettext_lazy("Bill to"),
    "blood_type": gettext_lazy("Blood type"),
    "browser": gettext_lazy("Browser"),
    "by": gettext_lazy("By"),
    "code": gettext_lazy("Code"),
    "credit_notes": gettext_lazy("Credit notes"),
    "currency": gettext_lazy("Currency"),
    "date_of_birth": gettext_lazy("Date of birth"),
    "department": gettext_lazy("Department"),
    "diagnoses": gettext_lazy("Diagnoses"),
    "diagnosis": gettext_lazy("Diagnosis"),
    "doctor": gettext_lazy("Doctor"),
    "due": gettext_lazy("Due"),
    "email": gettext_lazy("E-mail"),
    "emergency_contact": gettext_lazy("Emergency contact"),
    "ended": gettext_lazy("Ended"),
    "entered_in_error": gettext_lazy("Entered in error"),
    "family_name": gettext_lazy("Family name"),
    "for": gettext_lazy("For"),
    "gender": gettext_lazy("Gender"),
    "given_name": gettext_lazy("Given name"),
    "issued": gettext_lazy("Issued"),
    "kind": gettext_lazy("Kind"),
    "last_used": gettext_lazy("Last used"),
    "lines": gettext_lazy("Lines"),
    "measured": gettext_lazy("Measured"),
    "medical_history": gettext_lazy("Medical history"),
    "method": gettext_lazy("Method"),
    "minutes": gettext_lazy("Minutes"),
    "note": gettext_lazy("Note"),
    "note_for_the_desk": gettext_lazy("Note for the desk"),
    "notes": gettext_lazy("Notes"),
    "owed": gettext_lazy("Still owed"),
    "phone": gettext_lazy("Phone"),
    "prescription": gettext_lazy("Prescription"),
    "quantity": gettext_lazy("Quantity"),
    "reaction": gettext_lazy("Reaction"),
    "reason": gettext_lazy("Reason"),
    "record_number": gettext_lazy("Record number"),
    "registered": gettext_lazy("Registered"),
    "registered_in_the_portal": gettext_lazy("Registered in the portal"),
    "role": gettext_lazy("Role"),
    "severity": gettext_lazy("Severity"),
    "signed": gettext_lazy("Signed"),
    "signed_by": gettext_lazy("Signed by"),
    "since": gettext_lazy("Since"),
    "status": gettext_lazy("Status"),
    "stopped": gettext_lazy("Stopped"),
    "subject": gettext_lazy("Subject"),
    "tax": gettext_lazy("Tax"),
    "text": gettext_lazy("Text"),
    "to": gettext_lazy("To"),
    "total": gettext_lazy("Total"),
    "treatment": gettext_lazy("Treatment"),
    "until": gettext_lazy("Until"),
    "value": gettext_lazy("Value"),
    "what": gettext_lazy("What"),
    "who": gettext_lazy("Who"),
    "why": gettext_lazy("Why"),
    "why_cancelled": gettext_lazy("Why cancelled"),
    "why_ended": gettext_lazy("Why ended"),
    "why_stopped": gettext_lazy("Why stopped"),
}


def render(parts):
    """The PDF of all parts (hms.domain.whole_record)."""
    return pdf.render("everything", data(parts))


def data(parts):
    about = parts["about"]
    name = f"{about['given_name']} {about['family_name']}".strip()
    return {
        "title": _("Everything that we keep of you"),
        "hospital": printing.hospital_lines(),
        "printed_at": _("As it was on %(at)s") % {"at": clinical_datetime(parts["made"])},
        "reference": grouped(about["record_number"]),
        "name": name,
        "nothing": _("Nothing"),
        "sections": [
            {"title": str(title), "entries": [_entry(row) for row in _rows(parts[part])]}
            for part, title in TITLES.items()
        ],
    }


def _rows(part):
    return part if isinstance(part, list) else [part]


def _entry(row):
    head = next((key for key in HEADS if row.get(key)), None)
    facts = [[str(LABELS.get(key, key)), text] for key, value in row.items() if key != head and (text := _text(value))]
    return {"head": _text(row[head]) if head else "", "facts": facts}


def _text(value):
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return clinical_datetime(value)
    if isinstance(value, date):
        return clinical_date(value)
    if isinstance(value, dict):
        return ", ".join(text for v in value.values() if (text := _text(v)))
    if isinstance(value, list):
        return "\n".join(_text(v) for v in value)
    return "" if value is None else str(value)
