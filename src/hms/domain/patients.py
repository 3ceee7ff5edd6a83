"""Registering patients and keeping what the desk knows of them."""

from datetime import date

import pghistory
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.postgres.search import TrigramSimilarity
from django.db import DatabaseError, transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Collate
from django.utils.translation import gettext as _

from hms.domain.search import END, distance, plain
from hms.domain.settings import hospital
from hms.errors import DomainError, Stale
from hms.models import Patient, User

OLDEST = 130  # years
USER_FIELDS = ("first_name", "last_name", "phone", "email", "is_active")
PATIENT_FIELDS = ("date_of_birth", "gender", "emergency_contact", "desk_note")
ALIKE = 0.45  # trigram similarity from which two whole names are worth a second look


def check_date_of_birth(born):
    """Refuse days to come, and people older than anybody was. Raises DomainError."""
    today = hospital().today()
    if born > today:
        raise DomainError(_("The date of birth is in the future. Check the year."), field="date_of_birth")
    oldest = max(today.year - OLDEST, 1900)
    if born.year < oldest or born == date(1900, 1, 1):
        raise DomainError(
            _("Nobody alive was born before %(year)d. Check the year.") % {"year": oldest}, field="date_of_birth"
        )


def register(*, date_of_birth, by, first_name="", last_name="", phone="", email=None, is_active=True, **fields):
    """A new patient. Without an e-mail address they cannot sign in; with one they set their password by mail."""
    _check_name(first_name, last_name)
    check_date_of_birth(date_of_birth)
    with _email_is_free(), transaction.atomic(), pghistory.context(user=by.pk, action="patient.registered"):
        user = User.objects.create_user(
            email,
            role=User.Role.PATIENT,
            first_name=first_name.strip(),
            last_name=last_name.strip(),
            phone=phone or "",
            is_active=is_active,
        )
        patient = Patient.objects.create(user=user, date_of_birth=date_of_birth, **fields)
    return Patient.objects.select_related("user").get(pk=patient.pk)


def edit(patient, *, by, version=None, **fields):
    """Change what the desk may change. Raises Stale if somebody else did since ``version`` was read.

    ``fields`` are any of USER_FIELDS and PATIENT_FIELDS. The address of somebody who signs in with it, and whether a
    record is active, are an administrator's to change.
    """
    with _email_is_free(), transaction.atomic(), pghistory.context(user=by.pk, action="patient.edited"):
        User.objects.select_for_update().get(pk=patient.user_id)
        patient = Patient.objects.select_for_update(of=("self",)).select_related("user").get(pk=patient.pk)
        if version and version != version_of(patient):
            raise Stale(_("Somebody else changed this patient while you were typing."))
        user = patient.user
        if "email" in fields:
            fields["email"] = User.objects.normalize_email(fields["email"]) or None
        if fields.get("email", user.email) != user.email and not may_change_email(patient, by):
            raise DomainError(
                _("The patient signs in with this address. Only an administrator can change it."), field="email"
            )
        if fields.get("is_active", user.is_active) != user.is_active and not by.is_admin:
            raise DomainError(_("Only an administrator can change this."), field="is_active")
        _check_name(fields.get("first_name", user.first_name), fields.get("last_name", user.last_name))
        if "date_of_birth" in fields:
            check_date_of_birth(fields["date_of_birth"])
        if "email" in fields and fields["email"] != user.email:
            # allauth keeps addresses of its own; the old one must not go on opening the account.
            apps.get_model("account", "EmailAddress").objects.filter(user=user).delete()
        _save(user, USER_FIELDS, fields)
        _save(patient, PATIENT_FIELDS, fields)
    return Patient.objects.select_related("user").get(pk=patient.pk)


def may_change_email(patient, user):
    """Whoever can change the address can take the account over by a password reset."""
    return user.is_admin or not signs_in(patient.user)


# Of rows of patients, for signs_in without a query of its own.
HAS_PASSKEY = Exists(Authenticator.objects.filter(user=OuterRef("user")))


def signs_in(user, *, has_passkey=None):
    """Whether the user has a way in: a password or a passkey of their own (``has_passkey``, where that was read)."""
    if user.has_usable_password():
        return True
    return Authenticator.objects.filter(user=user).exists() if has_passkey is None else has_passkey


def version_of(patient):
    """Changes with every change of the patient or their user: what a form carries to notice that it is stale."""
    moments = (patient.user.updated_at, patient.updated_at)
    return "-".join(str(int(moment.timestamp() * 1_000_000)) for moment in moments)


def duplicates(*, first_name="", last_name="", date_of_birth=None, phone="", email="", exclude=None, limit=5):
    """Patients who may be the same person: ``[(patient, [reason, …]), …]``, the likeliest first. Never a refusal."""
    name = plain(f"{last_name} {first_name}".strip())
    found = {}

    def add(patients, reason):
        for patient in patients[:limit]:
            if patient.pk != exclude:
                found.setdefault(patient.pk, (patient, []))[1].append(reason)

    patients = Patient.objects.select_related("user").filter(user__role=User.Role.PATIENT)
    if name and date_of_birth:
        born = patients.filter(date_of_birth=date_of_birth).annotate(
            alike=TrigramSimilarity("user__family_first", Value(name)),
            swapped=TrigramSimilarity("user__given_first", Value(name)),
        )
        same = born.filter(Q(alike__gte=ALIKE) | Q(swapped__gte=ALIKE)).order_by("-alike", "pk")
        add(same, _("same birth date, same or similar name"))
    if name and first_name and last_name:
        # Range and order of the name index: the planner then needs no other.
        namesakes = patients.alias(name=Collate(F("user__family_first"), "C")).filter(
            name__gte=name, name__lt=name + END
        )
        near = namesakes.order_by("name", "user_id")[:50]
        if date_of_birth:
            near = [p for p in near if p.date_of_birth != date_of_birth and _nearly(p.date_of_birth, date_of_birth)]
            add(near, _("same name, similar birth date"))
        else:
            add(list(near), _("same name"))
    if phone:
        # LIKE, because only the trigram index holds phone numbers.
        number = getattr(phone, "as_e164", phone)
        add(patients.filter(user__phone__contains=number).order_by("user_id"), _("same phone"))
    if email:
        add(patients.filter(user__email=User.objects.normalize_email(email)), _("same e-mail"))
    return sorted(found.values(), key=lambda pair: -len(pair[1]))[:limit]


def _nearly(a, b):
    """One digit typed wrong, or day and month swapped."""
    return distance(a.strftime("%d%m%Y"), b.strftime("%d%m%Y")) == 1 or (a.year, a.month, a.day) == (
        b.year,
        b.day,
        b.month,
    )


def _check_name(first_name, last_name):
    if not (first_name or "").strip() and not (last_name or "").strip():
        raise DomainError(_("Write the patient's name."), field="last_name")


def _save(row, names, fields):
    changed = [n for n in names if n in fields and getattr(row, n) != fields[n]]
    for name in changed:
        setattr(row, name, fields[name])
    if changed:
        row.save(update_fields=changed)


class _email_is_free:
    """Turn the database's refusal of an address that is used already into words."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        cause = getattr(error, "__cause__", None)
        if isinstance(error, DatabaseError) and getattr(cause, "sqlstate", None) == "23505":
            raise DomainError(_("This e-mail address is already used."), field="email") from error
        return False
