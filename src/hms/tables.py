"""Lists that are drawn in one go: django-tables2's columns, order and paging, without its loop over cells."""

import django_tables2 as tables
from django.core.paginator import EmptyPage
from django.utils.functional import cached_property
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from hms.templatetags.hms import icon

LAST_PAGE = 400  # whoever is further down wants a filter


def keep_address(request, response, form):
    """While somebody types in the filter ``form`` the address keeps up, without a step back for each letter."""
    if request.htmx and request.htmx.source == f"form#{form}":
        response.headers["HX-Replace-Url"] = f"{request.path}?{request.GET.urlencode()}".removesuffix("?")
    return response


class DrawnTable(tables.Table):
    """A table whose rows the subclass draws, cell by cell, in ``cells`` (see hms/_table.html)."""

    foot = ""  # a row of sums below the others

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

    def turn_to(self, number):
        """Show the page that an address asks for, the first one when there is no such page; returns its rows."""
        number = int(number) if number and number.isascii() and number.isdigit() and len(number) < 5 else 1
        try:
            self.paginate(tables.LazyPaginator, page=max(1, min(number, LAST_PAGE)))
        except EmptyPage:  # the list became shorter than the address remembers
            self.paginate(tables.LazyPaginator, page=1)
        return self.page.object_list

    def cells(self, record):
        """The HTML of each cell of a row, in the order of the columns."""
        raise NotImplementedError

    def row_id(self, record):
        """What the row is called in the page, so that a live list keeps it apart from the others."""
        return ""

    @cached_property
    def body(self):
        """The rows of the page, as hms/_table.html would draw them."""
        opening = self.openings(self.columns)
        drawn = []
        for row in self.page.object_list:
            name = self.row_id(row.record)
            drawn.append(f'<tr id="{name}">' if name else "<tr>")
            drawn += [part for pair in zip(opening, self.cells(row.record), strict=True) for part in pair]
            drawn.append("</td></tr>")
        return mark_safe("".join(drawn))  # noqa: S308 (cells are escaped where they are drawn)

    @staticmethod
    def openings(columns):
        """What stands before each cell of a row: the end of the one before it, its own tag."""
        opening = []
        for n, column in enumerate(columns):
            css = column.column.attrs.get("td", {}).get("class", "")
            tag = "</th><td" if n == 1 else "</td><td" if n else '<th scope="row"'
            css = f' class="{css}"' if css else ""
            opening.append(f'{tag}{css} data-label="{escape(column.header)}">')
        return opening
