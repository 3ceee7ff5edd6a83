"""A page that was open while its person signed in again: what it sends is refused once, and nothing is lost."""

import re

import pytest
from django.test import Client

from conftest import sign_in
from hms.models import Patient
from hms.testing import make_user

OURS = {"Origin": "http://testserver"}
PERSON = {
    "last_name": "O'Neil <b>",
    "first_name": "typed given",
    "date_of_birth_day": "1",
    "date_of_birth_month": "2",
    "date_of_birth_year": "1980",
    "gender": "UNKNOWN",
    "desk_note": "typed note",
}


@pytest.fixture
def strict(db):
    """A receptionist whose browser is asked for the token, as outside of tests; with one of before the last sign-in."""
    client = sign_in(Client(enforce_csrf_checks=True), make_user("RECEPTIONIST", first_name="Rita"))
    client.get("/desk/patients/new/")
    return client


def post(client, headers, path="/desk/patients/new/", **fields):
    return client.post(path, PERSON | {"csrfmiddlewaretoken": "s" * 64} | fields, headers=headers)


def sent_by(page):
    """What the form of the page would send."""
    fields = re.findall(r'<textarea name="([^"]*)" hidden>\n([^<]*)</textarea>', page)
    unescaped = {name: value.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">") for name, value in fields}
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page[page.index("<main") :])[1]
    return unescaped | {"csrfmiddlewaretoken": token}


@pytest.mark.parametrize(
    "headers",
    [OURS, {"Sec-Fetch-Site": "same-origin"}, {"Referer": "http://testserver/desk/patients/new/"}],
    ids=["origin", "fetch metadata", "referer"],
)
def test_what_was_typed_is_handed_back_and_sent_again_by_one_button(strict, headers):
    response = post(strict, headers)
    assert response.status_code == 403
    page = response.content.decode()
    assert "You are signed in as <strong><bdi>Rita" in page
    assert 'action="/desk/patients/new/"' in page
    assert sent_by(page).items() >= PERSON.items()
    response = strict.post("/desk/patients/new/", sent_by(page), headers=headers)
    assert response.status_code == 302
    assert Patient.objects.get().user.last_name == PERSON["last_name"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Referer": "http://testserver/"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Referer": "https://evil.example/http://testserver/"},
    ],
)
def test_what_another_site_sends_is_only_refused(strict, headers):
    response = post(strict, headers)
    assert response.status_code == 403
    assert PERSON["desk_note"] not in response.content.decode()
    assert "open for too long" in response.content.decode()


@pytest.mark.parametrize("path", ["/accounts/login/", "/desk/patients/new/"])
def test_a_password_is_never_handed_back(strict, path):
    page = post(strict, OURS, path, password="secret-pass-word").content.decode()
    assert "secret-pass-word" not in page
    assert "textarea" not in page
    assert f'href="{path}"' in page


def test_to_htmx_it_is_said_beside_the_untouched_form(strict):
    response = post(strict, OURS | {"HX-Request": "true"})
    assert response.status_code == 403
    assert response.headers["X-Stale-Token"] == "1"
    page = response.content.decode()
    assert page.startswith("<hx-partial")
    assert "toast-error" in page
    assert "still here" in page
    assert "X-Stale-Token" not in post(strict, {"HX-Request": "true"}).headers


class TestTheSessionEnded:
    """A form that is sent after the end of its session, by a browser without scripts."""

    @pytest.fixture
    def ended(self, db):
        self.rita = make_user("RECEPTIONIST", first_name="Rita")
        client = sign_in(Client(enforce_csrf_checks=True), self.rita)
        self.token = token(client.get("/desk/patients/new/"))
        self.age(client)
        return client

    def age(self, client):
        session = client.session
        session["seen_at"] = 0
        session.save()

    def test_what_was_typed_is_sent_again_after_signing_in(self, ended):
        response = post(ended, OURS, csrfmiddlewaretoken=self.token)
        assert response.status_code == 401
        assert response.headers["Cache-Control"] == "no-store"
        page = response.content.decode()
        assert 'href="/accounts/login/"' in page
        assert "typed note" not in re.sub(r"<textarea.*?</textarea>", "", page, flags=re.DOTALL)
        assert not Patient.objects.exists()
        sign_in(ended, self.rita)  # on another page; that changes the token
        page = ended.post("/desk/patients/new/", sent_by(page) | {"csrfmiddlewaretoken": "s" * 64}, headers=OURS)
        assert "You are signed in as <strong><bdi>Rita" in page.content.decode()
        response = ended.post("/desk/patients/new/", sent_by(page.content.decode()), headers=OURS)
        assert response.status_code == 302
        assert Patient.objects.get().desk_note == "typed note"

    def test_still_signed_out_it_comes_back_once_more(self, ended):
        page = post(ended, OURS, csrfmiddlewaretoken=self.token).content.decode()
        response = ended.post("/desk/patients/new/", sent_by(page), headers=OURS)
        assert response.status_code == 401
        assert sent_by(response.content.decode()).items() >= PERSON.items()

    def test_somebody_else_who_signs_in_does_not_get_it(self, ended):
        page = post(ended, OURS, csrfmiddlewaretoken=self.token).content.decode()
        sign_in(ended, make_user("RECEPTIONIST", first_name="Remo"))
        again = ended.post("/desk/patients/new/", sent_by(page) | {"csrfmiddlewaretoken": "s" * 64}, headers=OURS)
        assert again.status_code == 403
        assert "somebody else’s" in again.content.decode()
        assert "typed note" not in again.content.decode()
        assert not Patient.objects.exists()

    @pytest.mark.parametrize("fields", [{}, {"password": "secret-pass-word"}])
    def test_a_button_alone_leads_to_the_sign_in_and_a_password_is_not_kept(self, ended, fields):
        data = {"csrfmiddlewaretoken": self.token} | fields
        response = ended.post("/desk/patients/new/", data, headers=OURS)
        if not fields:
            assert response.headers["Location"].startswith("/accounts/login/")
        else:
            assert "secret-pass-word" not in response.content.decode()

    def test_what_another_site_sends_is_not_shown(self, ended):
        response = post(ended, {"Sec-Fetch-Site": "cross-site"}, csrfmiddlewaretoken=self.token)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/login/")


def token(response):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', response.content.decode())[1]
