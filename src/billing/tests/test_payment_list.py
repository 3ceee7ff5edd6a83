"""The list of payments."""

import csv
import html
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms.domain import payments, shifts
from hms.domain.payments import Part
from hms.domain.settings import hospital
from hms.models import AccessLog, Payment
from hms.testing import for_many_tests, make_invoice, make_patient, make_user

URL = "/billing/payments/"


def text(response):
    return response.content.decode()


def numbers(response):
    """The receipts in the list, in order."""
    return re.findall(r'<th scope="row"[^>]*><a href="/billing/payments/\d+/">([^<]+)</a>', text(response))


def pay(invoice, clerk, amount, method="CARD"):
    part = Part(method, Decimal(amount))
    key = f"k{Payment.objects.count()}"
    return payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key=key, keep_rest=True)[
        0
    ]


def two_clerks():
    found = [make_user(last_name=name) for name in ("Abel", "Baker")]
    for clerk in found:
        shifts.open_(by=clerk, opening_float=Decimal(500))
    return found


@pytest.fixture
def clerks(db):
    return two_clerks()


# --- of a hospital that has nothing yet


def test_it_asks_the_same_at_one_row_and_at_three(reception, clerks):
    def count():
        reception.get(URL)
        with CaptureQueriesContext(connection) as queries:
            reception.get(URL)
        return len(queries)

    pay(make_invoice(), clerks[0], 10)
    one = count()
    pay(make_invoice(), clerks[1], 10)
    pay(make_invoice(), clerks[1], 20)
    assert count() == one
    assert one <= 9


def test_it_says_when_there_is_none(reception, db):
    assert "No payment has been taken yet" in text(reception.get(URL))
    assert "No payment matches" in text(reception.get(f"{URL}?method=CARD"))


def test_files_quote_formulas(reception, clerks):
    patient = make_patient(last_name="=HYPERLINK(1)", first_name="")
    first = pay(make_invoice(patient=patient), clerks[0], 10)
    payments.reverse(first, by=clerks[0], key="v", reason='=cmd|" /C calc"!A0')
    page = reception.get(f"{URL}export/csv/").getvalue().decode("utf-8-sig")
    for row in csv.DictReader(io.StringIO(page)):
        assert row["Patient"].startswith("'=")
        assert row["Reason"] in {"", '\'=cmd|" /C calc"!A0'}
    response = reception.get(f"{URL}export/xlsx/")
    assert response.content[:2] == b"PK"
    assert b"<f>" not in response.content


# --- of the rows that the rest of the file shares


@pytest.fixture(scope="module")
def five(django_db_setup, django_db_blocker):
    """Cash, card and transfer of two clerks and two patients; some given back; one reversed."""
    with for_many_tests(django_db_blocker):
        abel, baker = two_clerks()
        flora, omar = make_patient(last_name="Quetzal"), make_patient(last_name="Haddad")
        rows = {
            "cash": pay(make_invoice(patient=flora, amount=100), abel, 30, "CASH"),
            "card": pay(make_invoice(patient=omar, amount=50), baker, 60),
            "transfer": pay(make_invoice(patient=omar, amount=200), baker, 200, "TRANSFER"),
        }
        rows["refund"] = payments.refund(rows["card"], amount=Decimal(10), by=baker, key="r", reason="Paid too much")
        rows["reversal"] = payments.reverse(rows["cash"], by=abel, key="v", reason="Wrong patient")
        yield rows


NEWEST = ["reversal", "refund", "transfer", "card", "cash"]


def test_the_newest_is_first(reception, five):
    assert numbers(reception.get(URL)) == [five[name].number for name in NEWEST]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("method=CARD", "refund card"),
        ("method=CASH", "reversal cash"),
        ("kind=REFUND", "refund"),
        ("kind=REVERSAL", "reversal"),
        ("method=CARD&kind=PAYMENT", "card"),
        ("amount_from=60", "transfer card"),
        ("amount_to=10", "refund"),
        ("amount_from=10&amount_to=30", "reversal refund cash"),
        ("q=quetzal", "reversal cash"),
        ("q=too+much", "refund"),
        ("q=nobody-is-called-so", ""),
    ],
)
def test_filters(reception, five, query, found):
    assert numbers(reception.get(f"{URL}?{query}")) == [five[name].number for name in found.split()]


def test_filters_by_clerk_drawer_patient_receipt_and_invoice(reception, five):
    card = five["card"]
    for query in (f"clerk={card.shift.clerk_id}", f"shift={card.shift_id}", f"patient={card.patient_id}"):
        assert numbers(reception.get(f"{URL}?{query}")) == [five[n].number for n in ("refund", "transfer", "card")]
    assert "Baker" in text(reception.get(f"{URL}?shift={card.shift_id}"))
    assert numbers(reception.get(URL, {"q": card.number})) == [card.number]
    assert numbers(reception.get(URL, {"q": card.number.lower()})) == [card.number]
    assert numbers(reception.get(URL, {"q": card.allocations.first().invoice.number})) == [card.number]


def test_filters_by_days_of_the_hospital(reception, five):
    today = hospital().today()
    assert len(numbers(reception.get(f"{URL}?first={today}&last={today}"))) == 5
    assert numbers(reception.get(f"{URL}?last={today - timedelta(days=1)}")) == []
    assert numbers(reception.get(f"{URL}?first={today + timedelta(days=1)}")) == []


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("receipt", "cash card transfer refund reversal"),
        ("-receipt", "reversal refund transfer card cash"),
        ("value", "reversal refund cash card transfer"),
        ("-value", "transfer card cash refund reversal"),
        ("received", "cash card transfer refund reversal"),
    ],
)
def test_sorts(reception, five, sort, order):
    assert numbers(reception.get(URL, {"sort": sort})) == [five[name].number for name in order.split()]


@pytest.mark.parametrize(
    "query",
    [
        "sort=password", "sort=-", "sort=value;drop", "sort=patient", "sort=--value", "sort=%00", "page=0", "page=-1",
        "page=99999", "page=x", "method=CHEQUE", "kind=x", "clerk=x", "clerk=99999999999999999999", "shift=-1",
        "shift=999999", "patient=x", "first=31+Feb", "last=x", "amount_from=1e5", "amount_to=-1", "q=%00", "q=R2026-",
        "first=0001-01-01", "last=9999-12-31",
    ],
)  # fmt: skip
def test_odd_addresses_break_nothing(reception, five, query):
    for path in (URL, f"{URL}totals/", f"{URL}export/csv/"):
        assert reception.get(f"{path}?{query}").status_code in {200, 400}, path


def test_a_wrong_filter_is_said_beside_its_field(reception, five):
    page = html.unescape(text(reception.get(f"{URL}?amount_from=1e5&first=31+Feb+2026")))
    assert "“1e5” is not an amount" in page
    assert "There is no 31 Feb 2026." in page
    assert 'value="1e5"' in page


def test_totals_are_of_what_is_filtered(reception, five):
    page = text(reception.get(f"{URL}totals/"))
    for words in ("5 rows", "in <strong>£290.00", "out <strong>−£40.00", "together <strong>£250.00", "Card £50.00"):
        assert words in page
    page = text(reception.get(f"{URL}totals/?method=CARD"))
    assert "2 rows" in page
    assert "together <strong>£50.00" in page
    assert "together <strong>£50.00" in text(reception.get(f"{URL}?method=CARD&totals=1"))  # without scripts


def test_the_address_is_what_is_shown(reception, five):
    page = text(reception.get(f"{URL}?method=CARD&kind=&sort=value"))
    assert "export/csv/?method=CARD&amp;sort=value" in page
    assert 'name="sort" value="value" form="payments-filter"' in page
    response = reception.get(
        f"{URL}?method=CARD&kind=", headers={"HX-Request": "true", "HX-Source": "form#payments-filter"}
    )
    assert response["HX-Replace-Url"] == f"{URL}?method=CARD"


class TestFiles:
    def test_the_file_holds_what_the_list_shows(self, reception, five):
        for query in ("method=CARD", "sort=value", "q=quetzal", ""):
            response = reception.get(f"{URL}export/csv/?{query}")
            rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
            assert [row["Receipt"] for row in rows] == numbers(reception.get(f"{URL}?{query}"))
        total = sum(Decimal(row["Value"]) for row in rows)
        assert total == Decimal(250)
        assert rows[1]["Value"] == "-10.00"  # a number, not a formula

    def test_no_other_kind(self, reception, db):
        assert reception.get(f"{URL}export/exe/").status_code == 404


def test_looking_is_logged_once_and_not_again_by_itself(reception, five):
    reception.get(URL)
    reception.get(URL, headers={"X-Background": "1", "HX-Request": "true"})
    assert AccessLog.objects.filter(user=reception.user, detail__contains="payments").count() == 1


def test_nobody_else_enters(doctor, patient, signed_out, five):
    for client, status in ((doctor, 403), (patient, 403), (signed_out, 302)):
        for path in ("", "totals/", "export/csv/"):
            response = client.get(URL + path)
            assert response.status_code == status
            assert five["card"].number not in text(response)
