"""Letters about visits: queued with the change they tell of, written by the worker, each once.

A letter says what is true when it is written. One about a state that has passed meanwhile is not written: the change
that followed has a letter of its own.
"""

import logging
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from icalendar import Calendar, Event, vText

from hms import jobs
from hms.dates import said
from hms.domain import outbox
from hms.domain.settings import hospital
from hms.models import Appointment

logger = logging.getLogger(__name__)
SALT = "hms.visit"
LINK_DAYS = 60


def tell(appointment, what):
    """Queue a letter to the patient about a change of this visit: one statement, in the caller's transaction."""
    jobs.later("visit.tell", appointment=appointment.pk, what=what, version=appointment.version)


SUBJECTS = {
    "booked": gettext_lazy("Your visit on %(day)s"),
    "requested": gettext_lazy("Your request for %(day)s"),
    "approved": gettext_lazy("Your visit on %(day)s is booked"),
    "moved": gettext_lazy("Your visit has moved to %(day)s"),
    "cancelled": gettext_lazy("Your visit on %(day)s is cancelled"),
    "declined": gettext_lazy("Your request for %(day)s could not be met"),
    "reminder": gettext_lazy("Reminder: your visit on %(day)s"),
}
GONE = {"cancelled", "declined"}


def write(pk, what, key, version=None):
    """Post the letter, unless the visit has changed since ``version`` so that another letter tells of it."""
    a = Appointment.objects.with_people().filter(pk=pk).first()
    if a is None or a.is_live == (what in GONE) or (version and what not in GONE and _superseded(a, version)):
        return None
    if what not in GONE and a.appointment_date <= timezone.now():
        return None
    user, zone = a.patient.user, hospital().zone
    if not user.is_active:
        return None
    day = said(a.appointment_date.astimezone(zone))
    return outbox.post(
        kind=f"visit.{what}",
        to=user.email,
        user=user,
        subject=SUBJECTS[what] % {"day": day},
        text="\n\n".join(_paragraphs(a, what, day)),
        attachments=[("visit.ics", f"text/calendar; method={_method(what)}", calendar_file(a))],
        key=key,
    )


def events(appointment):
    """The appointment's history, oldest first."""
    return apps.get_model("hms", "AppointmentEvent").objects.filter(pgh_obj_id=appointment.pk).order_by("pgh_id")


def _superseded(appointment, version):
    """Whether a later change than this version was one that a letter tells of: time, doctor, or the desk's answer."""
    then = None
    for updated_at, start, doctor, online in events(appointment).values_list(
        "updated_at", "appointment_date", "doctor_id", "online"
    ):
        told = (start, doctor, online == "REQUEST")
        if int(updated_at.timestamp() * 1_000_000) <= int(version):
            then = told
        elif then is not None and told != then:
            return True
    return False


def _method(what):
    return "CANCEL" if what in GONE else "REQUEST"


def _paragraphs(a, what, day):
    h = hospital()
    yield _("Dear %(name)s,") % {"name": a.patient.user}
    where = _("%(day)s with %(doctor)s, %(department)s, %(hospital)s.") % {
        "day": day,
        "doctor": a.doctor,
        "department": a.doctor.department.name,
        "hospital": h.name,
    }
    if what == "requested":
        yield _("we have your request and will answer it soon: %(where)s") % {"where": where}
    elif what == "declined":
        yield _("we are sorry that this time cannot be had: %(where)s") % {"where": where}
        yield _("Why: %(why)s") % {"why": a.cancel_reason}
    elif what == "cancelled":
        yield _("this visit is cancelled: %(where)s") % {"where": where}
    elif what == "moved":
        yield _("your visit has a new time: %(where)s") % {"where": where}
    elif what == "reminder":
        yield _("we expect you: %(where)s") % {"where": where}
        # Telling the cost of a missed slot cut no-shows from 11.1 % to 8.4 % (PMC4569397).
        yield _(
            "A visit that is missed costs the hospital as much as one that takes place, and somebody else its time."
        )
    else:
        yield _("your visit is booked: %(where)s") % {"where": where}
    if what == "requested":
        yield _("Move or cancel it here: %(link)s") % {"link": link(a)}
    elif what not in GONE:
        yield _("Confirm, move or cancel it here: %(link)s") % {"link": link(a)}
    if h.address:
        yield h.address
    if h.phone:
        yield _("Phone: %(phone)s") % {"phone": h.phone}


def link(appointment):
    """The address at which the visit can be confirmed, moved or cancelled; it says nothing of whom it is about."""
    token = signing.dumps([appointment.pk, int(appointment.appointment_date.timestamp())], salt=SALT)
    return f"{settings.SITE_URL}{reverse('visit-link', args=[token])}"


def visit_of(token):
    """The visit that a link leads to, or None; and when it was to be as the letter was written."""
    try:
        pk, then = signing.loads(token, salt=SALT, max_age=timedelta(days=LINK_DAYS))
    except (signing.BadSignature, TypeError, ValueError):
        return None, None
    return Appointment.objects.with_people().filter(pk=pk).first(), datetime.fromtimestamp(then, UTC)


def calendar_file(a):
    """The visit for a calendar (RFC 5545): in UTC, so right in every zone; each change has a higher SEQUENCE."""
    h = hospital()
    calendar = Calendar()
    calendar.add("prodid", "-//HMS//visits//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST" if a.is_live else "CANCEL")
    event = Event()
    event.add("uid", f"visit-{a.pk}@{settings.SITE_URL.split('//')[-1].split(':')[0]}")
    event.add("sequence", events(a).count())
    event.add("dtstamp", a.updated_at.astimezone(UTC))
    event.add("dtstart", a.appointment_date.astimezone(UTC))
    event.add("dtend", a.end.astimezone(UTC))
    event.add("status", "CANCELLED" if not a.is_live else "TENTATIVE" if a.online == "REQUEST" else "CONFIRMED")
    event.add("summary", _("%(department)s, %(doctor)s") % {"department": a.doctor.department.name, "doctor": a.doctor})
    event["location"] = vText(", ".join(filter(None, (h.name, h.address.replace("\n", ", ")))))
    calendar.add_component(event)
    return calendar.to_ical()


REMINDERS = (7, 1)  # days before


def remind(now=None):
    """Post the reminders that are due; run again, each is posted once. Returns how many."""
    now, zone, sent = now or timezone.now(), hospital().zone, 0
    today = now.astimezone(zone).date()
    for days in REMINDERS:
        begins, ends = hospital().day_bounds(today + timedelta(days=days))
        due = Appointment.objects.filter(
            appointment_date__gte=begins, appointment_date__lt=ends, status__in=Appointment.WAITING_TO_HAPPEN
        ).exclude(online="REQUEST")
        for pk, start in due.order_by("pk").values_list("pk", "appointment_date"):
            try:
                with transaction.atomic():
                    letter = write(pk, "reminder", f"visit:{pk}:reminder:{days}:{start.timestamp():.0f}")
            except Exception:  # one that cannot be written must not keep the others from theirs; tried again in an hour
                logger.exception("The reminder of visit %s could not be written", pk)
            else:
                sent += letter is not None
    return sent
