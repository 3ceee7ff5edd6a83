"""The outbox as a table."""

import django_tables2 as tables
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy

from hms.templatetags.hms import clinical_datetime

NARROW = {"td": {"class": "nowrap"}}


class OutboxTable(tables.Table):
    subject = tables.Column(gettext_lazy("Subject"), orderable=False)
    to = tables.Column(gettext_lazy("To"), orderable=False)
    created_at = tables.Column(gettext_lazy("Written"), orderable=False, attrs=NARROW)
    status = tables.Column(gettext_lazy("Status"), orderable=False)

    caption = gettext_lazy("Outbox")

    class Meta:
        attrs = {"id": "outbox-list"}
        empty_text = gettext_lazy("No mail here.")

    def render_created_at(self, value):
        return clinical_datetime(value)

    def render_status(self, record):
        return render_to_string("frontdesk/_mail_status.html", {"mail": record}, self.request)
