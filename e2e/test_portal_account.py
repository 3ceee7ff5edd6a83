"""The way in and one's own account, on a phone and on a wide screen, in light and dark: axe finds nothing to say."""

import re

import pytest
from playwright.sync_api import expect

from e2e.desk import Desk
from e2e.phone import PHONE, SCREENS, Phone, faults
from hms.domain import letters
from hms.models import Appointment, Invitation, OutboxMail, User
from hms.testing import PASSWORD, local, make_appointment, make_patient, run_jobs

pytestmark = pytest.mark.browser

WIDE = {"width": 1440, "height": 900}


class Looked:
    """Pages that were looked at, and what was wrong with each."""

    def __init__(self, page):
        self.page, self.found = page, {}

    def at(self, name, title):
        expect(self.page.locator("h1")).to_have_text(title)
        self.found[f"{name}: {title}"] = faults(self.page)

    def wrong(self):
        return {name: what for name, what in self.found.items() if what}


def options(scheme, width):
    return {"color_scheme": scheme, "viewport": PHONE if width == 360 else WIDE}


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_the_ways_in_by_link_and_by_password(live_hms, page_for, allowed_errors, scheme, width):
    allowed_errors.append(r"status of (404|410)")
    desk = Desk()
    page = page_for(**options(scheme, width))
    looked = Looked(page)
    for path, title in (
        ("/accounts/login/", "Sign in"),
        ("/accounts/signup/", "Register as a patient"),
        ("/accounts/signup/passkey/", "Register with a passkey"),
        ("/accounts/password/reset/", "Forgotten your password?"),
        ("/accounts/password/reset/done/", "Look into your mail"),
        ("/accounts/password/reset/key/1-not-a-key/", "This link no longer works"),
        ("/accounts/password/reset/key/done/", "Your password is changed"),
        ("/accounts/inactive/", "This account is closed"),
        ("/p/visit/wrong/", "This link no longer works"),
        ("/p/invitation/wrong/", "This invitation no longer works"),
        ("/p/prescription/wrong/", "Not genuine"),
    ):
        page.goto(path)
        looked.at(path, title)
    page.goto("/accounts/signup/")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("error-summary")).to_be_visible()
    looked.at("nothing typed", "Register as a patient")

    visit = make_appointment(patient=desk.flora, doctor=desk.ada, start=local(4))
    link = "/" + letters.link(visit).split("/", 3)[3]
    page.goto(link)
    looked.at("letter", "Your visit")
    page.get_by_role("link", name="Move it").click()
    looked.at("letter", "When do you want to come instead?")
    page.goto(link)
    page.get_by_role("button", name="I will come").click()
    looked.at("letter, confirmed", "Your visit")
    page.goto(link)
    page.get_by_role("button", name="Cancel it").click()
    looked.at("letter, done", "This visit is cancelled")
    page.goto(link + "move/")
    looked.at("letter, refused", "When do you want to come instead?")
    late = make_appointment(patient=desk.flora, doctor=desk.ada, start=local(5))
    link = "/" + letters.link(late).split("/", 3)[3]
    Appointment.objects.filter(pk=late.pk).update(appointment_date=local(-1))
    page.goto(link)
    looked.at("letter, too late", "This visit’s time is over")

    _made, token = Invitation.objects.issue(make_patient(date_of_birth="1950-05-05"), by=desk.rita)
    page.goto(f"/p/invitation/{token}/")
    looked.at("invitation", "Open my record")
    for label, value in (("Day", "6"), ("Month", "may"), ("Year", "1950")):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("E-mail").fill("ana@hms.example")
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_role("button", name="Open my record").click()
    expect(page.locator("error-summary")).to_be_visible()
    looked.at("wrong birthday", "Open my record")
    assert not looked.wrong(), "\n".join(f"{k} {v}" for k, v in looked.wrong().items())


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_everything_about_ones_own_account(live_hms, page_for, scheme, width):
    phone = Phone(page_for(**options(scheme, width)), live_hms)
    page = phone.page
    looked = Looked(page)
    phone.open("/accounts/signup/passkey/")
    page.get_by_label("E-mail").fill("ana@hms.example")
    page.get_by_role("button", name="Continue").click()
    looked.at("signed up", "Enter the code")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("error-summary")).to_be_visible()
    looked.at("no code", "Enter the code")
    run_jobs()
    letter = OutboxMail.objects.get(to="ana@hms.example")
    page.get_by_label("Code").fill(re.search(r"^\s*([A-Z0-9]{4,8}(?:-?[A-Z0-9]{2,4})?)\s*$", letter.text, re.M)[1])
    page.get_by_role("button", name="Continue").click()
    looked.at("address proved", "Make your passkey")
    page.get_by_role("button", name="Make the passkey").click()
    looked.at("passkey made", "Your recovery codes")
    user = User.objects.get(email="ana@hms.example")
    make_patient(user=user)
    key = user.authenticator_set.get(type="webauthn")
    for path, title in (
        ("/accounts/2fa/", "Two-step sign-in"),
        ("/accounts/2fa/webauthn/", "Passkeys and security keys"),
        ("/accounts/2fa/webauthn/add/", "Add a key"),
        (f"/accounts/2fa/webauthn/keys/{key.pk}/edit/", "Rename the key"),
        (f"/accounts/2fa/webauthn/keys/{key.pk}/remove/", "Remove the key?"),
        ("/accounts/2fa/recovery-codes/generate/", "Make new recovery codes"),
        ("/accounts/2fa/totp/activate/", "Set up the app"),
        ("/accounts/sessions/", "Where you are signed in"),
        ("/accounts/password/set/", "Choose a password"),
        ("/accounts/2fa/webauthn/reauthenticate/", "Is it you?"),
        ("/accounts/2fa/reauthenticate/", "Is it you?"),
        ("/accounts/logout/", "Sign out?"),
    ):
        phone.open(path)
        looked.at(path, title)
    user.refresh_from_db()
    user.set_password(PASSWORD)
    user.save()
    page.context.clear_cookies()
    phone.open("/accounts/login/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main form button.btn-primary").click()
    looked.at("password right", "One more step")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("error-summary")).to_be_visible()
    looked.at("no code", "One more step")
    page.get_by_role("button", name="Use your passkey or key").click()
    expect(page.locator("h1")).to_contain_text("Hello")
    for path, title in (
        ("/accounts/password/change/", "Change password"),
        ("/accounts/reauthenticate/", "Is it you?"),
        ("/portal/contact/email/", "Is it you?"),
    ):
        phone.open(path)
        looked.at(path, title)
    phone.open("/portal/")
    page.evaluate("document.querySelector('session-watch [data-sign-in]').showModal()")
    looked.found["sign in again"] = faults(page)
    assert not looked.wrong(), "\n".join(f"{k} {v}" for k, v in looked.wrong().items())
