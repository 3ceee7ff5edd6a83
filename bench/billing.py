"""Billing's rows: the list and the ageing over a million invoices, taking a payment, an invoice on paper.

The invoices are made once, in SQL, beside what the hospital has: over four years, most of them paid. ``BENCH_INVOICES``
makes fewer, to try it out.
"""

import os
import uuid

from bench.data import RECEPTION
from bench.server import request
from bench.work import Work

INVOICES = int(os.environ.get("BENCH_INVOICES", 1_000_000))
MARK = "bench-"  # how the keys of payments begin that a run takes
DAYS = 1_400  # that the invoices are spread over


class Billing:
    """A cashier with an open drawer, and the invoices of a hospital that has been at it for years."""

    def __init__(self, hospital):
        self.hospital, self.db = hospital, hospital.db
        (self.cashier,) = hospital.one("SELECT id FROM hms_user WHERE email = %s", [RECEPTION])
        self.take_back()
        (there,) = hospital.one("SELECT count(*) FROM hms_invoice WHERE note = %s", [NOTE])
        if there < INVOICES:
            self._make(INVOICES - there)
        self._open_drawer()

    def take_back(self):
        """What earlier runs paid is owed again."""
        with self.hospital._no_triggers():
            for statement in TAKE_BACK:
                self.db.execute(statement, {"mark": f"{MARK}%"})

    def _make(self, number):
        print(f"Making {number:,} invoices, once …", flush=True)
        values = {"number": number, "days": DAYS, "today": self.hospital.today, "by": self.cashier, "note": NOTE}
        with self.hospital._no_triggers(), self.db.transaction():
            for statement in MADE:
                self.db.execute(statement, values)
        for table in ("invoice", "invoiceline", "creditnote", "creditnoteline", "payment", "allocation"):
            self.db.execute(f"VACUUM ANALYZE hms_{table}")

    def _open_drawer(self):
        with self.hospital._no_triggers():
            self.db.execute(
                "INSERT INTO hms_shift (clerk_id, opening_float, counted, totals) VALUES (%s, 100, '{}', '{}')"
                " ON CONFLICT DO NOTHING",
                [self.cashier],
            )

    def unpaid(self, number):
        """``[(patient, invoice, total), …]``: nothing of them is paid, each is another patient's."""
        return self.hospital.all(
            "SELECT DISTINCT ON (patient_id) patient_id, id, total_amount FROM hms_invoice i WHERE note = %s"
            " AND status = 'PENDING' AND NOT EXISTS (SELECT FROM hms_allocation a WHERE a.invoice_id = i.id)"
            " AND NOT EXISTS (SELECT FROM hms_creditnote c WHERE c.invoice_id = i.id) ORDER BY patient_id LIMIT %s",
            [NOTE, number],
        )


NOTE = "Thank you for your visit."  # printed on each of them; what they are known by

TAKE_BACK = [
    """UPDATE hms_invoice SET status = CASE WHEN due_date < CURRENT_DATE THEN 'OVERDUE' ELSE 'PENDING' END,
        paid_date = NULL WHERE id IN (SELECT a.invoice_id FROM hms_allocation a JOIN hms_payment p
            ON p.id = a.payment_id WHERE p.key LIKE %(mark)s)""",
    """DELETE FROM hms_invoiceevent WHERE pgh_obj_id IN (SELECT a.invoice_id FROM hms_allocation a JOIN hms_payment p
        ON p.id = a.payment_id WHERE p.key LIKE %(mark)s)""",
    """DELETE FROM hms_allocation WHERE payment_id IN (SELECT id FROM hms_payment WHERE key LIKE %(mark)s)""",
    "DELETE FROM hms_payment WHERE key LIKE %(mark)s",
]

# Every fourth has tax, every third a second line; of a hundred, three are left unpaid and one is taken back in part;
# of the last weeks' half are unpaid, a fifth of those paid in part.
MADE = [
    """CREATE TEMP TABLE made AS
    WITH people AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS turn FROM hms_patient),
    doctors AS (SELECT id, department_id, row_number() OVER (ORDER BY id) - 1 AS turn FROM hms_doctor),
    n AS (
        SELECT n, %(today)s::date - (n::bigint * %(days)s / %(number)s)::int AS day, 20 + n * 37 %% 480 AS net,
            CASE WHEN n %% 4 = 0 THEN 20 ELSE 0 END AS rate
        FROM generate_series(1, %(number)s) n
    )
    SELECT nextval('hms_invoice_id_seq') AS id, nextval('hms_payment_id_seq') AS payment, n.*,
        extract(year FROM day)::int AS year, net * rate / 100.0 AS tax, people.id AS patient, doctors.id AS doctor,
        doctors.department_id AS department, n %% 100 = 7 AND rate = 0 AS credited,
        CASE WHEN n.n * 100 / %(number)s < 2 THEN n %% 2 = 0 ELSE n %% 33 = 0 END AS open,
        row_number() OVER (PARTITION BY extract(year FROM day) ORDER BY n DESC) AS serial
    FROM n JOIN people ON people.turn = n.n::bigint * 7919 %% (SELECT count(*) FROM people)
    JOIN doctors ON doctors.turn = n %% (SELECT count(*) FROM doctors)
    """,
    """UPDATE made SET serial = serial + c.last FROM hms_documentcounter c
    WHERE c.series = '' AND c.year = made.year""",
    """INSERT INTO hms_invoice (id, number, year, serial, patient_id, doctor_id, department_id, currency, amount,
        tax_amount, total_amount, status, due_date, paid_date, created_at, issued_on, issued_by_id, bill_to, note,
        printed, version)
    SELECT id, hms_document_number('', year, serial::int), year, serial, patient, doctor, department, h.currency, net,
        tax, net + tax, CASE WHEN NOT open THEN 'PAID' WHEN day + 14 < %(today)s THEN 'OVERDUE' ELSE 'PENDING' END,
        day + 14, CASE WHEN NOT open THEN least(day + (n %% 20)::int, %(today)s) END, day, day, %(by)s, '', %(note)s,
        '{}', 2
    FROM made, (SELECT currency FROM hms_hospital) h ORDER BY n DESC""",
    """INSERT INTO hms_invoiceline (invoice_id, position, kind, code, text, quantity, unit_price, tax_rate, discount,
        discount_reason, net, department_id)
    SELECT id, 1, 'CONSULTATION', '', 'Consultation', 1, net - CASE WHEN n %% 3 = 0 THEN 10 ELSE 0 END, rate, 0, '',
        net - CASE WHEN n %% 3 = 0 THEN 10 ELSE 0 END, department FROM made
    UNION ALL
    SELECT id, 2, 'SERVICE', 'DRESS', 'Dressing', 2, 5, rate, 0, '', 10, department FROM made WHERE n %% 3 = 0""",
    """INSERT INTO hms_creditnote (invoice_id, number, year, serial, amount, tax_amount, total_amount, reason,
        issued_on, issued_by_id, created_at, printed)
    SELECT id, hms_document_number('C', year, serial::int), year, serial, 5, 0, 5, 'Waited too long', day, %(by)s, day,
        '{}'
    FROM (SELECT m.id, m.day, m.year, coalesce(c.last, 0) + row_number() OVER (PARTITION BY m.year ORDER BY n DESC)
        AS serial FROM made m LEFT JOIN hms_documentcounter c ON c.series = 'C' AND c.year = m.year
        WHERE credited) c""",
    """INSERT INTO hms_creditnoteline (credit_note_id, line_id, net)
    SELECT c.id, l.id, 5 FROM made m JOIN hms_creditnote c ON c.invoice_id = m.id
    JOIN hms_invoiceline l ON l.invoice_id = m.id AND l.position = 1 WHERE m.credited""",
    """ALTER TABLE made ADD paid numeric, ADD receipt bigint""",
    """UPDATE made SET receipt = r.turn, paid = r.paid FROM (
        SELECT n, row_number() OVER (PARTITION BY year ORDER BY n DESC) AS turn,
            CASE WHEN open THEN floor(net / 2) ELSE net + tax END - CASE WHEN credited THEN 5 ELSE 0 END AS paid
        FROM made WHERE NOT open OR n %% 10 < 2) r WHERE r.n = made.n""",
    """INSERT INTO hms_shift (clerk_id, opened_at, opening_float, closed_at, counted, counted_total, expected, totals)
    SELECT %(by)s, min(day), 0, now(), '{}', 0, 0, '{}' FROM made""",
    """INSERT INTO hms_payment (id, patient_id, kind, method, value, currency, shift_id, key, fingerprint, number,
        reason, received_at, received_by_id)
    SELECT payment, patient, 'PAYMENT', (ARRAY['CASH', 'CARD', 'TRANSFER'])[1 + n %% 3], paid, h.currency,
        (SELECT max(id) FROM hms_shift WHERE clerk_id = %(by)s AND closed_at IS NOT NULL), 'volume:' || made.id, '',
        hms_document_number('R', made.year, coalesce(c.last, 0) + receipt::int), '',
        least(day + (n %% 20)::int, %(today)s) + interval '10 hours', %(by)s
    FROM (SELECT currency FROM hms_hospital) h, made
    LEFT JOIN hms_documentcounter c ON c.series = 'R' AND c.year = made.year WHERE paid IS NOT NULL ORDER BY n DESC""",
    """INSERT INTO hms_allocation (invoice_id, payment_id, amount, at, by_id)
    SELECT id, payment, paid, least(day + (n %% 20)::int, %(today)s) + interval '10 hours', %(by)s
    FROM made WHERE paid IS NOT NULL ORDER BY n DESC""",
    *(
        f"""INSERT INTO hms_documentcounter AS c (series, year, last)
        SELECT '{series}', year, {last} FROM made WHERE {which} GROUP BY year
        ON CONFLICT (series, year) DO UPDATE SET last = {after}"""
        for series, which, last, after in [
            ("", "true", "max(serial)", "excluded.last"),
            ("C", "credited", "count(*)", "c.last + excluded.last"),
            ("R", "paid IS NOT NULL", "count(*)", "c.last + excluded.last"),
        ]
    ),
    "DROP TABLE made",
]


def works(hospital, cookie, quick, runs):
    """A row for each thing that a cashier or a manager waits for."""
    billing = Billing(hospital)
    n = 8 if quick else 30
    (invoice,) = hospital.one("SELECT max(id) FROM hms_invoice WHERE note = %s", [NOTE])
    (department,) = hospital.one("SELECT min(department_id) FROM hms_doctor")

    def page(name, path, goal, many=4):
        return Work(name, [request("GET", path, cookie)], {1: n, 8: n * many}, goal, path=path)

    return [
        page("invoices, first page", "/billing/", 4),
        page("invoices, overdue", "/billing/?status=overdue", 4),
        page("invoices of a department, by total", f"/billing/?department={department}&sort=-total", 4),
        page("invoices, page 200", "/billing/?page=200", 4),
        page("ageing", "/billing/reports/ageing/", 60, many=1),
        page("one invoice", f"/billing/invoices/{invoice}/", 0),
        page("invoice on paper, warm", f"/billing/invoices/{invoice}/pdf/", 30, many=2),
        _paying(billing, cookie, quick, runs),
    ]


def _paying(billing, cookie, quick, runs):
    """Each request pays another patient's invoice, by card, with a key of its own."""
    counts = {1: 15 if quick else 50, 8: 40 if quick else 120}
    requests = []
    for patient, invoice, total in billing.unpaid(sum(counts.values()) * runs):
        form = {"key": f"{MARK}{uuid.uuid4().hex}", "invoice": invoice, "card": f"{total:.2f}"}
        requests.append(request("POST", f"/billing/patients/{patient}/", cookie, form))
    return Work("take a payment", requests, counts, 5, expect=302, once=True, warm=0)
