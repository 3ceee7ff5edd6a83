"""An account on paper: the statement, the reminder of an invoice, the sheet of a closed drawer."""

from decimal import Decimal

import segno
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hms import money, pdf
from hms.domain import credit_notes, payments, printing, shifts
from hms.domain.settings import hospital
from hms.templatetags.hms import clinical_date, clinical_datetime
from hms.templatetags.hms import money as shown


def _common(title):
    return {"title": title, "hospital": printing.hospital_lines(), "printed_at": clinical_datetime(timezone.now())}


def _patient(patient):
    return {
        "name": patient.user.get_full_name(),
        "born": clinical_date(patient.date_of_birth),
        "record_number": patient.record_number,
    }


# --- statement


def statement_pdf(patient, found):
    """A hms.domain.statements.Statement on paper."""
    return pdf.render("statement", statement_data(patient, found))


def statement_data(patient, found):
    """What statement.typ prints."""
    currency, closing = hospital().currency, found.closing
    if closing > 0:
        says = _("To pay")
    else:
        says = _("In the patient's favour") if closing < 0 else _("Nothing is owed")
    return _common(_("Account statement")) | {
        "patient": _patient(patient),
        "bill_to": patient.user.get_full_name(),
        "currency": currency,
        "day": clinical_date(hospital().today()),
        "first": clinical_date(found.first),
        "last": clinical_date(found.last),
        "opening": shown(found.opening, currency),
        "rows": [
            {
                "day": clinical_date(row.day),
                "text": row.what,
                "number": row.number,
                "charged": "" if row.charged is None else shown(row.charged, currency),
                "received": "" if row.received is None else shown(row.received, currency),
                "balance": shown(row.balance, currency),
            }
            for row in found.rows
        ],
        "charged": shown(found.charged, currency),
        "received": shown(found.received, currency),
        "closing": shown(closing, currency),
        "says": says,
        "left": shown(abs(closing), currency),
        "terms": hospital().payment_terms if closing > 0 else "",
    }


# --- reminder


def reminder_pdf(invoice, step):
    """The reminder of an unpaid invoice on paper; ``step`` 1 to 3, firmer each time."""
    return pdf.render("reminder", reminder_data(invoice, step))


def reminder_data(invoice, step):
    """What reminder.typ prints: as of today, so it never asks for what has been paid meanwhile."""
    currency, printed = invoice.currency, invoice.printed or printing.copy_for(invoice)
    late = (hospital().today() - invoice.due_date).days
    credited, paid = credit_notes.credited(invoice), payments.paid(invoice)
    left = shown(payments.balance(invoice), currency)
    sums = [(_("Invoice %(number)s") % {"number": invoice.number}, shown(invoice.total_amount, currency))]
    sums += [(_("Credited"), f"−{shown(credited, currency)}")] if credited else []
    sums += [(_("Paid"), f"−{shown(paid, currency)}")] if paid else []
    return _common(titles()[step - 1]) | {
        "patient": _patient(invoice.patient),
        "bill_to": printed.get("bill_to") or invoice.patient.user.get_full_name(),
        "currency": currency,
        "number": invoice.number,
        "day": clinical_date(hospital().today()),
        "issued": clinical_date(invoice.issued_on),
        "due": clinical_date(invoice.due_date),
        "late": ngettext("%(n)d day", "%(n)d days", late) % {"n": late} if late > 0 else "",
        "paragraphs": _words(invoice, step, left),
        "sums": [{"label": label, "amount": amount, "strong": False} for label, amount in sums]
        + [{"label": _("To pay"), "amount": left, "strong": True}],
        "terms": printed.get("terms") or hospital().payment_terms,
        "qr": _code(invoice),
    }


def titles():
    return [_("Payment reminder"), _("Second reminder"), _("Last reminder")]


def _words(invoice, step, left):
    asked = {"left": left, "number": invoice.number, "due": clinical_date(invoice.due_date)}
    phone = hospital().phone
    call = _("If you cannot pay now, or think that this is wrong, please call us: %(phone)s.") % {"phone": phone}
    first = [
        _("perhaps it was overlooked: %(left)s of invoice %(number)s was due on %(due)s."),
        _("we reminded you before: %(left)s of invoice %(number)s was due on %(due)s and is still not paid."),
        _("in spite of two reminders %(left)s of invoice %(number)s, due on %(due)s, is not paid."),
    ][step - 1] % asked
    then = [
        _("Please pay it in the next days. If you have paid meanwhile, thank you; this letter then crossed with it."),
        _("Please pay it within ten days. If you have paid meanwhile, thank you."),
        _("Please pay it within ten days, or agree with us on parts. Otherwise we hand it to collection."),
    ][step - 1]
    return [_("Hello %(name)s,") % {"name": invoice.patient.user}, first, then, *([call] if phone else [])]


def _code(invoice):
    left = money.rounded(payments.balance(invoice), invoice.currency)
    text = f"HMS:INVOICE;{invoice.number};{invoice.issued_on:%Y-%m-%d};{invoice.currency} {left};{invoice.due_date}"
    return segno.make(text, micro=False, error="m").svg_inline(border=0)


# --- closed drawer


def drawer_pdf(shift):
    """What was counted and signed, for the binder."""
    return pdf.render("drawer", drawer_data(shift))


def drawer_data(shift):
    """What drawer.typ prints, from what was kept when the drawer was closed."""
    currency = hospital().currency
    counted = shifts.counted(shift)
    clerk = str(shift.clerk)
    return _common(_("Closed drawer")) | {
        "number": str(shift.pk),
        "currency": currency,
        "clerk": clerk,
        "opened": clinical_datetime(shift.opened_at),
        "closed": clinical_datetime(shift.closed_at),
        "coins": [{"coin": shown(c, currency), "times": f"{n}", "sum": shown(c * n, currency)} for c, n in counted],
        "sums": [
            {"label": label, "amount": shown(amount, currency), "strong": strong}
            for label, amount, strong in [
                (_("In the drawer at the start"), shift.opening_float, False),
                (_("Cash taken less cash given back"), shift.expected - shift.opening_float, False),
                (_("Expected"), shift.expected, False),
                (_("Counted"), shift.counted_total, True),
                (_("Difference"), shift.difference, bool(shift.difference)),
            ]
        ],
        "explanation": shift.explanation,
        "methods": [
            {
                "text": name,
                "in": shown(taken, currency),
                "out": shown(given, currency),
                "net": shown(Decimal(taken) - Decimal(given), currency),
                "rows": str(rows),
            }
            for name, (taken, given, rows) in shifts.totals_kept(shift).items()
        ],
        "signed": _("Counted and signed by %(clerk)s, %(at)s")
        % {"clerk": clerk, "at": clinical_datetime(shift.closed_at)},
    }
