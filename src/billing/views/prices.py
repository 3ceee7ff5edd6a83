"""The price list: what is charged, what it was and will be, and prices from a file."""

from django.contrib import messages
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.forms.prices import EndForm, FollowUpForm, PriceForm
from hms import csv_files, money, price_import
from hms.domain import prices
from hms.domain.search import clean
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import FollowUpRule, Service


@require_safe
def price_list(request):
    """What is in force today, found by code or name; the rules for follow-ups beside it."""
    return _list(request)


def _list(request, rule_form=None, status=200):
    text = clean(request.GET.get("q", ""))
    services = prices.in_force(hospital().today())
    if text:
        services = services.filter(
            Q(code__icontains=text) | Q(name__icontains=text) | Q(department__name__icontains=text)
        )
    coming = Service.objects.filter(valid_from__gt=hospital().today()).select_related("department")
    context = {
        "services": services[:1000],
        "coming": coming.order_by("valid_from", "code")[:200],
        "q": text,
        "rules": FollowUpRule.objects.select_related("doctor__user", "department").order_by("department", "doctor"),
        "form": rule_form or FollowUpForm(),
    }
    return render(request, "billing/prices.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def price_new(request):
    """A new code, with its first price."""
    return _set(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def price(request, pk):
    """The prices of a code over time, and the form for the next one."""
    return _set(request, get_object_or_404(Service, pk=pk))


def _set(request, service):
    form = PriceForm(request.POST or None, service=service)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = prices.set_price(**form.cleaned_data, by=request.user)
            except DomainError as e:
                form.add_error(e.field if e.field in form.fields else None, str(e))
            else:
                messages.success(request, _("The price of %(service)s is set.") % {"service": made})
                return redirect("billing:price", made.pk)
    context = {"form": form, "service": service, "today": hospital().today()}
    if service:
        context["rows"] = Service.objects.filter(code=service.code).select_related("department").order_by("-valid_from")
    return render(request, "billing/price.html", context, status=status)


@require_POST
def price_end(request, pk):
    """Not offered after a day."""
    service = get_object_or_404(Service, pk=pk)
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            prices.end(service, last_day=form.cleaned_data["last_day"], by=request.user)
            messages.success(request, _("%(service)s is not offered any more after that day.") % {"service": service})
        except DomainError as e:
            messages.error(request, str(e))
    else:
        messages.error(request, form.errors["last_day"][0])
    return redirect("billing:price", service.pk)


@require_POST
def follow_up_new(request):
    """Set the rule of a department, a doctor or everybody."""
    form = FollowUpForm(request.POST)
    if not form.is_valid():
        return _list(request, form, status=422)
    prices.set_follow_up(**form.cleaned_data, by=request.user)
    messages.success(request, _("The rule is set."))
    return redirect("billing:prices")


@require_POST
def follow_up_end(request, pk):
    """No such rule any more."""
    prices.end_follow_up(get_object_or_404(FollowUpRule, pk=pk), by=request.user)
    messages.success(request, _("The rule is gone."))
    return redirect("billing:prices")


# --- files


@require_http_methods(["GET", "HEAD", "POST"])
def prices_import(request):
    """First a preview with an error per row; the same content, signed, comes back with the second button."""
    page, done = csv_files.page(
        request, price_import, "billing/prices_import.html", {"cells": "billing/_price_cells.html"}
    )
    if page:
        return page
    messages.success(request, ngettext("%(n)d price is set.", "%(n)d prices are set.", done) % {"n": done})
    return redirect("billing:prices")


@require_safe
def prices_export(request):
    """The price list of today as CSV, in the columns that an import reads."""
    currency = hospital().currency
    rows = (
        [
            s.code,
            s.name,
            s.department and s.department.name,
            money.rounded(s.price, currency),
            s.tax_rate,
            s.valid_from.isoformat(),
            s.valid_until and s.valid_until.isoformat(),
        ]
        for s in prices.in_force(hospital().today())
    )
    return csv_files.download("prices", price_import.COLUMNS, rows)
