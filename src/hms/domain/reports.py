"""Reports: each figure is the sum of the same rows that the pages show."""

from collections import namedtuple

from django.db import connection

Age = namedtuple("Age", "patient name number current d30 d60 d90 d120 older total")
Revenue = namedtuple("Revenue", "label net tax count")

# What is owed of each invoice on a day: its total, less what was credited and paid by then. Buckets by days past due.
AGEING = """
WITH open AS (
    SELECT i.patient_id, i.due_date,
        i.total_amount
        - coalesce((SELECT sum(c.total_amount) FROM hms_creditnote c
                    WHERE c.invoice_id = i.id AND c.issued_on <= %(day)s), 0)
        - coalesce((SELECT sum(a.amount) FROM hms_allocation a
                    WHERE a.invoice_id = i.id AND a.at < %(end)s), 0) AS rest
    FROM hms_invoice i
    WHERE i.year IS NOT NULL AND i.issued_on <= %(day)s AND (
        i.status IN ('PENDING', 'OVERDUE')
        OR EXISTS (SELECT FROM hms_allocation a WHERE a.invoice_id = i.id AND a.at >= %(end)s)
        OR EXISTS (SELECT FROM hms_creditnote c WHERE c.invoice_id = i.id AND c.issued_on > %(day)s))
)
SELECT p.id, u.last_name || ', ' || u.first_name, p.record_number,
    coalesce(sum(rest) FILTER (WHERE late <= 0), 0), coalesce(sum(rest) FILTER (WHERE late BETWEEN 1 AND 30), 0),
    coalesce(sum(rest) FILTER (WHERE late BETWEEN 31 AND 60), 0),
    coalesce(sum(rest) FILTER (WHERE late BETWEEN 61 AND 90), 0),
    coalesce(sum(rest) FILTER (WHERE late BETWEEN 91 AND 120), 0),
    coalesce(sum(rest) FILTER (WHERE late > 120), 0), sum(rest)
FROM (SELECT patient_id, rest, %(day)s - due_date AS late FROM open WHERE rest <> 0) o
JOIN hms_patient p ON p.id = o.patient_id JOIN hms_user u ON u.id = p.user_id
GROUP BY p.id, u.last_name, u.first_name, p.record_number ORDER BY sum(rest) DESC, p.id
"""

# Net and tax of the lines of issued invoices of these days, less what credit notes of these days took back.
REVENUE = """
SELECT {label} AS label, sum(net), sum(tax), count(DISTINCT r.id) FROM (
    SELECT i.id, i.issued_on AS day, i.doctor_id, i.department_id, i.amount AS net, i.tax_amount AS tax
    FROM hms_invoice i WHERE i.year IS NOT NULL AND i.issued_on BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT i.id, c.issued_on, i.doctor_id, i.department_id, -c.amount, -c.tax_amount
    FROM hms_creditnote c JOIN hms_invoice i ON i.id = c.invoice_id
    WHERE c.issued_on BETWEEN %(first)s AND %(last)s
) r {join} GROUP BY 1 ORDER BY {order}
"""
BY = {
    "day": ("r.day", "", "1"),
    "doctor": (
        "coalesce(u.first_name || ' ' || u.last_name, '–')",
        "LEFT JOIN hms_doctor d ON d.id = r.doctor_id LEFT JOIN hms_user u ON u.id = d.user_id",
        "2 DESC, 1",
    ),
    "department": (
        "coalesce(e.name, '–')",
        "LEFT JOIN hms_department e ON e.id = r.department_id",
        "2 DESC, 1",
    ),
}
# Every line, so that it adds up to the same net as the others. Tax is rounded once for a document, not for a line:
# there is none to show here.
SERVICE = """
SELECT label, sum(net), NULL, count(DISTINCT id) FROM (
    SELECT l.text AS label, l.net, i.id FROM hms_invoiceline l JOIN hms_invoice i ON i.id = l.invoice_id
    WHERE i.year IS NOT NULL AND i.issued_on BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT l.text, -b.net, c.invoice_id FROM hms_creditnoteline b
    JOIN hms_creditnote c ON c.id = b.credit_note_id JOIN hms_invoiceline l ON l.id = b.line_id
    WHERE c.issued_on BETWEEN %(first)s AND %(last)s
) r GROUP BY 1 ORDER BY 2 DESC, 1
"""


def _rows(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def ageing(day):
    """What each patient owes on a calendar day, by how long it is past due."""
    from hms.domain.settings import hospital

    return [Age(*row) for row in _rows(AGEING, {"day": day, "end": hospital().day_bounds(day)[1]})]


def revenue(first, last, by):
    """Net and tax from ``first`` to ``last``, both included, ``by`` day, doctor, department or service (tax: None)."""
    if by == "service":
        return [Revenue(*row) for row in _rows(SERVICE, {"first": first, "last": last})]
    label, join, order = BY[by]
    sql = REVENUE.format(label=label, join=join, order=order)
    return [Revenue(*row) for row in _rows(sql, {"first": first, "last": last})]
