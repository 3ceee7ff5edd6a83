"""Prescriptions on paper: the patient's own, and whether one that is held in the hand is genuine."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hms import pdf, prescription_paper
from hms.domain import audit
from hms.models import Prescription
from portal.own import own

PEOPLE = ("record__patient__user", "record__doctor__user", "record__doctor__department")


@require_safe
@own
def prescription_pdf(request, pk):
    """My prescription as PDF, once it is signed."""
    papers = Prescription.objects.filter(
        record__patient=request.patient, record__signed_at__isnull=False, lines__isnull=False
    )
    paper = get_object_or_404(papers.select_related(*PEOPLE).distinct(), pk=pk)
    made = prescription_paper.render(paper)
    audit.viewed(request.patient, by=request.user, action="prescription.printed")
    return pdf.shown(made, "prescription")


@never_cache
@require_safe
def prescription_check(request, token):
    """Genuine or not: day, doctor and how many lines, whether any is stopped, and nothing of whom it is for."""
    paper = (
        Prescription.objects.filter(token=token[:64], record__signed_at__isnull=False)
        .select_related("record__doctor__user", "record__doctor__department")
        .first()
        if token.isprintable()
        else None
    )
    stopped = [line.stopped_at is not None for line in paper.lines.only("stopped_at")] if paper else []
    context = {"paper": paper, "number": len(stopped), "stopped": sum(stopped)}
    return render(request, "portal/prescription_check.html", context, status=200 if paper else 404)
