"""Two records of one person: who may be the same, both side by side, merging them and undoing it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from frontdesk.views.patients import CLINICAL
from hms.domain import audit, merging
from hms.errors import DomainError
from hms.models import Merge, Patient

RECENT = 20  # merges that can be undone from the page


@require_safe
def patient_pairs(request):
    """Pairs of records that may be one person, and what was merged lately."""
    pairs = merging.suspects()
    if pairs:
        shown = {patient.pk: patient for one, other, _reasons in pairs for patient in (one, other)}
        audit.log(shown.values(), "patient.suggested", by=request.user)
    merges = Merge.objects.filter(undone_at=None).select_related("kept__user", "gone__user", "by").defer("moved")
    context = {"pairs": pairs, "merges": merges[:RECENT], "most": merging.MOST}
    return render(request, "frontdesk/patient_pairs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def patient_merge(request, pk, gone):
    """Both records side by side, what would move, and the button that moves it."""
    people = Patient.objects.visible_to(request.user).select_related("user").defer(*CLINICAL)
    keep, gone = get_object_or_404(people, pk=pk), get_object_or_404(people, pk=gone)
    refusal = merging.refusal(keep, gone)
    status = 200
    if request.method == "POST":
        try:
            merging.merge(keep, gone, by=request.user)
        except DomainError as e:
            refusal, status = str(e), 409
        else:
            messages.success(request, _("Both are one record now. It can be undone under “Possible duplicates”."))
            return redirect("frontdesk:patient", keep.pk)
    else:
        audit.log([keep, gone], "patient.compared", by=request.user)
    rows = [
        (words, ours, theirs)
        for (words, ours), (_same, theirs) in zip(merging.counts(keep), merging.counts(gone), strict=True)
    ]
    context = {"keep": keep, "gone": gone, "rows": rows, "refusal": refusal}
    return render(request, "frontdesk/patient_merge.html", context, status=status)


@require_POST
def merge_undo(request, pk):
    """Make two records of one again."""
    made = get_object_or_404(Merge, pk=pk)
    try:
        merging.undo(made, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Undone: both records are as they were."))
    return redirect("frontdesk:patient-pairs")
