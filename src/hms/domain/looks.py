"""Who looked at somebody's record, as that person is told: when, who, in what role, at what and why.

The log itself stays as it was written (it is sealed over the record that was opened). Told are looks at the record and
at every record that was merged into it; and, where a merge was undone, those at the other one while both were joined.
"""

from collections import namedtuple
from datetime import UTC, datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hms.domain import merging
from hms.models import AccessLog, Merge, User

# ``joined``: it was opened as a part of somebody else's record, with which it was joined by mistake.
Look = namedtuple("Look", "at who role what why glass joined mine")
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

WHAT = {
    "account.viewed": gettext_lazy("Your payments"),
    "appointment.viewed": gettext_lazy("One of your visits"),
    "credit_note.mailed": gettext_lazy("Sent you a credit note"),
    "credit_note.printed": gettext_lazy("A credit note, printed"),
    "credit_note.viewed": gettext_lazy("A credit note"),
    "export.asked": gettext_lazy("Asked for files of all data"),
    "invoice.mailed": gettext_lazy("Sent you an invoice"),
    "invoice.printed": gettext_lazy("An invoice, printed"),
    "invoice.reminded": gettext_lazy("Reminded you of an invoice"),
    "invoice.viewed": gettext_lazy("An invoice"),
    "patient.compared": gettext_lazy("Your data beside a record like yours"),
    "patient.invited": gettext_lazy("Invited you into the portal"),
    "patient.invitation-withdrawn": gettext_lazy("Took back your invitation into the portal"),
    "patient.listed": gettext_lazy("Your name in a list of visits to move"),
    "patient.pseudonymised": gettext_lazy("Deleted your account"),
    "patient.suggested": gettext_lazy("Your name beside a record like yours"),
    "patient.viewed": gettext_lazy("Your contact data and visits"),
    "prescription.printed": gettext_lazy("A prescription, printed"),
    "receipt.mailed": gettext_lazy("Sent you a receipt"),
    "receipt.printed": gettext_lazy("A receipt, printed"),
    "receipt.viewed": gettext_lazy("A receipt"),
    "record.downloaded": gettext_lazy("Fetched the files of all data"),
    "record.drafts-viewed": gettext_lazy("Notes that were not signed yet"),
    "record.exported": gettext_lazy("Your medical record, as a file"),
    "record.glass_broken": gettext_lazy("Opened your medical record in an emergency"),
    "record.printed": gettext_lazy("Your medical record, printed"),
    "record.viewed": gettext_lazy("Your medical record"),
    "reminder.printed": gettext_lazy("A reminder, printed"),
    "statement.mailed": gettext_lazy("Sent you a statement of your account"),
    "statement.printed": gettext_lazy("A statement of your account, printed"),
    "statement.viewed": gettext_lazy("A statement of your account"),
    "vitals.viewed": gettext_lazy("Your measurements"),
}


def of(patient, *, others_only=False):
    """The AccessLog rows that concern this patient, the newest first; ``others_only``: without their own looks."""
    mine = merging.records_of(patient)
    wanted = Q(patient__in=mine)
    for kept, since, until in _joined(mine):
        wanted |= Q(patient=kept, at__gte=since, at__lt=until)
    rows = AccessLog.objects.filter(wanted).select_related("user").order_by("-at", "-pk")
    return rows.exclude(user__in=_own_users(mine)) if others_only else rows


def told(rows, patient):
    """Rows of ``of`` in words: ``[Look, …]``. Another patient who saw it is never named, nor what was said of them."""
    mine = merging.records_of(patient)
    own, found = set(_own_users(mine)), []
    for row in rows:
        joined = row.patient_id not in mine
        found.append(
            Look(
                at=row.at,
                who=_("Another patient") if joined and row.role == User.Role.PATIENT else str(row.user),
                role=dict(User.Role.choices).get(row.role, row.role),
                what=WHAT.get(row.action, row.action),
                why=_("It was joined with another record by mistake") if joined else row.why,
                glass=row.break_glass_id is not None,
                joined=joined,
                mine=row.user_id in own,
            )
        )
    return found


def _own_users(records):
    return list(User.objects.filter(patient__in=records).values_list("pk", flat=True))


def _joined(records):
    """``(record, since, until)``: in which other records these were shown, in merges that are undone by now."""
    waiting, found = [(pk, FIRST, LAST) for pk in records], []
    while waiting:
        undone = Merge.objects.filter(gone__in=[pk for pk, *_span in waiting]).exclude(undone_at=None).defer("moved")
        spans = [
            (made.kept_id, max(made.at, since), min(made.undone_at, until))
            for made in undone
            for pk, since, until in waiting
            if pk == made.gone_id
        ]
        waiting = [(pk, since, until) for pk, since, until in spans if since < until and pk not in records]
        found += waiting
    return found
