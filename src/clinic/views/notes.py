"""Saving a note: as it is typed (<auto-save>), and as a plain form."""

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.views import consultation
from hms.domain import notes
from hms.errors import DomainError
from hms.models import Appointment, MedicalRecord
from hms.templatetags.hms import clinical_time


def number(text):
    """A posted number that nobody may have meddled with; 0 for anything else."""
    return int(text) if str(text or "").isdecimal() and len(text) < 10 else 0


@require_POST
def note_save(request, pk):
    """Take the texts that were posted.

    To <auto-save> (``X-Note: 1``) the answer is JSON, or the two texts side by side with 409 when somebody else changed
    the same one. A plain form gets the page again.
    """
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).with_people(), pk=pk)
    texts = {name: request.POST[name] for name in notes.FIELDS if name in request.POST}
    auto = request.headers.get("X-Note") == "1"
    try:
        saved = notes.save(
            appointment,
            texts=texts,
            version=number(request.POST.get("version")),
            session=request.POST.get("session", "") or f"form-{request.user.pk}",
            # A form has no counter: each of its posts is a new one.
            sequence=number(request.POST.get("sequence")) if auto else _next(appointment, request.user),
            by=request.user,
        )
    except notes.NoteConflict as e:
        return _conflict(request, appointment, e, texts, auto)
    except DomainError as e:
        if auto:
            return JsonResponse({"error": str(e), "field": e.field or ""}, status=422)
        return consultation.page(request, appointment, status=422, typed=texts, refusal=str(e))
    if auto:
        return JsonResponse({"version": saved.version, "at": clinical_time(saved.at)})
    return redirect(f"{request.path.removesuffix('note/')}#note")


def _next(appointment, user):
    record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
    page = record and record.sessions.filter(key=f"form-{user.pk}").first()
    return page.sequence + 1 if page else 1


def _conflict(request, appointment, error, texts, auto):
    """Both texts, and three ways on: theirs, mine below theirs, or one put together by hand."""
    label = {name: MedicalRecord._meta.get_field(name).verbose_name for name in error.fields}
    stamp = _("Added by %(who)s") % {"who": request.user}
    both = [
        {
            "name": name,
            "label": label[name],
            "mine": texts[name],
            "theirs": getattr(error.record, name),
            "below": f"{getattr(error.record, name)}\n\n— {stamp} —\n{texts[name]}",
        }
        for name in error.fields
    ]
    context = {"appointment": appointment, "record": error.record, "both": both, "who": error.who}
    if auto:
        return render(request, "clinic/_note_conflict.html", context, status=409)
    return consultation.page(request, appointment, status=409, typed=texts, conflict=context)


@require_POST
def note_presence(request, pk):
    """A page says that somebody writes on it, and hears who else does."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
    session = request.POST.get("session", "")[:36]
    others = []
    if record is not None:
        if session and request.POST.get("writing") and not record.is_signed:
            notes.here(record, session=session, by=request.user)
        others = notes.writing(record, but_not=session)
    return render(request, "clinic/_note_presence.html", {"others": others})
