"""What every test may use: clients signed in as each role. Rows are made by hms.testing."""

import time
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.test import Client

from hms.domain.settings import forget
from hms.testing import make_doctor, make_patient, make_user

ROOT = Path(__file__).resolve().parent


def pytest_configure():
    """Each test's client would list every static file anew (50 ms); this looks for the one that is asked for."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, django_db_blocker):
    """Copy each run's and each worker's database from one that is migrated already: a second instead of twenty."""
    with django_db_blocker.unblock():
        settings.DATABASES["default"]["TEST"]["TEMPLATE"] = _migrated_database()


def _migrated_database():
    """The name of a database that every migration of this checkout went through; made once, and again on a change."""
    files = [*sorted(ROOT.glob("src/*/migrations/0*")), *sorted(ROOT.glob("requirements/*.txt"))]
    name = f"hms_migrated_{sha256(b''.join(f.read_bytes() for f in files)).hexdigest()[:12]}"
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('hms_migrated'))")  # one worker makes it, the others wait
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'hms\\_migrated%'")
        there = {found for (found,) in cursor.fetchall()}
        if name not in there:
            for old in there:
                cursor.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
            cursor.execute('CREATE DATABASE "hms_migrated_half"')
            usual, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], "hms_migrated_half"
            try:
                call_command("migrate", verbosity=0, interactive=False)
            finally:
                connection.close()
                connection.close_pool()
                connection.settings_dict["NAME"] = usual
            cursor.execute(f'ALTER DATABASE "hms_migrated_half" RENAME TO "{name}"')
    return name


@pytest.fixture(autouse=True)
def _fresh_hospital():
    """The hospital's row is remembered for seconds; tests take less."""
    forget()


@pytest.fixture(autouse=True)
def _no_jobs_left(request, django_db_blocker):
    """What empties the database after a test with transactions leaves the jobs, whose tables are not Django's."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction")):
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def codes(db):
    """ICD-10 and the list of drugs, also after a test that flushed the database."""
    from hms.domain import diagnoses, prescriptions

    diagnoses.load_codes()
    diagnoses.load_words()
    prescriptions.load_drugs()


def sign_in(client, user):
    """A session as signing in makes it, without the seconds that hashing takes."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["signed_in_at"] = session["seen_at"] = time.time()
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    client.user = user
    return client


@pytest.fixture
def signed_out(db):
    return Client()


@pytest.fixture
def reception(db):
    return sign_in(Client(), make_user("RECEPTIONIST", first_name="Rita", last_name="Reception"))


@pytest.fixture
def reception2(db):
    return sign_in(Client(), make_user("RECEPTIONIST", first_name="Remo", last_name="Reception"))


@pytest.fixture
def admin(db):
    return sign_in(Client(), make_user("ADMIN", first_name="Ada", last_name="Admin"))


@pytest.fixture
def doctor(db):
    return sign_in(Client(), make_doctor().user)


@pytest.fixture
def patient(db):
    return sign_in(Client(), make_patient().user)


@pytest.fixture
def htmx():
    """Headers of a request that htmx sends."""
    return {"HX-Request": "true"}
