"""The nouns of the hospital. Everything is importable from here."""

from hms.models.audit import AccessLog, LogSeal
from hms.models.billing import CreditNote, CreditNoteLine, DocumentCounter, Invoice, InvoiceLine
from hms.models.care import BreakGlass
from hms.models.display import Display
from hms.models.hospital import Department, Hospital
from hms.models.leave import VisitToMove
from hms.models.outbox import OutboxAttachment, OutboxMail
from hms.models.people import Doctor, NameToken, Patient, User
from hms.models.prices import FollowUpRule, Service, VisitService
from hms.models.records import EditingSession, MedicalRecord
from hms.models.scheduling import Appointment, TimeOff, WorkingHours

__all__ = [
    "AccessLog",
    "Appointment",
    "BreakGlass",
    "CreditNote",
    "CreditNoteLine",
    "Department",
    "Display",
    "Doctor",
    "DocumentCounter",
    "EditingSession",
    "FollowUpRule",
    "Hospital",
    "Invoice",
    "InvoiceLine",
    "LogSeal",
    "MedicalRecord",
    "NameToken",
    "OutboxAttachment",
    "OutboxMail",
    "Patient",
    "Service",
    "TimeOff",
    "User",
    "VisitService",
    "VisitToMove",
    "WorkingHours",
]
