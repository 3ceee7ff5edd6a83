"""Registering by whoever has two tabs, goes back, is too young, types what nobody expects, or wants to be staff."""

import re
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone

from conftest import sign_in
from hms.domain import registration
from hms.models import OutboxMail, Patient, Registration, User
from hms.testing import make_patient, make_user, run_jobs
from portal.tests.test_register import ANSWERS, PASSWORD, answer_all, code_of, sign_up, text

CONFIRM = "/accounts/confirm-email/"
TABS = 8


@pytest.fixture
def newcomer(db):
    return sign_in(Client(), make_user("PATIENT", first_name="", last_name=""))


def name(client, given, family):
    return client.post("/portal/register/name/", {"first_name": given, "last_name": family})


def test_two_tabs_the_later_answer_counts_and_nothing_else_is_lost(newcomer):
    answer_all(newcomer)
    name(newcomer, "Anna", "Nuñez")  # from a page that stood open
    page = text(newcomer.get("/portal/register/"))
    assert "Anna" in page
    assert "Penicillin" in page
    newcomer.post("/portal/register/")
    assert newcomer.post("/portal/register/").headers["Location"] == "/portal/"  # the other tab
    assert [str(p.user) for p in Patient.objects.all()] == ["Anna Nuñez"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_tabs_that_answer_at_the_same_moment_are_all_kept():
    user = make_user("PATIENT")

    def run(n):
        registration.answer(user, f"step-{n}", {f"answer-{n}": n})
        connections.close_all()

    with ThreadPoolExecutor(TABS) as pool:
        list(pool.map(run, range(TABS)))
    kept = Registration.objects.get().answers
    assert sorted(kept.pop("done")) == [f"step-{n}" for n in range(TABS)]
    assert kept == {f"answer-{n}": n for n in range(TABS)}


def test_back_after_registering_leads_home_and_changes_nothing(newcomer):
    answer_all(newcomer)
    newcomer.post("/portal/register/")
    for step, _fields in ANSWERS:
        assert newcomer.get(f"/portal/register/{step}/").headers["Location"] == "/portal/"
    assert name(newcomer, "Somebody", "Else").headers["Location"] == "/portal/"
    assert str(Patient.objects.get().user) == "Ana Nuñez"
    assert not Registration.objects.exists()


def test_an_answer_is_changed_from_the_check_page_and_leads_back_to_it(newcomer):
    answer_all(newcomer)
    assert "A+" in text(newcomer.get("/portal/register/"))
    response = newcomer.post("/portal/register/blood/", {"blood_type": ""}, follow=True)
    assert response.redirect_chain[-1][0] == "/portal/register/"
    assert "I do not know" in text(response)


def test_confirming_with_an_answer_missing_leads_to_its_question(newcomer):
    answer_all(newcomer, but_not={"gender"})
    assert newcomer.post("/portal/register/").headers["Location"] == "/portal/register/gender/"
    assert not Patient.objects.exists()


def test_who_is_too_young_is_told_what_to_do_also_past_the_question(newcomer):
    answer_all(newcomer)
    kept = Registration.objects.get()
    kept.answers["date_of_birth"] = f"{timezone.now().year - 10}-01-01"
    kept.save()
    response = newcomer.post("/portal/register/")
    assert response.status_code == 422
    assert "Ask a parent to call us" in text(response)
    assert not Patient.objects.exists()


def test_sixteen_today_is_old_enough_and_tomorrow_is_not(newcomer):
    today = timezone.localdate()
    for day, status in ((today.day, 302), (today.day + 1, 422)):
        fields = {"date_of_birth_day": day, "date_of_birth_month": today.month, "date_of_birth_year": today.year - 16}
        with mock.patch.object(registration, "hospital") as here:
            here.return_value.today.return_value = today
            if day <= 28:
                assert newcomer.post("/portal/register/born/", fields).status_code == status


@pytest.mark.parametrize("letter", ["م", "王", "ऋ", "Ω", "é"])
def test_a_name_of_150_letters_in_any_script_is_kept_whole(newcomer, letter):
    answer_all(newcomer, but_not={"name"})
    assert name(newcomer, letter * 151, letter).status_code == 422
    assert name(newcomer, letter * 150, letter * 150).status_code == 302
    assert letter * 150 in text(newcomer.get("/portal/register/"))
    newcomer.post("/portal/register/")
    user = User.objects.get(pk=newcomer.user.pk)
    assert (user.first_name, user.last_name) == (letter * 150, letter * 150)
    assert letter * 150 in text(newcomer.get("/portal/"))


def test_the_same_birthday_and_name_as_somebody_tells_nothing_of_them(newcomer):
    known = make_patient(first_name="Ana", last_name="Nuñez", date_of_birth="1965-03-27", phone="+442079460123")
    answer_all(newcomer)
    answer = newcomer.post("/portal/register/", follow=True)
    assert known.record_number not in text(answer)
    assert "already" not in text(answer)
    assert Patient.objects.count() == 2


STAFF = {"role": "ADMIN", "is_staff": "1", "is_superuser": "1", "is_active": "0", "status": "NO_SHOW", "user": "1"}


def test_staff_roles_posted_by_hand_are_nothing(db):
    client = Client()
    sign_up(client, **STAFF)
    run_jobs()
    client.post(CONFIRM, {"code": code_of(mail.outbox[0])} | STAFF)
    for step, fields in ANSWERS:
        client.post(f"/portal/register/{step}/", fields | STAFF)
    client.post("/portal/register/", STAFF)
    user = Patient.objects.get().user
    assert (user.role, user.is_staff, user.is_superuser, user.is_active) == ("PATIENT", False, False, True)


class TestCodes:
    def test_a_code_opens_once(self, db):
        client, other = Client(), Client()
        sign_up(client)
        run_jobs()
        code = code_of(mail.outbox[0])
        other.post(CONFIRM, {"code": code})  # without the browser that asked for it
        assert "login" in other.get("/portal/").headers["Location"]
        assert client.post(CONFIRM, {"code": code}).status_code == 302
        client.cookies.clear()
        client.post(CONFIRM, {"code": code})
        assert "login" in client.get("/portal/").headers["Location"]

    def test_a_few_wrong_codes_end_it(self, db):
        client = Client()
        sign_up(client)
        run_jobs()
        for _n in range(4):
            client.post(CONFIRM, {"code": "WRONG1"})
        client.post(CONFIRM, {"code": code_of(mail.outbox[0])})
        assert "login" in client.get("/portal/").headers["Location"]


class TestKnownAddresses:
    """Nobody learns from signing up who is a patient here."""

    @pytest.fixture
    def known(self, db):
        return make_patient(email="known@hms.example")

    def without_what_differs(self, page, address):
        page = re.sub(r'csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"', "", page)
        return re.sub(re.escape(address), "…", page, flags=re.IGNORECASE)

    @pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/signup/passkey/"])
    def test_both_get_the_same_pages(self, known, path):
        pages = []
        for address in ("new@hms.example", "KNOWN@hms.example"):
            client = Client()
            answer = client.post(path, {"email": address, "password1": PASSWORD}, follow=True)
            wrong = client.post(CONFIRM, {"code": "WRONG1"})
            shown = [self.without_what_differs(text(a), address) for a in (answer, wrong)]
            pages.append((answer.redirect_chain, answer.status_code, wrong.status_code, shown))
        assert pages[0] == pages[1]
        run_jobs()
        assert {m.to for m in OutboxMail.objects.all()} == {"new@hms.example", "known@hms.example"}
        assert User.objects.filter(email__iexact="known@hms.example").count() == 1

    def test_both_cost_one_hash(self, known):
        with mock.patch("django.contrib.auth.hashers.ScryptPasswordHasher.encode", return_value="scrypt$x$y$z") as made:
            counts = []
            for address in ("new@hms.example", "known@hms.example"):
                before = made.call_count
                sign_up(Client(), address)
                counts.append(made.call_count - before)
        assert counts == [1, 1]


class TestPasskey:
    """Without a browser that has one; with one: e2e/test_portal_passkey.py."""

    def test_the_passkey_is_made_after_the_code_and_not_before(self, db):
        client = Client()
        client.post("/accounts/signup/passkey/", {"email": "new@hms.example"} | STAFF)
        assert client.get("/accounts/2fa/webauthn/signup/").status_code == 302
        run_jobs()
        page = client.post(CONFIRM, {"code": code_of(mail.outbox[0])}, follow=True)
        assert "Make your passkey" in text(page)
        user = User.objects.get()
        assert (user.role, user.is_staff, user.is_superuser, user.has_usable_password()) == (
            "PATIENT",
            False,
            False,
            False,
        )
        assert "login" in client.get("/portal/").headers["Location"]  # not in before it is made

    def test_who_cannot_make_one_chooses_a_password_by_mail(self, db):
        client = Client()
        client.post("/accounts/signup/passkey/", {"email": "new@hms.example"})
        run_jobs()
        client.post(CONFIRM, {"code": code_of(mail.outbox[0])}, follow=True)
        reset = "/accounts/password/reset/"
        assert client.post("/accounts/logout/", {"next": reset}).headers["Location"] == reset
        client.post(reset, {"email": "new@hms.example"})
        run_jobs()
        assert "/password/reset/key/" in mail.outbox[-1].body

    def test_who_has_not_proved_the_address_gets_no_link_by_it(self, db):
        Client().post("/accounts/signup/passkey/", {"email": "new@hms.example"})
        Client().post("/accounts/password/reset/", {"email": "new@hms.example"})
        run_jobs()
        assert not any("/password/reset/key/" in letter.body for letter in mail.outbox)

    @pytest.mark.parametrize("credential", ["", "x", "[]", "{}", '{"id": "x", "rawId": "x", "type": "public-key"}'])
    def test_what_no_key_said_is_refused(self, db, credential):
        client = Client()
        client.post("/accounts/signup/passkey/", {"email": "new@hms.example"})
        run_jobs()
        client.post(CONFIRM, {"code": code_of(mail.outbox[0])}, follow=True)
        for path in ("/accounts/2fa/webauthn/signup/", "/accounts/2fa/webauthn/login/"):
            client.get(path, headers={"Accept": "application/json"})
            assert client.post(path, {"credential": credential}).status_code in {200, 302}
        assert "login" in client.get("/portal/").headers["Location"]
