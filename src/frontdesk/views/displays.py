"""Wall screens: made and revoked at the desk, shown in a corridor to whoever passes, without names."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from frontdesk.displays import display_context, displays_that_stay
from frontdesk.forms.displays import DisplayForm
from hms import live
from hms.domain.settings import hospital
from hms.models import Display


@require_http_methods(["GET", "HEAD", "POST"])
def displays(request):
    """The wall screens there are; a new one's address is shown once, right after it was made."""
    form = DisplayForm(request.POST or None)
    address = ""
    if request.method == "POST" and form.is_valid():
        _display, token = Display.objects.open(name=form.cleaned_data["name"], by=request.user)
        address = request.build_absolute_uri(reverse("display", args=[token]))
        form = DisplayForm()
    context = {"form": form, "address": address, "displays": Display.objects.select_related("created_by")}
    return render(request, "frontdesk/displays.html", context, status=422 if form.errors else 200)


@require_POST
def display_revoke(request, pk):
    """End a wall screen: its address answers 404 from now on, and what it shows now goes blank."""
    display = get_object_or_404(Display, pk=pk)
    display.revoke()
    messages.success(request, _("“%(name)s” is revoked.") % {"name": display.name})
    return redirect("frontdesk:displays")


def _display(token):
    display = Display.objects.for_token(token)
    if display is None:
        raise Http404
    return display


@require_safe
def display(request, token):
    """Who is called in and who is next, by initials. Read-only; today, always."""
    context = display_context(hospital().today())
    return render(request, "frontdesk/display.html", context | {"display": _display(token), "token": token})


@require_safe
def display_stream(request, token):
    """The same, as it happens, until the display is revoked."""
    guard = (displays_that_stay, _display(token).pk)
    return live.StreamResponse("display", "today", guard)
