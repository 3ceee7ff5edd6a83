"""What the record's templates need beside the tags that every template has."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from hms.domain import timeline

register = template.Library()
MARK = "<mark>{}</mark>"
BREAK = mark_safe("<br>")


@register.simple_tag
def found(text, words):
    """A text with its lines, and what was searched for marked."""
    lines = text.splitlines()
    if not words:
        return format_html_join(BREAK, "{}", ((line,) for line in lines))
    return format_html_join(BREAK, "{}", ((_marked(line, words),) for line in lines))


def _marked(line, words):
    pieces = timeline.pieces(line, words)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", text) if hit else text,) for text, hit in pieces)
    )
