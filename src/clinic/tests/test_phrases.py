"""Phrases: kept, shared, changed and deleted by whose they are; written into a note of one visit."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from hms.domain import phrases
from hms.errors import DomainError
from hms.models import Phrase
from hms.testing import make_doctor

pytestmark = pytest.mark.django_db
URL = "/clinic/phrases/"
HTMX = {"HX-Request": "true"}


def text(response):
    return response.content.decode()


def make(word, doctor=None, **fields):
    return Phrase.objects.create(word=word, doctor=doctor, **{"text": "x", "shared": doctor is None} | fields)


def texts(client, visit):
    return client.get(f"/clinic/appointments/{visit.pk}/phrases/").json()


def test_my_own_and_the_shared_ones_are_filled_for_the_visit(doctor, visit):
    fields = {"word": ".Cold", "text": "{{ name }}, {{age}}, {{ he_she }} has a cold since ***. <b>"}
    assert doctor.post(URL, fields).status_code == 302
    make("other", make_doctor())
    make("theirs", make_doctor(), shared=True)
    make("cold")
    make("all")
    found = texts(doctor, visit)
    assert found["cold"].startswith(f"{visit.patient.user}, 4")
    assert found["cold"].endswith(" has a cold since ***. <b>")
    assert "{{" not in found["cold"]
    assert set(found) == {"cold", "all", "theirs"}


def test_they_are_listed_for_the_keyboard(doctor, visit):
    make("cold", doctor.user.doctor, text='<script>alert("x")</script> since ***')
    make("knee")
    url = f"/clinic/appointments/{visit.pk}/phrases/"
    assert text(doctor.get(url, headers=HTMX)).count("data-phrase=") == 2
    page = text(doctor.get(url, {"q": ".cold"}, headers=HTMX))
    assert page.count("data-phrase=") == 1
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "No phrase fits" in text(doctor.get(url, {"q": "zzqq"}, headers=HTMX))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"word": "taken"}, "You have a phrase with this word already"),
        ({"word": "TAKEN"}, "You have a phrase with this word already"),
        ({"word": "common", "shared": "on"}, "There is a phrase for all doctors with this word already"),
        ({"word": "two words"}, "One word of letters"),
        ({"word": "."}, "One word of letters"),
        ({"word": "<b>"}, "One word of letters"),
        ({"word": ""}, "required"),
        ({"text": ""}, "required"),
        ({"text": "Has {{ nonsense }}"}, "There is no {{ nonsense }}. There are: age,"),
        ({"text": "{{ name.first }}"}, "There is no {{ name.first }}"),
        ({"text": "a" * 10_000}, "at most 4000 characters"),
        ({"text": "a\x00b"}, "a control character (U+0000)"),
    ],
)
def test_what_cannot_be_kept_is_said_and_still_there(doctor, fields, words):
    make("taken", doctor.user.doctor)
    make("common")
    response = doctor.post(URL, {"word": "new", "text": "The text typed"} | fields)
    assert response.status_code == 422
    assert words in text(response)
    if fields.get("text") != "":
        assert fields.get("text", "The text typed").replace("\x00", "") in text(response).replace("\x00", "")
    assert Phrase.objects.count() == 2


def test_html_is_shown_as_it_is_written(doctor):
    doctor.post(URL, {"word": "html", "text": "<img src=x onerror=alert(1)> & {{ age }}"})
    page = text(doctor.get(URL))
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; {{ age }}" in page


def test_one_is_changed_and_shared(doctor):
    phrase = make("cold", doctor.user.doctor)
    edit = f"{URL}{phrase.pk}/edit/"
    assert 'value="cold"' in text(doctor.get(edit))
    assert doctor.post(edit, {"word": "flu", "text": "Y", "shared": "on"}).status_code == 302
    phrase.refresh_from_db()
    assert (phrase.word, phrase.text, phrase.shared, phrase.doctor) == ("flu", "Y", True, doctor.user.doctor)
    assert doctor.post(edit, {"word": "flu", "text": "{{ x }}"}).status_code == 422
    assert doctor.post(edit, {"word": "flu", "text": "Y"}).status_code == 302
    phrase.refresh_from_db()
    assert not phrase.shared


def test_what_is_not_mine_is_not_there(doctor):
    for phrase in (make("all"), make("theirs", make_doctor()), make("given", make_doctor(), shared=True)):
        for path in ("edit/", "delete/"):
            assert doctor.post(f"{URL}{phrase.pk}/{path}", {"word": "x", "text": "y"}).status_code == 404
        assert doctor.get(f"{URL}{phrase.pk}/edit/").status_code == 404
        phrase.refresh_from_db()
        assert phrase.text == "x"
        with pytest.raises(DomainError, match="Only whose phrase"):
            phrases.keep(phrase, word="x", text="y", shared=False, by=doctor.user)
        with pytest.raises(DomainError, match="Only whose phrase"):
            phrases.forget(phrase, by=doctor.user)


def test_my_own_is_deleted_by_post(doctor):
    own = make("own", doctor.user.doctor)
    assert doctor.get(f"{URL}{own.pk}/delete/").status_code == 405
    assert doctor.post(f"{URL}{own.pk}/delete/").status_code == 302
    assert not Phrase.objects.exists()


@pytest.mark.parametrize("role", ["admin", "reception", "patient"])
def test_only_doctors_have_phrases(role, request):
    own = make("own", make_doctor())
    client = request.getfixturevalue(role)
    for path in ("", f"{own.pk}/edit/", f"{own.pk}/delete/"):
        assert client.post(URL + path).status_code == 403


def test_the_list_asks_the_same_for_one_and_for_many(doctor):
    doctor.get(URL)  # what is remembered between requests
    counts = []
    for rows in (range(1), range(1, 3)):
        for n in rows:
            make(f"own{n}", doctor.user.doctor)
            make(f"theirs{n}", make_doctor(), shared=True)
        with CaptureQueriesContext(connection) as queries:
            doctor.get(URL)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_database_keeps_one_shared_phrase_for_a_word():
    make("all", make_doctor(), shared=True)
    with pytest.raises(DatabaseError, match="phrase_shared_once"), transaction.atomic():
        make("all")
    with pytest.raises(DatabaseError, match="phrase_hospitals_shared"), transaction.atomic():
        make("none", shared=False)
