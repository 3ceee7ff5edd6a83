"""The outbox: what was mailed, what waits, what could not be sent. Texts that let somebody in are not shown."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_tables2 import LazyPaginator, RequestConfig

from frontdesk.outbox import OutboxTable
from hms.domain import outbox as domain
from hms.errors import DomainError
from hms.models import OutboxMail

PER_PAGE = 25


@require_safe
def outbox(request):
    """The mails, newest first; ``?status=`` narrows them to those waiting, sent or failed."""
    status = request.GET.get("status", "")
    mails = OutboxMail.objects.select_related("user").defer("text")
    if status in OutboxMail.Status.values:
        mails = mails.filter(status=status)
    table = OutboxTable(mails)
    RequestConfig(request, paginate={"per_page": PER_PAGE, "paginator_class": LazyPaginator}).configure(table)
    context = {"table": table, "status": status, "statuses": OutboxMail.Status.choices}
    return render(request, "frontdesk/outbox.html", context)


@require_POST
def mail_retry(request, pk):
    """Try once more to send a mail that was given up."""
    mail = get_object_or_404(OutboxMail, pk=pk)
    try:
        domain.retry(mail, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("The mail to %(to)s is tried again.") % {"to": mail.to})
    return redirect("frontdesk:outbox")
