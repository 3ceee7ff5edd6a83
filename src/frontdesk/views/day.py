"""The day board's page, and its stream."""

from datetime import date, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from frontdesk.board import Day
from hms import live
from hms.dates import parse_date
from hms.domain.settings import hospital
from hms.models import Appointment

ZOOMS = ("24", "32", "48")  # pixels per 15 minutes


def ids(request, name):
    """The whole numbers among the repeated ``name`` parameters, as ids in ascending order."""
    return tuple(sorted({int(v) for v in request.GET.getlist(name) if v.isdecimal() and len(v) < 19}))


def asked_day(request):
    """``(date, what is wrong with the one asked for)``."""
    text = request.GET.get("day", "").strip()
    today = hospital().today()
    if not text:
        return today, ""
    try:
        day = parse_date(text)
    except ValueError:
        return today, _("There is no %(day)s. Showing today.") % {"day": text[:30]}
    if day is None:
        return today, _("“%(day)s” is not a date. Showing today.") % {"day": text[:30]}
    if not is_near(day):
        return today, _("%(day)s is too far away. Showing today.") % {"day": text[:30]}
    return day, ""


def is_near(day):
    """Whether a day is within what a hospital looks at; years away, dates cannot even be computed with."""
    today = hospital().today()
    return date(2000, 1, 1) <= day <= today.replace(year=today.year + 20, day=1)


@require_safe
def day(request):
    """The board of one day (``?day=2026-11-22``), perhaps of some departments or doctors only."""
    date, problem = asked_day(request)
    departments, doctors = ids(request, "department"), ids(request, "doctor")
    board = Day(date, departments=departments, doctors=doctors)
    known = request.GET.get("known")
    if known and known == board.fingerprint():
        return HttpResponse(status=204)  # a screen that came back and missed nothing
    html, queue = board.html()
    all_departments, all_doctors = board.choices()
    placing = _placing(request)
    context = {
        "board": board,
        "board_html": html,
        "queue_html": queue,
        "problem": problem,
        "fingerprint": board.printed,
        "yesterday": date - timedelta(days=1),
        "tomorrow": date + timedelta(days=1),
        "today": hospital().today(),
        "departments": _chosen(all_departments, departments),
        "doctors": _chosen(all_doctors, doctors),
        "filtered": bool(departments or doctors),
        "placing": placing,
        "placing_minutes": placing and placing.duration // timedelta(minutes=1),
        "zoom": request.COOKIES.get("hms-zoom") if request.COOKIES.get("hms-zoom") in ZOOMS else "32",
    }
    return render(request, "frontdesk/day.html", context)


def _placing(request):
    """The appointment that is carried from day to day until it is put down (``?place=``), or None."""
    number = request.GET.get("place", "")
    if not (number.isdecimal() and len(number) < 19):
        return None
    waiting = Appointment.objects.visible_to(request.user).filter(status__in=Appointment.WAITING_TO_HAPPEN)
    return waiting.with_people().filter(pk=number).first()


def _chosen(options, ids):
    """The options of a filter, the chosen one marked."""
    return mark_safe(options.replace(f'"{ids[0]}"', f'"{ids[0]}" selected', 1)) if len(ids) == 1 else options  # noqa: S308


@require_safe
def month(request):
    """The mini month beside the board: how full each day is (``?day=``)."""
    shown, _problem = asked_day(request)
    first = shown.replace(day=1)
    start = first - timedelta(days=first.weekday())
    days = [start + timedelta(days=i) for i in range(42)]
    begins, ends = hospital().day_bounds(days[0])[0], hospital().day_bounds(days[-1])[1]
    counts = dict(
        Appointment.objects.live()
        .filter(appointment_date__gte=begins, appointment_date__lt=ends)
        .annotate(day=TruncDate("appointment_date", tzinfo=hospital().zone))
        .values_list("day")
        .annotate(n=Count("pk"))
        .order_by()
    )
    most = max(counts.values(), default=0)
    weeks = [
        [(d, counts.get(d, 0), -(-counts.get(d, 0) * 3 // most) if most else 0) for d in days[i : i + 7]]
        for i in range(0, 42, 7)
    ]
    context = {
        "weeks": weeks,
        "shown": shown,
        "today": hospital().today(),
        "before": first - timedelta(days=1),
        "after": (first + timedelta(days=32)).replace(day=1),
    }
    return render(request, "frontdesk/_month.html", context)


@require_safe
def day_stream(request, day):
    """The changes of one day, as they happen."""
    try:
        shown = date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    if not is_near(shown):
        raise Http404
    return live.stream(request, "desk", shown.isoformat())
