"""The list of issued invoices: found, filtered, sorted, summed, exported, and reminded of."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import exports
from billing.filters import InvoiceFilter, asked
from billing.invoice_list import InvoiceData, file_rows, heads, matching, totals
from billing.tables import InvoiceTable
from hms import live
from hms.domain import audit, reminding
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Invoice, Patient
from hms.tables import keep_address


def _asked(request):
    return asked(request, InvoiceFilter, Invoice.objects.visible_to(request.user).issued(), matching)


@require_safe
def home(request):
    """Issued invoices, the newest first."""
    filters, found = _asked(request)
    table = InvoiceTable(InvoiceData(found), order_by=filters.order, query=request.GET)
    count = len(table.turn_to(request.GET.get("page")))
    if count and not is_background(request):
        audit.searched(count, by=request.user, detail="invoices")
    context = {
        "table": table,
        "filter": filters,
        "count": count,
        "sort": table.data.sort if "sort" in request.GET else "",
        "query": request.GET.urlencode(),
        "patient": _patient(request, filters),
    }
    if "totals" in request.GET:
        context |= {"totals": totals(found)}
    if not count:
        context["drafts"] = Invoice.objects.drafts().exists()
        table.empty_text = render_to_string("billing/_invoices_none.html", context, request)
    return keep_address(request, render(request, "billing/invoices.html", context), "invoices-filter")


def _patient(request, filters):
    pk = getattr(filters.form, "cleaned_data", {}).get("patient")
    return Patient.objects.visible_to(request.user).filter(pk=pk).select_related("user").first() if pk else None


@require_safe
def invoices_totals(request):
    """What the filtered invoices come to: asked for beside the list, which does not wait for it."""
    _filters, found = _asked(request)
    return render(request, "billing/_invoices_totals.html", {"totals": totals(found)})


@require_safe
def invoices_export(request, kind):
    """The filtered list as CSV or XLSX."""
    filters, found = _asked(request)
    data = InvoiceData(found)
    data.sort = next(iter(filters.order), None)
    today = hospital().today()
    pks = exports.keys(data.ordered())
    name, rows = f"invoices-{today}", file_rows(pks, today)
    try:
        response = exports.answer(kind, name, title=_("Invoices"), heads=heads(), rows=rows, count=len(pks))
    except DomainError as e:
        messages.warning(request, str(e))
        return redirect(f"{reverse('billing:home')}?{request.GET.urlencode()}")
    audit.searched(len(pks), by=request.user, detail=f"invoices, {kind}")
    return response


@require_POST
def invoices_remind(request):
    """Mail a reminder to the patients of the chosen invoices."""
    pks = [int(pk) for pk in request.POST.getlist("invoice") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    chosen = Invoice.objects.visible_to(request.user).owed().filter(pk__in=pks[:500])
    done = reminding.remind(chosen, by=request.user)
    if not pks:
        messages.warning(request, _("Choose the invoices to remind of."))
    else:
        (messages.success if done.sent else messages.warning)(request, " ".join(_said(done)))
    back = request.POST.get("back", "")
    local = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/billing/")
    return redirect(back if local else reverse("billing:home"))


@require_http_methods(["GET", "HEAD", "POST"])
def invoices_remind_all(request):
    """Remind of all overdue invoices that the filtered list shows, on however many pages: how many, then do it."""
    filters, found = _asked(request)
    back = f"{reverse('billing:home')}?{request.GET.urlencode()}"
    if not filters.form.is_valid():  # what is odd filters nothing: this is not what was meant
        return redirect(back)
    plan = reminding.plan(found)
    most = min(plan.ready, reminding.MOST)
    context = {"filter": filters, "plan": plan, "most": most, "query": request.GET.urlencode(), "back": back}
    if request.method != "POST":
        return render(request, "billing/invoices_remind.html", context)
    seen = request.POST.get("count", "")
    if not (seen.isascii() and seen.isdigit()) or most > int(seen[:9]):  # fewer is what they wanted, less what was paid
        return render(request, "billing/invoices_remind.html", context | {"changed": True}, status=409)
    done = reminding.remind(plan.rows[:most], by=request.user)
    (messages.success if done.sent else messages.warning)(request, " ".join(_said(done)))
    return redirect(back)


NAMED = 5  # patients whom no mail reaches that are named


def _said(done):
    """What became of the chosen invoices, a sentence for each kind."""
    yield ngettext("%(n)d reminder is on its way.", "%(n)d reminders are on their way.", done.sent) % {"n": done.sent}
    if done.again:
        yield ngettext(
            "%(n)d was reminded today already, or three times.",
            "%(n)d were reminded today already, or three times.",
            done.again,
        ) % {"n": done.again}
    if done.not_due:
        yield ngettext("%(n)d is not overdue yet.", "%(n)d are not overdue yet.", done.not_due) % {"n": done.not_due}
    if done.no_address:
        names = [patient.user.formal_name for patient in done.no_address]
        more = len(names) - NAMED
        yield _("No e-mail address: %(names)s. Print their reminders instead.") % {
            "names": "; ".join(names[:NAMED]) + (_(" and %(n)d more") % {"n": more} if more > 0 else "")
        }


@require_safe
def invoices_stream(request):
    """Says that invoices changed; each screen gets its own list again."""
    return live.stream(request, "billing", "all")
