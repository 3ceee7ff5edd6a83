"""Billing's own tags: the tabs above its pages, the tag of an invoice's state."""

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from billing.tables import document_link, state, state_tag
from hms.domain.settings import hospital
from hms.models import Invoice

register = template.Library()

# Pages of billing, in the order of a clerk's day.
TABS = [
    ("home", _("Invoices")),
    ("drafts", _("Drafts")),
    ("payments", _("Payments")),
    ("shift", _("Cash drawer")),
    ("reports", _("Reports")),
    ("prices", _("Prices")),
]


@register.inclusion_tag("billing/_tabs.html")
def billing_tabs(here):
    """The tabs, with the one that is open marked; a page that does not exist has none."""
    tabs = []
    for name, text in TABS:
        try:
            tabs.append((name, reverse(f"billing:{name}"), text))
        except NoReverseMatch:
            continue
    return {"tabs": tabs, "here": here, "drafts_open": Invoice.objects.drafts().count()}


@register.filter
def document(row):
    """The number of an account's row, leading to its document."""
    return document_link(row.kind, row.pk, row.number)


@register.filter
def opposite(amount):
    """Below zero what was above it."""
    return -amount


@register.filter
def invoice_state(name):
    """DRAFT, PENDING, OVERDUE, PAID or CANCELLED as a tag: icon, word, colour."""
    return state_tag(name)


@register.filter
def state_of(invoice):
    """The state of an invoice today."""
    return "DRAFT" if invoice.is_draft else state(invoice.status, invoice.due_date, hospital().today())
