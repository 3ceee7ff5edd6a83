"""Lists and reports as files: CSV or XLSX, up to what one sheet holds well, with no text that a spreadsheet runs."""

import csv
import io
import re
from datetime import date, datetime
from decimal import Decimal

import xlsxwriter
from django.http import Http404, HttpResponse

from hms import money
from hms.csv_files import safe
from hms.domain.settings import hospital

TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
MOST = 100_000  # rows of one file


def answer(kind, name, *, title, heads, rows):
    """``(response, number of rows)``: a file of rows of numbers, days, moments and texts, each as what it is."""
    if kind not in TYPES:
        raise Http404
    rows = [[_local(value) for value in row] for row in rows]
    content = "".join(_csv(heads, rows)) if kind == "csv" else _xlsx(title, heads, rows)
    response = HttpResponse(content, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response, len(rows)


def _local(value):
    """Moments as the hospital's clock showed them: a sheet knows no time zones."""
    return value.astimezone(hospital().zone).replace(tzinfo=None) if isinstance(value, datetime) else value


class _Echo:
    def write(self, text):
        return text


def _csv(heads, rows):
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([safe(head) for head in heads])  # Excel reads UTF-8 only behind this mark
    for row in rows:
        yield writer.writerow([_plain(value) for value in row])


def _plain(value):
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return str(value) if isinstance(value, date | Decimal | int) else safe(value)


def _xlsx(title, heads, rows):
    file = io.BytesIO()
    with xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as book:
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", str(title))[:31])
        day, moment = (book.add_format({"num_format": text}) for text in ("dd-mmm-yyyy", "dd-mmm-yyyy hh:mm"))
        digits = money.digits(hospital().currency)
        amount = book.add_format({"num_format": "#,##0" + ("." + "0" * digits if digits else "")})
        sheet.write_row(0, 0, [safe(head) for head in heads], book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(heads) - 1, 16)
        for n, row in enumerate(rows, 1):
            for m, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(n, m, value, moment)
                elif isinstance(value, date):
                    sheet.write_datetime(n, m, value, day)
                elif isinstance(value, Decimal):
                    sheet.write_number(n, m, float(value), amount)
                elif isinstance(value, int):
                    sheet.write_number(n, m, value)
                else:
                    sheet.write_string(n, m, safe(value))
    return file.getvalue()
