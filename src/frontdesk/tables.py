"""The desk's lists. They all share hms/_table.html."""

import django_tables2 as tables
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from hms import record_number
from hms.domain import search
from hms.domain.settings import hospital
from hms.templatetags.hms import age, clinical_date, phone, tel

FOUND_BY = {search.SIMILAR: _("similar name"), search.PHONE: _("by phone"), search.EMAIL: _("by e-mail")}


class PatientTable(tables.Table):
    name = tables.Column(_("Name"), empty_values=(), attrs={"td": {"class": "patient-name"}})
    record_number = tables.Column(_("Record number"), empty_values=(), attrs={"td": {"class": "nowrap"}})
    born = tables.Column(_("Born"), accessor="date_of_birth", attrs={"td": {"class": "nowrap"}})
    phone = tables.Column(_("Phone"), accessor="user__phone", orderable=False, attrs={"td": {"class": "nowrap"}})
    last_visit = tables.Column(_("Last visit"), attrs={"td": {"class": "nowrap"}}, default="")
    next_visit = tables.Column(_("Next visit"), orderable=False, attrs={"td": {"class": "nowrap"}}, default="")
    registered = tables.Column(
        _("Registered"),
        accessor="created_at",
        attrs={"td": {"class": "nowrap wide-only"}, "th": {"class": "wide-only"}},
    )
    actions = tables.Column("", empty_values=(), orderable=False, attrs={"td": {"class": "row-actions"}})

    caption = _("Patients")
    above = "frontdesk/_patient_found.html"

    class Meta:
        attrs = {"id": "patients-list"}
        per_page = 25
        orderable = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = hospital().today()
        self.page_address = _address("frontdesk:patient", 0)
        self.book_address = _address("frontdesk:appointment-new")

    def render_name(self, record):
        user = record.user
        marks = []
        if not user.is_active:
            marks.append(format_html('<span class="tag tag-warning">{}</span>', _("inactive")))
        if record.found_by in FOUND_BY:
            marks.append(format_html('<span class="tag">{}</span>', FOUND_BY[record.found_by]))
        if record.found_by == search.EMAIL:
            marks.append(format_html('<span class="muted">{}</span>', user.email or ""))
        if record.desk_note:
            marks.append(format_html('<span class="muted patient-note" title="{0}">{0}</span>', record.desk_note))
        name = format_html('<a href="{}"><bdi>{}</bdi></a>', self._page(record), user.formal_name)
        return format_html("{} " * (len(marks) + 1), name, *marks)

    def render_record_number(self, record):
        return record_number.grouped(record.record_number)

    def render_born(self, value):
        return f"{clinical_date(value)} ({age(value, self.today)})"

    def render_phone(self, value):
        return format_html('<a href="tel:{}">{}</a>', tel(value), phone(value))

    def render_last_visit(self, value):
        return clinical_date(value)

    render_next_visit = render_registered = render_last_visit

    def render_actions(self, record):
        if not (self.book_address and record.user.is_active):
            return ""
        return format_html(
            '<a class="btn btn-sm" href="{}?patient={}">{}<span class="sr-only"> {}</span></a>',
            self.book_address,
            record.pk,
            _("Book"),
            _("for %(name)s") % {"name": record.user.formal_name},
        )

    def _page(self, record):
        return self.page_address.replace("/0/", f"/{record.pk}/")


def _address(name, *args):
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
