"""Forty people want the same thing at the same moment: one gets it, the others hear so at once, nothing breaks.

Over real HTTP against two server processes, twenty rounds for each way to take a time. The control runs the same
contest on a database whose guards were taken out, and must see two winners: else the contest would prove nothing.
"""

import os
import statistics
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from e2e.server import Server
from hms.domain.settings import hospital
from hms.models import Appointment
from hms.testing import local, make_appointment, make_doctor, make_patient, make_user

pytestmark = pytest.mark.race

ROUNDS, CONTENDERS = 20, 40
SLOWEST = 1.5  # seconds until the last of the forty knows
GUARDS = ("appointment_doctor_free", "appointment_patient_free")


class Contest:
    """Forty signed-in connections, of one user or of a user each, that send their requests at the same moment."""

    def __init__(self, server, *users):
        users = users if len(users) > 1 else users * CONTENDERS
        cookies = {user.pk: server.sign_in(user) for user in {user.pk: user for user in users}.values()}
        self.clients = [server.client() for _ in users]
        for client, user in zip(self.clients, users, strict=True):
            client.cookies.update(cookies[user.pk])
        self.pool = ThreadPoolExecutor(CONTENDERS)
        list(self.pool.map(lambda client: client.get("/healthz"), self.clients))  # every connection is open
        self.slowest = []
        self.busy = max(1, os.getloadavg()[0] / os.cpu_count())  # with something else than this contest

    def run(self, requests):
        """Send ``[(path, form), …]``, one by each contender; the answers in the same order."""
        start = threading.Barrier(CONTENDERS)

        def send(client, request):
            start.wait()
            return client.post(*request)

        answers = list(self.pool.map(send, self.clients, requests))
        self.slowest.append(max(a.seconds for a in answers))
        return answers

    def told_in_time(self, seconds=SLOWEST):
        """The last of the forty knew soon: in the usual round, as one disk that stalls says nothing of the others."""
        usual = statistics.median(self.slowest)
        assert usual < seconds * self.busy, f"somebody waited {usual:.2f} s"

    def close(self):
        self.pool.shutdown()
        for client in self.clients:
            client.close()


@pytest.fixture
def contest(two_processes):
    found = Contest(two_processes, make_user("RECEPTIONIST"))
    yield found
    found.close()
    found.told_in_time()


def one_wins(answers, *, with_other_times=True):
    """Exactly one was let through, all others were told in words."""
    statuses = sorted(a.status for a in answers)
    assert statuses == [200] + [409] * (CONTENDERS - 1)
    if with_other_times:
        without = [a.text for a in answers if a.status == 409 and offered(a) < 3]
        assert not without, f"{len(without)} heard of no other time: {without[0][:2000]}"


def offered(answer):
    """How many other times an answer offers."""
    return answer.text.count('name="instead"') + answer.text.count("appointments/new/?")


def slot(number):
    """A different half hour for each round, within the doctors' hours."""
    return local(days=1 + number // 10, at=f"{9 + number % 10 // 2}:{number % 2 * 30:02}")


def booked(doctor, start):
    return Appointment.objects.live().between(start, start + timedelta(minutes=30)).filter(doctor=doctor).count()


def booking(patient, doctor, start):
    at = start.astimezone(hospital().zone)
    form = {"patient": patient, "doctor": doctor, "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "duration": "30"}
    return "/desk/appointments/new/", form


def test_one_of_forty_books(contest):
    doctor, patients = make_doctor(), [make_patient() for _ in range(CONTENDERS)]
    for number in range(ROUNDS):
        answers = contest.run([booking(p.pk, doctor.pk, slot(number)) for p in patients])
        one_wins(answers)
        assert booked(doctor, slot(number)) == 1
    assert Appointment.objects.count() == ROUNDS


def test_one_of_forty_confirms(contest):
    appointments = [make_appointment(start=slot(number)) for number in range(ROUNDS)]
    for appointment in appointments:
        answers = contest.run([(f"/desk/appointments/{appointment.pk}/confirm/", {})] * CONTENDERS)
        one_wins(answers, with_other_times=False)
        assert all("already confirmed" in a.text for a in answers if a.status == 409)
    assert Appointment.objects.filter(status="CONFIRMED").count() == ROUNDS


def test_one_of_forty_moves(contest):
    target, doctors = make_doctor(), [make_doctor() for _ in range(4)]
    theirs = [
        make_appointment(doctor=doctors[i % 4], start=local(days=10, at=f"{8 + i // 4}:00")) for i in range(CONTENDERS)
    ]
    for number in range(ROUNDS):
        at = slot(number).astimezone(hospital().zone)
        form = {"doctor": target.pk, "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "duration": "30"}
        answers = contest.run([(f"/desk/appointments/{a.pk}/move/", form) for a in theirs])
        one_wins(answers)
        assert booked(target, slot(number)) == 1
    assert Appointment.objects.count() == CONTENDERS


def test_one_of_forty_is_reinstated(contest):
    doctor, start = make_doctor(), local()
    gone = [make_appointment(doctor=doctor, start=start, status="CANCELLED") for _ in range(CONTENDERS)]
    for _ in range(ROUNDS):
        answers = contest.run([(f"/desk/appointments/{a.pk}/reinstate/", {}) for a in gone])
        one_wins(answers)
        assert booked(doctor, start) == 1
        Appointment.objects.live().update(status="CANCELLED")


def test_moves_in_opposite_order_do_not_wait_for_each_other_for_ever(contest):
    """Twenty go from one doctor to another and twenty the other way, all into the same two half hours."""
    one, two = make_doctor(), make_doctor()
    there = [make_appointment(doctor=(one, two)[i % 2], start=local(days=8 + i // 2)) for i in range(CONTENDERS)]
    for number in range(5):
        at = slot(number).astimezone(hospital().zone)
        form = {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "duration": "30"}
        moves = [
            (f"/desk/appointments/{a.pk}/move/", form | {"doctor": (two, one)[i % 2].pk}) for i, a in enumerate(there)
        ]
        answers = contest.run(moves)
        assert sorted({a.status for a in answers}) == [200, 409]
        assert (booked(one, slot(number)), booked(two, slot(number))) == (1, 1)


def test_control_without_the_guards_two_get_the_same_time(scratch_database):
    """The same contest, the same server; only the database no longer refuses, and lets everybody in at once."""
    url = scratch_database("hms_unguarded")
    with psycopg.connect(url, autocommit=True) as unguarded:
        name = unguarded.info.dbname
        for constraint in GUARDS:
            unguarded.execute(f"ALTER TABLE hms_appointment DROP CONSTRAINT {constraint}")
        unguarded.execute(
            "CREATE FUNCTION public.pg_advisory_xact_lock(int, int) RETURNS void LANGUAGE sql AS 'SELECT'"
        )
        unguarded.execute(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog')
    # The rows are made through the ORM in the tests' own database and copied over: there is one default connection.
    doctor, patients, desk = make_doctor(), [make_patient() for _ in range(CONTENDERS)], make_user("RECEPTIONIST")
    server = Server(url).start()
    try:
        cookies = server.sign_in(desk)
        copy_everything(url)
        contest = Contest(server, desk)
        for client in contest.clients:
            client.cookies.update(cookies)
        winners = 0
        for number in range(ROUNDS):
            answers = contest.run([booking(p.pk, doctor.pk, slot(number)) for p in patients])
            winners = max(winners, sum(a.status == 200 for a in answers))
            if winners > 1:
                break
        contest.close()
        assert winners > 1, "The contest finds no race where there is one"
    finally:
        server.stop()


def copy_everything(url):
    """Copy what the test made into another database with the same tables."""
    tables = ["hms_user", "hms_department", "hms_doctor", "hms_patient", "hms_workinghours", "hms_hospital"]
    with psycopg.connect(url) as other, connection.cursor() as here:
        other.execute("SET session_replication_role = replica")
        for table in [*tables, "django_session"]:
            here.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_name = %s AND is_generated = 'NEVER'",
                [table],
            )
            (columns,) = here.fetchone()
            here.execute(f"SELECT {columns} FROM {table}")
            rows = here.fetchall()
            other.execute(f"DELETE FROM {table}")
            with other.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
