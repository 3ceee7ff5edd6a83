"""The demo hospital's price list: what each department charges beside the consultation, and its follow-up rules."""

from datetime import timedelta
from decimal import Decimal

import pghistory

from hms.models import Department, FollowUpRule, Hospital, Service

TERMS = "By card or cash at the desk, or by transfer to St Brigid's Hospital, IBAN GB29 NWBK 6016 1331 9268 19."
# code, name, department (or None: all of them), price, tax, what it cost until the first of this year (or None)
SERVICES = [
    ("ADM-CERT", "Medical certificate", None, "18.00", 20, "15.00"),
    ("ADM-COPY", "Copy of the record", None, "12.00", 20, None),
    ("ADM-REPORT", "Report for an insurer", None, "95.00", 20, "90.00"),
    ("LAB-CBC", "Full blood count", None, "18.00", 0, "16.50"),
    ("LAB-CRP", "C-reactive protein", None, "14.00", 0, None),
    ("LAB-GLUC", "Blood glucose", None, "9.50", 0, None),
    ("LAB-HBA1C", "HbA1c", None, "22.00", 0, "20.00"),
    ("LAB-LIPID", "Lipid profile", None, "26.00", 0, None),
    ("LAB-TSH", "Thyroid function", None, "29.00", 0, None),
    ("LAB-URINE", "Urine test", None, "8.00", 0, None),
    ("VAC-FLU", "Influenza vaccination", None, "24.00", 0, "22.00"),
    ("VAC-TET", "Tetanus vaccination", None, "27.50", 0, None),
    ("INJ-IM", "Injection into a muscle", "General medicine", "15.00", 0, None),
    ("SPIRO", "Spirometry", "General medicine", "38.00", 0, None),
    ("ECG-12", "Electrocardiogram, 12 leads", "Cardiology", "45.00", 0, "42.00"),
    ("ECG-24", "Electrocardiogram, 24 hours", "Cardiology", "140.00", 0, None),
    ("ECHO", "Echocardiography", "Cardiology", "185.00", 0, "175.00"),
    ("ERGO", "Exercise test", "Cardiology", "160.00", 0, None),
    ("XR-LIMB", "X-ray of a limb", "Orthopaedics", "58.00", 0, "55.00"),
    ("XR-SPINE", "X-ray of the spine", "Orthopaedics", "74.00", 0, None),
    ("CAST-ARM", "Plaster cast, arm", "Orthopaedics", "65.00", 0, None),
    ("CAST-LEG", "Plaster cast, leg", "Orthopaedics", "85.00", 0, None),
    ("BRACE-KNEE", "Knee brace", "Orthopaedics", "49.90", 20, None),
    ("PED-DEV", "Developmental check", "Paediatrics", "42.00", 0, None),
    ("PED-HEAR", "Hearing test, child", "Paediatrics", "33.00", 0, None),
    ("GYN-SMEAR", "Cervical smear", "Women's health", "36.00", 0, None),
    ("GYN-US", "Ultrasound of the pelvis", "Women's health", "98.00", 0, "92.00"),
    ("SKIN-BIOP", "Skin biopsy", "General medicine", "120.00", 0, None),
    ("SKIN-CRYO", "Freezing of a wart", "General medicine", "32.00", 0, None),
    ("WOUND-SUT", "Wound closed with stitches", "Urgent care", "78.00", 0, None),
    ("WOUND-DR", "Wound dressing", "Urgent care", "22.00", 0, None),
    ("NEB", "Nebuliser treatment", "Urgent care", "19.00", 0, None),
]


def load(today, by):
    """Write the list once; a hospital that has prices keeps its own."""
    if Service.objects.exists():
        return
    Hospital.objects.filter(payment_terms="").update(payment_terms=TERMS, tax_number="GB 123 4567 89")
    departments = {d.name: d for d in Department.objects.all()}
    new_year = today.replace(month=1, day=1)
    long_ago = new_year - timedelta(days=3 * 365)
    rows = []
    for code, name, department, price, tax, before in SERVICES:
        values = {"code": code, "name": name, "department": departments.get(department), "tax_rate": tax}
        begins = long_ago
        if before:
            last = new_year - timedelta(days=1)
            rows.append(Service(**values, price=Decimal(before), valid_from=long_ago, valid_until=last))
            begins = new_year
        rows.append(Service(**values, price=Decimal(price), valid_from=begins))
    with pghistory.context(user=by.pk, action="price.set"):
        Service.objects.bulk_create(rows)
        FollowUpRule.objects.create(days=14, percent=50)
        if "Paediatrics" in departments:
            FollowUpRule.objects.create(department=departments["Paediatrics"], days=10, percent=0)
