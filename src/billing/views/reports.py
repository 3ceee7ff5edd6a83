"""What is owed and for how long, and what came in by whom."""

import csv
from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from hms.csv_files import safe
from hms.dates import parse_date
from hms.domain import audit
from hms.domain import reports as domain
from hms.domain.settings import hospital

BY = {
    "day": gettext_lazy("By day"),
    "department": gettext_lazy("By department"),
    "doctor": gettext_lazy("By doctor"),
    "service": gettext_lazy("By service"),
}


def _day(request, name, default):
    """``(day, what is wrong)`` of a parameter."""
    text = request.GET.get(name, "").strip()
    try:
        found = parse_date(text) if text else default
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        return default, _("“%(text)s” is not a day.") % {"text": text[:20]}
    return found, ""


@require_safe
def reports(request):
    """Revenue of some days, by day, department, doctor or service."""
    today = hospital().today()
    first, wrong_first = _day(request, "first", today - timedelta(days=27))
    last, wrong_last = _day(request, "last", today)
    by = request.GET.get("by") if request.GET.get("by") in BY else "day"
    rows = domain.revenue(first, last, by)
    if request.GET.get("as") == "csv":
        return _csv(f"revenue-{by}.csv", ["", "net", "tax", "documents"], rows)
    context = {"rows": rows, "by": by, "choices": BY, "first": first, "last": last}
    context |= {"net": sum((r.net for r in rows), 0), "tax": sum((r.tax for r in rows if r.tax is not None), 0)}
    context |= {"problem": wrong_first or wrong_last, "tab": "revenue"}
    return render(request, "billing/reports.html", context)


@require_safe
def ageing(request):
    """What patients owe on a day, by how long it is past due."""
    day, problem = _day(request, "day", hospital().today())
    rows = domain.ageing(day)
    audit.searched(len(rows), by=request.user, detail="ageing")
    if request.GET.get("as") == "csv":
        heads = ["id", "patient", "record number", "not due", "1-30", "31-60", "61-90", "91-120", "over 120", "total"]
        return _csv(f"ageing-{day}.csv", heads, rows)
    names = ["current", "d30", "d60", "d90", "d120", "older", "total"]
    totals = {name: sum((getattr(r, name) for r in rows), 0) for name in names}
    labels = [_("Not due"), "1–30", "31–60", "61–90", "91–120", _("over 120")]
    buckets = [(label, totals[name]) for label, name in zip(labels, names, strict=False)]
    context = {"rows": rows[:500], "more": len(rows) > 500, "day": day, "problem": problem}
    context |= {"totals": totals, "buckets": buckets, "tab": "ageing"}
    return render(request, "billing/ageing.html", context)


def _csv(name, heads, rows):
    if not heads:
        raise Http404
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in row])
    return response
