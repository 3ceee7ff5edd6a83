"""Phrases: the pages where they are kept, and their texts for the note that is being written."""

from django.contrib import messages
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.section_forms import PhraseForm
from clinic.sections import visit_of
from hms.domain import phrases as domain
from hms.errors import DomainError
from hms.models import Phrase


@require_http_methods(["GET", "HEAD", "POST"])
def phrases(request):
    """My phrases and the shared ones; a new one is added here."""
    form = PhraseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and _kept(request, form):
        return redirect("clinic:phrases")
    doctor = request.user.doctor
    found = domain.of(doctor)
    mine = [p for p in found if p.doctor_id == doctor.pk]
    context = {"form": form, "tokens": domain.TOKENS, "mine": mine, "shared": [p for p in found if p not in mine]}
    context["covered"] = {p.word for p in mine}
    return render(request, "clinic/phrases.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def phrase_edit(request, pk):
    """Change one of my own; sharing it is one of its fields."""
    phrase = get_object_or_404(Phrase, pk=pk, doctor=request.user.doctor)
    initial = {"word": phrase.word, "text": phrase.text, "shared": phrase.shared}
    form = PhraseForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and _kept(request, form, phrase):
        return redirect("clinic:phrases")
    context = {"form": form, "tokens": domain.TOKENS, "phrase": initial["word"]}
    return render(request, "clinic/phrase_edit.html", context, status=422 if form.errors else 200)


def _kept(request, form, phrase=None):
    if not form.is_valid():
        return None
    try:
        phrase = domain.keep(phrase, **form.cleaned_data, by=request.user)
    except DomainError as e:
        return form.add_error(e.field, str(e))
    messages.success(request, _("Kept: type .%(word)s in a note.") % {"word": phrase.word})
    return phrase


@require_POST
def phrase_delete(request, pk):
    """Forget one of my own."""
    phrase = get_object_or_404(Phrase, pk=pk, doctor=request.user.doctor)
    domain.forget(phrase, by=request.user)
    messages.success(request, _("The phrase .%(word)s is gone.") % {"word": phrase.word})
    return redirect("clinic:phrases")


@require_safe
def phrase_texts(request, pk):
    """``{word: text}`` for this visit, tokens filled by the server; the list to choose from for htmx (``?q=``)."""
    texts = domain.expansions(request.user.doctor, appointment=visit_of(request, pk))
    if not request.htmx:
        return JsonResponse(texts)
    words = request.GET.get("q", "").lower().removeprefix(".").split()
    found = [(word, text) for word, text in texts.items() if all(w in f"{word} {text}".lower() for w in words)]
    return render(request, "clinic/_phrase_options.html", {"options": found})
