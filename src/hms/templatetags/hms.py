"""Template tags and filters that every template has: money, dates, ages, icons."""

from django import template

register = template.Library()
