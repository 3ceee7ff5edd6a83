"""What I was billed, what I paid, what I owe; each on paper too."""

from django.core.paginator import Paginator
from django.db.models import F, Prefetch
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from hms import documents, pdf
from hms.domain import audit, payments
from hms.domain.settings import hospital
from hms.models import Allocation, CreditNote, Invoice, Payment
from portal.own import own

PER_PAGE = 20


def _mine(request):
    return Invoice.objects.visible_to(request.user).issued()


@require_safe
@own
def invoices(request):
    """The list, the newest first; what is owed above it."""
    owed = payments.owed(request.patient)
    left = {invoice.pk: balance for invoice, balance in owed}
    page = Paginator(_mine(request).order_by("-issued_on", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    today = hospital().today()
    context = {
        "page": page,
        "rows": [(i, left.get(i.pk, 0), i.is_overdue(today)) for i in page],
        "owed": sum(left.values()),
        "credit": payments.credit(request.patient),
    }
    return render(request, "portal/invoices.html", context)


@require_safe
@own
def invoice(request, pk):
    """One invoice: its lines, what was taken off it, what was paid, what is left."""
    found = get_object_or_404(_mine(request), pk=pk)
    audit.viewed(request.patient, by=request.user, action="invoice.viewed")
    # Signed as the reader sees it: what was paid lessens what is left, what was given back adds to it.
    paid = Allocation.objects.filter(invoice=found).select_related("payment").annotate(taken=-F("amount"))
    context = {
        "invoice": found,
        "lines": found.lines.all(),
        "credit_notes": found.credit_notes.order_by("pk"),
        "paid": paid,
        "balance": payments.balance(found),
        "overdue": found.is_overdue(hospital().today()),
    }
    return render(request, "portal/invoice.html", context)


@require_safe
@own
def invoice_pdf(request, pk):
    found = get_object_or_404(_mine(request).with_people(), pk=pk)
    return _paper(request, documents.invoice_pdf(found), found.number, "invoice.printed")


@require_safe
@own
def credit_note_pdf(request, pk):
    notes = CreditNote.objects.visible_to(request.user).select_related("invoice__patient__user")
    found = get_object_or_404(notes, pk=pk)
    return _paper(request, documents.credit_note_pdf(found), found.number, "credit_note.printed")


@require_safe
@own
def receipt_pdf(request, pk):
    rows = Payment.objects.filter(patient=request.patient).select_related("patient__user", "received_by")
    rows = rows.prefetch_related(Prefetch("allocations", Allocation.objects.select_related("invoice")))
    found = get_object_or_404(rows, pk=pk)
    return _paper(request, documents.receipt_pdf(found), found.number, "receipt.printed")


def _paper(request, made, number, action):
    audit.viewed(request.patient, by=request.user, action=action)
    return pdf.shown(made, number)
