"""Every URL there is, filled with the ids of rows that hold canaries: texts that no refused answer may contain."""

from collections import namedtuple
from datetime import timedelta
from decimal import Decimal

from django.contrib.contenttypes.models import ContentType
from django.urls import get_resolver, resolve
from django.utils import timezone
from django.utils.regex_helper import normalize

from hms.domain import credit_notes, merging, payments, shifts
from hms.domain.settings import hospital
from hms.models import (
    DataExport,
    Display,
    FollowUpRule,
    Invitation,
    MedicalRecord,
    Prescription,
    PrescriptionLine,
    SetAsideText,
    TimeOff,
    VisitToMove,
)
from hms.testing import make_appointment, make_invoice, make_patient, make_service, make_user

# The URL name with its namespace, one address of it, and how the view is called.
Place = namedtuple("Place", "name path lookup")

# Of the record, and of what only clinicians may read.
CANARIES = [
    "canary-invoice-note",
    "canary-credit-reason",
    "Quetzalcoatl",
    "Xochipilli",
    "canary-away",
    "canary-reason",
    "canary-desk-note",
    "canary-notes",
    "canary@hms",
]
CLINICAL = [
    "canary-drug",
    "canary-set-aside",
    "canary-diagnosis",
    "canary-treatment",
    "canary-allergies",
    "canary-medical-history",
]
OF_PATIENTS = {
    "billing:account",
    "billing:statement",
    "billing:statement-pdf",
    "frontdesk:patient-invite",
    "frontdesk:patient-merge",
    "clinic:patient",
    "clinic:patient-print",
    "clinic:patient-pdf",
    "clinic:patient-vitals",
    "clinic:patient-open",
}


def body(response):
    """All of an answer, also of one that is sent while it is read."""
    if not hasattr(response, "body"):
        response.body = response.getvalue()
    return response.body


class Rows:
    """One row of everything that an address can name."""

    def __init__(self):
        self.patient = make_patient(
            last_name="Quetzalcoatl",
            first_name="Xochipilli",
            email="canary@hms.example",
            date_of_birth="1937-05-09",
            desk_note="canary-desk-note",
            allergies="canary-allergies",
            medical_history="canary-medical-history",
        )
        self.appointment = make_appointment(patient=self.patient, reason="canary-reason", notes="canary-notes")
        self.record = MedicalRecord.objects.create(
            patient=self.patient,
            doctor=self.appointment.doctor,
            appointment=self.appointment,
            diagnosis="canary-diagnosis",
            treatment="canary-treatment",
        )
        away = self.appointment.appointment_date
        self.time_off = TimeOff.objects.create(
            doctor=self.appointment.doctor, start=away, end=self.appointment.end, reason="canary-away"
        )
        self.to_move = VisitToMove.objects.create(
            appointment=self.appointment,
            doctor=self.appointment.doctor,
            start=away,
            time_off=self.time_off,
            noted_by=self.appointment.doctor.user,
        )
        self.display, self.token = Display.objects.open(name="Hall", by=make_user())
        self.invoice = make_invoice(appointment=self.appointment, note="canary-invoice-note")
        self.credit_note = credit_notes.credit(
            self.invoice,
            amounts={self.invoice.lines.get().pk: 1},
            reason="canary-credit-reason",
            by=self.invoice.issued_by,
        )
        clerk = self.invoice.issued_by
        self.shift = shifts.open_(by=clerk, opening_float=0)
        (self.payment,) = payments.take(
            patient=self.patient,
            parts=[payments.Part("CARD", Decimal(10))],
            invoices=[self.invoice],
            by=clerk,
            key="walk",
        )
        self.other = make_patient()
        self.invitation, _token = Invitation.objects.issue(self.patient, by=clerk)
        self.merge = merging.merge(make_patient(), make_patient(), by=clerk)
        self.set_aside = SetAsideText.objects.create(
            appointment=self.appointment,
            user=self.appointment.doctor.user,
            session="walk",
            texts={"notes": "canary-set-aside"},
            why="SIGNED",
            at=away,
        )
        self.service = make_service()
        self.rule = FollowUpRule.objects.create(days=14, percent=0)
        self.paper = Prescription.objects.create(record=self.record)
        self.export = DataExport.objects.create(
            patient=self.patient,
            status="READY",
            made_at=timezone.now(),
            expires_at=timezone.now() + timedelta(days=1),
            data=b"canary-reason",
            paper=b"canary-reason",
        )
        self.line = PrescriptionLine.objects.create(
            prescription=self.paper, patient=self.patient, drug_name="canary-drug", dose="1", frequency="daily"
        )
        self.canaries = [*CANARIES, *CLINICAL, self.patient.record_number]

    def shown_in(self, response):
        """The canaries that an answer holds, in its body or its headers; in any case (names are shown in capitals)."""
        text = f"{body(response).decode(errors='replace')} {response.headers}".lower()
        return [c for c in self.canaries if c.lower() in text]

    def fill(self, name, parameter):
        """What stands for ``parameter`` in the address called ``name``."""
        if parameter in {"object_id", "pk", "id"} and name.startswith("admin:"):
            return self._admin_object(name)
        return {
            "day": f"{hospital().today():%Y-%m-%d}",
            "token": self.paper.token if name == "prescription-check" else self.token,
            "pk": self._pk(name),
            "kind": "csv",
            "name": "revenue",
            "gone": self.other.pk,
            "service": self.service.pk,
            "key": "1-abc123",
            "step": "name" if name.startswith("portal:") else "start",
            "department": self.appointment.doctor.department_id,
            "doctor": self.appointment.doctor_id,
            **dict.fromkeys(("vitals", "diagnosis", "allergy", "problem"), 1),
            "line": self.line.pk,
            "text": self.set_aside.pk,
            "uidb36": "1",
            "app_label": "hms",
            "content_type_id": ContentType.objects.get_for_model(type(self.patient)).pk,
            "object_id": self.patient.pk,
            "url": "nothing-there/",
        }[parameter]

    def _pk(self, name):
        names = {"frontdesk:patient": self.patient, "frontdesk:display-revoke": self.display}
        names |= {"portal:credit-note-pdf": self.credit_note, "portal:receipt-pdf": self.payment}
        names |= {"portal:invoice": self.invoice, "portal:invoice-pdf": self.invoice}
        names |= {"portal:download-data": self.export, "portal:download-paper": self.export}
        names |= {"portal:prescription-pdf": self.paper, "frontdesk:invitation-revoke": self.invitation}
        names |= {"clinic:hours-leave-withdraw": self.time_off, "frontdesk:visit-keep": self.to_move}
        names |= {"billing:shift-pdf": self.shift, "billing:shift-closed": self.shift}
        names |= {"billing:credit-note": self.credit_note, "billing:credit-note-pdf": self.credit_note}
        names |= {"billing:price": self.service, "billing:price-end": self.service, "billing:follow-up-end": self.rule}
        if name == "frontdesk:merge-undo":
            return self.merge.pk
        if name.startswith(("billing:receipt", "billing:payment-")):
            return self.payment.pk
        if name in {"billing:invoice", "billing:credit-apply"} or name.startswith("billing:invoice-"):
            return self.invoice.pk
        if name in OF_PATIENTS:
            return self.patient.pk
        return names.get(name.removesuffix("-edit"), self.appointment).pk

    def _admin_object(self, name):
        rows = {"patient": self.patient, "user": self.patient.user, "appointment": self.appointment}
        rows |= {"medicalrecord": self.record, "display": self.display, "hospital": hospital()}
        rows |= {"doctor": self.appointment.doctor, "department": self.appointment.doctor.department}
        rows |= {"workinghours": self.appointment.doctor.hours.first()}
        model = name.removeprefix("admin:").removeprefix("hms_").split("_")[0]
        return rows[model].pk if model in rows else 1


def patterns(entries=None, regex="", namespaces=()):
    """Every URL pattern: ``(name with namespaces, regular expression)``."""
    for entry in entries if entries is not None else get_resolver().url_patterns:
        whole = regex + entry.pattern.regex.pattern.removeprefix("^")
        if hasattr(entry, "url_patterns"):
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from patterns(entry.url_patterns, whole, inner)
        else:
            yield ":".join([*namespaces, entry.name or entry.lookup_str]), whole


def places(rows):
    """One Place for every URL pattern there is."""
    for name, regex in patterns():
        template, parameters = normalize(regex)[0]
        path = "/" + template % {p: rows.fill(name, p) for p in parameters}
        yield Place(name, path, resolve(path).view_name)
