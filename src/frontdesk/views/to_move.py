"""Visits whose doctor is away or has other hours: the desk finds them another time, or says why they stay."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hms.domain import audit, leave
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import VisitToMove


@require_safe
def to_move(request):
    """All of them, the earliest first."""
    return _page(request)


def _page(request, *, status=200, refused=None):
    rows = leave.to_move()
    if rows and not is_background(request):
        audit.log([row.appointment.patient for row in rows], "patient.listed", by=request.user, detail="visits to move")
    return render(request, "frontdesk/to_move.html", {"rows": rows, "refused": refused}, status=status)


@require_safe
def to_move_notice(request):
    """How many there are, for the board's side."""
    return HttpResponse(notice())


def notice():
    """The notice beside the board; an empty element when there is nothing to do."""
    from django.template.loader import render_to_string

    return render_to_string("frontdesk/_to_move_notice.html", {"count": len(leave.to_move())})


@require_POST
def visit_keep(request, pk):
    """The visit takes place all the same."""
    row = get_object_or_404(VisitToMove.objects.select_related("appointment__patient__user"), pk=pk)
    try:
        leave.keep(row, reason=request.POST.get("reason", "").replace("\x00", ""), by=request.user)
    except DomainError as e:
        return _page(request, status=422 if e.field else 409, refused=(row.pk, str(e)))
    messages.success(request, _("%(name)s stays where it is.") % {"name": row.appointment.patient.user.formal_name})
    return redirect("frontdesk:to-move")
