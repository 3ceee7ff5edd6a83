"""The rows of the list of invoices."""

import re
from collections import namedtuple

from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.utils.translation import gettext as _

from billing import exports
from billing.list_data import ListData
from billing.tables import STATES, state
from hms import money
from hms.domain import search
from hms.models import Allocation, CreditNote, Invoice, Patient
from hms.names import formal

NEWEST = [F("year").desc(), F("serial").desc()]
ORDERS = {
    "number": [F("year"), F("serial")],
    "issued": [F("issued_on"), F("id")],
    "due": [F("due_date"), F("id")],
    "total": [F("total_amount"), F("id")],
}
NUMBER = re.compile(r"\d{4}-\d{1,9}|\d{4}-?")  # 2026-000041, or how it begins
Row = namedtuple(
    "Row",
    "pk number status issued_on due_date total_amount currency patient_id last_name first_name record_number"
    " doctor_last doctor_first department credited",
)
ROWS = """
    SELECT i.id, i.number, i.status, i.issued_on, i.due_date, i.total_amount, i.currency,
        p.id, u.last_name, u.first_name, p.record_number, du.last_name, du.first_name, dep.name,
        (SELECT sum(c.total_amount) FROM hms_creditnote c WHERE c.invoice_id = i.id)
    FROM hms_invoice i
    JOIN hms_patient p ON p.id = i.patient_id JOIN hms_user u ON u.id = p.user_id
    LEFT JOIN hms_doctor d ON d.id = i.doctor_id LEFT JOIN hms_user du ON du.id = d.user_id
    LEFT JOIN hms_department dep ON dep.id = i.department_id
    WHERE i.id = ANY(%s)"""


def matching(invoices, text):
    """Those that somebody means by ``text``: a number or its beginning, or whose patient matches."""
    text = search.clean(text)
    if not text:
        return invoices
    if NUMBER.fullmatch(text):
        return invoices.filter(number__startswith=text)
    users = [match.user_id for match in search.patients(text, limit=search.CAP).matches]
    patients = list(Patient.objects.filter(user__in=users).values_list("pk", flat=True))
    return invoices.filter(patient__in=patients)


def read(pks):
    """What a row shows of these invoices, in their order."""
    if not pks:
        return []
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [pks])
        rows = {row[0]: Row(*row) for row in cursor.fetchall()}
    return [rows[pk] for pk in pks if pk in rows]


class InvoiceData(ListData):
    orders = ORDERS
    usual = NEWEST
    read = staticmethod(read)


def totals(invoices):
    """How many invoices, what they come to, and what of that is still owed: less credit notes and payments in part."""
    unpaid = Q(status__in=Invoice.UNPAID)
    found = invoices.aggregate(
        count=Count("*"),
        total=Sum("total_amount"),
        open=Sum("total_amount", filter=unpaid),
        open_count=Count("status", filter=unpaid),
    )
    found = {name: value or 0 for name, value in found.items()}
    if found["open_count"]:
        owed = invoices.filter(unpaid).order_by().values("pk")
        for model, column in ((CreditNote, "total_amount"), (Allocation, "amount")):
            found["open"] -= model.objects.filter(invoice__in=owed).aggregate(sum=Sum(column))["sum"] or 0
    return found


def heads():
    """The columns of the list's file."""
    patient = [_("Patient"), _("Record number"), _("Doctor"), _("Department")]
    return [_("Number"), _("Issued"), _("Due"), _("Status"), *patient, _("Total"), _("Credited"), _("Currency")]


def file_rows(pks, today):
    """The values of each row of the list's file, read as they are asked for."""
    words = {name: str(word) for name, (word, _css, _icon) in STATES.items()}  # asked for once, not for each row
    for row in exports.read(pks, read):
        yield [
            row.number,
            row.issued_on,
            row.due_date,
            words[state(row.status, row.due_date, today)],
            formal(row.last_name, row.first_name),
            row.record_number,
            formal(row.doctor_last, row.doctor_first),
            row.department or "",
            money.rounded(row.total_amount, row.currency),
            money.rounded(row.credited or 0, row.currency),
            row.currency,
        ]
