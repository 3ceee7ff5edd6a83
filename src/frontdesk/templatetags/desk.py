"""Filters of the front desk's templates."""

from django import template
from django.utils import formats

from frontdesk.forms import booking
from hms.domain.settings import hospital

register = template.Library()


@register.filter
def compact(moment):
    """A moment as addresses carry it: 20261122T1015Z."""
    return booking.compact(moment)


@register.filter
def weekday(moment):
    """Mon 23-Nov, in the hospital's zone."""
    return formats.date_format(moment.astimezone(hospital().zone), "D d-M")
