"""What the pages of reports ask for and show: a table of figures, each a link to a table of its rows."""

from datetime import timedelta
from urllib.parse import urlencode

import django_tables2 as tables
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tables2.data import TableData

from billing.tables import NARROW, NUMBER, document_link
from hms import money as coins
from hms.dates import parse_date
from hms.domain import cash, reports
from hms.domain.report_kinds import REPORTS
from hms.domain.settings import hospital
from hms.models import Payment
from hms.record_number import grouped
from hms.tables import DrawnTable
from hms.templatetags.hms import MONTHS, clinical_date, iso_day, money, percent, unlocalised


class Asked:
    """A report as an address asks for it; what is odd in it is said, and the usual shown instead."""

    def __init__(self, name, query):
        self.name, self.report, self.problem = name, REPORTS[name], ""
        today = hospital().today()
        if self.report.as_of:
            self.days = {"day": self._day(query, "day", today)}
            self.params = reports.as_of(self.days["day"])
        else:
            first = self._day(query, "first", today - timedelta(days=27))
            last = self._day(query, "last", max(today, first))
            if first > last:
                self.problem = _("The days end before they begin.")
                first, last = last, first
            self.days = {"first": first, "last": last}
            self.params = reports.period(first, last)
        self.by = query.get("by") if query.get("by") in self.report.by else next(iter(self.report.by))

    @cached_property
    def figures(self):
        """Those of the report that are shown: of rounding nothing where cash is not rounded."""
        return {n: f for n, f in self.report.figures.items() if n != "rounding" or cash.is_rounded()}

    def _day(self, query, name, default):
        text = query.get(name, "").strip()
        try:
            found = parse_date(text) if text else default
        except ValueError:
            found = None
        if found is None or not 2000 <= found.year <= 2100:
            self.problem = _("“%(text)s” is not a day.") % {"text": text[:20]}
            return default
        return found

    def query(self, **more):
        """The address's query, with nothing odd in it."""
        days = {name: iso_day(day) for name, day in self.days.items()}
        return urlencode(days | {"by": self.by} | {k: v for k, v in more.items() if v is not None})

    @property
    def tabs(self):
        """``[(name, what it is called, address), …]`` of all reports; those of the same kind keep the days."""
        found = []
        for name, report in REPORTS.items():
            days = self.query() if report.as_of == self.report.as_of else ""
            found.append((name, report.tab, f"{reverse('billing:report', args=[name])}?{days}".removesuffix("?")))
        return found

    def rows_address(self, *, key=None, figure=None):
        """Where the rows of a figure are: of one group, or of all of them."""
        return f"{reverse('billing:report-rows', args=[self.name])}?{self.query(key=key, figure=figure)}"

    def words(self, key, name):
        """What a group is called."""
        group = self.report.by[self.by]
        if key is None or (group.names and not name):
            return _("none")
        if self.by == "month":
            return f"{MONTHS[key.month - 1]}-{key.year}"
        if group.type == "date":
            return clinical_date(key)
        if group.type == "numeric":
            return percent(key)
        return str(dict(Payment.Method.choices).get(key, key) if self.by == "method" else name or key)


def foot(heads, sums):
    """The row below a table: its words, then ``(label, HTML)`` of each sum."""
    first, *blank = heads
    cells = [f'<th scope="row">{escape(first)}</th>', "<td></td>" * len(blank)]
    cells += [f'<td class="nowrap num" data-label="{escape(label)}">{text}</td>' for label, text in sums]
    return mark_safe(f"<tr>{''.join(cells)}</tr>")  # noqa: S308 (escaped, or drawn by money)


class ReportData(TableData):
    """The groups of a report, a page at a time."""

    sort, found = "", None

    def set_table(self, table):
        self.table = table

    def order_by(self, aliases):
        """Called by the table with aliases that it knows; the first one counts."""
        self.sort = aliases[0] if aliases else ""

    def __getitem__(self, key):
        start = key.start or 0
        asked = self.data
        self.found = reports.summary(
            asked.name, asked.params, asked.by, sort=self.sort, limit=key.stop - start, offset=start
        )
        return self.found.groups


class ReportTable(DrawnTable):
    """The figures of a report by department, doctor, …; below them those of all groups together."""

    above = "billing/_report_above.html"

    class Meta:
        attrs = {"id": "report-list"}
        per_page = 62  # two months of days

    def __init__(self, asked, **more):
        self.asked, group = asked, asked.report.by[asked.by]
        columns = [("key", tables.Column(group.label, orderable=not group.names, attrs=NARROW))]
        columns += [(name, tables.Column(f.label, attrs=NUMBER)) for name, f in asked.figures.items()]
        columns += [("rows", tables.Column(_("Rows"), orderable=False, attrs=NUMBER))]
        self.caption = asked.report.title
        super().__init__(ReportData(asked), extra_columns=columns, **more)

    def cells(self, group):
        asked, key = self.asked, "" if group.key is None else str(group.key)
        words = f"<bdi>{escape(asked.words(group.key, group.name))}</bdi>"
        if asked.by == "patient":
            words = f'<a href="{reverse("billing:account", args=[group.key])}">{words}</a>'
        return [words, *self._figures(group.sums, key), self._link(key, None, group.rows)]

    def _figures(self, sums, key):
        first = next(iter(sums))
        for name, figure in self.asked.figures.items():
            value, part = sums[name], figure.where != "TRUE"
            text = '<span class="muted">–</span>' if part and not value else None
            text = text or self._link(key, name, money(value))
            yield f'<span data-y="{unlocalised(value)}">{text}</span>' if name == first else text

    def _link(self, key, figure, text):
        return f'<a href="{escape(self.asked.rows_address(key=key, figure=figure))}">{text}</a>'

    @property
    def found(self):
        return self.data.found

    @property
    def totals(self):
        """``[(label, sum, address of its rows), …]`` of all groups together."""
        asked, found = self.asked, self.found.totals
        return [(f.label, found[name], asked.rows_address(figure=name)) for name, f in asked.figures.items()]

    @property
    def parts(self):
        """Those that the first figure is made of, where there are such: what the chart shows, then."""
        first, *others = zip(self.totals, self.asked.figures.values(), strict=True)
        return [total for total, f in others if f.where != "TRUE"] if first[1].where == "TRUE" else []

    @property
    def across(self):
        """Whether the chart's bars lie below one another: names are longer than days."""
        return not self.parts and self.asked.report.by[self.asked.by].type != "date"

    @cached_property
    def foot(self):
        sums = [(label, f'<a href="{escape(address)}">{money(value)}</a>') for label, value, address in self.totals]
        everything = f'<a href="{escape(self.asked.rows_address())}">{self.found.rows}</a>'
        return foot([_("All")], [*sums, (_("Rows"), everything)])

    @classmethod
    def file(cls, asked, sort, limit):
        """``(heads, rows, how many there are)`` of the report's file."""
        figures = asked.figures
        found = reports.summary(asked.name, asked.params, asked.by, sort=sort, limit=limit)
        heads = [asked.report.by[asked.by].label, *(f.label for f in figures.values()), _("Rows")]
        currency = hospital().currency
        rows = [
            [
                g.key if asked.report.by[asked.by].type == "date" else asked.words(g.key, g.name),
                *(coins.rounded(g.sums[name], currency) for name in figures),
                g.rows,
            ]
            for g in found.groups
        ]
        return list(map(str, heads)), rows, found.count


class RowsData(TableData):
    """The rows behind a figure, a page at a time."""

    found = None

    def set_table(self, table):
        self.table = table

    def order_by(self, aliases):
        """Rows stand in the order of their days."""

    def __getitem__(self, key):
        start = key.start or 0
        self.found = self.data(limit=key.stop - start, offset=start)
        return self.found.rows


class RowsTable(DrawnTable):
    """The documents and lines that a figure is the sum of; their sum below."""

    number = tables.Column(gettext_lazy("Document"), orderable=False, attrs=NARROW)
    day = tables.Column(gettext_lazy("Day"), orderable=False, attrs=NARROW)
    patient = tables.Column(gettext_lazy("Patient"), orderable=False)
    what = tables.Column(gettext_lazy("What"), orderable=False)

    class Meta:
        attrs = {"id": "report-rows"}
        per_page = 50

    def __init__(self, asked, listing, figures, **more):
        self.columns_of = figures  # {column of the rows: label}
        columns = [(f"value{n}", tables.Column(str(label), orderable=False, attrs=NUMBER))
                   for n, label in enumerate(figures.values())]  # fmt: skip
        self.caption = asked.report.title
        super().__init__(RowsData(listing), extra_columns=columns, **more)

    def cells(self, row):
        account = reverse("billing:account", args=[row.patient])
        return [
            document_link(row.kind, row.id, row.number),
            clinical_date(row.day),
            f'<a href="{account}"><bdi>{escape(row.name)}</bdi></a>'
            f' <span class="muted nowrap">{grouped(row.record_number)}</span>',
            f"<bdi>{escape(row.text)}</bdi>" if row.text else "",
            *(money(row.values[column]) for column in self.columns_of),
        ]

    @cached_property
    def foot(self):
        sums = self.data.found.sums
        return foot([_("Together"), "", "", ""], [(label, money(sums[c])) for c, label in self.columns_of.items()])


def rows_file(listing, figures):
    """``(heads, rows, how many there are)`` of the file of the rows behind a figure."""
    currency = hospital().currency
    heads = [_("Document"), _("Day"), _("Patient"), _("Record number"), _("What"), *map(str, figures.values())]
    rows = (
        [r.number, r.day, r.name, r.record_number, r.text, *(coins.rounded(r.values[c], currency) for c in figures)]
        for r in listing.rows
    )
    return heads, rows, listing.count
