"""Who opened my record, and what is mine to decide about it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hms.domain import looks
from hms.models import Wish
from portal.own import own
from portal.views.book import FORM

PER_PAGE = 25


@require_safe
@own
def privacy(request):
    """Who opened my record, when, in what role and why; ``?all=1``: also when I did."""
    everybody = bool(request.GET.get("all"))
    rows = looks.of(request.patient, others_only=not everybody)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "looks": looks.told(page, request.patient),
        "everybody": everybody,
        "wish": Wish.objects.filter(patient=request.patient, kind="DELETE", done_at=None).first(),
    }
    return render(request, "portal/privacy.html", context)


@require_http_methods(FORM)
@own
def delete(request):
    """Ask for the account to be deleted; what has to be kept is said before."""
    wish = Wish.objects.filter(patient=request.patient, kind="DELETE", done_at=None).first()
    if request.method == "POST":
        if request.POST.get("withdraw") and wish:
            wish.delete()
            messages.success(request, _("Your account stays."))
        elif wish is None:
            Wish.objects.get_or_create(patient=request.patient, kind="DELETE", done_at=None)
            messages.success(request, _("We have your wish and will write to you."))
        return redirect("portal:delete")
    return render(request, "portal/delete.html", {"wish": wish})
