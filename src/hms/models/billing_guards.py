"""What the database refuses in billing, whoever asks: the triggers of invoices, their lines and credit notes.

The checks of sums run at commit (deferred), so that a document can be written row by row; the functions that they call
stand beside the migration that made them (``…_billing.sql``), with the reason of each.
"""

import pgtrigger
from django.db import models


def current_currency():
    """The hospital's currency now. Migrations ask too, so no other column of the row is read."""
    from django.conf import settings

    from hms.models import Hospital

    return Hospital.objects.values_list("currency", flat=True).first() or settings.HOSPITAL_CURRENCY


def numbered(series):
    """A condition: number, year and serial are all there and agree (``C2026-000041``), or none is there."""
    text = models.Func(
        models.F("year"),
        models.F("serial"),
        template=f"hms_document_number('{series}', %(expressions)s)",
        output_field=models.CharField(),
    )
    return models.Q(number=None, year=None, serial=None) | models.Q(
        number__isnull=False, year__isnull=False, serial__gte=1, number=text
    )


def refuse(name, sentence, condition):
    """PL/pgSQL that raises ``name: sentence`` as a check violation."""
    return f"""IF {condition} THEN
        RAISE EXCEPTION '{name}: {sentence}' USING ERRCODE = '23514', CONSTRAINT = '{name}';
    END IF;"""


def fixed(*columns):
    """SQL: some column other than these differs."""
    without = "".join(f" - '{c}'" for c in columns)
    return f"to_jsonb(NEW){without} IS DISTINCT FROM to_jsonb(OLD){without}"


def at_commit(name, call, operation):
    """Run a function of the migration once the transaction has written everything."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        timing=pgtrigger.Deferred,
        func=f"PERFORM {call}; RETURN NULL;",
    )


ANY = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete

NEVER_DELETED = refuse("issued_is_final", "an issued invoice is never deleted", "TG_OP = 'DELETE'")
ONLY_STATUS = refuse("issued_is_final", "only the status of an issued invoice changes", fixed("status", "paid_date"))
STAYS_CANCELLED = refuse(
    "issued_is_final", "a cancelled invoice stays cancelled", "OLD.status = 'CANCELLED' AND NEW.status <> OLD.status"
)
LINE_STAYS = refuse(
    "line_stays",
    "a line never moves to another invoice",
    "TG_OP = 'UPDATE' AND NEW.invoice_id <> OLD.invoice_id",
)
CURRENCY_STAYS = refuse(
    "currency_stays", "the currency cannot change once there are invoices", "EXISTS (SELECT FROM hms_invoice)"
)

INVOICE = [
    pgtrigger.Trigger(
        name="issued_is_final",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        condition=pgtrigger.Condition("OLD.number IS NOT NULL"),
        func=f"{NEVER_DELETED} {ONLY_STATUS} {STAYS_CANCELLED} RETURN NEW;",
    ),
    at_commit("sums", "hms_check_invoice(NEW.id)", pgtrigger.Insert | pgtrigger.Update),
    # What is issued is paid, or no longer, by rows of the ledger alone.
    pgtrigger.Trigger(
        name="paid_by_ledger",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("status"),
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("OLD.number IS NOT NULL AND OLD.status IS DISTINCT FROM NEW.status"),
        func="PERFORM hms_check_allocation(NEW.id); RETURN NULL;",
    ),
]

LINE = [
    pgtrigger.Trigger(
        name="of_a_draft",
        when=pgtrigger.Before,
        operation=ANY,
        func=f"""
            IF TG_OP <> 'INSERT' THEN
                PERFORM hms_check_draft(OLD.invoice_id);
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            {LINE_STAYS}
            PERFORM hms_check_line(NEW.invoice_id, NEW.quantity, NEW.unit_price, NEW.discount, NEW.net);
            RETURN NEW;
        """,
    ),
    at_commit("sums", "hms_check_invoice(CASE WHEN TG_OP = 'DELETE' THEN OLD.invoice_id ELSE NEW.invoice_id END)", ANY),
]

CREDIT = [
    pgtrigger.Protect(name="credit_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
    at_commit("sums", "hms_check_credit(NEW.id)", pgtrigger.Insert),
]

CREDIT_LINE = [
    pgtrigger.Protect(name="credit_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
    at_commit("sums", "hms_check_credit(NEW.credit_note_id)", pgtrigger.Insert),
]

HOSPITAL = pgtrigger.Trigger(
    name="currency_stays",
    when=pgtrigger.Before,
    operation=pgtrigger.UpdateOf("currency"),
    condition=pgtrigger.Condition("OLD.currency IS DISTINCT FROM NEW.currency"),
    func=f"{CURRENCY_STAYS} RETURN NEW;",
)
