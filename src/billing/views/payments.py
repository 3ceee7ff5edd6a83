"""Taking money, receipts, giving it back, and a patient's account."""

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.forms.money import BackForm, PaymentForm, new_key
from billing.mailing import mail
from hms import billing_letters, documents, pdf
from hms.domain import audit, cash, statements
from hms.domain import payments as ledger
from hms.errors import DomainError
from hms.middleware import is_background
from hms.models import Allocation, Invoice, Patient, Payment

FORM = ["GET", "HEAD", "POST"]


def _patient(request, pk):
    return get_object_or_404(Patient.objects.visible_to(request.user).select_related("user"), pk=pk)


@require_http_methods(FORM)
def account(request, pk):
    """What a patient owes and has paid; taking money for it, in one or several parts."""
    patient = _patient(request, pk)
    form = PaymentForm(request.POST if request.method == "POST" else None, initial={"key": new_key()})
    if request.method == "POST" and form.is_valid():
        try:
            made = _take(request, patient, form)
        except DomainError as e:
            form.add_error(e.field if e.field in form.fields else None, str(e))
        else:
            return redirect("billing:receipt", made[0].pk)
    elif not is_background(request):
        audit.viewed(patient, by=request.user, action="account.viewed")
    owed = ledger.owed(patient)
    chosen = request.POST.getlist("invoice") or request.GET.getlist("invoice")
    asked = sum((b for i, b in owed if not chosen or str(i.pk) in chosen), 0)
    in_cash = cash.in_cash(asked)
    context = {
        "patient": patient,
        "form": form,
        "owed": [(i, b, not chosen or str(i.pk) in chosen) for i, b in owed],
        "total": sum((b for _i, b in owed), 0),
        "in_cash": in_cash if in_cash != asked else None,  # said where it differs
        "credit": ledger.credit(patient),
        "rows": statements.account(patient)[::-1],
        "shift": ledger.open_shift(request.user),
    }
    return render(request, "billing/account.html", context, status=422 if form.errors else 200)


def _take(request, patient, form):
    numbers = [int(n) for n in request.POST.getlist("invoice") if n.isdecimal() and len(n) < 18]
    # Also those that somebody else has paid or cancelled since the page was made: the verb says so.
    invoices = list(Invoice.objects.issued().filter(patient=patient, pk__in=numbers).order_by("issued_on", "pk"))
    return ledger.take(
        patient=patient,
        parts=form.parts(),
        invoices=invoices,
        by=request.user,
        key=form.cleaned_data["key"],
        keep_rest=form.cleaned_data["keep_rest"],
    )


@require_POST
def credit_apply(request, pk):
    """Pay an invoice from the patient's credit."""
    invoice = get_object_or_404(Invoice.objects.visible_to(request.user).issued(), pk=pk)
    try:
        ledger.apply_credit(invoice, by=request.user)
    except DomainError as e:
        messages.error(request, str(e))
    else:
        messages.success(request, _("Paid from the credit."))
    return redirect("billing:account", invoice.patient_id)


def _payment(request, pk):
    rows = Payment.objects.select_related("patient__user", "received_by", "of", "shift__clerk").prefetch_related(
        Prefetch("allocations", Allocation.objects.select_related("invoice"))
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
def receipt(request, pk):
    """One row of the ledger: what it was, what it paid, and what followed it."""
    payment = _payment(request, pk)
    audit.viewed(payment.patient, by=request.user, action="receipt.viewed")
    return render(request, "billing/receipt.html", _receipt_context(payment))


def _receipt_context(payment, **forms):
    return {
        "payment": payment,
        "patient": payment.patient,
        "mail_key": new_key(),
        "rounding": cash.rounding_of(payment),
        "kept": ledger.kept(payment),
        "followed": payment.followed.exclude(kind=Payment.Kind.ROUNDING).select_related("received_by"),
        "refundable": ledger.refundable(payment) if payment.kind == Payment.Kind.PAYMENT else 0,
        "free": ledger.credit(payment.patient),
        "refund_form": forms.get("refund") or BackForm(initial={"key": new_key()}, auto_id="refund-%s"),
        "reverse_form": forms.get("reverse") or BackForm(initial={"key": new_key()}, auto_id="reverse-%s"),
        "others": ledger.together(payment),
    }


@require_safe
def receipt_pdf(request, pk):
    """The receipt on paper."""
    payment = _payment(request, pk)
    audit.viewed(payment.patient, by=request.user, action="receipt.printed")
    return pdf.shown(documents.receipt_pdf(payment), payment.number)


@require_POST
def receipt_mail(request, pk):
    """Mail the receipt to its patient, as a job."""
    payment = _payment(request, pk)
    address = reverse("billing:receipt", args=[pk])
    return mail(request, billing_letters.mail_receipt, payment, name=payment.number, address=address)


@require_POST
def payment_refund(request, pk):
    """Give back a part, by the method by which it came."""
    return _back(request, pk, "refund")


@require_POST
def payment_reverse(request, pk):
    """Take back a mistake, by a second row."""
    return _back(request, pk, "reverse")


def _back(request, pk, what):
    payment = _payment(request, pk)
    form = BackForm(request.POST, auto_id=f"{what}-%s")
    if form.is_valid():
        data = form.cleaned_data
        try:
            if what == "refund":
                made = ledger.refund(
                    payment, amount=data["amount"] or 0, by=request.user, key=data["key"], reason=data["reason"]
                )
            else:
                made = ledger.reverse(payment, by=request.user, key=data["key"], reason=data["reason"])
            return redirect("billing:receipt", made.pk)
        except DomainError as e:
            form.add_error(e.field if e.field in form.fields else None, str(e))
    return render(request, "billing/receipt.html", _receipt_context(payment, **{what: form}), status=422)
