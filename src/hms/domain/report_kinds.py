"""What each report adds up: the rows of its figures, in SQL, and by what they can be put together.

Every statement of rows names the document (``kind``, ``id``, ``number``), its ``day``, ``patient`` and ``text``; the
other columns are what figures sum and what rows are put together by. ``domain.reports`` does the rest, for all alike.
"""

from collections import namedtuple

from django.utils.translation import gettext_lazy as _

# A sum of a column of the rows, of all of them or of some. The first figure of a report is what its chart shows.
Figure = namedtuple("Figure", "label column where", defaults=["TRUE"])
# What rows are put together by: a column, how its values are written in addresses, and a statement of their names.
By = namedtuple("By", "label column type names", defaults=["bigint", ""])
Report = namedtuple("Report", "title tab rows figures by as_of says", defaults=[False, ""])

PEOPLE = "SELECT u.id, concat_ws(', ', nullif(upper(u.last_name), ''), nullif(u.first_name, '')) FROM hms_user u"
OF = "SELECT {0}.id, concat_ws(', ', nullif(upper(u.last_name), ''), nullif(u.first_name, '')) FROM hms_{1} {0} JOIN hms_user u ON u.id = {0}.user_id"  # noqa: E501
DRAWERS = "SELECT s.id, concat('#', s.id, ' ', concat_ws(', ', nullif(upper(u.last_name), ''), nullif(u.first_name, ''))) FROM hms_shift s JOIN hms_user u ON u.id = s.clerk_id"  # noqa: E501

DAY = By(_("Day"), "day", "date")
MONTH = By(_("Month"), "date_trunc('month', day)::date", "date")
DOCTOR = By(_("Doctor"), "doctor", "bigint", OF.format("d", "doctor"))
DEPARTMENT = By(_("Department"), "department", "bigint", "SELECT id, name FROM hms_department")
PATIENT = By(_("Patient"), "patient", "bigint", OF.format("p", "patient"))
METHOD = By(_("Method"), "method", "text")
REASON = By(_("Reason"), "reason", "text")

# What is owed of each invoice on a day: its total, less what was credited and paid by the end of it. Three indexes find
# the few that may be owed: unpaid ones, and of the others those that were paid or cancelled after that day.
AGEING = """
    SELECT 'invoice' AS kind, i.id, i.number, i.due_date AS day, i.patient_id AS patient, '' AS text,
        i.doctor_id AS doctor, i.department_id AS department, %(day)s::date - i.due_date AS late,
        i.total_amount - coalesce(c.sum, 0) - coalesce(a.sum, 0) AS rest
    FROM (
        SELECT * FROM hms_invoice WHERE year IS NOT NULL AND status IN ('PENDING', 'OVERDUE')
        UNION ALL
        SELECT * FROM hms_invoice WHERE status = 'PAID' AND paid_date > %(day)s AND issued_on <= %(day)s
        UNION ALL
        SELECT * FROM hms_invoice WHERE status = 'CANCELLED'
            AND id IN (SELECT invoice_id FROM hms_creditnote WHERE issued_on > %(day)s)
    ) i
    LEFT JOIN (
        SELECT invoice_id, sum(total_amount) FROM hms_creditnote WHERE issued_on <= %(day)s GROUP BY invoice_id
    ) c ON c.invoice_id = i.id
    LEFT JOIN LATERAL (SELECT sum(amount) FROM hms_allocation WHERE invoice_id = i.id AND at < %(end)s) a ON TRUE
    WHERE i.issued_on <= %(day)s AND i.total_amount - coalesce(c.sum, 0) - coalesce(a.sum, 0) <> 0"""

# Invoices of these days, less what credit notes of these days took back, whenever their invoice was issued.
REVENUE = """
    SELECT 'invoice' AS kind, i.id, i.number, i.issued_on AS day, i.patient_id AS patient, '' AS text,
        i.doctor_id AS doctor, i.department_id AS department, i.amount AS net, i.tax_amount AS tax
    FROM hms_invoice i WHERE i.year IS NOT NULL AND i.issued_on BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT 'credit_note', c.id, c.number, c.issued_on, i.patient_id, c.reason, i.doctor_id, i.department_id,
        -c.amount, -c.tax_amount
    FROM hms_creditnote c JOIN hms_invoice i ON i.id = c.invoice_id
    WHERE c.issued_on BETWEEN %(first)s AND %(last)s"""

# The same by lines. Tax is rounded once for a document, not for a line: there is none here.
SERVICES = """
    SELECT 'invoice' AS kind, i.id, i.number, i.issued_on AS day, i.patient_id AS patient, l.text,
        i.doctor_id AS doctor, coalesce(l.department_id, i.department_id) AS department, l.text AS service, l.net
    FROM hms_invoice i JOIN hms_invoiceline l ON l.invoice_id = i.id
    WHERE i.year IS NOT NULL AND i.issued_on BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT 'credit_note', c.id, c.number, c.issued_on, i.patient_id, l.text, i.doctor_id,
        coalesce(l.department_id, i.department_id), l.text, -b.net
    FROM hms_creditnote c JOIN hms_creditnoteline b ON b.credit_note_id = c.id
    JOIN hms_invoiceline l ON l.id = b.line_id JOIN hms_invoice i ON i.id = c.invoice_id
    WHERE c.issued_on BETWEEN %(first)s AND %(last)s"""

# A document's tax at each of its rates, rounded once for each. A credit note takes back what the invoice's tax fell by.
TAX = """
    SELECT 'invoice' AS kind, i.id, i.number, i.issued_on AS day, i.patient_id AS patient, '' AS text,
        l.tax_rate AS rate, sum(l.net) AS net,
        round(sum(l.net) * l.tax_rate / 100, hms_minor_digits(i.currency)) AS tax
    FROM hms_invoice i JOIN hms_invoiceline l ON l.invoice_id = i.id
    WHERE i.year IS NOT NULL AND i.issued_on BETWEEN %(first)s AND %(last)s
    GROUP BY i.id, l.tax_rate
    UNION ALL
    SELECT 'credit_note', c.id, c.number, c.issued_on, i.patient_id, c.reason, t.rate, -t.net,
        round((n.net - t.earlier - t.net) * t.rate / 100, hms_minor_digits(i.currency))
        - round((n.net - t.earlier) * t.rate / 100, hms_minor_digits(i.currency))
    FROM hms_creditnote c JOIN hms_invoice i ON i.id = c.invoice_id
    CROSS JOIN LATERAL (
        SELECT l.tax_rate AS rate, coalesce(sum(b.net) FILTER (WHERE b.credit_note_id < c.id), 0) AS earlier,
            sum(b.net) FILTER (WHERE b.credit_note_id = c.id) AS net
        FROM hms_creditnoteline b JOIN hms_invoiceline l ON l.id = b.line_id
        WHERE l.invoice_id = c.invoice_id GROUP BY l.tax_rate
    ) t
    CROSS JOIN LATERAL (
        SELECT sum(l.net) AS net FROM hms_invoiceline l WHERE l.invoice_id = c.invoice_id AND l.tax_rate = t.rate
    ) n
    WHERE c.issued_on BETWEEN %(first)s AND %(last)s AND t.net IS NOT NULL"""

# All money by when it was taken or given back; beside it what cash was rounded by, which is no money and in no drawer.
TAKINGS = """
    SELECT 'payment' AS kind, p.id, p.number, (p.received_at AT TIME ZONE %(zone)s)::date AS day,
        p.patient_id AS patient, p.reason AS text, p.method, p.received_by_id AS clerk, p.shift_id AS drawer, p.value
    FROM hms_payment p WHERE p.received_at >= %(start)s AND p.received_at < %(end)s"""

# What was given back, less what of that was itself a mistake: reversed, it counts for the reason it had.
REFUNDS = """
    SELECT 'payment' AS kind, p.id, p.number, (p.received_at AT TIME ZONE %(zone)s)::date AS day,
        p.patient_id AS patient, p.reason AS text, p.method, p.received_by_id AS clerk,
        CASE WHEN p.kind = 'REVERSAL' THEN o.reason ELSE p.reason END AS reason, -p.value AS given
    FROM hms_payment p JOIN hms_payment o ON o.id = p.of_id
    WHERE p.received_at >= %(start)s AND p.received_at < %(end)s
        AND (p.kind = 'REFUND' OR p.kind = 'REVERSAL' AND o.kind = 'REFUND')"""

DISCOUNTS = """
    SELECT 'invoice' AS kind, i.id, i.number, i.issued_on AS day, i.patient_id AS patient, l.text,
        i.doctor_id AS doctor, i.department_id AS department, l.text AS service, l.discount_reason AS reason,
        l.discount_by_id AS clerk, l.discount, l.net + l.discount AS gross
    FROM hms_invoice i JOIN hms_invoiceline l ON l.invoice_id = i.id
    WHERE i.year IS NOT NULL AND i.issued_on BETWEEN %(first)s AND %(last)s AND l.discount > 0"""

NET, TAXED = Figure(_("Net"), "net"), Figure(_("Tax"), "tax")
SERVICE = By(_("Service"), "service", "text")

REPORTS = {
    "revenue": Report(
        _("Revenue"),
        _("Revenue"),
        REVENUE,
        {"net": NET, "tax": TAXED, "total": Figure(_("Total"), "net + tax")},
        {"day": DAY, "month": MONTH, "department": DEPARTMENT, "doctor": DOCTOR, "patient": PATIENT},
        says=_("What was invoiced, less credit notes."),
    ),
    "services": Report(
        _("Revenue by service"),
        _("Services"),
        SERVICES,
        {"net": NET},
        {"service": SERVICE, "department": DEPARTMENT, "doctor": DOCTOR, "day": DAY, "month": MONTH},
        says=_("Lines of invoices before tax, less what credit notes took off them."),
    ),
    "tax": Report(
        _("Tax"),
        _("Tax"),
        TAX,
        {"tax": TAXED, "net": Figure(_("Net"), "net")},
        {"rate": By(_("Rate"), "rate", "numeric"), "day": DAY, "month": MONTH},
        says=_("Tax of invoices, less what credit notes took back."),
    ),
    "discounts": Report(
        _("Discounts"),
        _("Discounts"),
        DISCOUNTS,
        {"discount": Figure(_("Discount"), "discount"), "gross": Figure(_("Before it"), "gross")},
        {
            "reason": REASON,
            "clerk": By(_("Given by"), "clerk", "bigint", PEOPLE),
            "service": SERVICE,
            "department": DEPARTMENT,
            "doctor": DOCTOR,
            "month": MONTH,
        },
        says=_("Discounts on lines of issued invoices, as they were printed."),
    ),
    "takings": Report(
        _("Takings"),
        _("Takings"),
        TAKINGS,
        {
            "taken": Figure(_("In"), "value", "method <> 'ROUNDING' AND value > 0"),
            "given": Figure(_("Out"), "value", "method <> 'ROUNDING' AND value < 0"),
            "rounding": Figure(_("Rounding"), "value", "method = 'ROUNDING'"),
            "total": Figure(_("Together"), "value"),
        },
        {
            "day": DAY,
            "method": METHOD,
            "clerk": By(_("Clerk"), "clerk", "bigint", PEOPLE),
            "drawer": By(_("Drawer"), "drawer", "bigint", DRAWERS),
            "month": MONTH,
        },
        says=_("Money taken and given back, with reversals; together it is what the accounts of patients fell by."),
    ),
    "refunds": Report(
        _("Refunds"),
        _("Refunds"),
        REFUNDS,
        {"given": Figure(_("Given back"), "given")},
        {
            "method": METHOD,
            "reason": REASON,
            "clerk": By(_("Clerk"), "clerk", "bigint", PEOPLE),
            "day": DAY,
            "month": MONTH,
        },
        says=_("Money given back, less refunds that were reversed."),
    ),
    "ageing": Report(
        _("What is owed, and for how long"),
        _("Ageing"),
        AGEING,
        {
            "total": Figure(_("Total"), "rest"),
            "current": Figure(_("Not due"), "rest", "late <= 0"),
            "d30": Figure("1–30", "rest", "late BETWEEN 1 AND 30"),
            "d60": Figure("31–60", "rest", "late BETWEEN 31 AND 60"),
            "d90": Figure("61–90", "rest", "late BETWEEN 61 AND 90"),
            "d120": Figure("91–120", "rest", "late BETWEEN 91 AND 120"),
            "older": Figure(_("over 120"), "rest", "late > 120"),
        },
        {"patient": PATIENT, "department": DEPARTMENT, "doctor": DOCTOR},
        as_of=True,
        says=_("By days past due; what was paid or credited later still counts."),
    ),
}
