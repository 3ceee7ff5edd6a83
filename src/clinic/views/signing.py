"""Signing a record, adding to a signed one, and looking at how it came about."""

import difflib

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from clinic.banner import banner
from clinic.sections import visit_of
from clinic.views import consultation
from clinic.views.notes import number
from hms.domain import audit, notes, records
from hms.errors import DomainError
from hms.models import MedicalRecord, User

LABELS = {name: MedicalRecord._meta.get_field(name).verbose_name for name in records.TEXTS}


@require_POST
def record_sign(request, pk):
    """Sign: from now on nothing of the record changes. A refusal stands at the button, and leads to what is missing."""
    appointment = visit_of(request, pk)
    read = request.POST.get("version")
    try:
        record = notes.record_for(appointment, by=request.user)
        records.sign(record, by=request.user, version=number(read) if read else None)
    except DomainError as e:
        return _not_signed(request, appointment, e, read)
    messages.success(request, _("Signed. What comes to mind later is added below it."))
    if request.htmx:
        return HttpResponseClientRefresh()
    return redirect(f"{request.path.removesuffix('sign/')}#sign")


def _not_signed(request, appointment, refusal, read):
    if not consultation.readable(appointment, request.user):
        return consultation.called_off(request, appointment, refusal, [])
    record = MedicalRecord.objects.filter(appointment=appointment, amends=None).first()
    if record and record.is_signed:  # in another tab: the page shows it
        messages.error(request, str(refusal))
        return HttpResponseClientRefresh() if request.htmx else redirect("clinic:consultation", appointment.pk)
    if not request.htmx:
        return consultation.page(request, appointment, status=422, extra={"sign_problem": refusal})
    # The rest of the page stays as it was read, so what is signed from it is what was read.
    return _part(request, appointment, record, status=422, sign_problem=refusal, sign_version=read)


def _part(request, appointment, record, *, status=200, **shown):
    """The part of the page with signature and addenda, anew."""
    addenda = MedicalRecord.objects.filter(appointment=appointment, amends__isnull=False)
    addenda = addenda.select_related("signed_by").order_by("created_at", "pk")
    context = consultation.context_of(request, appointment, record) | {"addenda": addenda} | shown
    return render(request, "clinic/_sign.html", context, status=status)


@require_POST
def record_addend(request, pk):
    """Add a signed text to the signed record."""
    appointment = visit_of(request, pk)
    record = get_object_or_404(MedicalRecord, appointment=appointment, amends=None)
    text = request.POST.get("text", "")
    try:
        records.addend(record, text=text, by=request.user)
    except DomainError as e:
        if not consultation.readable(appointment, request.user):
            return consultation.called_off(request, appointment, e, [(_("Addendum"), text)])
        if request.htmx:
            return _part(request, appointment, record, status=422, addendum=text, addendum_problem=str(e))
        shown = {"addendum": text, "addendum_problem": str(e)}
        return consultation.page(request, appointment, status=422, extra=shown)
    if request.htmx:
        return _part(request, appointment, record)
    messages.success(request, _("Added and signed."))
    return redirect(f"{request.path.removesuffix('addenda/')}#addenda")


@require_safe
def record_drafts(request, pk):
    """How the record came about: every text that was saved, with what it changed, by whom and when."""
    appointment = visit_of(request, pk)
    mine = MedicalRecord.objects.visible_to(request.user)
    record = get_object_or_404(mine, appointment=appointment, amends=None)
    audit.viewed(appointment.patient, by=request.user, action="record.drafts-viewed")
    drafts = notes.drafts(record)
    users = User.objects.in_bulk({who for _at, who, _texts in drafts if who})
    steps, before = [], dict.fromkeys(records.TEXTS, "")
    for at, who, texts in drafts:
        changes = [(LABELS[n], _words(before[n], texts[n])) for n in records.TEXTS if before[n] != texts[n]]
        if changes:
            steps.append({"at": at, "who": users.get(who), "changes": changes})
        before = texts
    context = banner(appointment.patient) | {"appointment": appointment, "record": record, "steps": steps[::-1]}
    return render(request, "clinic/record_drafts.html", context)


def _words(before, after, most=4000):
    """``[(kind, text), …]`` with kind "same", "del" or "ins": what became of a text, word by word.

    Long texts are compared line by line: by words that takes seconds.
    """
    cut = (lambda t: t.splitlines(keepends=True)) if max(len(before), len(after)) > most else _split
    a, b = cut(before), cut(after)
    found = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", _shortened("".join(a[i:j]))))
            continue
        if j > i:
            found.append(("del", "".join(a[i:j])))
        if m > k:
            found.append(("ins", "".join(b[k:m])))
    return found


def _split(text):
    words, word = [], ""
    for c in text:
        word += c
        if c.isspace():
            words.append(word)
            word = ""
    return [*words, word] if word else words


def _shortened(text, most=160):
    """What stayed the same, its ends only."""
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"
