"""A prescription on paper: what hms/typst/prescription.typ prints, all of it text."""

import segno
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hms import pdf
from hms.domain import printing
from hms.record_number import grouped
from hms.templatetags.hms import age, clinical_date, clinical_datetime


def render(paper):
    """The PDF. Before the record is signed it is marked as a draft, and no code says that it is genuine."""
    return pdf.render("prescription", data(paper))


def address(paper):
    """Where a pharmacy sees whether it is genuine; it says nothing of the patient."""
    return f"{settings.SITE_URL}{reverse('prescription-check', args=[paper.token])}"


def data(paper):
    record = paper.record
    patient, doctor = record.patient, record.doctor
    return {
        "title": _("Prescription"),
        "mark": "" if record.is_signed else _("DRAFT"),
        "hospital": printing.hospital_lines(),
        "printed_at": clinical_datetime(timezone.now()),
        "reference": paper.token[:8] if record.is_signed else "",
        "labels": {
            "patient": _("Patient"),
            "doctor": _("Prescribed by"),
            "licence": _("Licence"),
            "day": _("Day"),
            "code": _(
                "Leads to a page that says whether this prescription is genuine. It says nothing of the patient."
            ),
        },
        "patient": {
            "name": patient.user.formal_name,
            "born": f"{clinical_date(patient.date_of_birth)} ({age(patient.date_of_birth)})",
            "number": grouped(patient.record_number),
        },
        "doctor": {"name": str(doctor), "department": doctor.department.name, "licence": doctor.license_number},
        "day": clinical_date(record.signed_at or paper.created_at),
        "signed": _("Signed %(at)s") % {"at": clinical_datetime(record.signed_at)} if record.is_signed else "",
        "lines": [_line(line) for line in paper.lines.all()],
        "qr": segno.make(address(paper), micro=False, error="m").svg_inline(border=0) if record.is_signed else "",
    }


def _line(line):
    days = ngettext("%(n)d day", "%(n)d days", line.days) % {"n": line.days} if line.days else ""
    return {
        "what": " ".join(filter(None, (line.drug_name, line.strength, line.form))),
        "how": ", ".join(filter(None, (line.dose, line.frequency, days))),
        "instructions": line.instructions,
        "quantity": line.quantity,
        "stopped": _("Stopped %(day)s") % {"day": clinical_date(line.stopped_at)} if line.stopped_at else "",
    }
