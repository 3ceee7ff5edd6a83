"""By the link of a letter: whoever holds it may confirm, move or cancel this one visit, and sees no name."""

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hms.domain import letters, self_service
from hms.errors import DomainError
from portal.views.book import FORM, stamp
from portal.views.visits import move, unchanged


def _gone(request):
    return render(request, "portal/visit_link.html", {"visit": None}, status=404)


def _over(request, appointment):
    """What has begun is neither confirmed, moved nor cancelled by a link any more; None before that."""
    if appointment.appointment_date > timezone.now():
        return None
    return render(request, "portal/visit_link.html", {"visit": appointment, "over": True}, status=410)


@require_http_methods(FORM)
def visit_link(request, token):
    """Confirm or cancel without signing in. Nothing happens before a button is pressed."""
    appointment, then = letters.visit_of(token)
    if appointment is None:
        return _gone(request)
    if over := _over(request, appointment):
        return over
    user, done, refusal = appointment.patient.user, "", ""
    if request.method == "POST":
        try:
            unchanged(request, appointment)
            if request.POST.get("do") == "cancel":
                appointment, done = self_service.cancel(appointment, by=user), _("Your visit is cancelled.")
            elif request.POST.get("do") == "confirm":
                appointment, done = self_service.confirm(appointment, by=user), _("Thank you. We expect you.")
            else:
                refusal = _("Choose what you want to do.")
        except DomainError as e:
            refusal = str(e)
            appointment, _then = letters.visit_of(token)
    context = {
        "visit": appointment,
        "open": appointment.is_waiting_to_happen and not appointment.checked_in_at,
        "seen": stamp(appointment.doctor_id, appointment.appointment_date),
        "moved": appointment.appointment_date != then,
        "done": done,
        "refusal": refusal,
        "why_not": self_service.why_not_change(appointment),
        "token": token,
    }
    return render(request, "portal/visit_link.html", context, status=409 if refusal else 200)


@require_http_methods(FORM)
def visit_link_move(request, token):
    """Another time without signing in: the page shows times, and nothing of the patient."""
    appointment, _then = letters.visit_of(token)
    if appointment is None:
        return _gone(request)
    return _over(request, appointment) or move(
        request, appointment, back=reverse("visit-link", args=[token]), by_link=True
    )
