"""The list of drugs: an administrator's file is previewed, judged row by row, and only then written."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from hms import drug_import
from hms.domain import prescriptions
from hms.errors import DomainError
from hms.models import Drug
from hms.testing import make_user

pytestmark = pytest.mark.usefixtures("codes")
URL = "/desk/drugs/"
HEAD = "name,classes,forms,strengths\n"
NEW = HEAD + 'Novamed,"new class, antibacterials",tablet,"5 mg, 10 mg"\namoxicillin,penicillins,tablet,1 g\n'


def send(client, content):
    content = content.encode() if isinstance(content, str) else content
    return client.post(URL, {"file": SimpleUploadedFile("drugs.csv", content)})


def text(response):
    return response.content.decode()


def test_nothing_is_written_before_the_second_button(admin):
    before = Drug.objects.count()
    page = send(admin, NEW)
    assert page.status_code == 200
    assert "1 new, 1 changed, 0 as they are" in text(page)
    assert not Drug.objects.filter(name="Novamed").exists()
    assert admin.post(URL, {"content": page.context["content"]}).status_code == 302
    made = Drug.objects.get(name="Novamed")
    assert (made.classes, made.strengths) == (["new class", "antibacterials"], ["5 mg", "10 mg"])
    assert Drug.objects.get(name="amoxicillin").strengths == ["1 g"]
    assert Drug.objects.count() == before + 1
    assert "0 new, 0 changed, 2 as they are" in text(send(admin, NEW))
    assert f"Doctors choose from {before + 1} drugs" in text(admin.get(URL))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",a,b,c", "A drug needs a name"),
        ("X,a,b,c,d", "more cells than columns"),
        ("y" * 130 + ",a,b,c", "has more than 120 characters"),
        ("X," + "y" * 70 + ",b,c", "has more than 60 characters"),
        ("X,a,b," + "y" * 50, "has more than 40 characters"),
        ("GOOD,a,b,c", "The same drug stands in line 2"),
        ("=HYPERLINK(1),a,b,c", "looks like a formula"),
        ("X,@SUM(1),b,c", "looks like a formula"),
        ("X\u202e,a,b,c", "right-to-left override"),
        ("X\x07,a,b,c", "control character"),
    ],
)
def test_each_wrong_row_says_why_and_holds_up_the_others(admin, row, words):
    page = send(admin, f"{HEAD}Good,a,b,c\n{row}\n")
    assert page.status_code == 422
    assert words in text(page)
    assert "1 row is wrong; nothing is imported" in text(page)
    assert 'name="content"' not in text(page)
    assert not Drug.objects.filter(name="Good").exists()
    with pytest.raises(DomainError, match="Correct the rows"):
        drug_import.write(drug_import.read(f"{HEAD}Good,a,b,c\n{row}\n".encode()), by=admin.user)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n", "these are missing: name, classes, forms, strengths"),
        ("", "empty"),
        (b"\x00\x01", "not a text file"),
        (b"PK\x03\x04" + bytes(range(256)), "not a text file"),
        (HEAD + "X" + "y" * 140_000 + ",a,b,c\n", "cannot be read as CSV"),
        (HEAD + '"X,a,b,c\n', "cannot be read as CSV"),
        (HEAD + "x,a,b,c\n" * 5001, "At most 5000 rows"),
        ("x" * 1_000_001, "larger than 1000 kB"),
    ],
)
def test_what_is_no_list_of_drugs_is_answered_in_words(admin, content, words):
    page = send(admin, content)
    assert page.status_code == 422
    assert words in text(page)


def test_html_in_a_cell_is_text(admin):
    page = text(send(admin, HEAD + "<script>alert(1)</script>,a,b,c\n"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_what_was_not_previewed_is_not_written(admin):
    forged = admin.post(URL, {"content": "forged"})
    assert forged.status_code == 422
    assert "Choose the file again" in text(forged)
    # What was previewed as a list of prices is no list of drugs.
    file = SimpleUploadedFile("p.csv", b"code,name,price\nX1,Visit,10\n")
    prices = admin.post("/billing/prices/import/", {"file": file}).context["content"]
    assert admin.post(URL, {"content": prices}).status_code == 422


def test_the_export_is_what_an_import_reads(admin):
    file = admin.get("/desk/drugs/export/").content
    rows = drug_import.read(file)
    assert {row.what for row in rows} == {"same"}
    assert len(rows) == Drug.objects.count() > 290


def test_an_import_asks_little_however_long(django_assert_max_num_queries):
    by = make_user("ADMIN")
    rows = [{"name": f"Drug {n}", "classes": [], "forms": [], "strengths": []} for n in range(300)]
    with django_assert_max_num_queries(8):
        assert prescriptions.import_drugs(rows, by=by) == (300, 0)
    with django_assert_max_num_queries(10):
        assert prescriptions.import_drugs([row | {"forms": ["tablet"]} for row in rows], by=by) == (0, 300)


@pytest.mark.parametrize("role", ["reception", "doctor", "patient"])
def test_only_administrators_keep_the_list(role, request):
    client = request.getfixturevalue(role)
    assert client.get(URL).status_code == 403
    assert send(client, NEW).status_code == 403
    assert client.get("/desk/drugs/export/").status_code == 403
    assert not Drug.objects.filter(name="Novamed").exists()
