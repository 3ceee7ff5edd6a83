"""One invoice: the editor while it is a draft, the document once it is issued."""

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from billing.forms.credit import CreditForm
from billing.forms.draft import DraftForm
from billing.forms.money import new_key
from billing.history import history
from billing.mailing import mail
from billing.tables import state
from hms import billing_letters, documents, pdf
from hms.domain import audit, credit_notes, invoicing, payments, prices, search
from hms.domain.settings import hospital
from hms.errors import DomainError, Stale
from hms.middleware import is_background
from hms.models import Appointment, CreditNote, Invoice, InvoiceLine, Patient

FOUND = 10  # patients offered for an invoice by hand


def _invoice(request, pk):
    lines = Prefetch("lines", InvoiceLine.objects.select_related("service", "discount_by"))
    invoices = Invoice.objects.visible_to(request.user).with_people().select_related("appointment", "issued_by")
    return get_object_or_404(invoices.prefetch_related(lines), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def invoice(request, pk):
    """See an invoice; while it is a draft, change it here."""
    found = _invoice(request, pk)
    if request.method == "POST":
        return _edit(request, found)
    if not is_background(request):
        audit.viewed(found.patient, by=request.user, action="invoice.viewed")
    return render(request, "billing/invoice.html", _context(found))


def _context(found, form=None, **extra):
    context = {"invoice": found, "lines": found.lines.all(), "patient": found.patient} | extra
    _amount, _tax, table = invoicing.totals(found.lines.all(), found.currency)
    context |= {"tax_table": table}
    if found.is_draft:
        day = invoicing.visit_day(found.appointment) if found.appointment else hospital().today()
        context["form"] = form or DraftForm(found, found.lines.all(), day=day)
        context["price_list"] = prices.in_force(day)[:1000]
        context["state"] = "DRAFT"
        context["visit_is_open"] = found.appointment and found.appointment.status != Appointment.Status.COMPLETED
        return context
    notes = list(CreditNote.objects.filter(invoice=found).select_related("issued_by").order_by("pk"))
    credited = sum(note.total_amount for note in notes)
    context |= {
        "mail_key": new_key(),
        "paid_rows": found.allocations.select_related("payment"),
        "balance": payments.balance(found),
        "state": state(found.status, found.due_date, hospital().today()),
        "credit_notes": notes,
        "credited": credited,
        "rest": found.total_amount - credited,
        "history": history(found),
    }
    return context


def _edit(request, found):
    """Save the editor; the button ``then=issue`` also issues."""
    if not found.is_draft:
        messages.error(
            request, _("This invoice has been issued as %(number)s; it cannot be edited.") % {"number": found}
        )
        return _answer(request, found, status=409)
    day = invoicing.visit_day(found.appointment) if found.appointment else hospital().today()
    # Saved while somebody types: a new line that is half written is not wrong yet.
    form = DraftForm(found, found.lines.all(), day=day, data=request.POST, typing="then" not in request.POST)
    if not form.is_valid():
        return render(request, "billing/invoice.html", _context(found, form), status=422)
    try:
        edited = invoicing.edit(found, by=request.user, **form.changes)
    except Stale as e:
        # What was typed stays in its fields; beside it stands what is saved now, and its version to go on from.
        return render(request, "billing/invoice.html", _stale(request, found, str(e)), status=409)
    except DomainError as e:
        form.refuse(e)
        return render(request, "billing/invoice.html", _context(found, form), status=422)
    if request.POST.get("then") == "issue":
        return _issue(request, edited)
    if request.htmx and form.new.is_unfinished:
        context = _context(_invoice(request, found.pk))
        context["form"].new = form.new
        return render(request, "billing/invoice.html", context)
    return _answer(request, edited)


def _stale(request, found, sentence):
    theirs = _invoice(request, found.pk)
    if not theirs.is_draft:
        return _context(theirs, refusal=sentence)
    data = request.POST.copy()
    data["version"] = theirs.version
    day = invoicing.visit_day(theirs.appointment) if theirs.appointment else hospital().today()
    form = DraftForm(theirs, theirs.lines.all(), day=day, data=data)
    form.is_valid()
    return _context(theirs, form, refusal=sentence, theirs=theirs)


def _answer(request, found, status=200):
    if request.htmx:
        return render(request, "billing/invoice.html", _context(_invoice(request, found.pk)), status=status)
    return redirect("billing:invoice", found.pk)


def _issue(request, found):
    try:
        if request.POST.get("prices") == "take":
            found = invoicing.take_list_prices(found, by=request.user, version=found.version)
        issued = invoicing.issue(
            found, by=request.user, version=found.version, prices_seen=request.POST.get("prices") == "keep"
        )
    except invoicing.PriceChanged as e:
        context = _context(_invoice(request, found.pk), changes=e.changes)
        return render(request, "billing/invoice.html", context, status=409)
    except DomainError as e:
        context = _context(_invoice(request, found.pk), refusal=str(e))
        return render(request, "billing/invoice.html", context, status=409 if isinstance(e, Stale) else 422)
    messages.success(request, _("Invoice %(number)s is issued.") % {"number": issued.number})
    return _answer(request, issued)


@require_http_methods(["GET", "HEAD", "POST"])
def invoice_new(request):
    """Find the patient; posting one makes an empty draft for them."""
    if request.method == "POST":
        pk = request.POST.get("patient", "")
        pk = int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 19 else 0
        patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
        return redirect("billing:invoice", invoicing.new_draft(patient, by=request.user).pk)
    text = search.clean(request.GET.get("q", ""))
    found = search.patients(text, limit=FOUND) if text else search.Found()
    rows = Patient.objects.visible_to(request.user).filter(user__in=[match.user_id for match in found.matches])
    rows = {patient.user_id: patient for patient in rows.select_related("user")}
    patients = [rows[match.user_id] for match in found.matches if match.user_id in rows]
    if patients:
        audit.searched(len(patients), by=request.user, detail="for an invoice")
    return render(request, "billing/invoice_new.html", {"patients": patients, "q": text, "found": found})


@require_POST
def invoice_discard(request, pk):
    """Throw a draft away."""
    found = _invoice(request, pk)
    try:
        invoicing.discard(found, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
        return redirect("billing:invoice", found.pk)
    messages.success(request, _("The draft is discarded."))
    return redirect("billing:drafts")


@require_http_methods(["GET", "HEAD", "POST"])
def invoice_credit(request, pk):
    """Take an issued invoice back, wholly or in part."""
    found = _invoice(request, pk)
    rests = credit_notes.left(found) if not found.is_draft else []
    form = CreditForm(request.POST or None, rests=rests)
    context = {"invoice": found, "patient": found.patient, "form": form}
    if request.method != "POST":
        audit.viewed(found.patient, by=request.user, action="invoice.viewed")
        return render(request, "billing/invoice_credit.html", context)
    if not form.is_valid():
        return render(request, "billing/invoice_credit.html", context, status=422)
    whole = request.POST.get("what") == "all"
    try:
        note = credit_notes.credit(
            found,
            amounts=None if whole else form.amounts,
            reason=form.cleaned_data["reason"],
            by=request.user,
        )
    except DomainError as e:
        form.add_error(e.field if e.field in form.fields else None, str(e))
        return render(request, "billing/invoice_credit.html", context, status=422)
    messages.success(request, _("Credit note %(number)s is issued.") % {"number": note.number})
    return redirect("billing:credit-note", note.pk)


def _note(request, pk):
    notes = CreditNote.objects.visible_to(request.user).select_related("invoice__patient__user", "issued_by")
    return get_object_or_404(notes, pk=pk)


@require_safe
def credit_note(request, pk):
    """A credit note as it was issued."""
    note = _note(request, pk)
    audit.viewed(note.invoice.patient, by=request.user, action="credit_note.viewed")
    context = {
        "note": note,
        "invoice": note.invoice,
        "patient": note.invoice.patient,
        "lines": note.lines.select_related("line"),
        "tax_table": credit_notes.tax_rows(note),
        "mail_key": new_key(),
    }
    return render(request, "billing/credit_note.html", context)


# --- paper


@require_GET
def invoice_pdf(request, pk):
    """The invoice on paper; a draft says that it is one."""
    found = _invoice(request, pk)
    audit.viewed(found.patient, by=request.user, action="invoice.printed")
    return pdf.shown(documents.invoice_pdf(found), found.number or f"draft-{found.pk}")


@require_GET
def credit_note_pdf(request, pk):
    note = _note(request, pk)
    audit.viewed(note.invoice.patient, by=request.user, action="credit_note.printed")
    return pdf.shown(documents.credit_note_pdf(note), note.number)


@require_POST
def invoice_mail(request, pk):
    """Mail the invoice to its patient, as a job."""
    found, address = _invoice(request, pk), reverse("billing:invoice", args=[pk])
    return mail(request, billing_letters.mail_invoice, found, name=found.number, address=address)


@require_POST
def credit_note_mail(request, pk):
    """Mail the credit note to its patient, as a job."""
    note, address = _note(request, pk), reverse("billing:credit-note", args=[pk])
    return mail(request, billing_letters.mail_credit_note, note, name=note.number, address=address)
