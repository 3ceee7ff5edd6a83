"""Who may enter where: every URL × everybody × every kind of request, against the table in hms.access."""

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection, transaction
from django.test import Client

from conftest import sign_in
from hms import access
from hms.models import User
from hms.testing import make_appointment, make_doctor, make_patient, make_user
from hms.tests.walk import CLINICAL, Rows, body, patterns, places

ROLES = ["signed out", *User.Role.values]
KINDS = [("GET", False), ("POST", False), ("GET", True), ("POST", True)]
# Allowed to all who have a second factor or keep one; nobody in these tests does.
NEEDS_A_SECOND_FACTOR = {"mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
# What a request may write down without changing anything of the hospital.
NOT_DATA = {"django_session", "hms_cache", "hms_accesslog", "usersessions_usersession"}
# Tens of thousands of rows that come with HMS: hashed once, not after each page.
LONG_LISTS = {"hms_icdcode", "hms_icdword", "hms_drug"}


@pytest.fixture
def rows(db):
    return Rows()


@pytest.fixture
def cookies(db):
    """The session cookie of somebody of each role, none of whom has to do with the rows."""
    users = {role: make_user(role) for role in ("ADMIN", "RECEPTIONIST")}
    users |= {"DOCTOR": make_doctor().user, "PATIENT": make_patient().user}
    for user in users.values():
        user.password = PBKDF2PasswordHasher().encode("some-long-password", "salt", iterations=1)
        user.save()
    name = settings.SESSION_COOKIE_NAME
    return {role: sign_in(Client(), user).cookies[name].value for role, user in users.items()}


def ask(cookies, role, method, path, htmx=False, data=None, **headers):
    """One request, whatever it did taken back afterwards."""
    client = Client(raise_request_exception=False)
    if role != "signed out":
        client.cookies[settings.SESSION_COOKIE_NAME] = cookies[role]
    if htmx:
        headers["HX-Request"] = "true"
    with transaction.atomic():
        response = getattr(client, method.lower())(path, data=data, headers=headers)
        body(response)
        transaction.set_rollback(True)
    return response


def test_every_url_is_declared():
    names = {name for name, _regex in patterns()}
    undeclared = {n for n in names if n not in access.TABLE and n.partition(":")[0] not in access.TABLE}
    assert not undeclared, "Name these in hms.access.TABLE"


def test_the_table_names_nothing_that_is_not_there():
    names = {name for name, _regex in patterns()}
    there = names | {name.partition(":")[0] for name in names}
    assert set(access.TABLE) <= there


def test_what_no_line_names_is_closed_to_everybody():
    for name in ("nowhere", "nowhere:page", None, ""):
        assert access.allowed(name) == frozenset()


@pytest.mark.parametrize("role", ROLES)
def test_doors_open_to_those_in_the_table_and_to_nobody_else(rows, cookies, role):
    wrong = []
    for place in places(rows):
        allowed = access.allowed(place.lookup)
        for method, htmx in KINDS:
            response = ask(cookies, role, method, place.path, htmx)
            what = f"{place.name} {method}{' htmx' if htmx else ''}: {response.status_code}"
            if role in allowed:
                problem = _let_in(place, response)
            else:
                problem = _kept_out(place, response, role, allowed, htmx, rows)
            if problem:
                wrong.append(f"{what} {problem}")
    assert not wrong, "\n".join(wrong)


def _let_in(place, response):
    if response.status_code >= 500:
        return "broke"
    # The admin itself refuses to add, change or delete what is only to be looked at.
    own_rule = place.name.startswith("admin:") or place.name in NEEDS_A_SECOND_FACTOR
    if response.status_code == 403 and not own_rule:
        return "was refused"
    shown = [c for c in CLINICAL if c in body(response).decode(errors="replace")]
    return f"shows clinical text {shown}" if shown else ""


def _kept_out(place, response, role, allowed, htmx, rows):
    if shown := rows.shown_in(response):
        return f"shows {shown}"
    if role != "signed out" or not allowed:
        return "" if response.status_code == 403 else "was not refused"
    if place.path.startswith("/live/"):
        return "" if response.status_code == 401 else "was not told to sign in"
    where = response.headers.get("HX-Redirect" if htmx else "Location", "")
    return "" if where.startswith("/accounts/login/?next=") else "was not sent to sign in"


def test_the_canaries_would_be_seen(rows, cookies):
    response = ask(cookies, "RECEPTIONIST", "GET", f"/desk/appointments/{rows.appointment.pk}/", htmx=True)
    assert len(rows.shown_in(response)) >= 5


def test_a_background_request_of_the_signed_out_is_not_sent_anywhere(rows, cookies):
    headers = {"X-Background": "1"}
    response = ask(cookies, "signed out", "GET", f"/desk/appointments/{rows.appointment.pk}/", htmx=True, **headers)
    assert (response.status_code, response.content) == (401, b"")


def test_signing_in_leads_back_to_the_page_and_never_to_another_site(rows, cookies):
    page = ask(cookies, "signed out", "GET", "/desk/patients/?q=a&page=2")
    assert page.headers["Location"] == "/accounts/login/?next=%2Fdesk%2Fpatients%2F%3Fq%3Da%26page%3D2"
    part = ask(cookies, "signed out", "GET", "/desk/", htmx=True, **{"HX-Current-URL": "https://evil.example/x?y=1"})
    assert part.headers["HX-Redirect"] == "/accounts/login/?next=%2Fx%3Fy%3D1"


# --- looking changes nothing


def state(tables):
    """``{table: a hash of every row in it}``."""
    parts = (
        f"SELECT '{t}', count(*)::text || coalesce(bit_xor(hashtextextended(t::text, 0))::text, '') FROM \"{t}\" t"
        for t in sorted(tables)
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def test_looking_at_anything_changes_nothing(rows, cookies):
    tables = set(connection.introspection.table_names()) - NOT_DATA
    long_lists, changed = state(LONG_LISTS), []
    before = state(tables - LONG_LISTS)
    for place in places(rows):
        for role in access.allowed(place.lookup):
            for method in ("GET", "HEAD"):
                client = Client(raise_request_exception=False)
                if role != "signed out":
                    client.cookies[settings.SESSION_COOKIE_NAME] = cookies[role]
                getattr(client, method.lower())(place.path)
        after = state(tables - LONG_LISTS)
        changed += [f"{place.name}: {table}" for table in after if after[table] != before[table]]
        before = after
    assert state(LONG_LISTS) == long_lists
    assert not changed, "\n".join(changed)


# --- who one is, and what one asks for, is never taken from the request's extras


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("RECEPTIONIST", "/desk/patients/{own}/"),
        ("RECEPTIONIST", "/desk/patients/{own}/edit/"),
        ("RECEPTIONIST", "/desk/appointments/{visit}/"),
        ("RECEPTIONIST", "/desk/appointments/{visit}/move/"),
        ("DOCTOR", "/clinic/"),
        ("PATIENT", "/portal/"),
        ("PATIENT", "/accounts/session/"),
    ],
)
def test_extra_parameters_change_nothing(rows, cookies, role, path):
    visit = make_appointment()
    path = path.format(own=visit.patient.pk, visit=visit.pk)
    extra = {"patient": rows.patient.pk, "user": rows.patient.user_id, "pk": rows.appointment.pk, "role": "ADMIN"}
    plain, meddled = ask(cookies, role, "GET", path), ask(cookies, role, "GET", path, data=extra)
    assert (plain.status_code, meddled.status_code) == (200, 200)
    assert not rows.shown_in(meddled)


def test_a_form_cannot_make_somebody_else_of_anyone(rows, reception):
    other = make_patient()
    before = User.objects.filter(pk=other.user_id).values().get()
    fields = {"last_name": "New", "date_of_birth_0": "1", "date_of_birth_1": "2", "date_of_birth_2": "1990"}
    meddling = {"role": "ADMIN", "user": rows.patient.user_id, "patient": rows.patient.pk, "is_active": "", "pk": 1}
    response = reception.post(f"/desk/patients/{other.pk}/edit/", fields | {"gender": "UNKNOWN"} | meddling)
    assert response.status_code in {302, 409, 422}
    after = User.objects.filter(pk=other.user_id).values().get()
    assert (after["role"], after["is_active"]) == (before["role"], before["is_active"])
    rows.patient.refresh_from_db()
    assert rows.patient.user.last_name == "Quetzalcoatl"


@pytest.mark.parametrize("number", ["999999999", "9" * 30, "0"])
def test_ids_of_nothing_are_not_found(rows, cookies, number):
    wrong = []
    for place in places(rows):
        if "/appointments/" not in place.path and "/patients/" not in place.path and "revoke" not in place.path:
            continue
        pk = next((p for p in place.path.split("/") if p.isdigit()), None)
        if pk is None:
            continue
        allowed = access.allowed(place.lookup)
        role = next(r for r in ("RECEPTIONIST", "DOCTOR", "PATIENT", "ADMIN", "signed out") if r in allowed)
        for method in ("GET", "POST"):
            response = ask(cookies, role, method, place.path.replace(f"/{pk}/", f"/{number}/"), htmx=True)
            if response.status_code not in {404, 405}:
                wrong.append(f"{place.name} {method}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


def test_deactivated_and_demoted_people_are_out_at_their_next_request(reception):
    assert reception.get("/desk/").status_code == 200
    User.objects.filter(pk=reception.user.pk).update(role="PATIENT")
    assert reception.get("/desk/").status_code == 403
    User.objects.filter(pk=reception.user.pk).update(role="RECEPTIONIST", is_active=False)
    response = reception.get("/desk/")
    assert response.headers["Location"].startswith("/accounts/login/")


def test_a_changed_password_ends_every_session(reception):
    reception.user.set_password("another-long-password")
    reception.user.save()
    assert reception.get("/desk/").status_code == 302


def test_a_post_without_the_token_is_refused_in_words(rows):
    client = sign_in(Client(enforce_csrf_checks=True), make_user("RECEPTIONIST"))
    response = client.post(f"/desk/appointments/{rows.appointment.pk}/confirm/", headers={"HX-Request": "true"})
    assert response.status_code == 403
    assert "open for too long" in response.content.decode()
    rows.appointment.refresh_from_db()
    assert rows.appointment.status == "SCHEDULED"
