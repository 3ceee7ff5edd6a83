"""Billing's guards, tried with plain SQL: the database itself refuses."""

import pytest
from django.db import DatabaseError, connection, transaction

from hms import money
from hms.domain import credit_notes, invoicing
from hms.domain.settings import forget
from hms.models import Hospital, Invoice
from hms.testing import make_appointment, make_invoice, make_service, make_user

pytestmark = pytest.mark.django_db


def committed(sql, params=()):
    """Run the statement, and what PostgreSQL asks at commit."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused(sql, params=(), *, by):
    """The statement, or the commit after it, fails because of the named guard and for no other reason."""
    with pytest.raises(DatabaseError) as e, transaction.atomic():
        committed(sql, params)
    assert by in str(e.value), str(e.value)
    return True


@pytest.fixture(autouse=True)
def _whole():
    """What the test itself wrote holds at commit too."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class TestIssued:
    @pytest.mark.parametrize(
        "change",
        [
            "amount = 1, total_amount = 1",
            "due_date = due_date + 1",
            "number = '2026-000099'",
            "number = NULL, year = NULL, serial = NULL",
            "patient_id = patient_id + 1",
            "currency = 'EUR'",
            "issued_on = issued_on - 1",
            "printed = '{}'",
            "bill_to = 'x'",
        ],
    )
    def test_nothing_but_the_status_changes(self, change):
        assert refused(f"UPDATE hms_invoice SET {change} WHERE id = %s", [make_invoice().pk], by="issued_is_final")

    def test_it_is_never_deleted(self):
        assert refused("DELETE FROM hms_invoice WHERE id = %s", [make_invoice().pk], by="issued_is_final")

    def test_its_lines_stay(self):
        line = make_invoice().lines.get()
        assert refused("DELETE FROM hms_invoiceline WHERE id = %s", [line.pk], by="issued_is_final")
        assert refused("UPDATE hms_invoiceline SET text = 'x' WHERE id = %s", [line.pk], by="issued_is_final")
        sql = "INSERT INTO hms_invoiceline (invoice_id, position, text, unit_price, net) VALUES (%s, 2, 'x', 0, 0)"
        assert refused(sql, [line.invoice_id], by="issued_is_final")
        draft = make_invoice(issued=False)
        sql = "UPDATE hms_invoiceline SET invoice_id = %s WHERE id = %s"
        assert refused(sql, [line.invoice_id, draft.lines.get().pk], by="line_stays")

    def test_overdue_and_back(self):
        invoice = make_invoice()
        for status in ["OVERDUE", "PENDING"]:
            Invoice.objects.filter(pk=invoice.pk).update(status=status)

    def test_cancelled_needs_a_credit_note_and_lasts(self):
        invoice = make_invoice()
        sql = "UPDATE hms_invoice SET status = 'CANCELLED' WHERE id = %s"
        assert refused(sql, [invoice.pk], by="invoice_cancelled_by_credit")
        credit_notes.cancel(invoice, reason="twice", by=make_user())
        assert refused("UPDATE hms_invoice SET status = 'PENDING' WHERE id = %s", [invoice.pk], by="issued_is_final")


class TestNumbers:
    def issue(self, year, serial, number):
        draft = make_invoice(issued=False)
        sql = "UPDATE hms_invoice SET year = %s, serial = %s, number = %s, issued_on = current_date WHERE id = %s"
        return sql, [year, serial, number, draft.pk]

    def test_they_begin_at_one_and_leave_none_out(self):
        assert refused(*self.issue(2031, 2, "2031-000002"), by="invoice_no_gap")

    def test_number_year_and_serial_agree(self):
        assert refused(*self.issue(2031, 1, "2031-000007"), by="invoice_number_of_year_and_serial")
        assert refused(*self.issue(2031, 1, None), by="invoice_number_of_year_and_serial")

    def test_no_number_twice(self):
        taken = make_invoice()
        assert refused(*self.issue(taken.year, taken.serial, taken.number), by="hms_invoice_number")

    def test_a_draft_is_pending_and_unpaid(self):
        sql = "UPDATE hms_invoice SET status = 'PAID', paid_date = current_date WHERE id = %s"
        assert refused(sql, [make_invoice(issued=False).pk], by="invoice_draft_is_pending")

    def test_a_visit_has_one_draft(self):
        a = make_appointment()
        make_invoice(appointment=a, issued=False)
        sql = "INSERT INTO hms_invoice (patient_id, appointment_id, currency, due_date) VALUES (%s, %s, 'GBP', now())"
        assert refused(sql, [a.patient_id, a.pk], by="invoice_one_draft_a_visit")


class TestSums:
    def test_the_amount_is_the_sum_of_the_lines(self):
        draft = make_invoice(issued=False)
        sql = "UPDATE hms_invoice SET amount = 99, total_amount = 99 WHERE id = %s"
        assert refused(sql, [draft.pk], by="invoice_is_sum_of_lines")
        assert refused("DELETE FROM hms_invoiceline WHERE invoice_id = %s", [draft.pk], by="invoice_is_sum_of_lines")

    def test_the_tax_is_that_of_the_rates(self):
        draft = make_invoice(issued=False, tax_rate=20)
        sql = "UPDATE hms_invoice SET tax_amount = 19, total_amount = 119 WHERE id = %s"
        assert refused(sql, [draft.pk], by="invoice_tax_of_lines")

    @pytest.mark.parametrize(
        ("change", "guard"),
        [
            ("net = 99", "line_net_is_product"),
            ("quantity = 2", "line_net_is_product"),
            ("unit_price = 100.001", "line_in_minor_units"),
            ("discount = 0.005, net = 99.995, discount_reason = 'x'", "line_in_minor_units"),
            ("discount = 10, net = 90", "line_discount_has_reason"),
            ("discount = 101, net = -1, discount_reason = 'x'", "line_not_negative"),
            ("quantity = 0, net = 0", "line_quantity_above_zero"),
            ("tax_rate = 101", "line_tax_rate_is_percent"),
            ("text = ''", "line_has_text"),
        ],
    )
    def test_a_line_adds_up(self, change, guard):
        line = make_invoice(issued=False).lines.get()
        assert refused(f"UPDATE hms_invoiceline SET {change} WHERE id = %s", [line.pk], by=guard)

    def test_an_empty_one_is_not_issued(self):
        draft = make_invoice(issued=False)
        invoicing.remove_line(draft, draft.lines.get(), by=make_user())
        sql = """UPDATE hms_invoice SET year = 2031, serial = 1, number = '2031-000001', issued_on = now()
                 WHERE id = %s"""
        assert refused(sql, [draft.pk], by="invoice_has_lines")


class TestCreditNotes:
    NOTE = """WITH note AS (INSERT INTO hms_creditnote (invoice_id, number, year, serial, amount, tax_amount,
                total_amount, reason, issued_on, issued_by_id)
                VALUES (%s, 'C2031-000001', 2031, 1, %s, %s, %s, 'why', now(), %s) RETURNING id)
              INSERT INTO hms_creditnoteline (credit_note_id, line_id, net) SELECT id, %s, %s FROM note"""

    def note(self, invoice, amount, tax, net, line=None):
        line = line or invoice.lines.get()
        return self.NOTE, [invoice.pk, amount, tax, amount + tax, make_user().pk, line.pk, net]

    def test_it_is_the_sum_of_its_lines(self):
        assert refused(*self.note(make_invoice(), 10, 0, 9), by="credit_is_sum_of_lines")

    def test_no_more_than_there_is(self):
        assert refused(*self.note(make_invoice(), 101, 0, 101), by="credit_at_most_all")

    def test_its_tax_is_what_the_invoice_loses(self):
        assert refused(*self.note(make_invoice(tax_rate=20), 10, 3, 10), by="credit_tax_of_lines")

    def test_lines_of_another_invoice_are_refused(self):
        other = make_invoice().lines.get()
        assert refused(*self.note(make_invoice(), 10, 0, 10, line=other), by="credit_of_own_lines")

    def test_a_draft_is_not_credited(self):
        assert refused(*self.note(make_invoice(issued=False), 10, 0, 10), by="credit_of_issued")

    def test_it_is_final(self):
        note = credit_notes.cancel(make_invoice(), reason="twice", by=make_user())
        for sql in ["UPDATE hms_creditnote SET reason = 'x'", "DELETE FROM hms_creditnote"]:
            assert refused(f"{sql} WHERE id = %s", [note.pk], by="credit_is_final")
        for sql in ["UPDATE hms_creditnoteline SET net = 1", "DELETE FROM hms_creditnoteline"]:
            assert refused(f"{sql} WHERE credit_note_id = %s", [note.pk], by="credit_is_final")


class TestPrices:
    def test_a_code_has_one_price_a_day(self):
        s = make_service()
        sql = """INSERT INTO hms_service (code, name, price, valid_from) VALUES (%s, 'x', 1, current_date)"""
        assert refused(sql, [s.code], by="service_one_price_a_day")

    @pytest.mark.parametrize(
        ("change", "guard"),
        [
            ("price = -1", "service_price_not_negative"),
            ("tax_rate = 101", "service_tax_rate_is_percent"),
            ("valid_until = valid_from - 1", "service_"),
            ("code = ''", "service_has_a_name"),
        ],
    )
    def test_of_a_service(self, change, guard):
        assert refused(f"UPDATE hms_service SET {change} WHERE id = %s", [make_service().pk], by=guard)


def test_the_currency_stays_once_there_is_an_invoice():
    Hospital.objects.current()
    Hospital.objects.update(currency="JPY")
    Hospital.objects.update(currency="GBP")
    forget()
    make_invoice(issued=False)
    assert refused("UPDATE hms_hospital SET currency = 'EUR'", by="currency_stays")


def test_python_and_sql_know_the_same_coins():
    with connection.cursor() as cursor:
        for currency in [*money.DIGITS, "GBP", "EUR", "USD", "XYZ"]:
            cursor.execute("SELECT hms_minor_digits(%s)", [currency])
            assert cursor.fetchone()[0] == money.digits(currency)


def test_the_planner_writes_the_digits_of_a_currency_out():
    """Called, it is most of the time that a report of tax takes."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (VERBOSE) SELECT hms_minor_digits(currency) FROM hms_invoice")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "CASE" in plan
    assert "hms_minor_digits" not in plan
