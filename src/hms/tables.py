"""Lists that are drawn in one go: django-tables2's columns, order and paging, without its loop over cells."""

import django_tables2 as tables
from django.utils.functional import cached_property
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from hms.templatetags.hms import icon


class DrawnTable(tables.Table):
    """A table whose head is drawn here and whose rows the subclass draws in ``body`` (see hms/_table.html)."""

    def __init__(self, *args, query=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.query = query  # the address's, which the links that sort carry on

    @cached_property
    def head(self):
        """The header cells, as hms/_table.html would draw them."""
        drawn, root = [], self.attrs["id"]
        for column in self.columns:
            css = column.column.attrs.get("th", {}).get("class", "")
            start = f'<th scope="col" class="{css}"' if css else '<th scope="col"'
            if not column.orderable:
                text = escape(column.header) or f'<span class="sr-only">{escape(_("Actions"))}</span>'
                drawn.append(f"{start}>{text}</th>")
                continue
            query = self.query.copy()
            query.pop("page", None)
            query["sort"] = column.order_by_alias.next
            address = escape(f"?{query.urlencode()}")
            sign, way = icon("chevron-up-down", css="muted"), ""
            if column.is_ordered:
                down = column.order_by_alias.is_descending
                sign = icon("chevron-down" if down else "chevron-up")
                way = f' aria-sort="{"descending" if down else "ascending"}"'
            drawn.append(
                f'{start}{way}><a href="{address}" hx-get="{address}" hx-target="#{root}"'
                f' hx-select="#{root}" hx-swap="outerHTML" hx-push-url="true">{escape(column.header)}{sign}</a>'
                "</th>"
            )
        return mark_safe("".join(drawn))  # noqa: S308 (escaped above)
