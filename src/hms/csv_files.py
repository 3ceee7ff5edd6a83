"""Lists from CSV files: read as a whole, every row judged, shown, and only then, when asked, written.

What a list holds and which rows are wrong is its importer's to say (``price_import``, ``drug_import``).
"""

import csv
import io
from base64 import b64decode, b64encode
from collections import namedtuple

from django import forms
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms.domain.settings import hospital
from hms.errors import DomainError

MOST_BYTES = 1_000_000
MOST_ROWS = 5000
PREVIEW = "hms.csv_files.preview"

Row = namedtuple("Row", "line values errors what")  # what: "new", "changed", "same", or "" for a wrong one


def download(name, columns, rows):
    """The answer with a CSV file of today, in the columns that an import reads; no cell runs in a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{hospital().today():%Y-%m-%d}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return response


def table(content, *, needed):
    """``(names of the columns, [(line, {name: cell}, errors), …])`` of a file's bytes, without empty lines.

    Any of comma, semicolon and tab parts the cells. Raises DomainError when it is no table with the ``needed`` columns.
    """
    if len(content) > MOST_BYTES:
        raise DomainError(_("The file is larger than %(most)s kB.") % {"most": MOST_BYTES // 1000}, field="file")
    text = _text(content)
    head = text.lstrip().split("\n", 1)[0]
    mark = max([",", ";", "\t"], key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=mark, strict=True))
    except csv.Error as e:
        why = _("a quotation mark is opened and never closed") if "end of data" in str(e) else e
        raise DomainError(_("The file cannot be read as CSV: %(why)s.") % {"why": why}, field="file") from None
    if not rows:
        raise DomainError(_("The file is empty."), field="file")
    names = [name.strip().lower().replace(" ", "_") for name in rows[0]]
    missing = [name for name in needed if name not in names]
    if missing:
        raise DomainError(
            _("The first line names the columns; these are missing: %(names)s.") % {"names": ", ".join(missing)},
            field="file",
        )
    if len(rows) - 1 > MOST_ROWS:
        raise DomainError(_("At most %(most)s rows at a time.") % {"most": MOST_ROWS}, field="file")
    found = []
    for line, cells in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in cells):
            errors = [_("There are more cells than columns.")] if len(cells) > len(names) else []
            found.append((line, dict(zip(names, (cell.strip() for cell in cells), strict=False)), errors))
    return names, found


def _text(content):
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
        break
    raise DomainError(_("This is not a text file. Save the sheet as CSV (UTF-8)."), field="file")


def refuse_wrong(rows):
    """Nothing is written while a row is wrong."""
    if any(row.errors for row in rows):
        raise DomainError(_("Correct the rows that are marked first."), field="file")


def safe(value):
    """Text that no spreadsheet takes for a formula (OWASP: = + - @ tab return, also behind spaces)."""
    text = str(value if value is not None else "")
    return (
        f"'{text}" if text.lstrip()[:1] in {"=", "+", "-", "@", "|", "%"} or (text[:1] in "\t\r\n" and text) else text
    )


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}), max_length=255
    )

    def __init__(self, *args, columns, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _("Columns: %(names)s.") % {"names": ", ".join(columns)}


def page(request, importer, template, shown):
    """``(the page, None)``: the form, or a preview with an error per row; ``(None, number)`` when rows were written.

    ``importer`` has ``COLUMNS``, ``read(content)`` → rows and ``write(rows, by=)`` → number. What was previewed comes
    back signed with the second button, so that what is written is what was shown. ``shown`` is more of the template's
    context: ``cells``, the fragment with a row's cells.
    """
    context = shown | {"form": FileForm(columns=importer.COLUMNS)}
    if request.method != "POST":
        return render(request, template, context), None
    if "content" in request.POST:
        return _write(request, importer, template, shown)
    form = context["form"] = FileForm(request.POST, request.FILES, columns=importer.COLUMNS)
    if not form.is_valid():
        return render(request, template, context, status=422), None
    try:
        # One byte more than is taken, so that a larger file is noticed and never held.
        content = form.cleaned_data["file"].read(MOST_BYTES + 1)
        rows = importer.read(content)
    except DomainError as e:
        form.add_error("file", str(e))
        return render(request, template, context, status=422), None
    wrong = sum(bool(row.errors) for row in rows)
    counts = {what: sum(row.what == what for row in rows) for what in ("new", "changed", "same")}
    context |= {"rows": rows, "wrong": wrong, "counts": counts}
    if not wrong:
        context["content"] = signing.dumps(b64encode(content).decode(), salt=_salt(importer), compress=True)
    return render(request, template, context, status=422 if wrong else 200), None


def _salt(importer):
    return f"{PREVIEW}.{importer.__name__}"


def _write(request, importer, template, shown):
    form = FileForm({}, {}, columns=importer.COLUMNS)
    form.errors.clear()
    try:
        content = b64decode(signing.loads(request.POST["content"], salt=_salt(importer), max_age=3600))
        return None, importer.write(importer.read(content), by=request.user)
    except signing.BadSignature:
        form.add_error("file", _("Choose the file again."))
        status = 422
    except DomainError as e:
        form.add_error("file", str(e))
        status = 409
    return render(request, template, shown | {"form": form}, status=status), None
