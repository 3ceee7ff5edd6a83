"""What comes from the portal and waits for the desk: requests for a time, wishes; and invitations into the portal."""

import segno
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hms.dates import said
from hms.domain import audit, outbox, patients, privacy, registration, self_service
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Appointment, Invitation, Patient, Wish


@require_safe
def requests(request):
    """What patients ask for, the nearest first; and accounts that are to be deleted."""
    context = {
        "asked": self_service.requests()[:200],
        "deletions": Wish.objects.filter(kind="DELETE", done_at=None).select_related("patient__user"),
    }
    return render(request, "frontdesk/requests.html", context)


@require_POST
def request_approve(request, pk):
    """Yes: the visit is booked, and the patient told."""
    return _answer(request, pk, lambda a: self_service.approve(a, by=request.user), _("Approved; the patient is told."))


@require_POST
def request_decline(request, pk):
    """No, with the reason that the patient reads."""
    reason = request.POST.get("reason", "")
    done = _("Declined; the patient is told.")
    return _answer(request, pk, lambda a: self_service.decline(a, reason=reason, by=request.user), done)


def _answer(request, pk, verb, done):
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    try:
        verb(appointment)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, done)
    return redirect("frontdesk:requests")


@require_POST
def account_delete(request, pk):
    """Carry out what a patient asked: their identity goes, what must be kept stays."""
    wish = get_object_or_404(Wish, pk=pk, kind="DELETE")
    try:
        privacy.delete_account(wish, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Done. The record stays under its number."))
    return redirect("frontdesk:requests")


@require_POST
def patient_invite(request, pk):
    """A new invitation: mailed if there is an address, and to be printed with its code. It is shown only now."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).select_related("user"), pk=pk)
    if patients.signs_in(patient.user):
        messages.error(request, _("This patient signs in already. A forgotten password is reset on the sign-in page."))
        return redirect("frontdesk:patient", pk)
    invitation, token = Invitation.objects.issue(patient, by=request.user)
    audit.viewed(patient, by=request.user, action="patient.invited")
    address = request.build_absolute_uri(reverse("invitation", args=[token]))
    mailed = outbox.post(
        kind="patient.invited",
        to=patient.user.email,
        user=patient.user,
        subject=_("Your record at %(hospital)s") % {"hospital": hospital().name},
        text=_("You can open your record, and book visits, here: %(link)s\n\nThe link is good once, until %(day)s.")
        % {"link": address, "day": said(invitation.expires_at.astimezone(hospital().zone).date())},
        key=f"invitation:{invitation.pk}",
        secret=True,
    )
    context = {
        "patient": patient,
        "address": address,
        "qr": _qr(address, scale=5),
        "mailed": mailed,
        "invitation": invitation,
    }
    return render(request, "frontdesk/patient_invited.html", context)


@require_POST
def invitation_revoke(request, pk):
    """Take an invitation back: handed to the wrong person, or lost."""
    patients_seen = Patient.objects.visible_to(request.user)
    invitation = get_object_or_404(Invitation, pk=pk, patient__in=patients_seen)
    try:
        registration.revoke(invitation, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Withdrawn: the invitation opens nothing any more."))
    return redirect("frontdesk:patient", invitation.patient_id)


@require_safe
def door(request):
    """A page to print and put at the door: the code leads to checking in."""
    address = request.build_absolute_uri(reverse("portal:home"))
    return render(request, "frontdesk/door.html", {"qr": _qr(address, scale=8), "address": address})


def _qr(address, *, scale):
    """The address as a picture: black on white and with its margin in every theme, or no phone would read it."""
    return segno.make(address, error="m").svg_data_uri(scale=scale, border=4, light="#fff")
