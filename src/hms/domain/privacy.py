"""Deleting an account: who it was goes, what a hospital must keep stays under a number."""

import pghistory
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms.domain import audit, forgetting, outbox, payments
from hms.errors import DomainError
from hms.models import Appointment, Invoice, Wish


def delete_account(wish, *, by):
    """Carry out the wish: name, address, phone and sign-in go; records and invoices stay under the record number.

    Refuses while a visit is to come, an invoice is being written, or money is owed by either side.
    """
    with transaction.atomic(), pghistory.context(user=by.pk, action="patient.pseudonymised"):
        wish = Wish.objects.select_for_update().get(pk=wish.pk)
        if wish.done_at or wish.kind != Wish.Kind.DELETE:
            raise DomainError(_("This has been done already."))
        people = forgetting.lock(wish.patient)
        patient = next(p for p in people if p.pk == wish.patient_id)
        if why := _refusal(patient):
            raise DomainError(why)
        email = patient.user.email
        forgetting.forget(people)
        # To the address that goes with this: the last letter it gets, forgotten as well once it is sent.
        outbox.post(
            kind=outbox.FAREWELL,
            to=email,
            subject=_("Your account has been deleted"),
            text=_(
                "Your name, address, phone and sign-in are removed. Your medical record stays under a number, and "
                "invoices stay as they were issued: the law obliges a hospital to keep them."
            ),
            key=f"deleted:{wish.pk}",
        )
        audit.log(people, "patient.pseudonymised", by=by)
        wish.done_at, wish.done_by = timezone.now(), by
        wish.save(update_fields=["done_at", "done_by"])
        return patient


def _refusal(patient):
    """Why the account cannot be deleted now, in words; None if it can."""
    coming = Appointment.objects.filter(
        patient=patient, status__in=Appointment.WAITING_TO_HAPPEN, appointment_date__gt=timezone.now()
    )
    if coming.exists():
        return _("A visit is still to come. Cancel it first.")
    if Invoice.objects.owed().filter(patient=patient).exists():
        return _("An invoice is not paid yet.")
    if Invoice.objects.drafts().filter(patient=patient).exists():
        return _("An invoice is still a draft. Issue it or throw it away first.")
    if payments.credit(patient) > 0:
        return _("There is money of the patient's left. Give it back first.")
    return None


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
