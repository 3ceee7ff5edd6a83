"""Saving a note: as it is typed (<auto-save>), and as a plain form."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.sections import visit_of
from clinic.views import consultation
from hms.domain import notes, set_aside
from hms.errors import DomainError
from hms.models import Appointment, MedicalRecord, SetAsideText
from hms.templatetags.hms import clinical_time


def number(text):
    """A posted number that nobody may have meddled with; 0 for anything else."""
    return int(text) if str(text or "").isdecimal() and len(text) < 10 else 0


def versions(posted):
    """Which version each text was started from: ``version-notes``, or ``version`` for all of them."""
    return {name: number(posted.get(f"version-{name}", posted.get("version"))) for name in notes.FIELDS}


@require_POST
def note_save(request, pk):
    """Take the texts that were posted.

    To <auto-save> (``X-Note: 1``) the answer is JSON, or the two texts side by side with 409 when somebody else changed
    the same one. A plain form gets the page again.
    """
    appointment = visit_of(request, pk)
    texts = {name: request.POST[name] for name in notes.FIELDS if name in request.POST}
    auto = request.headers.get("X-Note") == "1"
    try:
        saved = notes.save(
            appointment,
            texts=texts,
            versions=versions(request.POST),
            session=request.POST.get("session", "") or f"form-{request.user.pk}",
            # A form has no counter: each of its posts is a new one.
            sequence=number(request.POST.get("sequence")) if auto else _next(appointment, request.user),
            by=request.user,
            whole_form=not auto,
        )
    except notes.NoteConflict as e:
        return _conflict(request, appointment, e, texts, auto)
    except DomainError as e:
        kept = getattr(e, "kept", None)
        if auto:
            return JsonResponse({"error": str(e), "field": e.field or "", "kept": bool(kept)}, status=422)
        if not consultation.readable(appointment, request.user):
            return consultation.called_off(request, appointment, e, [(_label(n), t) for n, t in texts.items() if t])
        return consultation.page(request, appointment, status=422, typed=None if kept else texts, refusal=str(e))
    if auto:
        return JsonResponse({"version": saved.version, "before": saved.before, "at": clinical_time(saved.at)})
    return redirect(f"{request.path.removesuffix('note/')}#note")


def _label(name):
    return MedicalRecord._meta.get_field(name).verbose_name


def _next(appointment, user):
    record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
    page = record and record.sessions.filter(key=f"form-{user.pk}").first()
    return page.sequence + 1 if page else 1


def _conflict(request, appointment, error, texts, auto):
    """Both texts, and three ways on: theirs, mine below theirs, or one put together by hand."""
    glue = "\n\n— " + _("Added by %(who)s") % {"who": request.user} + " —\n"
    both = [
        {
            "name": name,
            "label": _label(name),
            "mine": texts[name],
            "theirs": getattr(error.record, name),
            "glue": glue,
        }
        for name in error.fields
    ]
    context = {"appointment": appointment, "record": error.record, "both": both, "who": error.who, "kept": error.kept}
    if auto:
        return render(request, "clinic/_note_conflict.html", context, status=409)
    return consultation.page(request, appointment, status=409, typed=texts, conflict=context)


@require_POST
def note_presence(request, pk):
    """A page says that somebody writes on it, and hears who else does and which version the note has."""
    appointment = get_object_or_404(Appointment.objects.open_to(request.user), pk=pk)
    record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
    session = request.POST.get("session", "").replace("\x00", "")[:36]
    before = request.POST.get("left", "").replace("\x00", "")[:36]  # the page that this tab showed before
    if before:
        notes.left(session=before, by=request.user)
    others = []
    if record is not None:
        if session and request.POST.get("writing") and not record.is_signed:
            notes.here(record, session=session, by=request.user)
        others = notes.writing(record, but_not=session)
    response = render(request, "clinic/_note_presence.html", {"others": others})
    response["X-Note-Version"] = "closed" if not _writable(appointment, record) else record.version if record else 0
    return response


def _writable(appointment, record):
    return appointment.is_live and not (record and record.is_signed)


@require_POST
def set_aside_take(request, pk, text):
    """Put a text that was not taken below the note, or into an addendum."""
    return _settle(request, pk, text, set_aside.take_in, _("Your text is in the record now."))


@require_POST
def set_aside_drop(request, pk, text):
    """Throw it away."""
    return _settle(request, pk, text, set_aside.drop, _("Thrown away."))


def _settle(request, pk, text, verb, done):
    appointment = visit_of(request, pk)
    row = get_object_or_404(SetAsideText, pk=text, appointment=appointment, user=request.user)
    try:
        verb(row, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        if request.headers.get("X-Note") != "1":  # <auto-save> says it itself
            messages.success(request, done)
    if request.headers.get("X-Note") == "1":
        return HttpResponse(status=204)
    return redirect("clinic:consultation", pk)
