"""Billing on paper: what the templates in hms/typst print, from what was copied when it was issued."""

from datetime import datetime
from decimal import Decimal

import segno
from django.utils import timezone
from django.utils.translation import gettext as _

from hms import money, pdf
from hms.domain import cash, credit_notes, invoicing, payments, printing
from hms.domain.settings import hospital
from hms.templatetags.hms import clinical_date, percent, quantity
from hms.templatetags.hms import money as shown


def invoice_pdf(invoice):
    """The invoice as PDF. A draft is marked as one, and says what it would say today."""
    return pdf.render("invoice", invoice_data(invoice))


def credit_note_pdf(note):
    return pdf.render("credit_note", credit_note_data(note))


def _common(printed, currency):
    """What every billing document shares (hms/typst/_billing.typ)."""
    return {
        "hospital": printed["hospital"],
        "patient": printed["patient"]
        | {"born": clinical_date(datetime.fromisoformat(printed["patient"]["born"]).date())},
        "bill_to": printed.get("bill_to", ""),
        "currency": currency,
        "printed_at": f"{timezone.now().astimezone(hospital().zone):%d-%b-%Y %H:%M}",
    }


def _tax_rows(table, currency):
    return [
        {"rate": percent(rate), "net": shown(net, currency), "tax": shown(tax, currency)} for rate, net, tax in table
    ]


def invoice_data(invoice):
    """What invoice.typ prints, all of it text."""
    printed = invoice.printed or printing.copy_for(invoice)
    lines = list(invoice.lines.all())
    _amount, _tax, table = invoicing.totals(lines, invoice.currency)
    credited = Decimal(0) if invoice.is_draft else credit_notes.credited(invoice)
    visit = printed.get("visit")
    return _common(printed, invoice.currency) | {
        "title": _("Invoice") if not invoice.is_draft else _("Draft, not an invoice"),
        "draft": invoice.is_draft,
        "number": invoice.number or "",
        "issued": clinical_date(invoice.issued_on),
        "due": clinical_date(invoice.due_date),
        "cancelled": invoice.status == "CANCELLED",
        "doctor": printed.get("doctor", ""),
        "department": printed.get("department", ""),
        "visit": clinical_date(datetime.fromisoformat(visit).astimezone(hospital().zone)) if visit else "",
        "note": invoice.note,
        "terms": "" if invoice.status == "CANCELLED" else printed.get("terms", ""),
        "lines": [
            {
                "code": line.code,
                "text": line.text,
                "quantity": quantity(line.quantity),
                "price": shown(line.unit_price, invoice.currency),
                "rate": percent(line.tax_rate),
                "discount": f"−{shown(line.discount, invoice.currency)}" if line.discount else "",
                "reason": line.discount_reason,
                "net": shown(line.net, invoice.currency),
            }
            for line in lines
        ],
        "taxes": _tax_rows(table, invoice.currency),
        "amount": shown(invoice.amount, invoice.currency),
        "tax": shown(invoice.tax_amount, invoice.currency),
        "total": shown(invoice.total_amount, invoice.currency),
        "credited": f"−{shown(credited, invoice.currency)}" if credited else "",
        "rest": shown(invoice.total_amount - credited, invoice.currency) if credited else "",
        "qr": _code(invoice),
    }


def _code(invoice):
    """What the QR code holds: enough to find and pay it, nothing of the patient."""
    if invoice.is_draft:
        return ""
    return _qr("INVOICE", invoice.number, invoice, f"{invoice.due_date:%Y-%m-%d}")


def _qr(kind, number, document, last, currency=None):
    currency = currency or document.currency
    return _qr_text(kind, number, document.issued_on, document.total_amount, currency, last)


def _qr_text(kind, number, day, amount, currency, last):
    text = ";".join([f"HMS:{kind}", number, f"{day:%Y-%m-%d}", f"{currency} {money.rounded(amount, currency)}", last])
    return segno.make(text, micro=False, error="m").svg_inline(border=0)


def credit_note_data(note):
    """What credit_note.typ prints."""
    currency = note.invoice.currency
    return _common(note.printed, currency) | {
        "title": _("Credit note"),
        "number": note.number,
        "issued": clinical_date(note.issued_on),
        "invoice": note.invoice.number,
        "invoice_issued": clinical_date(note.invoice.issued_on),
        "reason": note.reason,
        "cancels": note.invoice.status == "CANCELLED",
        "lines": [
            {
                "code": row.line.code,
                "text": row.line.text,
                "rate": percent(row.line.tax_rate),
                "net": shown(row.net, currency),
            }
            for row in note.lines.select_related("line")
        ],
        "taxes": _tax_rows(credit_notes.tax_rows(note), currency),
        "amount": shown(note.amount, currency),
        "tax": shown(note.tax_amount, currency),
        "total": shown(note.total_amount, currency),
        "qr": _qr("CREDIT", note.number, note, note.invoice.number, currency),
    }


def receipt_pdf(payment):
    """The receipt of one row of the ledger."""
    return pdf.render("receipt", receipt_data(payment))


def receipt_data(payment):
    """What receipt.typ prints: all that was paid for, what was tendered, and the change."""
    currency, patient = payment.currency, payment.patient
    sums = [{"label": payment.get_kind_display(), "amount": shown(payment.value, currency), "strong": True}]
    if payment.tendered is not None:
        sums.append({"label": _("Tendered"), "amount": shown(payment.tendered, currency), "strong": False})
        sums.append({"label": _("Change"), "amount": shown(payment.change, currency), "strong": False})
    rounding = cash.rounding_of(payment)
    if rounding:
        sums.append({"label": _("Of it rounded"), "amount": shown(-rounding.value, currency), "strong": False})
    paid = payment.allocations.select_related("invoice").prefetch_related("invoice__lines")
    lines = [_paid_line(a, currency) for a in paid]
    if kept := payments.kept(payment):
        lines.append({"text": _("Kept as credit"), "net": shown(kept, currency), "lines": []})
    return {
        "title": _("Receipt") if payment.kind == "PAYMENT" else str(payment.get_kind_display()),
        "hospital": printing.hospital_lines(),
        "patient": {
            "name": str(patient.user),
            "born": clinical_date(patient.date_of_birth),
            "record_number": patient.record_number,
        },
        "bill_to": str(patient.user),
        "number": payment.number,
        "received": f"{payment.received_at.astimezone(hospital().zone):%d-%b-%Y %H:%M}",
        "by": str(payment.received_by),
        "method": str(payment.get_method_display()),
        "currency": currency,
        "reason": payment.reason,
        "printed_at": f"{timezone.now().astimezone(hospital().zone):%d-%b-%Y %H:%M}",
        "lines": lines,
        "sums": sums,
        "together": [
            f"{other.number}, {other.get_method_display()}, {shown(other.value, currency)}"
            for other in payments.together(payment)
        ],
        "qr": _qr_text(
            "RECEIPT",
            payment.number,
            payment.received_at.astimezone(hospital().zone),
            payment.value,
            currency,
            payment.method,
        ),
    }


def _paid_line(allocation, currency):
    """What a receipt says of an invoice: what of it was paid, and all that it charges."""
    invoice = allocation.invoice
    words = {
        "number": invoice.number,
        "day": clinical_date(invoice.issued_on),
        "total": shown(invoice.total_amount, currency),
    }
    return {
        "text": _("Invoice %(number)s of %(day)s, %(total)s in all") % words,
        "net": shown(allocation.amount, currency),
        "lines": [{"text": line.text, "net": shown(line.net, currency)} for line in invoice.lines.all()],
    }
