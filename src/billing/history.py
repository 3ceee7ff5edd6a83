"""What happened to an invoice, in words, from the rows that the triggers keep."""

from collections import namedtuple

from django.apps import apps
from django.utils.translation import gettext as _

from hms.models import Invoice, User

Entry = namedtuple("Entry", "at what who")


def history(invoice):
    """The changes of an invoice, the newest first."""
    events = apps.get_model("hms", "InvoiceEvent").objects.filter(pgh_obj_id=invoice.pk)
    entries, before = [], None
    for event in events.order_by("pgh_id"):
        what = _what(event, before)
        before = event
        if what:
            by = (event.pgh_context or {}).get("user")
            if entries and entries[-1][1:] == [what, by]:
                entries[-1][0] = event.pgh_created_at
            else:
                entries.append([event.pgh_created_at, what, by])
    names = {u.pk: str(u) for u in User.objects.filter(pk__in={by for _at, _w, by in entries if by})}
    return [Entry(at, what, names.get(by, "")) for at, what, by in reversed(entries)]


def _what(event, before):
    if before is None:
        return _("Drafted")
    if event.number and not before.number:
        return _("Issued")
    if event.status != before.status:
        return str(dict(Invoice.Status.choices)[event.status])
    return _("Edited") if event.version != before.version else ""
