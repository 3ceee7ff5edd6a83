"""What is not issued yet."""

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from hms.domain import audit, invoicing
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Appointment, Invoice, InvoiceLine

SHOWN = 200


@require_safe
def drafts(request):
    """Drafts, the oldest visit first; those of a visit that goes on cannot be issued yet."""
    found = (
        Invoice.objects.visible_to(request.user)
        .drafts()
        .with_people()
        .select_related("appointment")
        .annotate(has_lines=Exists(InvoiceLine.objects.filter(invoice=OuterRef("pk"))))
        .order_by("created_at", "pk")
    )
    shown = list(found[: SHOWN + 1])
    for draft in shown:
        visit = draft.appointment
        draft.can_issue = draft.has_lines and (visit is None or visit.status == Appointment.Status.COMPLETED)
    if shown and not is_background(request):
        audit.searched(len(shown[:SHOWN]), by=request.user, detail="drafts")
    return render(request, "billing/drafts.html", {"drafts": shown[:SHOWN], "more": len(shown) > SHOWN})


@require_POST
def drafts_issue(request):
    """Issue the chosen drafts, each by itself: what one refuses does not hold up the others."""
    pks = [int(pk) for pk in request.POST.getlist("draft") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    done = 0
    for draft in Invoice.objects.visible_to(request.user).drafts().filter(pk__in=pks[:SHOWN]).order_by("pk"):
        try:
            invoicing.issue(draft, by=request.user)
            done += 1
        except DomainError as e:
            messages.error(request, f"{draft.patient}: {e}")
    if done:
        messages.success(
            request, ngettext("%(n)d invoice is issued.", "%(n)d invoices are issued.", done) % {"n": done}
        )
    elif not pks:
        messages.warning(request, _("Choose the drafts to issue."))
    return redirect("billing:drafts")
