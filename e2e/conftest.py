"""What every browser and HTTP journey stands on: the real server, on the test run's own database.

The server runs on the database that pytest-django makes, and tests write to the same one with the ORM. What they make
is committed, so that the server and PostgreSQL's notices see it. So ``_django_db_helper``, with which pytest-django
would wrap a test in a transaction or flush after it (a second each), is replaced here: after each test the rows that
it left are deleted, in milliseconds. Every test in this folder is marked ``django_db`` by itself.

``live_hms``: the server (see e2e.server). ``page``, ``page_for(user)``: see e2e.browser.
"""

import os
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from e2e.browser import *  # noqa: F403 (its fixtures)
from e2e.server import ROOT, Server, url_of
from hms.domain.settings import forget
from hms.models import Hospital

# Playwright's synchronous interface runs an event loop in this thread; Django would refuse to use the database in it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

TEMPLATE = f"hms_template_{os.getpid()}"
# What migrations put there, and every test reads.
KEEP = {"django_content_type", "auth_permission", "hms_hospital", "hms_icdcode", "hms_icdword", "hms_drug"}


@pytest.fixture(scope="session")
def database(django_db_setup, django_db_blocker):
    """The run's database, empty but for the hospital, open to every test; and a copy of it to make others from."""
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
        clear()
        make_database(TEMPLATE, like=name)
        noon()
        yield url_of(name)
        clear(KEEP - {"hms_hospital"})
        forget()
        drop_database(TEMPLATE)
        disconnect_others(name)
        connection.close()


@pytest.fixture(scope="session")
def live_hms(database, theme):
    """The server, running: ``.url``, ``.stop()``, ``.start()``, ``.restart()``, ``.client(user)``, ``.sign_in(user)``.

    A test that stops it finds it running again in the next one.
    """
    server = Server(database).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def two_processes(database):
    """Two server processes of one hospital, for contests."""
    server = Server(database, processes=2).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def theme():
    """The static files where the server looks for them, as new as what was built."""
    built = ROOT / "theme" / "static" / "dist" / "app.css"
    gathered = settings.STATIC_ROOT / "staticfiles.json"
    assert built.exists(), "The theme is not built. Run `make test`, which builds it."
    newest = max(f.stat().st_mtime for f in built.parent.iterdir())
    if not gathered.exists() or gathered.stat().st_mtime < newest:
        call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture
def _django_db_helper(request, database):
    """Let the test use the database, and leave nothing behind."""
    if "live_hms" in request.fixturenames:
        server = request.getfixturevalue("live_hms")
        if server.process is None or server.process.poll() is not None:
            server.start()
        heard = len(server.said)
    yield
    if "live_hms" in request.fixturenames:
        print("".join(server.said[heard:]))  # shown beside a failure
    clear()


@pytest.fixture
def scratch_database(database):
    """``scratch_database("name")`` makes an empty, migrated database of its own and returns its address."""
    made = []

    def make(name):
        made.append(f"{name}_{os.getpid()}")
        make_database(made[-1], like=TEMPLATE)
        return url_of(made[-1])

    yield make
    for name in made:
        drop_database(name)


def noon():
    """Set the hospital's zone so that it is about midday there: "today" does not end while the tests run."""
    offset = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"  # POSIX signs: west is plus
    Hospital.objects.current()
    Hospital.objects.update(time_zone=zone)
    forget()


def clear(keep=KEEP):
    """Remove every row of every table, past the triggers that keep histories append-only.

    Rows are deleted where there are any: TRUNCATE makes a new file for each of a hundred tables. Triggers and foreign
    keys are off meanwhile, which only a superuser may ask for; whoever tests as another gets the TRUNCATE.
    """
    assert connection.settings_dict["NAME"].startswith("test_"), "not a database made for tests"
    tables = set(connection.introspection.django_table_names(include_views=False)) | {"hms_cache"}
    names = [connection.ops.quote_name(t) for t in sorted(tables - keep)]
    for attempt in range(5):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
                if not cursor.fetchone()[0]:
                    cursor.execute(f"TRUNCATE {', '.join(names)}")
                    return
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(" UNION ALL ".join(f"(SELECT '{n}' FROM {n} LIMIT 1)" for n in names))
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DELETE FROM {name}")
            return
        except OperationalError:  # a request that is still running holds a row
            if attempt == 4:
                raise


def make_database(name, *, like):
    """Copy a database. Nobody may be connected to the one copied, so this process lets go of it."""
    connection.close()
    connection.close_pool()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')


def disconnect_others(name):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )


def drop_database(name):
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what stands in this folder: pytest-django makes the database; races over HTTP take the whole machine."""
    for item in items:
        if item.path.is_relative_to(ROOT / "e2e"):
            item.add_marker(pytest.mark.django_db(transaction=True))
            if "race" in item.keywords:
                item.add_marker(pytest.mark.alone)


# --- nothing that counts may be skipped

_skipped = []


def pytest_runtest_logreport(report):
    if report.skipped and {"race", "browser"} & set(report.keywords):
        _skipped.append(report.nodeid)


def pytest_collectreport(report):
    if report.skipped and report.nodeid.startswith("e2e"):  # a whole file
        _skipped.append(report.nodeid)


def pytest_terminal_summary(terminalreporter):
    for name in _skipped:
        terminalreporter.write_line(f"Skipped, and must not be: {name}", red=True)


def pytest_sessionfinish(session):
    if _skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
