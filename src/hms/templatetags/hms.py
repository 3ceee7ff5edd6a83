"""Template tags and filters that every template has: icons, money, dates, ages, phones, fields, navigation."""

import time
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache

import phonenumbers
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django import forms, template
from django.template.loader import get_template, render_to_string
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from hms.dates import said, said_time
from hms.domain.settings import hospital
from hms.forms import drawn
from hms.middleware import expires_at
from hms.models import User
from hms.money import digits as minor_digits
from hms.money import shown
from hms.record_number import grouped

register = template.Library()
TOKEN = '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'


@register.simple_tag(takes_context=True)
def include_jinja(context, name, **more):
    """What ``include`` is to Django's templates, of a template in Jinja2 (hms.jinja)."""
    # One token for all forms of a page: handed the request, Jinja2's side would make one for each.
    values = context.flatten() | {"csrf_input": format_html(TOKEN, context["csrf_token"])} | more
    return mark_safe(get_template(name, using="jinja2").render(values))  # noqa: S308 (Jinja2 escaped it)


# --- icons


SILENT = mark_safe('aria-hidden="true"')


@cache
def _sprite():
    return static("dist/icons.svg")


@register.simple_tag
def icon(name, label="", css=""):
    """An icon of the sprite (theme/static_src/icons.txt); with a label it speaks, without one it is silent."""
    speech = format_html('role="img" aria-label="{}"', label) if label else SILENT
    return format_html('<svg class="icon {}" {}><use href="{}#{}"></use></svg>', css, speech, _sprite(), name)


# --- money, dates, phones


@register.filter
def money(amount, currency=None):
    """£1,234.50, ¥1,235: the hospital's currency with its own number of decimals, the reader's separators."""
    try:
        amount = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError):
        return ""
    return shown(amount, currency or hospital().currency)


@register.filter
def plain_amount(amount):
    """1234.50, as it is typed: the hospital's decimals, nothing else."""
    return "" if amount in (None, "") else f"{Decimal(amount):.{minor_digits(hospital().currency)}f}"


@register.filter
def percent(rate):
    """20 %, 7.5 %: no more decimals than it has."""
    return "" if rate in (None, "") else f"{Decimal(rate).normalize():f}\N{NO-BREAK SPACE}%"


@register.filter
def quantity(number):
    """2, 1.5: no more decimals than it has."""
    return "" if number in (None, "") else f"{Decimal(number).normalize():f}"


def _local(value):
    """A moment on the hospital's wall clock; a plain date stays itself."""
    if isinstance(value, datetime) and timezone.is_aware(value):
        return value.astimezone(hospital().zone)
    return value


# English wherever a month is written in a clinical date: three letters that no order of numbers can be mistaken for.
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@register.filter
def clinical_date(value):
    """06-Aug-2026, as clinical screens write it; never a numeric month (NHS)."""
    value = _local(value)
    if not isinstance(value, date):
        return ""
    return f"{value.day:02}-{MONTHS[value.month - 1]}-{value.year}"


@register.filter
def clinical_time(value):
    """17:30 on the hospital's clock."""
    value = _local(value)
    return f"{value:%H:%M}" if value else ""


@register.filter
def clinical_datetime(value):
    """06-Aug-2026 17:30."""
    return f"{clinical_date(value)} {clinical_time(value)}" if value else ""


@register.filter
def span(off):
    """30-Nov-2026 – 01-Dec-2026, of anything from ``start`` until ``end``: whole days without their midnights."""
    start, end = _local(off.start), _local(off.end)
    last = end - timedelta(microseconds=1)
    same_day = start.date() == last.date()
    if start.time() == end.time() == datetime.min.time():
        return clinical_date(start) if same_day else f"{clinical_date(start)} – {clinical_date(last)}"
    return f"{clinical_datetime(start)} – {clinical_time(end) if same_day else clinical_datetime(end)}"


@register.filter
def patient_date(value):
    """Wednesday 6 August 2026, 5:30pm: how patients read a moment; a plain date without the time (NHS)."""
    value = _local(value)
    if not isinstance(value, date):
        return ""
    return said(value)


@register.filter
def patient_time(value):
    """5:30pm, midday."""
    return said_time(_local(value))


@register.filter
def age(born, on=None):
    """Age in the units that people of that age are counted in: 81y, 14m, 5w, 3d."""
    if not isinstance(born, date):
        return ""
    on = on or hospital().today()
    if born > on:
        return ""
    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)
    days = (on - born).days
    if months >= 24:
        return _("%(n)dy") % {"n": months // 12}
    if months >= 3:
        return _("%(n)dm") % {"n": months}
    if days >= 28:
        return _("%(n)dw") % {"n": days // 7}
    return _("%(n)dd") % {"n": days}


@register.filter
def phone(number):
    """+44 20 7946 0123: international, whatever was typed; what is no number is shown as it is."""
    return _international(str(number)) if number else ""


@lru_cache(maxsize=10_000)  # 0.2 ms each, and lists show the same people again and again
def _international(number):
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def tel(number):
    """+442079460123: what a link to a phone holds."""
    return "".join(c for c in str(number or "") if c in "+0123456789")


@register.filter
def record_number(number):
    """1000 0014: in groups, as it is read aloud."""
    return grouped(number) if number else ""


@register.filter
def iso_day(value):
    """2026-08-06 on the hospital's calendar, for addresses."""
    value = _local(value)
    return f"{value:%Y-%m-%d}" if value else ""


@register.filter
def patient_date_only(value):
    """Wednesday 6 August 2026: the day of a moment, as patients read it."""
    value = _local(value)
    return patient_date(value.date() if isinstance(value, datetime) else value)


@register.filter
def unlocalised(number):
    """12.5, whatever the reader's language: for scripts."""
    return f"{number:f}" if number is not None else ""


@register.filter
def split(text):
    """The parts of a text between commas."""
    return text.split(",")


@register.filter
def week_before(monday):
    """The Monday before, for addresses."""
    return f"{monday - timedelta(days=7):%Y-%m-%d}"


@register.filter
def day_after(day):
    """The next calendar day, for addresses."""
    return f"{day + timedelta(days=1):%Y-%m-%d}"


WAITED = (15, 30)  # minutes after which waiting turns amber, then red


@register.filter
def waited(since):
    """25 min: how long somebody has waited by now."""
    return _("%(n)d min") % {"n": _minutes_since(since)} if since else ""


@register.filter
def waiting_look(since):
    """The look of a waiting time."""
    n = _minutes_since(since)
    return "tag-error" if n >= WAITED[1] else "tag-warning" if n >= WAITED[0] else "tag-info"


def _minutes_since(moment):
    return max(0, int((timezone.now() - moment).total_seconds() // 60)) if moment else 0


@register.filter
def minutes(length):
    """30 min, of a timedelta."""
    n = round(length.total_seconds() / 60) if length is not None else 0
    return ngettext("%(n)d min", "%(n)d min", n) % {"n": n}


# --- fields

CONTROLS = {
    forms.CheckboxInput: "checkbox",
    forms.Textarea: "textarea",
    forms.RadioSelect: "",
    forms.CheckboxSelectMultiple: "",
    forms.Select: "select",
    forms.FileInput: "",
    forms.MultiWidget: "",
    forms.HiddenInput: "",
    forms.widgets.Input: "input",
}


@register.filter
def control(field):
    """The field's widget, in our look."""
    return drawn(field, "control", lambda: _control(field))


def _control(field):
    css = next((css for kind, css in CONTROLS.items() if isinstance(field.field.widget, kind)), "")
    own = field.field.widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{css} {own}".strip()} if css or own else None)


@register.filter
def is_checkbox(field):
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def error_id(field):
    """The id that an error summary links to: the field's own, or the first of its parts."""
    if isinstance(field.field.widget, forms.RadioSelect):  # and check boxes: a group has no label of its own
        return f"{field.auto_id}_0"
    return field.field.widget.id_for_label(field.auto_id) or field.auto_id


@register.simple_tag
def form_errors(form):
    """What is wrong with a form, above it, each line a link to its field. Draws nothing while nothing is wrong."""
    return render_to_string("hms/_form_errors.html", {"form": form}) if form.errors else ""


@register.simple_tag
def field(bound):
    """One field: label, help, error, control."""
    return bound.as_field_group()


# --- navigation

ADMIN, DOCTOR, PATIENT, RECEPTIONIST = User.Role.ADMIN, User.Role.DOCTOR, User.Role.PATIENT, User.Role.RECEPTIONIST
DESK = {ADMIN, RECEPTIONIST}
# Who may enter is decided in hms.access; this only says what is worth a link, in which order.
NAVIGATION = [
    ("frontdesk:day", gettext_lazy("Day"), "calendar-days", DESK),
    ("frontdesk:patients", gettext_lazy("Patients"), "users", DESK),
    ("frontdesk:requests", gettext_lazy("Requests"), "inbox", DESK),
    ("frontdesk:outbox", gettext_lazy("Outbox"), "envelope", DESK),
    ("frontdesk:displays", gettext_lazy("Wall screens"), "tv", DESK),
    ("billing:home", gettext_lazy("Billing"), "banknotes", DESK),
    ("clinic:home", gettext_lazy("My day"), "clipboard-document-list", {DOCTOR}),
    ("clinic:patients", gettext_lazy("Patients"), "users", {DOCTOR}),
    ("clinic:hours", gettext_lazy("My hours"), "clock", {DOCTOR}),
    ("clinic:phrases", gettext_lazy("Phrases"), "document-duplicate", {DOCTOR}),
    ("portal:home", gettext_lazy("My care"), "heart", {PATIENT}),
    ("portal:book", gettext_lazy("Book"), "calendar-days", {PATIENT}),
    ("portal:record", gettext_lazy("My record"), "document-text", {PATIENT}),
    ("frontdesk:drugs", gettext_lazy("Drugs"), "beaker", {ADMIN}),
    ("admin:index", gettext_lazy("Set-up"), "cog-6-tooth", {ADMIN}),
]


@cache
def _links(role):
    """The links of one role: ``(name, address, text, icon)``; a page that does not exist yet has none."""
    links = []
    for name, text, picture, roles in NAVIGATION:
        if role in roles:
            try:
                links.append((name, reverse(name), text, picture))
            except NoReverseMatch:
                continue
    return links


@register.inclusion_tag("hms/_nav.html", takes_context=True)
def navigation(context):
    """The main links of this person's role, the one that leads to this page marked."""
    request = context["request"]
    user = getattr(request, "user", None)
    match = getattr(request, "resolver_match", None)
    here = match.view_name if match else ""
    links = _links(user.role) if user is not None and user.is_authenticated else []
    names = [name for name, *_rest in links]
    # frontdesk:patient-edit belongs to frontdesk:patients; what no link is named after, to the first of its namespace.
    own = [n for n in names if here == n or f"{here}-".startswith((f"{n}-", f"{n.removesuffix('s')}-"))]
    near = [name for name in names if name.split(":")[0] == here.split(":")[0]]
    current = (own or near or [""])[0]
    return {"links": links, "current": current, "path": request.path}


@register.simple_tag
def now_clinical():
    """Now, as clinical screens write it: what a printed page was true at."""
    return clinical_datetime(timezone.now())


@register.simple_tag(takes_context=True)
def session_left(context):
    """Whole seconds until this person's session ends unless they use it."""
    request = context["request"]
    return max(0, int(expires_at(request.session, request.user) - time.time()))


@register.simple_tag(takes_context=True)
def came_by_passkey(context):
    """Whether this person signed in with a passkey, or has no password to sign in with again."""
    request = context["request"]
    return not request.user.has_usable_password() or did_use_passwordless_login(request, request.user)


BROWSERS = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]
SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
]


@register.filter
def browser(user_agent):
    """Firefox, Windows: as much of a browser's self-description as a person can use."""
    parts = [next((name for mark, name in table if mark in user_agent), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, parts)) or user_agent[:60] or _("Unknown")
