"""Reports over HTTP: each figure leads to its rows; files; odd addresses."""

import csv
import html
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms.domain import credit_notes, invoicing, payments, shifts
from hms.domain.payments import Part
from hms.domain.report_kinds import REPORTS
from hms.domain.settings import forget
from hms.models import AccessLog, Hospital
from hms.testing import for_many_tests, local, make_appointment, make_doctor, make_invoice, make_patient, make_user

ALL = [(name, by) for name, report in REPORTS.items() for by in report.by]


def text(response):
    return response.content.decode()


def table(response):
    """The rows of a CSV file, as dictionaries."""
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def amount(shown):
    return Decimal(re.sub(r"[^\d.−]", "", re.sub(r"<[^>]+>", "", shown)).replace("−", "-"))


def taken(invoice, clerk, value):
    part = Part("CARD", Decimal(value))
    return payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key=f"t{invoice.pk}")[0]


def one_of_each():
    """An invoice with a discount that was paid, credited in part and given back in part; and one that is owed."""
    clerk = make_user()
    shifts.open_(by=clerk, opening_float=Decimal(50))
    visit = make_appointment(doctor=make_doctor(), status="COMPLETED", start=local(-1))
    draft = make_invoice(appointment=visit, amount=100, tax_rate=20, issued=False)
    line = draft.lines.get()
    invoicing.change_line(draft, line, discount=Decimal(10), discount_reason="Staff", by=clerk)
    invoice = invoicing.issue(draft, by=clerk)
    payment = taken(invoice, clerk, 108)
    credit_notes.credit(invoice, amounts={line.pk: Decimal(20)}, reason="Late", by=clerk)
    payments.refund(payment, amount=Decimal(24), by=clerk, key=f"r{payment.pk}", reason="Came too late")
    make_invoice(amount=40, due_date=local(-45).date(), issued_on=local(-60).date(), patient=invoice.patient)
    return invoice


# --- of a hospital that has nothing yet


def test_files_quote_formulas(reception, db):
    one = make_invoice(patient=make_patient(last_name="=HYPERLINK(1)", first_name=""))
    credit_notes.cancel(one, reason="@SUM(1)", by=make_user())
    make_invoice(patient=one.patient)
    (row,) = table(reception.get("/billing/reports/ageing/?as=csv"))
    assert row["Patient"] == "'=HYPERLINK(1)"
    rows = table(reception.get("/billing/reports/revenue/rows/?as=csv"))
    assert {row["What"] for row in rows} == {"", "'@SUM(1)"}
    assert {row["Patient"] for row in rows} == {"'=HYPERLINK(1)"}
    response = reception.get("/billing/reports/revenue/rows/?as=xlsx")
    assert b"<f>" not in response.content


def test_where_nothing_was_it_says_so(reception, db):
    for name, report in REPORTS.items():
        words = "Nobody owed anything" if report.as_of else "Nothing in these days"
        assert words in text(reception.get(f"/billing/reports/{name}/"))
        assert reception.get(f"/billing/reports/{name}/rows/").status_code == 200
        assert table(reception.get(f"/billing/reports/{name}/?as=csv")) == []


def test_it_asks_the_same_at_one_row_and_at_three(reception, db):
    def count(path):
        reception.get(path)
        with CaptureQueriesContext(connection) as queries:
            reception.get(path)
        return len(queries)

    paths = [f"/billing/reports/{name}/" for name in REPORTS] + [f"/billing/reports/{name}/rows/" for name in REPORTS]
    one_of_each()
    one = [count(path) for path in paths]
    one_of_each()
    one_of_each()
    assert [count(path) for path in paths] == one
    assert max(one) <= 9


def test_a_day_earlier_is_as_it_was_then(reception, db):
    today = local(0).date()
    make_invoice(amount=70, issued_on=today - timedelta(days=9), due_date=today - timedelta(days=3))
    assert "£70.00" in text(reception.get("/billing/reports/ageing/"))
    page = text(reception.get(f"/billing/reports/ageing/rows/?figure=current&day={today - timedelta(days=3)}"))
    assert "£70.00" in page
    page = text(reception.get(f"/billing/reports/ageing/?day={today - timedelta(days=10)}"))
    assert "Nobody owed anything" in page


def test_rounding_is_shown_where_cash_is_rounded(reception, db):
    page = "/billing/reports/takings/"
    assert "Rounding" not in text(reception.get(page))
    assert "Rounding" not in text(reception.get("/billing/payments/"))
    Hospital.objects.update(currency="CHF", cash_rounding=Decimal("0.05"))
    forget()
    shifts.open_(by=reception.user, opening_float=Decimal(50))
    invoice = make_invoice(amount="10.02")
    part = Part("CASH", Decimal(10))
    payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=reception.user, key="k")
    shown = text(reception.get(page))
    assert ">Rounding<" in shown
    (address,) = set(re.findall(r'<a href="([^"]+key=[^"]+figure=rounding[^"]*)">', shown))
    assert "CHF\u00a00.02" in text(reception.get(html.unescape(address)))
    assert "Rounding" in text(reception.get("/billing/payments/"))


def test_names_lie_beside_their_bars_and_days_stand_below(reception, db):
    one_of_each()
    assert "<bar-chart" in text(reception.get("/billing/reports/services/"))
    assert "data-across" in text(reception.get("/billing/reports/services/"))
    assert "data-across" not in text(reception.get("/billing/reports/services/?by=day"))
    assert "data-across" not in text(reception.get("/billing/reports/ageing/"))


# --- of the rows that the rest of the file shares


@pytest.fixture(scope="module")
def history(django_db_setup, django_db_blocker):
    with for_many_tests(django_db_blocker):
        for _ in range(3):
            one_of_each()
        yield


YEAR = "first=2020-01-01&last=2100-01-01"


@pytest.mark.parametrize(("name", "by"), ALL)
def test_behind_each_figure_are_the_rows_that_it_is_the_sum_of(reception, history, name, by):
    page = text(reception.get(f"/billing/reports/{name}/?{YEAR}&by={by}"))
    links = re.findall(rf'<a href="(/billing/reports/{name}/rows/\?[^"]+)">([^<]+)</a>', page)
    figures = [(html.unescape(address), shown) for address, shown in links if "figure=" in address]
    assert len(figures) > len(REPORTS[name].figures)
    for address, shown in figures:
        rows = table(reception.get(f"{address}&as=csv"))
        if not rows:
            assert amount(shown) == 0
            continue
        last = list(rows[0])[-1]
        assert sum(Decimal(row[last]) for row in rows) == amount(shown), address
        behind = text(reception.get(address))
        assert shown in behind[behind.index("<tfoot>") :]
        assert rows[0]["Document"] in behind


@pytest.mark.parametrize(("name", "by"), ALL)
def test_files_hold_what_the_page_shows(reception, history, name, by):
    page = text(reception.get(f"/billing/reports/{name}/?{YEAR}&by={by}"))
    groups = table(reception.get(f"/billing/reports/{name}/?{YEAR}&by={by}&as=csv"))
    assert len(groups) == page.count('<th scope="row" class="nowrap"')
    first = next(iter(REPORTS[name].figures.values()))
    total = sum(Decimal(row[str(first.label)]) for row in groups)
    shown = re.search(r'id="report-figures".*?<td><a [^>]+>([^<]+)', page, re.DOTALL)[1]
    assert total == amount(shown)
    response = reception.get(f"/billing/reports/{name}/?{YEAR}&by={by}&as=xlsx")
    assert response.content[:2] == b"PK"
    assert f'filename="{name}-' in response["Content-Disposition"]


def test_each_page_has_a_chart_and_nothing_inline(reception, history):
    for name in REPORTS:
        response = reception.get(f"/billing/reports/{name}/")
        assert "<bar-chart" in text(response)
        assert "data-y=" in text(response)
        assert " style=" not in text(response)
        assert "unsafe" not in response["Content-Security-Policy"]


def test_days_that_are_none_are_said_and_the_usual_shown(reception, history):
    for query, words in [
        ("first=31/02/2026", "“31/02/2026” is not a day."),
        ("last=0001-01-01", "is not a day"),
        ("first=2026-03-02&last=2026-03-01", "The days end before they begin."),
    ]:
        page = html.unescape(text(reception.get(f"/billing/reports/?{query}")))
        assert words in page
    assert "is not a day" in text(reception.get("/billing/reports/ageing/?day=tomorrow"))


@pytest.mark.parametrize(
    "query",
    [
        "sort=password", "sort=-", "sort=--net", "sort=key", "sort=net;drop", "sort=rows", "sort=%00", "sort=",
        "sort=-net&sort=tax", "page=0", "page=-1", "page=99999", "page=x", "by=password", "by=", "as=", "figure=x",
        "key=1&by=doctor", "key=&by=doctor", "key=%00&by=month", "by=day&key=2026-01-01",
    ],
)  # fmt: skip
def test_odd_addresses_break_nothing(reception, history, query):
    for name in REPORTS:
        for path in (f"{name}/", f"{name}/rows/"):
            assert reception.get(f"/billing/reports/{path}?{query}").status_code in {200, 400, 404}


def test_what_there_is_not_is_not_there(reception, history):
    keys = ["by=doctor&key=x", "by=doctor&key=99999999999999999999", "by=day&key=2026-02-31", "by=patient&key=NaN"]
    for path in ("wages/", "wages/rows/", "revenue/?as=exe", *(f"revenue/rows/?{key}" for key in keys)):
        assert reception.get(f"/billing/reports/{path}").status_code == 404, path


def test_looking_at_patients_is_logged(reception, history):
    reception.get("/billing/reports/ageing/")
    reception.get("/billing/reports/tax/rows/")
    reception.get("/billing/reports/tax/rows/?as=csv")
    details = AccessLog.objects.filter(user=reception.user).values_list("detail", flat=True)
    assert [d.partition("shown, ")[2] for d in details.order_by("pk")] == [
        "report ageing", "rows of tax", "rows of tax, csv"
    ]  # fmt: skip


def test_nobody_else_enters(doctor, patient, signed_out, history):
    for client, status in ((doctor, 403), (patient, 403), (signed_out, 302)):
        for path in ("", "tax/", "refunds/rows/", "ageing/?as=csv"):
            assert client.get(f"/billing/reports/{path}").status_code == status


def test_what_people_typed_is_only_text(reception):
    typed = "<script>alert(1)</script>"
    draft = make_invoice(amount=100, issued=False)
    draft.lines.update(text=typed)
    invoicing.change_line(draft, draft.lines.get(), discount=Decimal(10), discount_reason=typed, by=make_user())
    invoicing.issue(draft, by=make_user())
    for address in ("discounts/?by=reason", "discounts/?by=service", "services/?by=service"):
        page = text(reception.get(f"/billing/reports/{address}"))
        assert typed not in page
        assert html.escape(typed) in page
