"""Behind PgBouncer in transaction mode: every statement may meet another connection, and everything still works."""

import os
import shutil
import subprocess
import time
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest
from django.conf import settings

from e2e.server import Server, free_port
from e2e.test_races import Contest, booked, booking, one_wins
from e2e.test_streams import listen
from hms.domain.settings import hospital
from hms.models import Appointment
from hms.testing import PASSWORD, local, make_appointment, make_doctor, make_patient, make_user

SERVER_CONNECTIONS = 3  # fewer than the pages that are worked on at a time: they must share
INI = """
[databases]
pooled = {target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
log_connections = 0
log_disconnections = 0
"""


def target(url):
    """Where PgBouncer finds the database, in its own spelling."""
    parts = urlsplit(url)
    fields = {k: v[-1] for k, v in parse_qs(parts.query).items() if k in {"host", "port"}}
    fields |= {"dbname": parts.path.lstrip("/"), "user": unquote(parts.username or "postgres")}
    if parts.hostname:
        fields["host"] = parts.hostname
    if parts.port:
        fields["port"] = str(parts.port)
    if parts.password:
        fields["password"] = unquote(parts.password)
    return " ".join(f"{name}='{value}'" for name, value in fields.items())


@pytest.fixture(scope="module")
def pooled_url(database, tmp_path_factory):
    """The address of a PgBouncer in front of the tests' database."""
    binary = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    assert binary, "PgBouncer is not installed. Install the system's package pgbouncer, and run the tests again."
    port, folder = free_port(), tmp_path_factory.mktemp("pgbouncer")
    ini = folder / "pgbouncer.ini"
    ini.write_text(INI.format(target=target(database), port=port, size=SERVER_CONNECTIONS))
    # It refuses to run as root: then it runs as the embedded server's user, whom alone the server's socket lets in.
    demote = {}
    if os.geteuid() == 0:
        demote = settings.EMBEDDED._demote if settings.EMBEDDED else {"user": "nobody", "group": "nogroup"}
    # Its settings come through an open file: the other user cannot walk to where it is kept.
    with open(folder / "log.txt", "w") as log, open(ini) as config:
        process = subprocess.Popen([binary, "/dev/stdin"], stdin=config, stdout=log, stderr=log, cwd="/", **demote)
    url = f"postgresql://anybody@127.0.0.1:{port}/pooled"
    try:
        until = time.monotonic() + 5
        while True:
            try:
                psycopg.connect(url, connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                said = (folder / "log.txt").read_text()
                assert process.poll() is None, f"PgBouncer ended:\n{said}"
                assert time.monotonic() < until, f"PgBouncer does not answer:\n{said}"
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(5)


@pytest.fixture(scope="module")
def pooled_hms(pooled_url, database):
    server = Server(pooled_url, DATABASE_DIRECT_URL=database).start()
    yield server
    server.stop()


def test_the_pool_is_shared_between_transactions(pooled_url):
    """What follows proves something only if consecutive transactions of one client really change connections."""
    backends = set()
    with (
        psycopg.connect(pooled_url, autocommit=True) as one,
        psycopg.connect(pooled_url, autocommit=True) as two,
    ):
        for _ in range(3):
            with one.transaction():
                backends.add(one.execute("SELECT pg_backend_pid()").fetchone())
                two.execute("SELECT 1")  # takes another one
            with two.transaction():
                two.execute("SELECT 1")
                backends.add(one.execute("SELECT pg_backend_pid()").fetchone())
        with pytest.raises(psycopg.Error):
            two.execute("SELECT nothing")
    assert len(backends) > 1


def test_a_receptionist_signs_in_books_moves_and_checks_in(pooled_hms):
    rita = make_user("RECEPTIONIST", email="rita@hms.example")
    rita.set_password(PASSWORD)
    rita.save()
    doctor, patient = make_doctor(), make_patient(last_name="Pooled")
    client = pooled_hms.client()
    answer = client.post("/accounts/login/", {"login": rita.email, "password": PASSWORD}, HX_Request="")
    assert answer.status == 302, answer.text
    client.cookies[settings.SESSION_COOKIE_NAME] = session_cookie(answer)
    assert client.get("/desk/").status == 200
    start = local(days=0, at="15:00")
    assert client.post(*booking(patient.pk, doctor.pk, start)).status == 200
    appointment = Appointment.objects.get()
    assert "POOLED" in client.get("/desk/").text
    at = {"date": f"{hospital().today()}", "time": "15:30", "duration": "30", "doctor": doctor.pk}
    assert client.post(f"/desk/appointments/{appointment.pk}/move/", at).status == 200
    for verb in ("confirm", "check-in", "start", "complete"):
        assert client.post(f"/desk/appointments/{appointment.pk}/{verb}/").status == 200
    appointment.refresh_from_db()
    assert (appointment.status, appointment.appointment_date) == ("COMPLETED", start + timedelta(minutes=30))
    assert client.get("/desk/patients/?q=pool").status == 200
    assert client.post("/accounts/logout/", HX_Request="").status == 302
    assert client.get("/desk/").status == 302


def session_cookie(answer):
    for cookie in answer.headers.get_all("Set-Cookie"):
        name, _equals, rest = cookie.partition("=")
        if name == settings.SESSION_COOKIE_NAME:
            return rest.split(";")[0]
    raise AssertionError("no session cookie")


def test_who_changed_what_is_kept_with_each_change(pooled_hms):
    """The history's context is set for one transaction: on a shared connection it must not stay for somebody else's."""
    from django.apps import apps

    users = [make_user("RECEPTIONIST") for _ in range(3)]
    appointments = [make_appointment() for _ in users]
    clients = [pooled_hms.client(user) for user in users]
    for _ in range(3):
        for verb in ("confirm", "unconfirm"):
            for client, appointment in zip(clients, appointments, strict=True):
                assert client.post(f"/desk/appointments/{appointment.pk}/{verb}/").status == 200
    events = apps.get_model("hms", "AppointmentEvent").objects
    for user, appointment in zip(users, appointments, strict=True):
        found = events.filter(pgh_obj_id=appointment.pk, pgh_label="update").values_list("pgh_context__user", flat=True)
        assert list(found) == [user.pk] * 6


def test_live_screens_hear_of_changes(pooled_hms):
    appointment = make_appointment(start=local(days=0, at="15:00"))
    stream = listen(pooled_hms, make_user("RECEPTIONIST"))
    Appointment.objects.filter(pk=appointment.pk).update(status="CONFIRMED")
    stream.showing(f"appointment-{appointment.pk}")


@pytest.mark.race
def test_one_of_forty_books_here_too(pooled_hms):
    contest = Contest(pooled_hms, make_user("RECEPTIONIST"))
    doctor, patients = make_doctor(), [make_patient() for _ in contest.clients]
    for days in (1, 2, 3):
        answers = contest.run([booking(p.pk, doctor.pk, local(days=days)) for p in patients])
        one_wins(answers)
        assert booked(doctor, local(days=days)) == 1
    contest.close()
    contest.told_in_time(seconds=3)
    assert Appointment.objects.count() == 3
