"""What an issued document says beside its lines: copied when it is issued, printed from the copy ever after."""

from hms.domain.settings import hospital


def copy_for(invoice):
    """Everything that an invoice prints, as JSON: the hospital, the patient, the visit, the terms."""
    here, patient, visit = hospital(), invoice.patient, invoice.appointment
    return {
        "hospital": hospital_lines(),
        "patient": {
            "name": patient.user.get_full_name(),
            "formal_name": patient.user.formal_name,
            "record_number": patient.record_number,
            "born": patient.date_of_birth.isoformat(),
        },
        "bill_to": invoice.bill_to or patient.user.get_full_name(),
        "doctor": str(invoice.doctor) if invoice.doctor else "",
        "department": invoice.department.name if invoice.department else "",
        "visit": visit.appointment_date.astimezone(here.zone).isoformat() if visit else "",
        "terms": here.payment_terms,
        "payment_days": here.payment_days,
        "issued_by": str(invoice.issued_by or ""),
    }


def hospital_lines():
    """The hospital as letters name it."""
    here = hospital()
    return {"name": here.name, "address": here.address, "phone": here.phone, "tax_number": here.tax_number}
