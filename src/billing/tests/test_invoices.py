"""The list of issued invoices."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import exports
from hms.csv_files import safe
from hms.domain import credit_notes, payments, reports, shifts
from hms.models import AccessLog, Invoice, OutboxMail
from hms.testing import (
    for_many_tests,
    local,
    make_appointment,
    make_doctor,
    make_invoice,
    make_patient,
    make_user,
    run_jobs,
)

URL = "/billing/"


def text(response):
    return response.content.decode()


def numbers(response):
    """The numbers in the list, in order."""
    return re.findall(r'<th scope="row"[^>]*><a href="/billing/invoices/\d+/">([^<]+)</a>', text(response))


@pytest.fixture(scope="module")
def four(django_db_setup, django_db_blocker):
    """One of each state, issued in this order."""
    with for_many_tests(django_db_blocker):
        today = local(0).date()
        doctor = make_doctor()
        yield {
            "pending": make_invoice(amount=10, appointment=make_appointment(doctor=doctor, status="COMPLETED")),
            "overdue": make_invoice(amount=20, due_date=today - timedelta(days=1)),
            "paid": make_invoice(amount=30, status="PAID"),
            "cancelled": credit_notes.cancel(make_invoice(amount=40), reason="x", by=make_user()).invoice,
        }


def test_the_newest_is_first_and_drafts_are_not_among_them(reception, four):
    make_invoice(issued=False)
    assert numbers(reception.get(URL)) == [i.number for i in reversed(four.values())]


def test_a_row_says_whose_and_how_much(reception, four):
    page = text(reception.get(URL))
    invoice = four["pending"]
    assert invoice.patient.user.formal_name in page
    assert "£10.00" in page
    assert "−£40.00" in page
    for word in ("Pending", "Overdue", "Paid", "Cancelled"):
        assert word in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=overdue", ["overdue"]),
        ("status=pending", ["pending"]),
        ("status=owed", ["overdue", "pending"]),
        ("status=paid", ["paid"]),
        ("status=cancelled", ["cancelled"]),
        ("amount_from=20&amount_to=30", ["paid", "overdue"]),
        ("amount_from=30.01", ["cancelled"]),
    ],
)
def test_filters(reception, four, query, found):
    assert numbers(reception.get(f"{URL}?{query}")) == [four[name].number for name in found]


def test_filters_by_whose_they_are(reception, four):
    invoice = four["pending"]
    for query in (
        f"doctor={invoice.doctor_id}",
        f"department={invoice.department_id}",
        f"patient={invoice.patient_id}",
    ):
        assert numbers(reception.get(f"{URL}?{query}")) == [invoice.number]
    assert numbers(reception.get(f"{URL}?doctor=999999")) == []
    day = local(-1).date()
    assert numbers(reception.get(f"{URL}?due_from={day}&due_to={day}")) == [four["overdue"].number]


def test_text_finds_numbers_and_patients(reception, four):
    invoice = make_invoice(patient=make_patient(last_name="Quetzal"))
    for typed in (invoice.number, "quetzal", invoice.patient.record_number):
        assert numbers(reception.get(URL, {"q": typed})) == [invoice.number]
    assert len(numbers(reception.get(URL, {"q": f"{invoice.year}-0000"}))) == 5
    assert "No invoice matches" in text(reception.get(URL, {"q": "nobody-is-called-so"}))


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("number", "pending overdue paid cancelled"),
        ("-total", "cancelled paid overdue pending"),
        ("due", "overdue pending paid cancelled"),
        ("-issued", "cancelled paid overdue pending"),
    ],
)
def test_sorts(reception, four, sort, order):
    assert numbers(reception.get(URL, {"sort": sort})) == [four[name].number for name in order.split()]


@pytest.mark.parametrize(
    "query",
    [
        "sort=password",
        "sort=-",
        "sort=number;drop",
        "page=0",
        "page=-1",
        "page=99999",
        "page=x",
        "status=LOST",
        "amount_from=1e5",
        "amount_from=-1",
        "amount_to=abc",
        "due_from=31 Feb",
        "doctor=x",
        "patient=9" * 30,
    ],
)
def test_odd_addresses_break_nothing(reception, four, query):
    assert reception.get(f"{URL}?{query}").status_code == 200


def test_a_wrong_filter_is_said_beside_its_field(reception, four):
    page = text(reception.get(f"{URL}?amount_from=1e5"))
    assert "is not an amount" in page
    assert 'value="1e5"' in page


def test_totals_are_of_what_is_filtered(reception, four):
    assert "4 invoices" in text(reception.get("/billing/totals/"))
    assert "£100.00" in text(reception.get("/billing/totals/"))
    page = text(reception.get("/billing/totals/?status=owed"))
    assert "£30.00" in page
    assert "£30.00" in text(reception.get("/billing/?status=owed&totals=1"))  # without scripts


def test_what_is_owed_in_all_is_what_ageing_says(reception, four):
    """Less what was paid in part and credited, as everywhere."""
    shifts.open_(by=reception.user, opening_float=Decimal(0))
    first, second = four["pending"], four["overdue"]
    part = payments.Part("CARD", Decimal(3))
    payments.take(patient=first.patient, parts=[part], invoices=[first], by=reception.user, key="k")
    credit_notes.credit(second, amounts={second.lines.get().pk: Decimal(5)}, reason="Late", by=reception.user)
    aged = reports.summary("ageing", reports.as_of(local(0).date()), "patient").totals["total"]
    assert aged == 22
    assert "owed <strong>£22.00</strong>" in text(reception.get("/billing/totals/"))


def test_it_asks_the_same_at_one_row_and_at_three(reception, db):
    def count():
        with CaptureQueriesContext(connection) as queries:
            reception.get(URL)
        return len(queries)

    def another():
        make_invoice(appointment=make_appointment(doctor=make_doctor(), status="COMPLETED"))

    another()
    count()
    one = count()
    another()
    another()
    count()  # what is remembered for seconds is read again after a new doctor
    assert count() == one
    assert one <= 12


def test_looking_is_logged_once_and_not_again_by_itself(reception, four):
    reception.get(URL)
    reception.get(URL, headers={"X-Background": "1", "HX-Request": "true"})
    assert AccessLog.objects.filter(user=reception.user, detail__contains="invoices").count() == 1


class TestExports:
    @pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "|calc", "%x"])
    def test_formulas_are_quoted(self, value):
        assert safe(value) == f"'{value}"

    def test_csv_holds_what_is_filtered(self, reception, four):
        patient = make_patient(last_name='=HYPERLINK("http://evil")', first_name="+Eve")
        invoice = make_invoice(patient=patient, amount=50)
        response = reception.get(f"/billing/export/csv/?patient={patient.pk}")
        assert "attachment" in response["Content-Disposition"]
        head, row = csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig")))
        found = dict(zip(head, row, strict=True))
        assert found["Number"] == invoice.number
        assert found["Patient"].startswith("'=")
        assert found["Total"] == "50.00"

    def test_csv_begins_before_its_rows_are_read(self, reception, four, monkeypatch):
        """Any number of rows, and none of them is cut off."""
        monkeypatch.setattr(exports, "CHUNK", 1)
        response = reception.get("/billing/export/csv/")
        with CaptureQueriesContext(connection) as queries:
            chunks = iter(response.streaming_content)
            assert b"Number" in next(chunks)
            assert len(queries) == 0
            next(chunks)
            assert len(queries) == 1
            rest = list(chunks)
        assert len(rest) == 3
        assert AccessLog.objects.get(user=reception.user, detail__contains="invoices, csv").detail.startswith("4 ")

    def test_xlsx_above_what_a_request_can_wait_for_is_refused_in_words(self, reception, four, monkeypatch):
        monkeypatch.setattr(exports, "MOST_XLSX", 3)
        response = reception.get("/billing/export/xlsx/?amount_from=1", follow=True)
        assert response.redirect_chain == [("/billing/?amount_from=1", 302)]
        assert "These are 4 rows; an Excel file holds at most 3 here" in text(response)
        assert not AccessLog.objects.filter(detail__contains="xlsx").exists()

    def test_files_name_people_as_pages_do(self, reception, four):
        doctor = make_doctor(user=make_user("DOCTOR", last_name="Weiß", first_name="Uwe"))
        visit = make_appointment(doctor=doctor, status="COMPLETED",
                                 patient=make_patient(last_name="Rossi", first_name="Ada"))  # fmt: skip
        invoice = make_invoice(appointment=visit)
        file = reception.get(f"/billing/export/csv/?patient={visit.patient_id}").getvalue().decode()
        for name in ("ROSSI, Ada", "WEISS, Uwe"):
            assert name in text(reception.get(URL, {"q": invoice.number}))
            assert name in file

    def test_xlsx_opens_as_one(self, reception, four):
        response = reception.get("/billing/export/xlsx/")
        assert response.content[:2] == b"PK"
        assert b"<f>" not in response.content

    def test_no_other_kind(self, reception, db):
        assert reception.get("/billing/export/exe/").status_code == 404


class TestReminders:
    def remind(self, client, *invoices, **data):
        return client.post("/billing/remind/", {"invoice": [i.pk for i in invoices], **data}, follow=True)

    def test_each_patient_is_mailed_once_a_day(self, reception, four):
        page = text(self.remind(reception, four["pending"], four["overdue"]))
        assert "1 reminder is on its way" in page
        assert "1 is not overdue yet" in page
        run_jobs()
        mail = OutboxMail.objects.get(kind="invoice.reminded")
        assert bytes(mail.attachments.get().content)[:5] == b"%PDF-"
        assert "reminded today already" in text(self.remind(reception, four["overdue"]))
        run_jobs()
        assert OutboxMail.objects.filter(kind="invoice.reminded").count() == 1

    def test_paid_and_cancelled_ones_are_not_reminded_of(self, reception, four):
        self.remind(reception, four["paid"], four["cancelled"])
        assert not OutboxMail.objects.exists()

    def test_whoever_has_no_address_is_named_and_stops_nobody(self, reception, four):
        nobody = make_patient(email=None, last_name="Unreachable")
        late = make_invoice(patient=nobody, due_date=local(0).date() - timedelta(days=1))
        page = text(self.remind(reception, late, four["overdue"]))
        assert "1 reminder is on its way" in page
        assert "No e-mail address: UNREACHABLE" in page

    def test_it_leads_back_to_the_list_as_it_was_and_nowhere_else(self, reception, four):
        answer = self.remind(reception, four["pending"], back="/billing/?status=owed")
        assert answer.redirect_chain[0][0] == "/billing/?status=owed"
        for back in ("//evil.example/billing/", "https://evil.example/", "/desk/"):
            assert self.remind(reception, four["pending"], back=back).redirect_chain[0][0] == "/billing/"


def test_nobody_else_enters(doctor, patient, signed_out, four):
    for client, status in ((doctor, 403), (patient, 403), (signed_out, 302)):
        response = client.get(URL)
        assert response.status_code == status
        assert four["pending"].number not in text(response)


def test_the_total_is_what_the_rows_say(reception, four):
    assert sum(Invoice.objects.issued().values_list("total_amount", flat=True)) == Decimal(100)
