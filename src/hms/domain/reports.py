"""Reports: each figure is a sum of rows, and the page behind a figure lists just those rows."""

from collections import namedtuple
from datetime import date
from decimal import Decimal, InvalidOperation

from django.db import connection
from django.utils.translation import gettext as _

from hms.domain.report_kinds import REPORTS
from hms.domain.settings import hospital
from hms.errors import DomainError

# ``groups`` of a page; ``totals`` and the number of ``rows`` of all groups, ``count`` of them.
Summary = namedtuple("Summary", "groups totals rows count")
Group = namedtuple("Group", "key name rows sums")
# ``rows`` of a page; ``sums`` of all rows, ``count`` of them.
Listing = namedtuple("Listing", "rows sums count")
Row = namedtuple("Row", "kind id number day patient name record_number text values")
EVERY = object()  # the key of a figure of all groups together

PEOPLE = """LEFT JOIN hms_patient p ON p.id = r.patient LEFT JOIN hms_user u ON u.id = p.user_id"""


def period(first, last):
    """The parameters of a report on these days, both included."""
    start, end = hospital().day_bounds(first)[0], hospital().day_bounds(last)[1]
    return {"first": first, "last": last, "start": start, "end": end, "zone": hospital().time_zone}


def as_of(day):
    """The parameters of a report on what was so at the end of a day."""
    return {"day": day, "end": hospital().day_bounds(day)[1]}


def _rows(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _sum(figure):
    return f"coalesce(sum({figure.column}) FILTER (WHERE {figure.where}), 0)"


def summary(name, params, by, *, sort="", limit=None, offset=0):
    """The figures of a report put together ``by`` one of what it offers.

    ``sort`` is a figure, or ``key`` where it is its own name, with ``-`` for the largest first; unless told otherwise
    days come in their order, the others by the first figure.
    """
    report = REPORTS[name]
    group, figures = report.by[by], report.figures
    sums = ", ".join(f"{_sum(f)} AS {n}" for n, f in figures.items())
    totals = ", ".join(f"sum({_sum(f)}) OVER ()" for f in figures.values())
    order = _order(report, group, sort)
    # Of the groups of this page only, whatever the planner thinks.
    names = f"SELECT name FROM ({group.names}) n (id, name) WHERE id = g.key"  # noqa: S608
    named = f"LEFT JOIN LATERAL ({names}) n ON TRUE" if group.names else ""
    found = _rows(
        f"""SELECT {"n.name" if named else "NULL"}, g.* FROM (
            SELECT {group.column} AS key, count(*) AS rows, {sums}, count(*) OVER (), sum(count(*)) OVER (), {totals}
            FROM ({report.rows}) r GROUP BY 1 ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
        ) g {named} ORDER BY {order}""",  # noqa: S608 (constants; what is asked for goes as parameters)
        params | {"limit": limit, "offset": offset},
    )
    n = len(figures)
    groups = [Group(row[1], row[0], row[2], dict(zip(figures, row[3:], strict=False))) for row in found]
    if not found:
        return Summary([], dict.fromkeys(figures, Decimal(0)), 0, 0)
    count, rows, *totals = found[0][3 + n :]
    return Summary(groups, dict(zip(figures, totals, strict=True)), rows, count)


def _order(report, group, sort):
    column, down = sort.lstrip("-"), sort.startswith("-")
    if column not in report.figures and (column != "key" or group.names):
        column, down = ("key", False) if group.type == "date" else (next(iter(report.figures)), True)
    return f"{column} {'DESC' if down else 'ASC'} NULLS LAST, key NULLS LAST"


def listing(name, params, *, by="", key=EVERY, figure=None, limit=None, offset=0):
    """The rows that a figure is the sum of: of one group or of every one, of one figure or of all."""
    report = REPORTS[name]
    figures = {figure: report.figures[figure]} if figure else report.figures
    where = [report.figures[figure].where] if figure else ["TRUE"]
    if key is not EVERY:
        where.append(f"{report.by[by].column} IS NOT DISTINCT FROM %(key)s::{report.by[by].type}")
        params = params | {"key": key}
    # One line for a column, whatever figures are parts of it.
    columns = list(dict.fromkeys(f.column for f in figures.values()))
    # Rows that are alike in all of this are alike: pages never overlap.
    order = ", ".join(["day", "number", "id", "text", *(f"c{n}" for n in range(len(columns)))])
    which = f"({report.rows}) r WHERE {' AND '.join(where)}"
    # The sums in a statement of their own within this one: beside every row they would be kept with each of a million.
    found = _rows(
        f"""SELECT r.kind, r.id AS id, r.number AS number, r.day AS day, r.patient,
            concat_ws(', ', nullif(upper(u.last_name), ''), nullif(u.first_name, '')), p.record_number, r.text AS text,
            s.count, {", ".join(f"r.c{n} AS c{n}, s.s{n}" for n in range(len(columns)))}
        FROM (
            SELECT r.*, {", ".join(f"{c} AS c{n}" for n, c in enumerate(columns))} FROM {which}
            ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
        ) r CROSS JOIN (
            SELECT count(*) AS count, {", ".join(f"sum({c}) AS s{n}" for n, c in enumerate(columns))} FROM {which}
        ) s {PEOPLE} ORDER BY {order}""",  # noqa: S608 (constants; the key goes as a parameter)
        params | {"limit": limit, "offset": offset},
    )
    rows = [Row(*row[:8], dict(zip(columns, row[9::2], strict=True))) for row in found]
    sums = dict(zip(columns, found[0][10::2], strict=True)) if found else dict.fromkeys(columns, Decimal(0))
    return Listing(rows, sums, found[0][8] if found else 0)


def key_of(name, by, text):
    """The key of a group as its address writes it; raises DomainError for what is none. Nothing is what has no key."""
    kind = REPORTS[name].by[by].type
    try:
        if kind == "text":
            return text.replace("\x00", "")
        if not text:
            return None
        if kind == "date":
            return date.fromisoformat(text)
        found = Decimal(text)
        if not found.is_finite() or abs(found) >= 2**63:
            raise ValueError(text)
        return int(found) if kind == "bigint" else found
    except (ValueError, InvalidOperation):
        words = _("“%(text)s” is nothing that this report is put together by.")
        raise DomainError(words % {"text": text[:30]}) from None


def name_of(name, by, key):
    """The name of a group that has one of its own (a doctor's, …)."""
    names = REPORTS[name].by[by].names
    found = _rows(f"SELECT name FROM ({names}) n (id, name) WHERE id = %s", [key]) if names and key else []  # noqa: S608
    return found[0][0] if found else None
