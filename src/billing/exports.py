"""Lists and reports as files, with no text that a spreadsheet runs.

A CSV is sent while its rows are read, so that any number of them begins at once. An XLSX is made as a whole before its
first byte, so it is kept to what takes a moment; above that it is refused in words.
"""

import csv
import io
import re
from array import array
from datetime import date, datetime
from decimal import Decimal
from itertools import islice

import xlsxwriter
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from hms import money
from hms.csv_files import safe
from hms.domain.settings import hospital
from hms.errors import DomainError

TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
MOST = 100_000  # rows of a report's file, which the database adds up as a whole
MOST_XLSX = 20_000  # rows that are a sheet within a few seconds
CHUNK = 1000  # rows that are read, and sent, at a time


def keys(rows):
    """The ids of a list's rows, in their order: eight bytes each, read before the first of them is drawn."""
    with transaction.atomic():  # what a cursor in the database lives in, also behind a pooler
        return array("q", rows.values_list("pk", flat=True).iterator(chunk_size=10_000))


def read(keys, of):
    """What ``of`` reads of these ids, a thousand at a time."""
    for start in range(0, len(keys), CHUNK):
        yield from of(list(keys[start : start + CHUNK]))


def check_size(count):
    """Refuse to cut a report off: its file would no longer come to the report's figures."""
    if count > MOST:
        raise DomainError(
            _("These are %(n)s rows; the file of a report holds at most %(most)s. Choose fewer days.")
            % {"n": f"{count:,}", "most": f"{MOST:,}"}
        )


def answer(kind, name, *, title, heads, rows, count):
    """A file of ``count`` rows of numbers, days, moments and texts, each as what it is; ``rows`` may be read late.

    Raises DomainError when that is more than such a file holds here.
    """
    if kind not in TYPES:
        raise Http404
    if kind == "xlsx" and count > MOST_XLSX:
        raise DomainError(
            _("These are %(n)s rows; an Excel file holds at most %(most)s here. Narrow them down, or take the CSV.")
            % {"n": f"{count:,}", "most": f"{MOST_XLSX:,}"}
        )
    rows = ([_local(value) for value in row] for row in rows)
    if kind == "csv":
        response = StreamingHttpResponse(_csv(heads, rows), content_type=TYPES[kind])
    else:
        response = HttpResponse(_xlsx(title, heads, rows), content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _local(value):
    """Moments as the hospital's clock showed them: a sheet knows no time zones."""
    return value.astimezone(hospital().zone).replace(tzinfo=None) if isinstance(value, datetime) else value


class _Echo:
    def write(self, text):
        return text


def _csv(heads, rows):
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([safe(head) for head in heads])  # Excel reads UTF-8 only behind this mark
    while chunk := [writer.writerow([_plain(value) for value in row]) for row in islice(rows, CHUNK)]:
        yield "".join(chunk)


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
