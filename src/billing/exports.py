"""The invoice list as a file: CSV or XLSX, up to what one sheet holds well."""

import csv
import io

import xlsxwriter
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from billing.invoice_list import read
from billing.tables import STATES, state
from hms import money
from hms.csv_files import safe

FORMATS = {"csv", "xlsx"}
MOST = 100_000  # rows of one file
CHUNK = 1000


def heads():
    patient = [_("Patient"), _("Record number"), _("Doctor"), _("Department")]
    return [_("Number"), _("Issued"), _("Due"), _("Status"), *patient, _("Total"), _("Credited"), _("Currency")]


def _values(row, today):
    return [
        row.number,
        row.issued_on,
        row.due_date,
        str(STATES[state(row.status, row.due_date, today)][0]),
        f"{row.last_name}, {row.first_name}".strip(", "),
        row.record_number,
        f"{row.doctor_last}, {row.doctor_first}" if row.doctor_last else "",
        row.department or "",
        money.rounded(row.total_amount, row.currency),
        money.rounded(row.credited or 0, row.currency),
        row.currency,
    ]


def rows(invoices, today):
    """The values of each row, read a thousand at a time."""
    pks = list(invoices.values_list("pk", flat=True)[:MOST])
    for start in range(0, len(pks), CHUNK):
        for row in read(pks[start : start + CHUNK]):
            yield _values(row, today)


def answer(kind, invoices, *, today):
    """``(response, number of rows)``."""
    if kind not in FORMATS:
        raise Http404
    found = list(rows(invoices, today))
    name = f"invoices-{today:%Y-%m-%d}.{kind}"
    if kind == "csv":
        response = HttpResponse("".join(_csv(found)), content_type="text/csv; charset=utf-8")
    else:
        response = HttpResponse(
            _xlsx(found), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response, len(found)


class _Echo:
    def write(self, text):
        return text


def _csv(found):
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([safe(head) for head in heads()])  # Excel reads UTF-8 only behind this mark
    for values in found:
        yield writer.writerow([value.isoformat() if hasattr(value, "isoformat") else safe(value) for value in values])


def _xlsx(found):
    file = io.BytesIO()
    with xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as book:
        sheet, bold = book.add_worksheet(_("Invoices")[:31]), book.add_format({"bold": True})
        day = book.add_format({"num_format": "dd-mmm-yyyy"})
        amount = book.add_format({"num_format": "#,##0.00##"})
        sheet.write_row(0, 0, heads(), bold)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 10, 16)
        for n, values in enumerate(found, 1):
            for m, value in enumerate(values):
                if hasattr(value, "isoformat"):
                    sheet.write_datetime(n, m, value, day)
                elif m in {8, 9}:
                    sheet.write_number(n, m, float(value), amount)
                else:
                    sheet.write_string(n, m, safe(value))
    return file.getvalue()
