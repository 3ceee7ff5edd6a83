"""The demo's letter box: where mails land that nobody receives."""

from django.conf import settings
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hms.models import OutboxMail

NEWEST = 50


@require_safe
def demo_outbox(request):
    """The newest mails, readable by whoever tries HMS out; in demo mode only."""
    if not settings.DEMO:
        raise Http404
    to = request.GET.get("to", "").strip()[:254]
    mails = OutboxMail.objects.prefetch_related("attachments")
    if to:
        mails = mails.filter(to__iexact=to)
    return render(request, "hms/demo_outbox.html", {"mails": mails[:NEWEST], "to": to})
