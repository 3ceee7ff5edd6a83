"""The clerk's drawer."""

from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from billing.forms.money import CloseForm, OpenForm
from hms.domain import payments, shifts
from hms.errors import DomainError
from hms.models import Shift

ROWS = 500  # of a closed drawer that its page shows


@require_http_methods(["GET", "HEAD", "POST"])
def shift(request):
    """Open my drawer; see what is in it; count and close it."""
    mine = payments.open_shift(request.user)
    form = (CloseForm if mine else OpenForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if mine is None:
                shifts.open_(by=request.user, opening_float=form.cleaned_data["opening_float"])
                return redirect("billing:shift")
            closed = shifts.close(
                mine, counted=form.counted(), by=request.user, explanation=form.cleaned_data["explanation"]
            )
            return redirect("billing:shift-closed", closed.pk)
        except DomainError as e:
            form.add_error(e.field if e.field in form.fields else None, str(e))
    context = {
        "shift": mine,
        "form": form,
        "totals": shifts.totals(mine) if mine else {},
        "expected": payments.drawer(mine) if mine else None,
        "closed": Shift.objects.filter(closed_at__isnull=False).select_related("clerk").order_by("-closed_at")[:20],
    }
    return render(request, "billing/shift.html", context, status=422 if form.errors else 200)


@require_safe
def shift_closed(request, pk):
    """What was counted and signed."""
    found = get_object_or_404(Shift.objects.select_related("clerk").filter(closed_at__isnull=False), pk=pk)
    rows = list(found.payments.select_related("patient__user").order_by("pk")[: ROWS + 1])
    context = {"shift": found, "rows": rows[:ROWS], "more": len(rows) > ROWS, "shown": ROWS}
    context["totals"] = shifts.totals_kept(found)
    context["coins"] = [(coin, n, coin * n) for coin, n in shifts.counted(found)]
    return render(request, "billing/shift_closed.html", context)
