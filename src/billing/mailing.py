"""A document by e-mail, from the button on its page."""

from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from hms.errors import DomainError


def mail(request, send, *document, name, address):
    """Have ``send`` mail a document to its patient, as a job; then the page at ``address`` says so, or why not."""
    try:
        send(*document, by=request.user, key=request.POST.get("key", ""))
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("%(name)s is on its way by e-mail.") % {"name": name})
    return redirect(address)
