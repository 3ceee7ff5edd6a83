"""Phrases: the page where they are kept, and their texts for the note that is being written."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.section_forms import PhraseForm
from clinic.sections import visit_of
from hms.domain import phrases as domain
from hms.models import Phrase


@require_http_methods(["GET", "HEAD", "POST"])
def phrases(request):
    """My phrases and everybody's; a new one is added here."""
    doctor = request.user.doctor
    form = PhraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with transaction.atomic():
                Phrase.objects.create(
                    doctor=None if data["shared"] else doctor, word=data["word"].lower(), text=data["text"]
                )
        except IntegrityError:
            form.add_error("word", _("There is a phrase with this word already."))
        else:
            messages.success(request, _("Kept: type .%(word)s in a note.") % {"word": data["word"].lower()})
            return redirect("clinic:phrases")
    context = {"form": form, "phrases": domain.of(doctor), "tokens": TOKENS}
    return render(request, "clinic/phrases.html", context, status=422 if form.errors else 200)


TOKENS = ["age", "name", "given_name", "family_name", "gender", "he_she", "his_her", "reason", "today", "doctor"]


@require_POST
def phrase_delete(request, pk):
    """Forget one of my own."""
    phrase = get_object_or_404(Phrase, pk=pk, doctor=request.user.doctor)
    phrase.delete()
    messages.success(request, _("The phrase .%(word)s is gone.") % {"word": phrase.word})
    return redirect("clinic:phrases")


@require_safe
def phrase_texts(request, pk):
    """``{word: text}`` for this visit, tokens filled by the server."""
    appointment = visit_of(request, pk)
    found = domain.of(request.user.doctor)
    return JsonResponse({p.word: domain.expand(p.text, appointment=appointment) for p in found})
