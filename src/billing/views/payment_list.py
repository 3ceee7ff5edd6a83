"""The list of payments: found, filtered, sorted, summed and exported."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from billing import exports
from billing.filters import PaymentFilter, asked
from billing.payment_list import PaymentData, file_rows, heads, matching, totals
from billing.tables import PaymentTable
from hms.domain import audit
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Patient, Payment, Shift
from hms.tables import keep_address


def _asked(request):
    return asked(request, PaymentFilter, Payment.objects.all(), matching)


@require_safe
def payments(request):
    """Every row of the ledger, the newest first."""
    filters, found = _asked(request)
    table = PaymentTable(PaymentData(found), order_by=filters.order, query=request.GET)
    count = len(table.turn_to(request.GET.get("page")))
    if count and not is_background(request):
        audit.searched(count, by=request.user, detail="payments")
    context = {
        "table": table,
        "filter": filters,
        "count": count,
        "sort": table.data.sort if "sort" in request.GET else "",
        "query": request.GET.urlencode(),
        **_chosen(request, filters),
    }
    if "totals" in request.GET:
        context |= {"totals": totals(found)}
    table.empty_text = _("No payment matches.") if request.GET else _("No payment has been taken yet.")
    return keep_address(request, render(request, "billing/payments.html", context), "payments-filter")


def _chosen(request, filters):
    """The patient and the drawer that the list is narrowed to, to be named above it."""
    data = getattr(filters.form, "cleaned_data", {})
    patient, shift = data.get("patient"), data.get("shift")
    found = {}
    if patient:
        found["patient"] = Patient.objects.visible_to(request.user).filter(pk=patient).select_related("user").first()
    if shift:
        found["shift"] = Shift.objects.filter(pk=shift).select_related("clerk").first()
    return found


@require_safe
def payments_totals(request):
    """What the filtered payments come to: asked for beside the list, which does not wait for it."""
    _filters, found = _asked(request)
    return render(request, "billing/_payments_totals.html", {"totals": totals(found)})


@require_safe
def payments_export(request, kind):
    """The filtered list as CSV or XLSX."""
    filters, found = _asked(request)
    data = PaymentData(found)
    data.sort = next(iter(filters.order), None)
    pks = exports.keys(data.ordered())
    name, rows = f"payments-{hospital().today()}", file_rows(pks)
    try:
        response = exports.answer(kind, name, title=_("Payments"), heads=heads(), rows=rows, count=len(pks))
    except DomainError as e:
        messages.warning(request, str(e))
        return redirect(f"{reverse('billing:payments')}?{request.GET.urlencode()}")
    audit.searched(len(pks), by=request.user, detail=f"payments, {kind}")
    return response
