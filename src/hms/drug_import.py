"""Drugs from a CSV file: read as a whole, every row judged, and only then, when asked, written."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from hms.csv_files import Row, refuse_wrong, safe, table
from hms.domain import prescriptions
from hms.forms import plain_text
from hms.models import Drug

COLUMNS = ["name", "classes", "forms", "strengths"]
SEVERAL = COLUMNS[1:]  # lists, parted by commas


def read(content):
    """``[Row, …]`` of the file's bytes. Raises DomainError when it is no table at all."""
    _names, lines = table(content, needed=COLUMNS)
    known = {drug.name.casefold(): drug for drug in Drug.objects.all()}
    seen, judged = {}, []
    for line, typed, errors in lines:
        values = {"name": " ".join(typed.get("name", "").split())}
        values |= {name: prescriptions.several(typed.get(name, "")) for name in SEVERAL}
        errors = [*errors, *_errors(values)]
        name = values["name"].casefold()
        if not errors and name in seen:
            errors.append(_("The same drug stands in line %(line)s.") % {"line": seen[name]})
        seen.setdefault(name, line)
        judged.append(Row(line, values, errors, "" if errors else _what(values, known.get(name))))
    return judged


def _errors(values):
    """What is wrong with a row's cells, a sentence each."""
    found = [] if values["name"] else [_("A drug needs a name.")]
    for name, value in values.items():
        field = Drug._meta.get_field(name)
        longest = field.max_length if name == "name" else field.base_field.max_length
        for text in [value] if name == "name" else value:
            try:
                plain_text(text)
            except ValidationError as e:
                found += e.messages
            if len(text) > longest:
                found.append(
                    _("%(name)s: “%(text)s…” has more than %(most)s characters.")
                    % {"name": name, "text": text[:30], "most": longest}
                )
            elif safe(text) != text:
                found.append(_("%(name)s: “%(text)s” looks like a formula.") % {"name": name, "text": text[:30]})
    return found


def _what(values, drug):
    if drug is None:
        return "new"
    return "same" if all(getattr(drug, name) == value for name, value in values.items()) else "changed"


def write(rows, *, by):
    """Keep the drugs of all rows, or of none. Returns how many were new or changed."""
    refuse_wrong(rows)
    return sum(prescriptions.import_drugs([row.values for row in rows if row.what != "same"], by=by))
