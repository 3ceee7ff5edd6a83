"""Everything that is kept of one patient, part by part, as plain values: what they may take away as files.

What is signed, issued or otherwise true of them; no drafts of doctors or of the desk. A test fails when a table points
at Patient and is neither read here nor named in LEFT_OUT.
"""

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db.models import Prefetch

from hms.domain import looks as access
from hms.domain import payments as ledger
from hms.models import (
    AccessLog,
    Allergy,
    Allocation,
    Appointment,
    BreakGlass,
    CreditNote,
    Diagnosis,
    Invoice,
    MedicalRecord,
    OutboxMail,
    Patient,
    Payment,
    PrescriptionLine,
    Problem,
    Vitals,
    Wish,
)
from hms.models.clinical import RANGES

PARTS = {}  # name → function(patient) → a dict, or a list of them; in the order of the files
READ = set()  # labels of the tables that the parts read
LEFT_OUT = {
    "hms.dataexport": "the files themselves",
    "hms.doctor": "by way of the visits",
    "hms.invitation": "a hash and when it was used",
    "hms.merge": "how the desk put two records together; what they held is in the other parts",
    "hms.slothold": "runs out within minutes",
}


def part(*models):
    """Decorator: the function reads a part of the record, from these tables."""

    def decorate(function):
        PARTS[function.__name__] = function
        READ.update(model._meta.label_lower for model in models)
        return function

    return decorate


@part(Patient)
def about(patient):
    user = patient.user
    return {
        "record_number": patient.record_number,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "email": user.email or "",
        "phone": str(user.phone),
        "date_of_birth": patient.date_of_birth,
        "gender": str(patient.get_gender_display()),
        "blood_type": patient.blood_type,
        "emergency_contact": str(patient.emergency_contact),
        "note_for_the_desk": patient.desk_note,
        "allergies": patient.allergies,
        "medical_history": patient.medical_history,
        "registered": patient.created_at,
    }


@part()
def consent(patient):
    """When they agreed that a record is kept: asked in the portal, before the record was made."""
    made = apps.get_model("hms", "PatientEvent").objects.filter(
        pgh_obj_id=patient.pk, pgh_context__action="patient.registered-themself"
    )
    first = made.order_by("pgh_id").first()
    return {
        "registered_in_the_portal": first is not None,
        "agreed_to_a_record": first.pgh_created_at if first else None,
    }


@part(Appointment)
def visits(patient):
    rows = Appointment.objects.filter(patient=patient).select_related("doctor__user", "doctor__department")
    return [
        {
            "at": a.appointment_date,
            "minutes": round(a.duration.total_seconds() / 60),
            "doctor": str(a.doctor),
            "department": a.doctor.department.name,
            "status": str(a.get_status_display()),
            "reason": a.reason,
            "notes": a.notes,
            "arrived": a.checked_in_at,
            "why_cancelled": a.cancel_reason,
        }
        for a in rows.order_by("-appointment_date", "-pk")
    ]


@part(MedicalRecord)
def records(patient):
    signed = MedicalRecord.objects.filter(patient=patient, signed_at__isnull=False).select_related(
        "doctor__user", "signed_by"
    )
    addenda = {}
    for a in signed.exclude(amends=None).order_by("signed_at", "pk"):
        addenda.setdefault(a.amends_id, []).append({"at": a.signed_at, "by": str(a.doctor), "text": a.notes})
    rows = signed.filter(amends=None).prefetch_related(Prefetch("diagnoses", Diagnosis.objects.order_by("pk")))
    return [
        {
            "at": r.created_at,
            "doctor": str(r.doctor),
            "signed": r.signed_at,
            "signed_by": str(r.signed_by),
            "diagnosis": r.diagnosis,
            "treatment": r.treatment,
            "prescription": r.prescription,
            "notes": r.notes,
            "diagnoses": [str(d) for d in r.diagnoses.all()],
            "addenda": addenda.get(r.pk, []),
        }
        for r in rows.order_by("-created_at", "-pk")
    ]


@part(PrescriptionLine)
def prescriptions(patient):
    rows = PrescriptionLine.objects.filter(patient=patient, prescription__record__signed_at__isnull=False)
    return [
        {
            "at": line.created_at,
            "what": line.said(),
            "quantity": line.quantity,
            "doctor": str(line.prescription.record.doctor),
            "stopped": line.stopped_at,
            "why_stopped": line.stop_reason,
        }
        for line in rows.select_related("prescription__record__doctor__user").order_by("-created_at", "-pk")
    ]


@part(Vitals)
def vitals(patient):
    return [
        {
            "at": v.taken_at,
            "by": str(v.taken_by),
            "entered_in_error": v.error_reason,
            "measured": [
                {"what": str(Vitals._meta.get_field(name).verbose_name), "value": value, "unit": unit}
                for name, (unit, *_limits) in RANGES.items()
                if (value := getattr(v, name)) is not None
            ],
        }
        for v in Vitals.objects.filter(patient=patient).select_related("taken_by")
    ]


@part(Allergy)
def allergies(patient):
    return [
        {
            "substance": a.substance,
            "severity": str(a.get_severity_display()),
            "reaction": a.reaction,
            "at": a.noted_at,
            "by": str(a.noted_by),
            "ended": a.ended_at,
            "why_ended": a.end_reason,
        }
        for a in Allergy.objects.filter(patient=patient).select_related("noted_by")
    ]


@part(Problem)
def problems(patient):
    rows = Problem.objects.filter(patient=patient)
    return [
        {"problem": p.text, "code": p.code_id or "", "since": p.onset, "until": p.ended, "at": p.noted_at} for p in rows
    ]


@part(Invoice)
def invoices(patient):
    owed = {invoice.pk: left for invoice, left in ledger.owed(patient)}
    rows = Invoice.objects.issued().filter(patient=patient).order_by("-issued_on", "-pk")
    rows = rows.prefetch_related("lines", Prefetch("credit_notes", CreditNote.objects.order_by("pk")))
    return [
        {
            "number": i.number,
            "issued": i.issued_on,
            "due": i.due_date,
            "status": str(i.get_status_display()),
            "currency": i.currency,
            "amount": i.amount,
            "tax": i.tax_amount,
            "total": i.total_amount,
            "owed": owed.get(i.pk, 0),
            "bill_to": i.bill_to,
            "note": i.note,
            "lines": [
                {"text": x.text, "quantity": x.quantity, "price": x.unit_price, "net": x.net} for x in i.lines.all()
            ],
            "credit_notes": [
                {"number": c.number, "issued": c.issued_on, "total": c.total_amount, "reason": c.reason}
                for c in i.credit_notes.all()
            ],
        }
        for i in rows
    ]


@part(Payment)
def payments(patient):
    allocated = Prefetch("allocations", Allocation.objects.select_related("invoice").order_by("pk"))
    return [
        {
            "number": p.number,
            "at": p.received_at,
            "kind": str(p.get_kind_display()),
            "method": str(p.get_method_display()),
            "value": p.value,
            "currency": p.currency,
            "reason": p.reason,
            "for": [{"invoice": a.invoice.number, "amount": a.amount} for a in p.allocations.all()],
        }
        for p in Payment.objects.filter(patient=patient).prefetch_related(allocated)
    ]


@part()
def letters(patient):
    """What was mailed to them. A letter that held a code or a link into the account is named without its text."""
    return [
        {
            "at": m.created_at,
            "to": m.to,
            "subject": m.subject,
            "text": "" if m.secret else m.text,
            "status": str(m.get_status_display()),
        }
        for m in OutboxMail.objects.filter(user=patient.user_id)
    ]


@part(Wish)
def wishes(patient):
    return [
        {
            "at": w.created_at,
            "kind": str(w.get_kind_display()),
            "text": w.text,
            "answered": w.done_at,
            "answer": w.answer,
        }
        for w in Wish.objects.filter(patient=patient)
    ]


@part(AccessLog, BreakGlass)
def looks(patient):
    return [
        {"at": a.at, "who": a.who, "role": str(a.role), "what": str(a.what), "why": str(a.why)}
        for a in access.told(access.of(patient), patient)
    ]


@part()
def sessions(patient):
    return [
        {"at": s.created_at, "last_used": s.last_seen_at, "address": s.ip, "browser": s.user_agent}
        for s in UserSession.objects.filter(user=patient.user_id).order_by("-created_at")
    ]
