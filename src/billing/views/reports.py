"""Reports: figures with a chart and a file, and behind each figure the rows that it is the sum of."""

from datetime import date, timedelta
from functools import partial

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from billing import exports
from billing.report_tables import Asked, ReportTable, RowsTable, rows_file
from hms.domain import audit
from hms.domain import reports as domain
from hms.domain.report_kinds import REPORTS
from hms.domain.settings import hospital
from hms.errors import DomainError


def _asked(request, name):
    if name not in REPORTS:
        raise Http404
    return Asked(name, request.GET)


@require_safe
def report(request, name="revenue"):
    """A report's figures, by day, doctor, …: each a link to its rows."""
    asked = _asked(request, name)
    if kind := request.GET.get("as"):
        back = f"{reverse('billing:report', args=[name])}?{asked.query()}"
        made = ReportTable.file(asked, request.GET.get("sort", ""), exports.MOST)
        return _sent(request, kind, asked, f"report {name}", made, back=back)
    table = ReportTable(asked, order_by=request.GET.getlist("sort")[:1], query=request.GET)
    count = len(table.turn_to(request.GET.get("page")))
    table.empty_text = _("Nobody owed anything on that day.") if asked.report.as_of else _("Nothing in these days.")
    if asked.by == "patient":
        audit.searched(count, by=request.user, detail=f"report {name}")
    context = {
        "asked": asked,
        "table": table,
        "count": count,
        "presets": [(words, asked.query(**days)) for words, days in _presets(asked.report)],
        "groups": [(by, group.label, asked.query(by=by)) for by, group in asked.report.by.items()],
        "query": asked.query(sort=request.GET.get("sort") or None),
    }
    return render(request, "billing/report.html", context)


def _sent(request, kind, asked, what, made, *more, back):
    """The file of ``(heads, rows, how many there are)``; or back to the page, which says why there is none."""
    heads, rows, count = made
    name = "-".join([asked.name, *more, *(f"{day:%Y-%m-%d}" for day in asked.days.values())])
    try:
        exports.check_size(count)
        response = exports.answer(kind, name, title=asked.report.title, heads=heads, rows=rows, count=count)
    except DomainError as e:
        messages.warning(request, str(e))
        return redirect(back)
    audit.searched(count, by=request.user, detail=f"{what}, {kind}")
    return response


def _presets(report):
    """The days that are asked for most."""
    today = hospital().today()
    month, year = today.replace(day=1), date(today.year, 1, 1)
    before, before_year = month - timedelta(days=1), year - timedelta(days=1)
    if report.as_of:
        return [
            (_("Today"), {"day": today}),
            (_("End of last month"), {"day": before}),
            (_("End of last year"), {"day": before_year}),
        ]
    return [
        (_("Today"), {"first": today, "last": today}),
        (_("This month"), {"first": month, "last": today}),
        (_("Last month"), {"first": before.replace(day=1), "last": before}),
        (_("This year"), {"first": year, "last": today}),
    ]


MIXED = gettext_lazy("All figures")


@require_safe
def report_rows(request, name):
    """The rows that a figure is the sum of: ``by`` and ``key`` name its group, ``figure`` which one it is."""
    asked = _asked(request, name)
    report, figure = asked.report, request.GET.get("figure")
    figure = figure if figure in report.figures else None
    chosen = {figure: report.figures[figure]} if figure else report.figures
    columns = {}  # what the rows hold → what it is called: the first figure that it is a part of
    for f in chosen.values():
        columns.setdefault(f.column, f.label)
    key, words = domain.EVERY, ""
    try:
        if "key" in request.GET:
            key = domain.key_of(name, asked.by, request.GET["key"])
            words = asked.words(key, domain.name_of(name, asked.by, key))
    except DomainError as e:
        raise Http404(str(e)) from e
    listing = partial(domain.listing, name, asked.params, by=asked.by, key=key, figure=figure)
    if kind := request.GET.get("as"):
        back = asked.rows_address(key=request.GET.get("key"), figure=figure)
        made = rows_file(listing(limit=exports.MOST), columns)
        return _sent(request, kind, asked, f"rows of {name}", made, "rows", back=back)
    table = RowsTable(asked, listing, columns, query=request.GET)
    count = len(table.turn_to(request.GET.get("page")))
    audit.searched(count, by=request.user, detail=f"rows of {name}")
    context = {
        "asked": asked,
        "table": table,
        "group": report.by[asked.by].label if words else "",
        "words": words,
        "figure": report.figures[figure].label if figure else MIXED,
        "all": table.data.found.count,
        "query": asked.query(key=request.GET.get("key"), figure=figure),
        "back": asked.query(),
    }
    return render(request, "billing/report_rows.html", context)
