"""Registering and signing in with a passkey, with an authenticator that Chromium plays."""

import re

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import expect

from hms.models import OutboxMail, User
from hms.testing import run_jobs

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
KEY = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Phone:
    """A page whose browser has an authenticator, at the name that passkeys need."""

    def __init__(self, page, live_hms):
        self.page = page
        self.base = live_hms.url.replace("127.0.0.1", "localhost")
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.key = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]

    def open(self, path):
        self.page.goto(self.base + path)

    def press(self, name, then):
        self.page.get_by_role("button", name=name).click()
        expect(self.page.locator("h1")).to_have_text(then)

    def recognises(self, whether):
        """Whether the finger on the phone is the right one."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.key, "isUserVerified": whether})


@pytest.fixture
def phone(page_for, live_hms):
    return Phone(page_for(viewport=PHONE), live_hms)


def test_from_an_address_to_signed_in_again_with_a_passkey(phone, live_hms):
    page = phone.page
    phone.open("/accounts/signup/")
    page.get_by_role("link", name="Use a passkey instead of a password").click()
    page.get_by_label("Email").fill("ana@hms.example")
    phone.press("Continue", "Enter the code")
    run_jobs()
    letter = OutboxMail.objects.get(to="ana@hms.example")
    code = re.search(r"^\s*([A-Z0-9]{4,8}(?:-?[A-Z0-9]{2,4})?)\s*$", letter.text, re.MULTILINE)[1]
    page.get_by_label("Code").fill(code)
    phone.press("Continue", "Make your passkey")
    phone.recognises(False)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    phone.recognises(True)
    phone.press("Make the passkey", "What is your name?")
    user = User.objects.get(email="ana@hms.example")
    assert (user.role, user.has_usable_password()) == ("PATIENT", False)
    assert Authenticator.objects.get(user=user).wrap().is_passwordless

    page.context.clear_cookies()
    phone.open("/portal/register/born/")
    expect(page.locator("h1")).to_have_text("Sign in")
    phone.recognises(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    phone.recognises(True)
    phone.press("Sign in with a passkey", "What is your date of birth?")  # the page that was asked for

    # What guards the account asks once more, by the passkey; then a second one can be made.
    page.context.clear_cookies()
    for name, value in live_hms.sign_in(user).items():
        page.context.add_cookies([{"name": name, "value": value, "url": phone.base}])
    phone.open("/accounts/2fa/recovery-codes/generate/")
    expect(page.locator("h1")).to_have_text("Is it you?")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.locator("h1")).not_to_have_text("Is it you?")


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
