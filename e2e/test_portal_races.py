"""Forty want the same time at the same moment, patients and the desk: one gets it, the others hear of other times.

As in test_races: over HTTP, two server processes, and controls without the guards that must see two winners.
"""

from datetime import UTC, timedelta

import psycopg
import pytest
from django.utils import timezone

from e2e.server import Server
from e2e.test_races import CONTENDERS, GUARDS, ROUNDS, Contest, booked, booking, copy_everything, offered, slot
from hms.models import Appointment, SlotHold
from hms.testing import make_department, make_doctor, make_patient, make_user

pytestmark = pytest.mark.race

HALF_AN_HOUR = timedelta(minutes=30)
HELD = ("hold_doctor_free",)


@pytest.fixture
def without(scratch_database):
    """``without("constraint", …)``: the address of a database without these, and then a server on it."""
    servers = []

    def make(*constraints, turns=True):
        url = scratch_database("hms_without")
        with psycopg.connect(url, autocommit=True) as database:
            name = database.info.dbname
            for constraint in constraints:
                table = "hms_slothold" if constraint in HELD else "hms_appointment"
                database.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
            if not turns:
                database.execute(
                    "CREATE FUNCTION public.pg_advisory_xact_lock(int, int) RETURNS void LANGUAGE sql AS 'SELECT'"
                )
                database.execute(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog')
        servers.append(Server(url, processes=2).start())
        return url, servers[-1]

    yield make
    for server in servers:
        server.stop()


def at(doctor, start):
    return f"{doctor.pk}@{start.astimezone(UTC):%Y%m%dT%H%MZ}"


def choosing(doctor, start):
    return f"/portal/book/{doctor.department_id}/{doctor.pk}/time/", {"at": at(doctor, start)}


def confirming(doctor, start):
    return "/portal/book/check/", {"at": at(doctor, start)}


def told(answers):
    """One was let through; everybody else was told in words, with other times."""
    assert sorted(a.status in {200, 302} for a in answers) == [False] * (len(answers) - 1) + [True]
    lost = [a for a in answers if a.status not in {200, 302}]
    assert {a.status for a in lost} == {409}
    assert all(a.text.count('name="at"') + offered(a) >= 3 for a in lost)
    words = ("Somebody else", "no longer free", "already has a patient")
    assert [a.text for a in lost if not any(w in a.text for w in words)] == []


def test_one_of_forty_holds(two_processes):
    doctor, people = make_doctor(), [make_patient() for _ in range(CONTENDERS)]
    contest = Contest(two_processes, *(p.user for p in people))
    for number in range(ROUNDS):
        told(contest.run([choosing(doctor, slot(number))] * CONTENDERS))
        assert SlotHold.objects.filter(doctor=doctor, start=slot(number)).count() == 1
    contest.close()
    contest.told_in_time()


def test_a_held_time_is_booked_once_by_a_patient_who_confirms_it_forty_times(two_processes):
    doctor, patient = make_doctor(department=make_department(online_most=50)), make_patient()
    contest = Contest(two_processes, patient.user)
    for number in range(ROUNDS):
        hold(patient, doctor, slot(number))
        answers = contest.run([confirming(doctor, slot(number))] * CONTENDERS)
        assert booked(doctor, slot(number)) == 1
        assert {a.status for a in answers} == {302}
        assert len({a.headers["Location"] for a in answers}) == 1  # each is led to the visit
    contest.close()
    contest.told_in_time()
    assert Appointment.objects.filter(patient=patient).count() == ROUNDS


def test_a_held_time_goes_to_its_patient_or_to_one_of_the_desk(two_processes):
    doctor, patient, desk = make_doctor(department=make_department(online_most=50)), make_patient(), make_user()
    others = [make_patient() for _ in range(CONTENDERS - 1)]
    contest = Contest(two_processes, patient.user, *[desk] * len(others))
    for number in range(ROUNDS):
        hold(patient, doctor, slot(number))
        theirs = [booking(p.pk, doctor.pk, slot(number)) for p in others]
        told(contest.run([confirming(doctor, slot(number)), *theirs]))
        assert booked(doctor, slot(number)) == 1
    contest.close()
    contest.told_in_time()
    assert Appointment.objects.count() == ROUNDS


def hold(patient, doctor, start):
    SlotHold.objects.all().delete()
    over = timezone.now() + timedelta(minutes=10)
    SlotHold.objects.create(patient=patient, doctor=doctor, start=start, end=start + HALF_AN_HOUR, expires_at=over)


class TwentyAgainstTwenty:
    """Twenty patients who all hold the same time confirm it, while the desk books it for twenty others.

    That all hold it is what the holds' own guard refuses: it is off, so that confirming has to stand by itself.
    """

    def __init__(self, url, server):
        self.url = url
        self.doctor, desk = make_doctor(department=make_department(online_most=50)), make_user()
        self.people = [make_patient() for _ in range(CONTENDERS)]
        self.half = CONTENDERS // 2
        self.crowd = Contest(server, *(p.user for p in self.people[: self.half]), *[desk] * self.half)
        copy_everything(url)  # and the sessions

    def run(self, start):
        """The answers, and how many have the time."""
        theirs = [booking(p.pk, self.doctor.pk, start) for p in self.people[self.half :]]
        with psycopg.connect(self.url, autocommit=True) as database:
            database.execute("DELETE FROM hms_slothold")
            database.cursor().executemany(
                'INSERT INTO hms_slothold (patient_id, doctor_id, start, "end", expires_at)'
                " VALUES (%s, %s, %s, %s, now() + interval '10 minutes')",
                [(p.pk, self.doctor.pk, start, start + HALF_AN_HOUR) for p in self.people[: self.half]],
            )
            answers = self.crowd.run([confirming(self.doctor, start)] * self.half + theirs)
            query = "SELECT count(*) FROM hms_appointment WHERE appointment_date = %s"
            return answers, database.execute(query, [start]).fetchone()[0]


def test_one_of_forty_patients_and_desks_gets_what_all_try_to_confirm(without):
    contest = TwentyAgainstTwenty(*without(*HELD))
    for number in range(ROUNDS):
        answers, given = contest.run(slot(number))
        told(answers)
        assert given == 1
    contest.crowd.close()
    contest.crowd.told_in_time()


def test_control_without_the_guards_two_confirm_the_same_time(without):
    contest = TwentyAgainstTwenty(*without(*HELD, *GUARDS, turns=False))
    most = 0
    for number in range(ROUNDS):
        _answers, given = contest.run(slot(number))
        most = max(most, given)
        if most > 1:
            break
    contest.crowd.close()
    assert most > 1, "The contest finds no race where there is one"


def test_control_without_the_guards_two_hold_the_same_time(without):
    url, server = without(*HELD, turns=False)
    doctor, people = make_doctor(), [make_patient() for _ in range(CONTENDERS)]
    contest = Contest(server, *(p.user for p in people))
    copy_everything(url)
    most = 0
    with psycopg.connect(url, autocommit=True) as database:
        for number in range(ROUNDS):
            contest.run([choosing(doctor, slot(number))] * CONTENDERS)
            query = "SELECT count(*) FROM hms_slothold WHERE start = %s"
            most = max(most, database.execute(query, [slot(number)]).fetchone()[0])
            if most > 1:
                break
    contest.close()
    assert most > 1, "The contest finds no race where there is one"
