"""Making a person a number: everything that says who somebody was is removed, also from the history of their account.

What stays, and why:
- the medical record, as it was written and signed: a hospital must keep it, and it hangs together by the record number;
- invoices and credit notes, as they were issued (``KEPT``): tax law wants the name on them, and they never change.
"""

from datetime import timedelta

import pgtrigger
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import merging
from hms.models import (
    DataExport,
    Invitation,
    Merge,
    NameToken,
    OutboxAttachment,
    OutboxMail,
    Patient,
    Registration,
    SlotHold,
    User,
)
from hms.models.people import PATIENT_IDENTITY, USER_IDENTITY

# Columns in which a name may stand ever after, and the same in their history.
KEPT = {
    ("hms_invoice", "printed"),
    ("hms_invoice", "bill_to"),
    ("hms_invoiceevent", "printed"),
    ("hms_invoiceevent", "bill_to"),
    ("hms_creditnote", "printed"),
}


def lock(patient):
    """This patient's row and those of all records merged into it, the users first as everywhere; the Patients."""
    pks = merging.records_of(patient)
    list(User.objects.select_for_update().filter(patient__in=pks).order_by("pk"))
    return list(Patient.objects.select_for_update(of=["self"]).select_related("user").filter(pk__in=pks).order_by("pk"))


def forget(people):
    """Make these Patients (of ``lock``: records of one person) numbers. In a transaction."""
    users = [patient.user for patient in people]
    lent = list(_lent(people))
    words, addresses = _words(users), _addresses(users, people)
    _mails(users, addresses)
    _what_opens(users, people)
    _merges(people)
    _admin_log(users, people)
    for patient in people:
        _name_by_number(patient.user, patient)
        _history(patient.user)
    _lent_history(lent)
    for word in words:
        if not User.objects.filter(role=User.Role.PATIENT, family_first__contains=word).exists():
            NameToken.objects.filter(token=word).delete()


def _name_by_number(user, patient):
    user.first_name, user.last_name = "", _("Former patient %(number)s") % {"number": patient.record_number}
    user.email, user.phone, user.is_active = None, "", False
    user.set_unusable_password()
    user.save()
    patient.emergency_contact, patient.desk_note = "", ""
    patient.save(update_fields=PATIENT_IDENTITY)


def _history(user):
    """The one way past the guard of the history (hms.models.triggers.append_only_but_for), open for two updates."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hms.forget', %s, true)", [str(user.pk)])
    _events("UserEvent").filter(pgh_obj_id=user.pk).update(**dict.fromkeys(USER_IDENTITY, "") | {"email": None})
    _events("PatientEvent").filter(user_id=user.pk).update(**dict.fromkeys(PATIENT_IDENTITY, ""))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hms.forget', '', true)")


def _lent(people):
    """What undone merges had filled in the records of others: ``(Merge, event, rows, column, value)``.

    Also where it went on from there, by a merge of that record into a third.
    """
    rows = {"user": ("UserEvent", USER_IDENTITY), "patient": ("PatientEvent", PATIENT_IDENTITY)}
    gone, whose = [p.pk for p in people], None
    while gone:
        went = set()
        for made in Merge.objects.filter(gone__in=gone, undone_at__isnull=False).select_related("kept"):
            was, then = (made.moved[when].get(str(made.kept_id)) for when in ("before", "after"))
            for name, (event, columns) in rows.items() if was and then else ():
                pk = {"pgh_obj_id": made.kept.user_id if name == "user" else made.kept_id}
                for column in columns:
                    value = then[name].get(column)
                    if value and value != was[name].get(column) and (whose is None or value in whose):
                        went.add((made.kept_id, value))
                        yield made, event, pk, column, value
        gone, whose = [pk for pk, _value in went], {value for _pk, value in went}


def _lent_history(lent):
    """That is forgotten there too, as long as it was theirs. No other word of their history changes."""
    with pgtrigger.ignore("hms.UserEvent:append_only", "hms.PatientEvent:append_only"):
        for made, event, pk, column, value in lent:
            found = _events(event).filter(**_while_merged(made), **pk, **{column: value})
            found.update(**{column: None if column == "email" else ""})
    for pk in {made.pk for made, *_what in lent}:
        made, values = Merge.objects.select_for_update().get(pk=pk), {value for *_where, value in lent}
        for rows in [*made.moved["before"].values(), *made.moved["after"].values()]:
            for row in rows.values():
                row |= {column: None if column == "email" else "" for column in row if row[column] in values}
        made.save(update_fields=["moved"])


def _while_merged(made):
    # The history notes when a transaction began, a Merge when it was written.
    return {"pgh_created_at__gte": made.at - timedelta(minutes=1), "pgh_created_at__lte": made.undone_at}


def _events(name):
    return apps.get_model("hms", name).objects


def _words(users):
    """The words of every name that they bore: what the search for misspelt names knows (NameToken)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT regexp_split_to_table(hms_plain(concat_ws(' ', last_name, first_name)), ' ')"
            " FROM hms_userevent WHERE pgh_obj_id = ANY(%s)",
            [[user.pk for user in users]],
        )
        return [word for (word,) in cursor.fetchall() if word]


def _addresses(users, people):
    """Every e-mail address that was theirs, and not only lent to them by a merge that was undone."""
    found = _events("UserEvent").filter(pgh_obj_id__in=[u.pk for u in users]).exclude(email=None)
    for made in Merge.objects.filter(kept__in=people, undone_at__isnull=False).exclude(gone__in=people):
        was, then = (made.moved[when].get(str(made.kept_id)) for when in ("before", "after"))
        if was and then and was["user"]["email"] != then["user"]["email"]:
            found = found.exclude(**_while_merged(made), email=then["user"]["email"])
    return set(found.values_list("email", flat=True)) | {u.email for u in users if u.email}


def _mails(users, addresses):
    """That a letter was sent stays, not to whom or what it said; what is not sent yet never is."""
    to = Q(user__in=users)
    for address in addresses:
        to |= Q(to__iexact=address)
    mails = OutboxMail.objects.filter(to)
    mails.exclude(status=OutboxMail.Status.SENT).delete()
    OutboxAttachment.objects.filter(mail__in=mails).delete()
    mails.update(to="", subject="", text="", error="")


def _what_opens(users, people):
    """Sign-in, sessions, invitations, and what is being done at the moment."""
    from django.contrib.sessions.models import Session

    Invitation.objects.filter(patient__in=people, used_at=None, revoked_at=None).update(revoked_at=timezone.now())
    for user in users:
        user.authenticator_set.all().delete()
        user.emailaddress_set.all().delete()
    sessions = UserSession.objects.filter(user__in=users)
    Session.objects.filter(pk__in=list(sessions.values_list("session_key", flat=True))).delete()
    sessions.delete()
    Registration.objects.filter(user__in=users).delete()
    DataExport.objects.filter(patient__in=people).delete()
    SlotHold.objects.filter(patient__in=people).delete()


def _merges(people):
    """What a merge noted to be undone by: address, phones. It cannot be undone any more."""
    for made in Merge.objects.select_for_update().filter(Q(kept__in=people) | Q(gone__in=people)):
        made.moved |= {"before": {}, "after": {}, "addresses": "[]", "forgotten": True}
        made.save(update_fields=["moved"])


def _admin_log(users, people):
    """The admin's own log names what was changed as it was called then."""
    for model, rows in ((User, users), (Patient, people)):
        kind = ContentType.objects.get_for_model(model)
        LogEntry.objects.filter(content_type=kind, object_id__in=[str(row.pk) for row in rows]).update(object_repr="")
