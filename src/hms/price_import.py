"""Prices from a CSV file: read as a whole, every row judged, and only then, when asked, written."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from hms.csv_files import Row, refuse_wrong, table
from hms.domain import prices
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.forms import DateTextField, DecimalTextField, MoneyField, ShortText
from hms.models import Department, Service

COLUMNS = ["code", "name", "department", "price", "tax_rate", "valid_from", "valid_until"]
NEEDED = ["code", "name", "price"]


def read(content, *, today=None):
    """``[Row, …]`` of the file's bytes. Raises DomainError when it is no table at all."""
    _names, lines = table(content, needed=NEEDED)
    return _judged(lines, today or hospital().today())


def _judged(lines, today):
    departments = {d.name.casefold(): d for d in Department.objects.all()}
    services = {}
    for service in Service.objects.select_related("department").order_by("valid_from"):
        services.setdefault(service.code, []).append(service)
    fields, seen, judged = _fields(), {}, []
    for line, typed, more in lines:
        values, errors = _values(typed, fields, departments, today)
        errors += more
        if not errors:
            key = (values["code"], values["valid_from"])
            if key in seen:
                errors.append(_("The same code and day stand in line %(line)s.") % {"line": seen[key]})
            seen[key] = line
        judged.append(Row(line, values, errors, "" if errors else _what(values, services.get(values["code"], []))))
    return judged


def _fields():
    """How the cells of a row are read; made once for a file."""
    return {
        "code": ShortText(max_length=20, error_messages={"required": _("Write the code.")}),
        "name": ShortText(max_length=150, error_messages={"required": _("Write the name.")}),
        "price": MoneyField(error_messages={"required": _("Write the price.")}),
        "tax_rate": DecimalTextField(required=False),
        "valid_from": DateTextField(required=False),
        "valid_until": DateTextField(required=False),
    }


def _values(typed, fields, departments, today):
    """``(values, errors)`` of a row's cells."""
    values, errors = {}, []
    for name, field in fields.items():
        try:
            values[name] = field.clean(typed.get(name, ""))
        except ValidationError as e:
            values[name] = typed.get(name, "")
            errors += [f"{name}: {message}" for message in e.messages]
    values["code"] = values["code"].upper()
    if values["code"] and not errors:
        try:
            Service._meta.get_field("code").run_validators(values["code"])
        except ValidationError as e:
            errors += [f"code: {message}" for message in e.messages]
    values["tax_rate"] = values["tax_rate"] if values["tax_rate"] is not None else Decimal(0)
    values["valid_from"] = values["valid_from"] or today
    name = typed.get("department", "")
    values["department"] = departments.get(name.casefold()) if name else None
    if name and not values["department"]:
        errors.append(_("department: there is no “%(name)s”.") % {"name": name[:100]})
    until = values["valid_until"]
    if not errors and until and until < values["valid_from"]:
        errors.append(_("“Valid until” must not come before “valid from”."))
    return values, errors


def _what(values, rows):
    now = next((r for r in reversed(rows) if r.is_valid_on(values["valid_from"])), None)
    if now is None:
        return "new"
    same = all(getattr(now, name) == values[name] for name in ("name", "price", "tax_rate", "department"))
    return "same" if same and now.valid_until == values["valid_until"] else "changed"


def write(rows, *, by):
    """Set the prices of all rows, or of none. Returns how many were new or changed."""
    refuse_wrong(rows)
    todo = [row for row in rows if row.what != "same"]
    try:
        prices.set_prices([row.values for row in todo], by=by)
    except DomainError as e:
        where = (
            _("Line %(line)s: %(why)s Nothing was imported.") if hasattr(e, "n") else _("%(why)s Nothing was imported.")
        )
        words = {"line": todo[e.n].line if hasattr(e, "n") else "", "why": e}
        raise DomainError(where % words, field="file") from None
    return len(todo)
