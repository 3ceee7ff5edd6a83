"""What the sections of a consultation have in common: each answers for itself, also without scripts."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from clinic.views import consultation
from hms.domain import records
from hms.errors import DomainError
from hms.models import Appointment, MedicalRecord

OF_A_ROW = ("reason", "ended")  # fields of the small forms at a row
OF_THE_PATIENT = ("allergies", "problems")  # not of the record: what is learnt after signing is written down too


def visit_of(request, pk):
    """The visit, if it is this doctor's, or its patient in their care.

    One that was called off lets nobody read who has no other right to: only a refusal in words is left (``answer``).
    """
    appointment = get_object_or_404(Appointment.objects.open_to(request.user).with_people(), pk=pk)
    if request.method != "POST" and not consultation.readable(appointment, request.user):
        raise Http404
    return appointment


def answer(request, appointment, section, *, refusal=None, done="", reason="", at=None, **shown):
    """The section anew: as a fragment to htmx (422 after a refusal), as the page or a redirect to it for the rest.

    ``section`` is the fragment's name and id; ``shown`` what was typed and what to ask about; ``at`` the id of the row
    whose own form was refused for what is in its field: it stays open, with the refusal in it. Where nothing can be
    written any more there is no form: what was typed (into it, or as a ``reason``) stands below the refusal.
    """
    if refusal is not None:
        typed = [(_("Why"), reason)] if reason else []
        if closed := _closed(appointment, section):
            refusal, typed = closed, typed or _typed(**shown)
            shown = {}
        if not consultation.readable(appointment, request.user):
            return consultation.called_off(request, appointment, refusal, typed)
        elif at and refusal.field in OF_A_ROW:
            shown["at"], typed = at, []
        shown["kept"] = typed
    extra = {f"{section}_{name}": value for name, value in shown.items()}
    if refusal is not None:
        extra |= {f"{section}_refusal": str(refusal), f"{section}_field": getattr(refusal, "field", None) or ""}
    status = 422 if refusal is not None else 200
    if request.htmx:
        if section in OF_THE_PATIENT:  # the verbs rewrote the patient's summaries
            appointment.patient.refresh_from_db(fields=["allergies", "no_allergies_at", "medical_history"])
        record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
        context = consultation.context_of(request, appointment, record) | extra | {"alone": True}
        return render(request, f"clinic/_{section}_section.html", context, status=status)
    if refusal is not None:
        return consultation.page(request, appointment, status=status, extra=extra)
    if done:
        messages.success(request, done)
    return redirect(f"/clinic/appointments/{appointment.pk}/#{section}")


def attempt(appointment, verb):
    """``(result, refusal)`` of a verb that writes during this visit."""
    try:
        records.assert_takes_place(appointment)
        return verb(), None
    except DomainError as e:
        return None, e


def _closed(appointment, section):
    """Why nothing can be written in the section any more, or None."""
    try:
        records.assert_takes_place(appointment)
        if section not in OF_THE_PATIENT:
            for record in MedicalRecord.objects.filter(appointment=appointment, amends=None):
                records.assert_unsigned(record)
    except DomainError as e:
        return e
    return None


def _typed(form=None, typed="", **_more):
    """``[(label, what was typed), …]``."""
    if form is None:
        return [(_("Diagnosis"), typed)] if typed else []
    return [(field.label, _said(field)) for field in form.visible_fields() if field.value()]


def _said(field):
    """What was typed or chosen, as the person saw it."""
    return dict(getattr(field.field, "choices", ())).get(field.value(), field.value())
