"""The price list and its import."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms import price_import
from hms.domain import invoicing, prices
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import FollowUpRule, Service
from hms.testing import local, make_department, make_doctor, make_invoice, make_it_midday, make_service

GOOD = "code,name,department,price,tax_rate,valid_from,valid_until\nXR-CHEST,X-ray,Radiology,45.00,20,1 Jan 2026,\n"


def text(response):
    return response.content.decode()


def upload(client, content):
    file = SimpleUploadedFile("prices.csv", content if isinstance(content, bytes) else content.encode())
    return client.post("/billing/prices/import/", {"file": file})


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def test_the_list_shows_what_is_in_force(reception):
    make_service(code="XR", name="X-ray", price=40)
    make_service(code="OLD", valid_until=local(-1).date())
    make_service(code="COMING", valid_from=local(5).date())
    page = text(reception.get("/billing/prices/"))
    assert "X-ray" in page
    assert "£40.00" in page
    assert ">OLD<" not in page
    assert "Prices to come" in page
    assert "Nothing on the price list matches" in text(reception.get("/billing/prices/?q=zzz"))


def test_a_service_is_added_and_gets_a_new_price(reception):
    data = {"code": "xr", "name": "X-ray", "price": "40", "tax_rate": "20", "valid_from": local(-10).date()}
    reception.post("/billing/prices/new/", data)
    service = Service.objects.get(code="XR")
    data |= {"code": "FORGED", "price": "45", "valid_from": local(1).date()}
    reception.post(f"/billing/prices/{service.pk}/", data)
    assert list(Service.objects.filter(code="XR").order_by("valid_from").values_list("price", flat=True)) == [40, 45]
    assert not Service.objects.filter(code="FORGED").exists()
    page = text(reception.get(f"/billing/prices/{service.pk}/"))
    assert "£40.00" in page
    assert "£45.00" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("code", "two words", "Capital letters"),
        ("price", "-1", "below zero"),
        ("price", "1.005", "2 decimals"),
        ("price", "1e5", "not an amount"),
        ("tax_rate", "101", "from 0 to 100"),
        ("valid_from", "31 Feb 2026", "There is no"),
        ("valid_until", "1 Jan 2020", "must not come before"),
        ("name", "", "required"),
    ],
)
def test_bad_input_is_explained_and_kept(reception, field, value, words):
    data = {"code": "XR", "name": "X-ray", "price": "40", "tax_rate": "0", "valid_from": local(0).date()} | {
        field: value
    }
    response = reception.post("/billing/prices/new/", data)
    assert response.status_code == 422
    assert words in text(response)
    if value:
        assert f'value="{value}"' in text(response)
    assert not Service.objects.exists()


def test_a_service_ends(reception):
    service = make_service()
    reception.post(f"/billing/prices/{service.pk}/end/", {"last_day": local(0).date()})
    service.refresh_from_db()
    assert service.valid_until == local(0).date()
    assert "before this price began" in text(
        reception.post(f"/billing/prices/{service.pk}/end/", {"last_day": "1 Jan 2001"}, follow=True)
    )


def test_follow_up_rules(reception):
    doctor = make_doctor()
    reception.post("/billing/prices/follow-up/", {"doctor": doctor.pk, "days": 14, "percent": "0"})
    rule = FollowUpRule.objects.get()
    assert (rule.doctor, rule.days, rule.percent) == (doctor, 14, 0)
    data = {"doctor": doctor.pk, "department": doctor.department_id, "days": 0, "percent": "101"}
    response = reception.post("/billing/prices/follow-up/", data)
    assert response.status_code == 422
    reception.post(f"/billing/prices/follow-up/{rule.pk}/end/")
    assert not FollowUpRule.objects.exists()


class TestImport:
    @pytest.fixture(autouse=True)
    def _radiology(self, _midday):
        make_department(name="Radiology")

    def test_nothing_is_written_before_the_preview_is_accepted(self, reception):
        response = upload(reception, GOOD)
        assert "1 new, 0 changed" in text(response)
        assert not Service.objects.exists()
        reception.post("/billing/prices/import/", {"content": response.context["content"]})
        service = Service.objects.get()
        assert (service.code, service.price, service.tax_rate, service.department.name) == (
            "XR-CHEST",
            Decimal(45),
            Decimal(20),
            "Radiology",
        )

    def test_each_wrong_row_is_told(self, reception):
        bad = (
            "code;name;department;price;tax_rate;valid_from\n"
            "A;Fine;;10,50;;\n"
            "B;;;10;;\n"
            "C;x;Nowhere;10;;\n"
            "D;x;;-1;;\n"
            "E;x;;1e5;;\n"
            "F;x;;10.005;;\n"
            "G;x;;10;200;\n"
            "H;x;;10;;31 Feb 2026\n"
            "A;again;;1;;\n"
            "two words;x;;1;;\n"
        )
        response = upload(reception, bad)
        assert response.status_code == 422
        assert "9 rows are wrong" in text(response)
        for words in ("no “Nowhere”", "below zero", "not an amount", "2 decimals", "from 0 to 100", "There is no"):
            assert words in text(response)
        assert "stand in line 2" in text(response)
        assert "content" not in response.context

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            ("a,b\n1,2\n", "these are missing"),
            (b"\x00\x01\x02", "not a text file"),
            (b"x" * 1_000_002, "larger than"),
            ('code,name,price\n"A,x,1\n', "cannot be read"),
            ("code,name,price\n" + "A,x,1\n" * 5001, "At most 5000"),
        ],
    )
    def test_what_is_no_table(self, reception, content, words):
        response = upload(reception, content)
        assert response.status_code == 422
        assert words in text(response)

    def test_a_forged_preview_is_refused(self, reception):
        response = reception.post("/billing/prices/import/", {"content": "forged"})
        assert response.status_code == 422
        assert not Service.objects.exists()

    def test_what_was_exported_comes_back_unchanged(self, reception):
        make_service(code="XR", price="45.50")
        exported = reception.get("/billing/prices/export/").content
        assert "0 new, 0 changed, 1 as they are" in text(upload(reception, exported))


def test_a_large_file_is_written_in_few_statements(reception):
    def queries(n):
        lines = "".join(f"N{n}-{i},Service {i},{i}.50\n" for i in range(n))
        rows = price_import.read(f"code,name,price\n{lines}".encode())
        with CaptureQueriesContext(connection) as asked:
            assert price_import.write(rows, by=reception.user) == n
        return len(asked)

    assert queries(300) == queries(3)
    assert prices.find("N300-299", hospital().today()).price == Decimal("299.50")


def test_several_days_of_a_code_in_one_file_follow_one_another(reception):
    today = hospital().today()
    make_service(code="A-1", price=5)
    days = [today + timedelta(days=n) for n in (20, 10)]
    lines = "".join(f"A-1,Thing,{n},{day}\n" for n, day in enumerate(days, 1))
    price_import.write(price_import.read(f"code,name,price,valid_from\n{lines}".encode()), by=reception.user)
    rows = Service.objects.filter(code="A-1").order_by("valid_from").values_list("price", "valid_until")
    assert list(rows) == [(5, days[1] - timedelta(days=1)), (2, days[0] - timedelta(days=1)), (1, None)]


def test_a_refused_row_of_a_file_is_named_and_nothing_is_written(reception):
    service = make_service(code="A-1", price=5)
    draft = make_invoice(issued=False)
    invoicing.add_service(draft, service, by=reception.user)
    file = f"code,name,price,valid_from\nB-1,New,1,\nA-1,Thing,7,{service.valid_from}\n"
    with pytest.raises(DomainError, match="Line 3: Invoices use the price"):
        price_import.write(price_import.read(file.encode()), by=reception.user)
    assert not Service.objects.filter(code="B-1").exists()


def test_each_empty_field_says_what_is_to_be_written(reception):
    page = text(reception.post("/billing/prices/new/", {"code": ""}))
    for words in ("Write the code.", "Write the name.", "Write the price.", "Write the day from which it is valid."):
        assert words in page
    page = text(reception.post("/billing/prices/follow-up/", {"days": "0", "percent": ""}))
    assert "Write a number of days from 1 to 365." in page
    assert "Write how many percent of the fee are charged." in page
    assert "This field is required" not in page


def test_a_file_says_once_what_is_wrong_with_a_cell(reception):
    page = text(upload(reception, f"code,name,price\n{'X' * 21},Long,1\nNEW-1,No price,\n"))
    assert page.count("at most 20") == 1
    assert "price: Write the price." in page
    assert "never closed" in text(upload(reception, 'code,name,price\nA,"open,1\n'))
