"""What every answer says to the browser, whatever it is an answer to."""

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import connection
from django.test import Client

from conftest import sign_in
from hms import access
from hms.testing import make_doctor, make_patient, make_user
from hms.tests.walk import Rows, places

SAME = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def faults(response, *, kept=False):
    """What is wrong with the headers of an answer; ``kept``: it is no personal page and may be kept by the browser."""
    headers, found = response.headers, []
    for name, value in SAME.items():
        if headers.get(name) != value:
            found.append(f"{name}: {headers.get(name)}")
    policy = {d.split()[0]: d.split()[1:] for d in headers.get("Content-Security-Policy", "").split(";") if d.strip()}
    if policy.get("default-src") != ["'none'"] or policy.get("frame-ancestors") != ["'none'"]:
        found.append(f"policy {policy}")
    if policy.get("script-src") != ["'self'"] or policy.get("style-src") != ["'self'"] or "base-uri" not in policy:
        found.append(f"policy {policy}")
    if "unsafe" in str(policy) or "*" in str(policy) or "http:" in str(policy):
        found.append(f"policy {policy}")
    if "camera=()" not in headers.get("Permissions-Policy", ""):
        found.append("Permissions-Policy")
    if not kept and "no-store" not in headers.get("Cache-Control", ""):
        found.append(f"Cache-Control: {headers.get('Cache-Control')}")
    return found


def test_every_answer_of_every_url_has_them(db):
    rows = Rows()
    users = {role: make_user(role) for role in ("ADMIN", "RECEPTIONIST")}
    users |= {"DOCTOR": make_doctor().user, "PATIENT": make_patient().user}
    clients = {role: sign_in(Client(), user) for role, user in users.items()} | {"signed out": Client()}
    wrong, seen = [], set()
    for place in places(rows):
        allowed = access.allowed(place.lookup)
        # Somebody who is let in, somebody who is sent to sign in, somebody who is refused.
        asking = [*sorted(allowed)[:1], "signed out", *sorted(set(clients) - allowed)[:1]]
        for role in asking:
            if place.name.endswith("logout"):
                continue
            response = clients[role].get(place.path)
            seen.add(response.status_code)
            wrong += [f"{place.name} {role} {response.status_code}: {f}" for f in faults(response)]
    assert not wrong, "\n".join(wrong)
    assert {200, 302, 401, 403, 404, 405} <= seen


def test_errors_have_them(reception, monkeypatch):
    def broken(self):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("frontdesk.board.Day.html", broken)
    reception.raise_request_exception = False
    for path, status in [("/desk/", 500), ("/nothing/here/", 404), ("/desk/%00", 400), ("/admin/", 403)]:
        for htmx in ({}, {"HX-Request": "true"}):
            response = reception.get(path, headers=htmx)
            assert (response.status_code, faults(response)) == (status, []), path
            assert "broken on purpose" not in response.content.decode()
            assert "Traceback" not in response.content.decode()


def test_a_broken_error_page_has_them_too(reception, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("frontdesk.board.Day.html", broken)
    monkeypatch.setattr("hms.views.render", broken)
    reception.raise_request_exception = False
    response = reception.get("/desk/")
    assert (response.status_code, faults(response)) == (500, [])
    assert "Try again" in response.content.decode()


def test_a_stream_has_them(reception):
    response = reception.get("/live/desk/2026-11-22/")
    assert response.headers["Content-Type"] == "text/event-stream"
    assert faults(response) == []


def test_a_static_file_has_them_and_may_be_kept(signed_out, tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "app.js").write_text("1")
    response = signed_out.get("/static/app.js")
    assert response.status_code == 200
    assert faults(response, kept=True) == []
    assert "no-store" not in response.headers["Cache-Control"]
    assert staticfiles_storage.url("app.js").startswith("/static/")


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(signed_out, db):
    user = make_user("RECEPTIONIST", email="rita@hms.example")
    user.set_password("a-long-password")
    user.save()
    response = signed_out.post("/accounts/login/", {"login": "rita@hms.example", "password": "a-long-password"})
    cookie = response.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["domain"] == ""


IN_PRODUCTION = """
import json, sys
sys.path[:0] = ["src", "."]
import django
django.setup()
from django.db import transaction
from django.test import Client
from hms.testing import make_user
with transaction.atomic():
    user = make_user("RECEPTIONIST", email="rita@hms.example")
    user.set_password("a-long-password")
    user.save()
    client = Client(headers={"X-Forwarded-Proto": "https", "Host": "hms.example"})
    page = client.get("/accounts/login/")
    signed = client.post("/accounts/login/", {"login": "rita@hms.example", "password": "a-long-password"})
    demo = [text for text in ("demo-hospital", "@hms.example") if text in page.content.decode()]
    plain = Client(headers={"Host": "hms.example"}).get("/accounts/login/")
    health = Client(headers={"Host": "hms.example"}).get("/healthz")
    foreign = Client(headers={"Host": "evil.example"}).get("/accounts/login/", secure=True)
    transaction.set_rollback(True)
print(json.dumps({
    "hsts": page.headers.get("Strict-Transport-Security"),
    "demo": demo,
    "cookies": {k: v.OutputString() for r in (page, signed) for k, v in r.cookies.items()},
    "plain": [plain.status_code, plain.headers.get("Location")],
    "health": health.status_code,
    "foreign": foreign.status_code,
}))
"""


@pytest.fixture
def production(db):
    """What the production settings make of a few requests."""
    url = urlsplit(settings.URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HMS_", "DATABASE_"))}
    env = {
        "DJANGO_SETTINGS_MODULE": "hms.settings",
        "DATABASE_URL": url,
        "HMS_ALLOWED_HOSTS": "hms.example",
        "HMS_DATA_DIR": str(settings.DATA_DIR),
        "HMS_SECRET_KEY": "k" * 60,
        "HMS_TRUSTED_PROXY_COUNT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", IN_PRODUCTION],
        cwd=settings.BASE_DIR,
        env=kept | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_production_is_https_only_with_cookies_of_this_host(production):
    assert production["hsts"] == "max-age=63072000; includeSubDomains; preload"
    assert set(production["cookies"]) == {"__Host-session", "__Host-csrf"}
    for cookie in production["cookies"].values():
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
    assert "HttpOnly" in production["cookies"]["__Host-session"]
    assert production["plain"] == [301, "https://hms.example/accounts/login/"]
    assert production["health"] == 200  # asked by the proxy itself
    assert production["foreign"] == 400
    assert production["demo"] == []
