"""What every test may use: clients signed in as each role. Rows are made by hms.testing."""

import time

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client

from hms.domain.settings import forget
from hms.testing import make_doctor, make_patient, make_user


def pytest_configure():
    """Each test's client would list every static file anew (50 ms); this looks for the one that is asked for."""
    from django.conf import settings

    settings.WHITENOISE_AUTOREFRESH = True


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
    from django.conf import settings

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
