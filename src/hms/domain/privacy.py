"""Deleting an account: who it was goes, what a hospital must keep stays under a number."""

import pghistory
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import outbox
from hms.errors import DomainError
from hms.models import Appointment, Invitation, Invoice, Patient, User, Wish


def delete_account(wish, *, by):
    """Carry out the wish: name, address, phone and sign-in go; records and invoices stay under the record number.

    Refuses while a visit is to come or money is owed.
    """
    with transaction.atomic(), pghistory.context(user=by.pk, action="patient.pseudonymised"):
        wish = Wish.objects.select_for_update().get(pk=wish.pk)
        if wish.done_at or wish.kind != Wish.Kind.DELETE:
            raise DomainError(_("This has been done already."))
        patient = Patient.objects.select_for_update().get(pk=wish.patient_id)
        coming = Appointment.objects.filter(
            patient=patient, status__in=Appointment.WAITING_TO_HAPPEN, appointment_date__gt=timezone.now()
        )
        if coming.exists():
            raise DomainError(_("A visit is still to come. Cancel it first."))
        if Invoice.objects.filter(patient=patient, status__in=["PENDING", "OVERDUE"]).exclude(number=None).exists():
            raise DomainError(_("An invoice is not paid yet."))
        user = User.objects.select_for_update().get(pk=patient.user_id)
        # To the address that goes with this: the last letter it gets.
        outbox.post(
            kind="account.deleted",
            to=user.email,
            subject=_("Your account has been deleted"),
            text=_(
                "Your name, address, phone and sign-in are removed. What a hospital must keep stays under a number."
            ),
            key=f"deleted:{wish.pk}",
        )
        Invitation.objects.filter(patient=patient, used_at=None, revoked_at=None).update(revoked_at=timezone.now())
        user.authenticator_set.all().delete()
        user.first_name, user.last_name = "", _("Former patient %(number)s") % {"number": patient.record_number}
        user.email, user.phone, user.is_active = None, "", False
        user.set_unusable_password()
        user.save()
        user.emailaddress_set.all().delete()
        patient.emergency_contact, patient.desk_note = "", ""
        patient.save(update_fields=["emergency_contact", "desk_note"])
        wish.done_at, wish.done_by = timezone.now(), by
        wish.save(update_fields=["done_at", "done_by"])
        return patient


def answer(wish, *, text, by):
    """Say what was done about something that a patient found wrong."""
    text = " ".join(text.split())[:500]
    if not text:
        raise DomainError(_("Say what was done, so that the patient can read it."), field="answer")
    with transaction.atomic(), pghistory.context(user=by.pk, action="wish.answered"):
        wish = Wish.objects.select_for_update().get(pk=wish.pk)
        if wish.done_at:
            raise DomainError(_("This has been answered already."))
        wish.answer, wish.done_at, wish.done_by = text, timezone.now(), by
        wish.save(update_fields=["answer", "done_at", "done_by"])
        return wish
