"""The nouns of the hospital. Everything is importable from here."""

from hms.models.audit import AccessLog, LogSeal
from hms.models.billing import CreditNote, CreditNoteLine, DocumentCounter, Invoice, InvoiceLine
from hms.models.care import BreakGlass
from hms.models.clinical import Allergy, Diagnosis, FavouriteCode, IcdCode, IcdWord, Problem, Severity, Vitals
from hms.models.display import Display
from hms.models.hospital import Department, Hospital
from hms.models.leave import VisitToMove
from hms.models.ledger import Allocation, Payment, Shift
from hms.models.merging import Merge
from hms.models.outbox import OutboxAttachment, OutboxMail
from hms.models.people import Doctor, NameToken, Patient, User
from hms.models.portal import DataExport, Invitation, Online, Registration, SlotHold, Wish
from hms.models.prescriptions import Drug, Phrase, Prescription, PrescriptionLine
from hms.models.prices import FollowUpRule, Service, VisitService
from hms.models.records import EditingSession, MedicalRecord, SetAsideText
from hms.models.scheduling import Appointment, TimeOff, WorkingHours

__all__ = [
    "AccessLog",
    "Allergy",
    "Allocation",
    "Appointment",
    "BreakGlass",
    "CreditNote",
    "CreditNoteLine",
    "DataExport",
    "Department",
    "Diagnosis",
    "Display",
    "Doctor",
    "DocumentCounter",
    "Drug",
    "EditingSession",
    "FavouriteCode",
    "FollowUpRule",
    "Hospital",
    "IcdCode",
    "IcdWord",
    "Invitation",
    "Invoice",
    "InvoiceLine",
    "LogSeal",
    "MedicalRecord",
    "Merge",
    "NameToken",
    "Online",
    "OutboxAttachment",
    "OutboxMail",
    "Patient",
    "Payment",
    "Phrase",
    "Prescription",
    "PrescriptionLine",
    "Problem",
    "Registration",
    "Service",
    "SetAsideText",
    "Severity",
    "Shift",
    "SlotHold",
    "TimeOff",
    "User",
    "VisitService",
    "VisitToMove",
    "Vitals",
    "Wish",
    "WorkingHours",
]
