"""What the record's templates need beside the tags that every template has."""

from functools import cache

from django import template
from django.template.loader import get_template
from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import mark_safe

from hms.domain import timeline
from hms.templatetags.hms import clinical_date, clinical_time, icon

register = template.Library()
MARK = "<mark>{}</mark>"
BREAK = mark_safe("<br>")


@register.simple_tag(takes_context=True)
def entries(context, rows, words):
    """Entries of the line as list items. By Jinja2: a page holds dozens, and a printed record hundreds."""
    icons = {s.kind: icon(s.icon, str(s.label)) for s in timeline.SOURCES.values()}
    drawn = [(e, clinical_date(e.at), clinical_time(e.at), e.at.isoformat(), icons[e.kind]) for e in rows]
    values = {"entries": drawn, "words": words, "found": found, "user": context["user"].pk}
    return mark_safe(_template().render(values | {"visits": reverse("clinic:consultation", args=[0])}))  # noqa: S308 (Jinja2 escaped it)


@cache
def _template():
    return get_template("clinic/_timeline_entry.html", using="jinja2").template


def found(text, words):
    """A text with its lines, and what was searched for marked."""
    lines = text.splitlines()
    if not words:
        return conditional_escape(text) if len(lines) < 2 else format_html_join(BREAK, "{}", ((n,) for n in lines))
    return format_html_join(BREAK, "{}", ((_marked(line, words),) for line in lines))


def _marked(line, words):
    pieces = timeline.pieces(line, words)
    return format_html_join("", "{}", ((format_html(MARK, text) if hit else text,) for text, hit in pieces))
