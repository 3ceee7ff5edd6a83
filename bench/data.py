"""The hospitals that are measured: made once, each in a database of its own, and brought up to today at each run."""

import os
import random
import subprocess
import sys
import time
from collections import namedtuple
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg

from bench.server import ROOT

Size = namedtuple("Size", "name database patients appointments days")
SIZES = {
    # About 500 appointments a day, over two years or twenty.
    "100k": Size("100k", "hms_bench", 100_000, 300_000, 600),
    "1M": Size("1M", "hms_bench_large", 1_000_000, 3_000_000, 6_000),
}
DOCTORS = 200
A_DAY = 500  # appointments of today
ON_DUTY = range(40, 71)  # doctors that the 500 are spread over
MARK = "bench"  # the reason of appointments that a run books: taken away again
RECEPTION = "reception@hms.example"


def cluster_url():
    """The cluster that ``DATABASE_URL`` names, or the embedded one, which this process joins."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    from hms.postgres import Embedded

    embedded = Embedded(Path(os.environ.get("HMS_DATA_DIR") or ROOT / "var").resolve())
    embedded.join()
    return embedded.url


class Hospital:
    """One database of a given size: what requests need to know of it. Talks to it in SQL only."""

    def __init__(self, size, cluster):
        self.size = size
        self.url = urlsplit(cluster)._replace(path=f"/{size.database}").geturl()
        self._make(cluster)
        self.db = psycopg.connect(self.url, autocommit=True)
        (zone,) = self.one("SELECT time_zone FROM hms_hospital")
        self.zone = ZoneInfo(zone)
        self.today = datetime.now(self.zone).date()
        self.take_back()
        self._bring_up_to_today()

    def one(self, sql, params=()):
        return self.db.execute(sql, params).fetchone()

    def all(self, sql, params=()):
        return self.db.execute(sql, params).fetchall()

    # --- making it

    def _make(self, cluster):
        with psycopg.connect(cluster, autocommit=True) as admin:
            there = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.size.database]).fetchone()
            if there and not self._is_complete():
                admin.execute(f"DROP DATABASE {self.size.database} WITH (FORCE)")
                there = None
            if not there:
                admin.execute(f"CREATE DATABASE {self.size.database}")
        self._manage("migrate", "--verbosity=0")
        if there:
            return
        print(f"Making a hospital of {self.size.patients:,} patients, once …", flush=True)
        began = time.monotonic()
        self._manage(
            "demo",
            f"--patients={self.size.patients}",
            f"--appointments={self.size.appointments}",
            f"--doctors={DOCTORS}",
            f"--days={self.size.days}",
            "--verbosity=0",
        )
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("VACUUM ANALYZE")
        print(f"… done in {time.monotonic() - began:.0f} s.", flush=True)

    def _is_complete(self):
        with psycopg.connect(self.url) as db:
            if not db.execute("SELECT to_regclass('hms_appointment')").fetchone()[0]:
                return False
            (patients,) = db.execute("SELECT count(*) FROM hms_patient").fetchone()
            return patients >= self.size.patients

    def _manage(self, *arguments):
        env = os.environ | {"DATABASE_URL": self.url, "HMS_DEMO": "1"}
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True)

    # --- today

    def bounds(self, day):
        return tuple(datetime(*(day + timedelta(days=n)).timetuple()[:3], tzinfo=self.zone) for n in (0, 1))

    def _bring_up_to_today(self):
        """Exactly ``A_DAY`` appointments with ``ON_DUTY`` doctors today, whatever day the hospital was made on."""
        on_duty = self._on_duty(self.today)
        with self._no_triggers():
            if len(on_duty) not in ON_DUTY:
                by_weekday = {n: len(self._on_duty(self.today + timedelta(days=n))) for n in range(7)}
                quiet = (self.today + timedelta(days=min(by_weekday, key=by_weekday.get))).weekday()
                self.db.execute(
                    "UPDATE hms_workinghours SET weekday = %(a)s + %(b)s - weekday WHERE weekday IN (%(a)s, %(b)s)",
                    {"a": quiet, "b": self.today.weekday()},
                )
                on_duty = self._on_duty(self.today)
            bounds = self.bounds(self.today)
            (count,) = self.one(
                "SELECT count(*) FROM hms_appointment WHERE appointment_date >= %s AND appointment_date < %s", bounds
            )
            if count == A_DAY:
                return
            # Out of sight, not deleted: something may refer to them.
            self.db.execute(
                "UPDATE hms_appointment SET appointment_date = appointment_date - interval '40 years'"
                " WHERE appointment_date >= %s AND appointment_date < %s",
                bounds,
            )
            self._fill_today(on_duty)
        self.db.execute("ANALYZE hms_appointment")

    def _fill_today(self, on_duty):
        now, rng = datetime.now(UTC), random.Random(A_DAY)
        patients = self._patients(A_DAY, rng)
        slots = [(doctor, start) for doctor, starts in self.free(self.today, on_duty).items() for start in starts]
        for patient, (doctor, start) in zip(patients, rng.sample(slots, A_DAY), strict=True):
            status, times = "SCHEDULED", [None, None, None]
            if rng.random() < 0.07:
                status = rng.choice(["CANCELLED", "NO_SHOW"])
            elif start < now - timedelta(minutes=20):
                status, times = "COMPLETED", [start, start, start + timedelta(minutes=15)]
            elif start < now + timedelta(minutes=15):
                times = [now - timedelta(minutes=10), None, None]
            self.db.execute(
                "INSERT INTO hms_appointment (patient_id, doctor_id, appointment_date, duration, status,"
                " checked_in_at, started_at, ended_at, reason) VALUES (%s, %s, %s, '15 min', %s, %s, %s, %s, 'Review')",
                [patient, doctor, start, status, *times],
            )

    def _on_duty(self, day):
        return [pk for (pk,) in self.all(f"SELECT DISTINCT h.doctor_id {HOURS} ORDER BY 1", self._day(day))]

    def _day(self, day):
        return {"weekday": day.weekday(), "date": day}

    def _no_triggers(self):
        return _NoTriggers(self.db)

    # --- what requests need

    def free(self, day, doctors=None):
        """``{doctor: [start, …]}``: the quarter hours of a day that nobody has."""
        begins, ends = self.bounds(day)
        taken = {}
        for doctor, start, end in self.all(
            "SELECT doctor_id, appointment_date, appointment_date + duration FROM hms_appointment"
            " WHERE appointment_date >= %(a)s AND appointment_date < %(b)s"
            ' UNION ALL SELECT doctor_id, start, "end" FROM hms_timeoff WHERE start < %(b)s AND "end" > %(a)s',
            {"a": begins, "b": ends},
        ):
            taken.setdefault(doctor, []).append((start, end))
        free, quarter = {}, timedelta(minutes=15)
        for doctor, opens, closes in self.all(f'SELECT h.doctor_id, h.start, h."end" {HOURS}', self._day(day)):
            if doctors is not None and doctor not in doctors:
                continue
            at = datetime.combine(day, opens, tzinfo=self.zone)
            while at + quarter <= datetime.combine(day, closes, tzinfo=self.zone):
                if all(at + quarter <= s or at >= e for s, e in taken.get(doctor, [])):
                    free.setdefault(doctor, []).append(at)
                at += quarter
        return free

    def slots(self, number, patients):
        """``(day, [(doctor, start, patient), …])``: free times of one day to come, each for another patient."""
        day = next(
            d for d in (self.today + timedelta(days=n) for n in range(1, 60)) if len(self._on_duty(d)) > DOCTORS // 2
        )
        rng = random.Random()
        slots = [(doctor, start) for doctor, starts in self.free(day).items() for start in starts]
        people = self._patients(patients, rng)
        return day, [
            (*slot, patient) for slot, patient in zip(rng.sample(slots, min(number, len(slots))), people, strict=False)
        ]

    def _patients(self, number, rng):
        """Patients who have no appointment in the weeks around today."""
        (most,) = self.one("SELECT max(id) FROM hms_patient")
        found = self.all(
            "SELECT p.id FROM hms_patient p JOIN hms_user u ON u.id = p.user_id WHERE p.id = ANY(%s) AND u.is_active"
            " AND NOT EXISTS (SELECT FROM hms_appointment a WHERE a.patient_id = p.id"
            "  AND a.appointment_date BETWEEN now() - interval '2 days' AND now() + interval '60 days')",
            [[rng.randint(most // 10, most) for _ in range(number * 3)]],
        )
        return [pk for (pk,) in rng.sample(found, number)]

    def todays(self):
        """The ids of today's live appointments."""
        return [
            pk
            for (pk,) in self.all(
                "SELECT id FROM hms_appointment WHERE appointment_date >= %s AND appointment_date < %s"
                " AND status NOT IN ('CANCELLED', 'NO_SHOW') ORDER BY id %% 17, id",
                self.bounds(self.today),
            )
        ]

    def touch_sql(self, only=""):
        """SQL that makes today's cards out of date (``only``: a further condition), without history or notices."""
        begins, ends = (moment.isoformat() for moment in self.bounds(self.today))
        return (
            "SET session_replication_role = replica; UPDATE hms_appointment SET updated_at = clock_timestamp()"
            f" WHERE appointment_date >= '{begins}' AND appointment_date < '{ends}' {only}"
        )

    def take_back(self):
        """Remove what earlier runs booked, with its history."""
        with self._no_triggers():
            self.db.execute(
                "WITH gone AS (DELETE FROM hms_appointment WHERE appointment_date > now() AND reason = %s RETURNING id)"
                " DELETE FROM hms_appointmentevent WHERE pgh_obj_id IN (SELECT id FROM gone)",
                [MARK],
            )
            self.db.execute("DELETE FROM django_session WHERE session_key LIKE 'bench%'")

    def sign_in(self, number=1, email=RECEPTION):
        """Sessions of a receptionist, or of somebody else, as signing in makes them: ``["name=key", …]``."""
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        from hms.models import User

        pk, password = self.one("SELECT id, password FROM hms_user WHERE email = %s", [email])
        data = SessionStore().encode(
            {
                SESSION_KEY: str(pk),
                BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                HASH_SESSION_KEY: User(pk=pk, password=password).get_session_auth_hash(),
                "signed_in_at": time.time(),
                "seen_at": time.time(),
            }
        )
        keys = [f"bench{random.getrandbits(120):030x}"[:32] for _ in range(number)]
        with self.db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO django_session VALUES (%s, %s, now() + interval '10 hours')", [(key, data) for key in keys]
            )
        return [f"{settings.SESSION_COOKIE_NAME}={key}" for key in keys]


HOURS = """FROM hms_workinghours h JOIN hms_doctor d ON d.id = h.doctor_id JOIN hms_user u ON u.id = d.user_id
    WHERE h.weekday = %(weekday)s AND h.valid_from <= %(date)s AND (h.valid_until IS NULL OR h.valid_until >= %(date)s)
    AND u.is_active AND d.is_available"""


class _NoTriggers:
    """Inside, rows change without history, notices and ``updated_at``; constraints still hold."""

    def __init__(self, db):
        self.db = db

    def __enter__(self):
        self.db.execute("SET session_replication_role = replica")

    def __exit__(self, *error):
        self.db.execute("SET session_replication_role = origin")


def day_text(day):
    return date.isoformat(day)
