"""The desk's lists. They all share hms/_table.html."""

import django_tables2 as tables
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms.domain import search
from hms.domain.settings import hospital
from hms.record_number import grouped
from hms.tables import DrawnTable
from hms.templatetags.hms import age, clinical_date, phone, tel

NARROW = {"td": {"class": "nowrap"}}
WIDE = {"td": {"class": "nowrap wide-only"}, "th": {"class": "wide-only"}}


class PatientTable(DrawnTable):
    """Columns and order are django-tables2's; the rows are drawn in one go, as each letter typed draws 25 of them."""

    name = tables.Column(gettext_lazy("Name"), attrs={"td": {"class": "patient-name"}})
    record_number = tables.Column(gettext_lazy("Record number"), attrs=NARROW)
    born = tables.Column(gettext_lazy("Born"), accessor="date_of_birth", attrs=NARROW)
    phone = tables.Column(gettext_lazy("Phone"), orderable=False, attrs=NARROW)
    last_visit = tables.Column(gettext_lazy("Last visit"), attrs=NARROW)
    next_visit = tables.Column(gettext_lazy("Next visit"), orderable=False, attrs=NARROW)
    registered = tables.Column(gettext_lazy("Registered"), accessor="created_at", attrs=WIDE)
    actions = tables.Column("", orderable=False, attrs={"td": {"class": "row-actions"}})

    caption = gettext_lazy("Patients")
    above = "frontdesk/_patient_found.html"

    class Meta:
        attrs = {"id": "patients-list"}
        per_page = 25

    @cached_property
    def body(self):
        """The rows of the page, as hms/_table.html would draw them."""
        labels = {
            name: f'<td class="{column.column.attrs["td"]["class"]}" data-label="{escape(column.header)}">'
            for name, column in self.columns.items()
        }
        first, *others = labels
        words = {
            "page": _address("frontdesk:patient", 0),
            "book": _address("frontdesk:appointment-new"),
            "today": hospital().today(),
            # Asked for once: a translation takes longer than a cell.
            "inactive": escape(_("inactive")),
            "Book": escape(_("Book")),
            "for": escape(_("for %(name)s") % {"name": ""}),
            "years": _("%(n)dy"),
        }
        start = labels[first].replace("<td", '<th scope="row"', 1)
        drawn = []
        for record in self.page.object_list:
            row = _cells(record.record, words)
            drawn.append(f"<tr>{start}{row[first]}</th>")
            drawn += [f"{labels[name]}{row[name]}</td>" for name in others]
            drawn.append("</tr>")
        return mark_safe("".join(drawn))  # noqa: S308 (every value passes escape below)


def _cells(row, words):
    """The HTML of each cell of a patient's row, by column."""
    name = escape(formal_name(row.last_name, row.first_name) or row.email or f"#{row.pk}")
    marks = ""
    if not row.is_active:
        marks += f' <span class="tag tag-warning">{words["inactive"]}</span>'
    if found_by := _found_by(row.found_by):
        marks += f' <span class="tag">{escape(found_by)}</span>'
    if row.found_by == search.EMAIL:
        marks += f' <span class="muted">{escape(row.email or "")}</span>'
    if row.desk_note:
        note = escape(row.desk_note)
        marks += f' <span class="muted patient-note" title="{note}">{note}</span>'
    book = ""
    if words["book"] and row.is_active:
        book = (
            f'<a class="btn btn-sm" href="{words["book"]}?patient={row.pk}">{words["Book"]}'
            f'<span class="sr-only"> {words["for"]}{name}</span></a>'
        )
    return {
        "name": f'<a href="{words["page"].replace("/0/", f"/{row.pk}/")}"><bdi>{name}</bdi></a>{marks}',
        "record_number": grouped(row.record_number),
        "born": f"{clinical_date(row.date_of_birth)} ({_age(row.date_of_birth, words)})",
        "phone": f'<a href="tel:{tel(row.phone)}">{escape(phone(row.phone))}</a>' if row.phone else "",
        "last_visit": clinical_date(row.last_visit),
        "next_visit": clinical_date(row.next_visit),
        "registered": clinical_date(row.created_at),
        "actions": book,
    }


def _age(born, words):
    """As the filter ``age``, without asking for the word of each."""
    today = words["today"]
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return words["years"] % {"n": years} if years >= 2 else age(born, today)


def formal_name(family, given):
    """FAMILY, Given, as ``User.formal_name``."""
    return ", ".join(part for part in (family.upper(), given) if part)


def _found_by(reason):
    if reason == search.SIMILAR:
        return _("similar name")
    if reason == search.PHONE:
        return _("by phone")
    return _("by e-mail") if reason == search.EMAIL else ""


def _address(name, *args):
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
