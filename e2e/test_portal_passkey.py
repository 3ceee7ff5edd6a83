"""Registering and signing in with a passkey, with an authenticator that Chromium plays."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from e2e.phone import PHONE, Phone
from hms.adapters import CHANGES
from hms.models import OutboxMail, User
from hms.testing import PASSWORD, make_patient, run_jobs

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(page_for, live_hms):
    return Phone(page_for(viewport=PHONE), live_hms)


def test_from_an_address_to_signed_in_again_with_a_passkey(phone, live_hms):
    page = phone.page
    phone.open("/accounts/signup/")
    page.get_by_role("link", name="Use a passkey instead of a password").click()
    page.get_by_label("E-mail").fill("ana@hms.example")
    phone.press("Continue", "Enter the code")
    run_jobs()
    letter = OutboxMail.objects.get(to="ana@hms.example")
    page.get_by_label("Code").fill(code_in(letter))
    phone.press("Continue", "Make your passkey")
    phone.recognises(False)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    phone.recognises(True)
    phone.press("Make the passkey", "Your recovery codes")
    codes = page.locator(".codes li").all_text_contents()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="Continue").click()
    expect(page.locator("h1")).to_have_text("What is your name?")
    user = User.objects.get(email="ana@hms.example")
    assert (user.role, user.has_usable_password()) == ("PATIENT", False)
    assert Authenticator.objects.get(user=user, type="webauthn").wrap().is_passwordless

    page.context.clear_cookies()
    phone.open("/portal/register/born/")
    expect(page.locator("h1")).to_have_text("Sign in")
    phone.recognises(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    phone.recognises(True)
    phone.press("Sign in with a passkey", "What is your date of birth?")  # the page that was asked for

    # What guards the account asks once more, by the passkey; then a second one can be made.
    phone.sign_in(live_hms, user)
    phone.open("/accounts/2fa/recovery-codes/generate/")
    expect(page.locator("h1")).to_have_text("Is it you?")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.locator("h1")).not_to_have_text("Is it you?")


def code_in(letter):
    return re.search(r"^\s*([A-Z0-9]{4,8}(?:-?[A-Z0-9]{2,4})?)\s*$", letter.text, re.MULTILINE)[1]


def with_a_passkey(phone, email="ana@hms.example"):
    """Signed up with a passkey alone, and on the page of the codes; returns the user."""
    page = phone.page
    phone.open("/accounts/signup/passkey/")
    page.get_by_label("E-mail").fill(email)
    phone.press("Continue", "Enter the code")
    run_jobs()
    page.get_by_label("Code").fill(code_in(OutboxMail.objects.get(to=email)))
    phone.press("Continue", "Make your passkey")
    phone.press("Make the passkey", "Your recovery codes")
    return User.objects.get(email=email)


def test_whose_phone_is_lost_comes_back_with_a_recovery_code(phone):
    page = phone.page
    user = with_a_passkey(phone)
    code = page.locator(".codes li").first.text_content().strip()
    phone.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": phone.key})  # under a tram
    page.context.clear_cookies()
    phone.open("/accounts/login/")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("E-mail").fill(user.email)
    phone.press("Send the link", "Look into your mail")
    run_jobs()
    letter = OutboxMail.objects.filter(to=user.email, text__contains="/password/reset/key/").get()
    phone.open(re.search(r"/accounts/password/reset/key/\S+", letter.text)[0])
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    phone.press("Save the password", "Your password is changed")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main form button.btn-primary").click()
    expect(page.locator("h1")).to_have_text("One more step")
    page.get_by_label("A code from your app").fill("00000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("error-summary")).to_be_visible()
    page.get_by_label("A code from your app").fill(code)
    phone.press("Continue", "What is your name?")


def test_an_ended_session_is_resumed_in_place_by_the_passkey(phone, allowed_errors):
    allowed_errors.append("SSE reconnect failed with status 401")
    page = phone.page
    user = with_a_passkey(phone)
    make_patient(user=user)
    phone.open("/portal/contact/")
    page.get_by_label(re.compile("^Phone")).fill("020 7946 0000")
    Session.objects.all().delete()
    page.evaluate("document.querySelector('session-watch').check()")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.locator("[type=password]")).to_have_count(0)  # there is none to type
    expect(dialog.get_by_role("button", name="Use your passkey")).to_be_focused()
    phone.recognises(False)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("No passkey was used")
    phone.recognises(True)
    dialog.get_by_role("button", name="Use your passkey").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_label(re.compile("^Phone"))).to_have_value("020 7946 0000")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_contain_text("Your contact data are saved.")
    user.refresh_from_db()
    assert "7946" in str(user.phone)


def test_without_a_passkey_at_hand_the_session_is_resumed_from_a_new_tab(page_for, live_hms, allowed_errors):
    allowed_errors.append("SSE reconnect failed with status 401")
    me = make_patient()  # without a password, and this browser has no passkeys: it is called by a number
    page = page_for(me.user, viewport=PHONE)
    page.goto("/portal/contact/")
    page.get_by_label(re.compile("^Phone")).fill("020 7946 0000")
    Session.objects.all().delete()
    page.evaluate("document.querySelector('session-watch').check()")
    dialog = page.get_by_role("dialog", name="Sign in again")
    with page.expect_popup() as opened:
        dialog.get_by_role("link", name="Sign in in a new tab").click()
    expect(opened.value.locator("h1")).to_have_text("Sign in")
    for name, value in live_hms.sign_in(me.user).items():
        page.context.add_cookies([{"name": name, "value": value, "url": live_hms.url}])
    opened.value.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(dialog).to_have_count(0)
    expect(page.get_by_label(re.compile("^Phone"))).to_have_value("020 7946 0000")


def test_a_passkey_is_added_to_an_account_with_a_password(phone):
    user = User.objects.create_user("ana@hms.example", "correct-horse-battery-staple", role="PATIENT")
    page = phone.page
    phone.open("/accounts/login/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill("correct-horse-battery-staple")
    page.locator("main form button.btn-primary").click()
    expect(page.locator("h1")).to_have_text("What is your name?")
    phone.open("/accounts/2fa/webauthn/add/")
    expect(page.locator("h1")).to_have_text("Is it you?")
    page.get_by_label("Password").fill("correct-horse-battery-staple")
    phone.press("Continue", "Add a key")
    page.get_by_role("button", name="Add a key").click()
    expect(page.locator("h1")).not_to_have_text("Add a key")
    assert Authenticator.objects.filter(user=user, type="webauthn").count() == 1
    letter = OutboxMail.objects.get(kind="account.sign_in_changed")
    assert (letter.to, letter.user) == (user.email, user)
    assert str(CHANGES["webauthn_added"]) in letter.text
    assert "/accounts/password/reset/" in letter.text
    page.context.clear_cookies()
    phone.open("/accounts/login/")
    phone.press("Sign in with a passkey", "What is your name?")


@pytest.mark.parametrize("without", ["the interface", "a name", "scripts"])
def test_where_there_are_no_passkeys_none_is_offered(page_for, live_hms, without):
    page = page_for(java_script_enabled=without != "scripts")
    if without == "the interface":
        page.add_init_script("delete window.PublicKeyCredential")
    base = live_hms.url if without == "a name" else live_hms.url.replace("127.0.0.1", "localhost")
    for path, title in (("/accounts/login/", "Sign in"), ("/accounts/signup/", "Register as a patient")):
        page.goto(base + path)
        expect(page.locator("h1")).to_have_text(title)
        expect(page.locator("pass-key")).to_be_hidden()
