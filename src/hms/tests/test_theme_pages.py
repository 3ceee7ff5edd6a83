"""Pages around the audiences: the shell, errors, sign-in and account."""

import re

import pytest
from django.contrib.sessions.models import Session

from hms.testing import PASSWORD, make_user

LOGIN = "/accounts/login/"


@pytest.fixture
def clerk(db):
    user = make_user("RECEPTIONIST", email="clerk@hms.example", first_name="Clara", last_name="Clerk")
    user.set_password(PASSWORD)
    user.save()
    return user


def test_navigation_is_of_the_role_and_marks_the_page(doctor):
    html = doctor.get("/clinic/").content.decode()
    assert '<a href="/clinic/" aria-current="page">' in html
    assert "/billing/" not in html
    assert "/admin/" not in html


def test_administrator_is_led_to_set_up(admin):
    html = admin.get("/billing/").content.decode()
    assert '<a href="/billing/" aria-current="page">' in html
    assert '<a href="/admin/">' in html


def test_page_carries_the_token_for_htmx_and_the_time_left(doctor):
    response = doctor.get("/clinic/")
    html = response.content.decode()
    assert 'hx-headers:inherited=\'{"X-CSRFToken": "' in html
    left = int(html.split('data-left="')[1].split('"')[0])
    assert left > 60


def test_error_is_a_page_and_for_htmx_a_lasting_notice(doctor, htmx):
    page = doctor.get("/nothing/")
    assert page.status_code == 404
    assert "<h1>Nothing here</h1>" in page.content.decode()
    notice = doctor.get("/nothing/", headers=htmx)
    assert notice.status_code == 404
    html = notice.content.decode()
    assert html.startswith('<hx-partial hx-target="#toasts" hx-swap="beforeend">')
    assert "toast-error" in html
    assert "<main" not in html


def test_demo_offers_one_click_sign_ins_that_are_forms(signed_out, settings, db):
    settings.DEMO = True
    html = signed_out.get(LOGIN).content.decode()
    for who in ("admin", "reception", "doctor", "patient"):
        assert f'value="{who}@hms.example"' in html
    assert html.count('<form method="post" action="/accounts/login/">') == 5


def test_outside_the_demo_no_password_is_shown(signed_out, settings, db):
    settings.DEMO = False
    html = signed_out.get(LOGIN).content.decode()
    assert "demo-hospital-2026" not in html
    assert "@hms.example" not in html


def test_signing_in_leads_to_the_page_that_was_asked_for(signed_out, clerk):
    response = signed_out.post(LOGIN, {"login": clerk.email, "password": PASSWORD, "next": "/desk/?date=2026-08-06"})
    assert response.status_code == 302
    assert response.headers["Location"] == "/desk/?date=2026-08-06"
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/accounts/login/", ["E-mail", "Password"]),
        ("/accounts/signup/", ["E-mail", "Password"]),
        ("/accounts/signup/passkey/", ["E-mail"]),
        ("/accounts/password/reset/", ["E-mail"]),
    ],
)
def test_the_way_in_spells_its_fields_as_every_other_page(signed_out, db, path, labels):
    assert re.findall(r'class="field-label"[^>]*>([^<]+)<', signed_out.get(path).content.decode()) == labels


def test_a_new_password_is_asked_for_in_sentence_case(clerk, client):
    client.force_login(clerk, backend="allauth.account.auth_backends.AuthenticationBackend")
    html = client.get("/accounts/password/change/").content.decode()
    labels = re.findall(r'<label class="field-label" for="id_\w+">([^<]+)<', html)
    assert labels == ["Password now", "New password", "New password again"]


def test_wrong_password_keeps_the_address_and_says_so(signed_out, clerk):
    response = signed_out.post(LOGIN, {"login": clerk.email, "password": "wrong"})
    html = response.content.decode()
    assert "<title>Error: Sign in" in html
    assert "There is a problem" in html
    assert f'value="{clerk.email}"' in html
    assert "wrong" not in html
    assert not Session.objects.exists()


def test_empty_sign_in_says_what_to_enter(signed_out, db):
    html = signed_out.post(LOGIN, {"login": "", "password": ""}).content.decode()
    assert '<a href="#id_login">Enter your e-mail address.</a>' in html
    assert '<a href="#id_password">Enter your password.</a>' in html


def test_sign_in_in_place_answers_a_script_with_json(signed_out, clerk):
    script = {"X-Requested-With": "XMLHttpRequest"}
    refused = signed_out.post(LOGIN, {"login": clerk.email, "password": "wrong"}, headers=script)
    assert refused.status_code == 400
    assert refused.json()["form"]["errors"]
    entered = signed_out.post(LOGIN, {"login": clerk.email, "password": PASSWORD}, headers=script)
    assert entered.status_code == 200
    assert entered.json()["location"] == "/"
    assert signed_out.get("/accounts/session/").json()["user"] == clerk.pk


ENTRANCE = [
    (LOGIN, "Sign in"),
    ("/accounts/signup/", "Register as a patient"),
    ("/accounts/inactive/", "This account is closed"),
    ("/accounts/password/reset/", "Forgotten your password?"),
    ("/accounts/password/reset/done/", "Look into your mail"),
    ("/accounts/password/reset/key/1-not-a-key/", "This link no longer works"),
    ("/accounts/password/reset/key/done/", "Your password is changed"),
]


@pytest.mark.parametrize(("address", "title"), ENTRANCE)
def test_entrance_is_in_our_own_look(signed_out, db, address, title):
    html = signed_out.get(address, follow=True).content.decode()
    assert f"<title>{title} – " in html
    assert f"<h1>{title}</h1>" in html
    assert 'class="wordmark"' in html


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/accounts/password/change/", "Change password"),
        ("/accounts/sessions/", "Where you are signed in"),
        ("/accounts/2fa/", "Two-step sign-in"),
        ("/accounts/2fa/webauthn/", "Passkeys and security keys"),
        ("/accounts/reauthenticate/", "Is it you?"),
        ("/accounts/2fa/totp/activate/", "Is it you?"),
        ("/accounts/2fa/webauthn/add/", "Is it you?"),
        ("/accounts/2fa/recovery-codes/generate/", "Is it you?"),
    ],
)
def test_account_pages_are_in_our_own_look(signed_out, clerk, address, title):
    signed_out.post(LOGIN, {"login": clerk.email, "password": PASSWORD})
    html = signed_out.get(address, follow=True).content.decode()
    assert f"<h1>{title}</h1>" in html
    assert 'class="wordmark"' in html
