"""Millions of rows for measuring, by COPY.

Checking each row as it comes would take an hour, so inside one transaction the tables give up their secondary indexes,
exclusion constraints, foreign keys and triggers, take the rows, and get all of it back from the definitions that
PostgreSQL itself wrote down. Whatever goes wrong, the transaction takes the tables back to how they were. What the
triggers would have kept is kept here: record numbers come from their sequence, name tokens are gathered at the end.
Bulk rows have no history.
"""

import random
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import count, cycle

from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql
from tqdm import tqdm

from hms.demo import names, texts
from hms.demo.clock import day_of
from hms.domain.settings import hospital
from hms.models import Appointment, Department, Doctor, Patient

TODAY = 500  # appointments of today
SLOT = 15  # minutes
OPENS, CLOSES, LUNCH = 8 * 60, 18 * 60, (12 * 60 + 30, 13 * 60 + 15)
SLOTS = [m for m in range(OPENS, CLOSES, SLOT) if m + SLOT <= LUNCH[0] or m >= LUNCH[1]]
FILL = 0.8  # of a day's slots, at most
PEOPLE = 120_001  # different names, used again and again
BLOCK = 5_000  # rows handed to COPY at a time
TABLES = ["hms_user", "hms_patient", "hms_doctor", "hms_workinghours", "hms_appointment"]


class DoesNotFit(Exception):
    """More appointments than the doctors' days hold."""


def fill(*, patients, appointments, days, doctors, quiet=False):
    """Add rows until the hospital holds ``patients`` and ``appointments``, spread over ``days`` around today."""
    more_patients = max(patients - Patient.objects.count(), 0)
    more_appointments = max(appointments - Appointment.objects.count(), 0)
    if not more_patients and not more_appointments:
        return
    if more_appointments and Appointment.objects.filter(doctor__license_number__startswith="V-").exists():
        raise DoesNotFit("This hospital already holds bulk appointments. Load more into an empty database.")
    now = timezone.now()
    there = Appointment.objects.between(*hospital().day_bounds(day_of(now))).count()
    per_day = calendar(more_appointments, days, doctors, day_of(now), max(TODAY - there, 0))
    rng = random.Random(more_patients + more_appointments)  # noqa: S311
    with tqdm(total=more_patients * 2 + more_appointments, unit=" rows", unit_scale=True, disable=quiet) as bar:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
            cursor.execute("SET LOCAL max_parallel_maintenance_workers = 2")
            cursor.execute("SET LOCAL synchronous_commit = off")
            with _bare_tables(cursor, bar):
                bar.set_description("patients")
                _patients(cursor, more_patients, rng, bar)
                if more_appointments:
                    bar.set_description("appointments")
                    plan = _Plan(cursor, per_day, doctors, now)
                    _copy(cursor, "hms_appointment", APPOINTMENT, plan.rows(rng), bar)
            bar.set_description("name tokens")
            cursor.execute(TOKENS)
            bar.set_description("statistics")
            cursor.execute(f"ANALYZE {', '.join([*TABLES, 'hms_nametoken'])}")
            # The board's screens get their page again.
            cursor.execute("SELECT pg_notify('hms', '[\"hospital\", 1, []]')")
        bar.set_description("done")


TOKENS = """
    INSERT INTO hms_nametoken (token)
    SELECT DISTINCT word
    FROM (SELECT DISTINCT family_first FROM hms_user WHERE role = 'PATIENT') AS name,
         regexp_split_to_table(family_first, ' ') AS word
    WHERE length(word) > 1 ORDER BY word
    ON CONFLICT DO NOTHING
"""
USER = "id, password, is_active, first_name, last_name, email, role, phone, created_at, updated_at"
PATIENT = (
    "id, user_id, date_of_birth, gender, blood_type, allergies, emergency_contact, medical_history, desk_note,"
    " created_at, updated_at"
)
DOCTOR = (
    "id, user_id, license_number, specialization, department_id, consultation_fee, experience_years, is_available,"
    " created_at, updated_at"
)
HOURS = 'id, doctor_id, weekday, start, "end", valid_from'
APPOINTMENT = (
    "id, patient_id, doctor_id, appointment_date, duration, reason, status, checked_in_at, started_at, ended_at,"
    " notes, cancel_reason, override_reason, created_at, updated_at"
)


# --- the schema, taken off and put back


@contextmanager
def _bare_tables(cursor, bar):
    """Inside: no secondary index, exclusion, foreign key or trigger on TABLES. Afterwards everything as before."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending on a table that changes
    for table in TABLES:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    cursor.execute(
        """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint AS mine
        WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'x', 'u')
            -- a key that others refer to stays
            AND NOT EXISTS (SELECT 1 FROM pg_constraint AS other
                            WHERE mine.contype = 'u' AND other.contype = 'f' AND other.conindid = mine.conindid)
        ORDER BY contype = 'f' DESC, conrelid::regclass::text, conname
        """,
        [TABLES],
    )
    constraints = cursor.fetchall()
    for table, name, _definition in constraints:
        cursor.execute(_sql("ALTER TABLE {} DROP CONSTRAINT {}", table, name))
    cursor.execute(
        """SELECT tablename, indexname, indexdef FROM pg_indexes
           WHERE schemaname = 'public' AND tablename = ANY(%s) AND NOT EXISTS (
               SELECT 1 FROM pg_constraint WHERE conindid = (quote_ident(indexname))::regclass)
           ORDER BY tablename, indexname""",
        [TABLES],
    )
    indexes = cursor.fetchall()
    for _table, name, _definition in indexes:
        cursor.execute(_sql("DROP INDEX {}", name))
    yield
    for _table, name, definition in indexes:
        bar.set_description(f"index {name}")
        cursor.execute(definition)
    for table, name, definition in reversed(constraints):
        bar.set_description(f"constraint {name}")
        declared = next((c for c in Appointment._meta.constraints if c.name == name), None)
        if declared:  # as the migration made it: PostgreSQL's own wording of a condition grows each time it is read
            cursor.execute(str(declared.create_sql(Appointment, connection.schema_editor())))
        else:
            cursor.execute(_sql("ALTER TABLE {} ADD CONSTRAINT {} ", table, name) + sql.SQL(definition))
    for table in TABLES:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _sql(text, *names):
    return sql.SQL(text).format(*map(sql.Identifier, names))


def _copy(cursor, table, columns, rows, bar):
    """COPY tab-separated lines; they are handed over in blocks while the next is being made."""
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        block = []
        for row in rows:
            block.append(row)
            if len(block) == BLOCK:
                copy.write("".join(block).encode())
                bar.update(len(block))
                block.clear()
        copy.write("".join(block).encode())
        bar.update(len(block))


def _reserve(cursor, table, number):
    """The first of ``number`` ids that nobody else will get."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
    first = cursor.fetchone()[0]
    cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first + max(number - 1, 0)])
    return first


# --- people


def _patients(cursor, number, rng, bar):
    if not number:
        return
    users, patients = _reserve(cursor, "hms_user", number), _reserve(cursor, "hms_patient", number)
    made = timezone.now() - timedelta(days=1500)
    born = [(made.date() - timedelta(days=n)).isoformat() for n in range(1, 32_000, 3)]
    people = [(*_named(rng, n % 2), "FEMALE" if n % 2 else "MALE") for n in range(PEOPLE)]
    pick, below = rng.choice, rng.randrange

    def user_lines():
        for n in range(number):
            given, family, _gender = people[n * 7919 % PEOPLE]
            email = f"p{users + n}@volume.example" if n % 3 else "\\N"
            phone = f"+447700{below(20_000):05}{n % 10}"
            yield f"{users + n}\t!\tt\t{given}\t{family}\t{email}\tPATIENT\t{phone}\t{made}\t{made}\n"

    def patient_lines():
        for n in range(number):
            gender = people[n * 7919 % PEOPLE][2]
            allergies = pick(texts.ALLERGIES) if n % 6 == 0 else texts.NO_ALLERGIES if n % 3 else ""
            yield f"{patients + n}\t{users + n}\t{pick(born)}\t{gender}\t\t{allergies}\t\t\t\t{made}\t{made}\n"

    _copy(cursor, "hms_user", USER, user_lines(), bar)
    _copy(cursor, "hms_patient", PATIENT, patient_lines(), bar)


def _named(rng, woman):
    """Somebody; every third with one of thousands of rare family names, as a list this long has."""
    given, family = names.person(rng, woman)
    if given and rng.random() < 0.35:
        family = rng.choice(RARE_BEGINNINGS) + rng.choice(RARE_ENDINGS)
    return given, family


def _words(text):
    return text.split()


RARE_BEGINNINGS = _words("""
    Ash Bar Black Brad Bram Bren Brom Bur Cald Car Chad Clay Col Crom Dal Dan Den Dray Dun East El Fair Fen Gar Gran Hal
    Ham Har Hart Hay Hazel Hol Hunt Ken Kim King Lang Lark Lind Lock Mar May Mel Mill Nor Oak Pen Quar Ray Red Rich Rock
    Ros Ruther Sand Sel Shel Sher Somer Stan Stock Sut Thorn Thur Tol Under Wad Wake Wal War Wes Whit Wil Win Wood Wy
""")
RARE_ENDINGS = _words("""
    acre beck borough bridge brook bury by combe cott croft dale den field ford gate ham hill holm hurst ing land leigh
    ley low man mere more ness over ridge shaw side son stead stoke stone thorpe ton tree wald ward water way well wick
    wood worth
""")


def _doctors(cursor, number, today):
    """Volume doctors, made where there are fewer; each works five weekdays, but only a quarter on today's weekday."""
    have = list(Doctor.objects.filter(license_number__startswith="V-").order_by("pk").values_list("pk", flat=True))
    missing = number - len(have)
    if missing > 0:
        users, doctors = _reserve(cursor, "hms_user", missing), _reserve(cursor, "hms_doctor", missing)
        departments = list(Department.objects.order_by("pk").values_list("pk", flat=True))
        made, rng = timezone.now() - timedelta(days=2000), random.Random(number)  # noqa: S311
        who = [names.person(rng, n % 2) for n in range(missing)]
        lines = [
            f"{users + n}\t!\tt\t{given}\t{family}\tv{users + n}@volume.example\tDOCTOR\t\t{made}\t{made}\n"
            for n, (given, family) in enumerate(who)
        ]
        _copy(cursor, "hms_user", USER, lines, _Silent)
        lines = [
            f"{doctors + n}\t{users + n}\tV-{doctors + n}\tGeneral\t{department}\t90\t10\tt\t{made}\t{made}\n"
            for n, department in zip(range(missing), cycle(departments), strict=False)
        ]
        _copy(cursor, "hms_doctor", DOCTOR, lines, _Silent)
        have += range(doctors, doctors + missing)
        _hours(cursor, have[-missing:], len(have) - missing, today)
    return have[:number]


def _hours(cursor, doctors, before, today):
    lines = []
    ids = count(_reserve(cursor, "hms_workinghours", len(doctors) * 14))
    for index, pk in enumerate(doctors, before):
        for weekday in range(7):
            if _works(index, weekday, today.weekday()):
                for start, end in ((OPENS, LUNCH[0]), (LUNCH[1], CLOSES)):
                    wall = [f"{m // 60:02}:{m % 60:02}" for m in (start, end)]
                    lines.append(f"{next(ids)}\t{pk}\t{weekday}\t{wall[0]}\t{wall[1]}\t2000-01-01\n")
    _copy(cursor, "hms_workinghours", HOURS, lines, _Silent)


def _works(index, weekday, todays):
    return index % 4 == 0 if weekday == todays else (index + weekday) % 7 not in (0, 1)


class _Silent:
    update = staticmethod(lambda n: None)


# --- appointments


def calendar(number, days, doctors, today, todays):
    """``{day: how many}``: ``number`` appointments spread over ``days`` around today, ``todays`` of them on it."""
    # A doctor works five days of seven, and few doctors on the weekday that today is.
    days = days or max(42, round(number / (len(SLOTS) * FILL * doctors * 0.64)) + 14)
    first = today - timedelta(days=days // 2)
    room = {}
    for day in (first + timedelta(days=n) for n in range(days)):
        on_duty = sum(_works(index, day.weekday(), today.weekday()) for index in range(doctors))
        room[day] = int(len(SLOTS) * on_duty * (1 if day == today else FILL))
    todays = min(todays, number, room.pop(today, 0))
    left, free = number - todays, sum(room.values())
    if left > free:
        raise DoesNotFit(
            f"{number:,} appointments do not fit into {days} days of {doctors} doctors ({free + todays:,} do). "
            "Give more --days or --doctors."
        )
    result = {today: todays}
    for day, places in room.items():
        result[day] = min(-(-left * places // free) if free else 0, left)
        left -= result[day]
        free -= places
    return dict(sorted(result.items()))


class _Plan:
    """Which doctor sees whom when. Nobody is booked twice at a time: each slot has other patients."""

    def __init__(self, cursor, per_day, doctors, now):
        self.per_day, self.now, self.today = per_day, now, day_of(now)
        # Asked once: while rows are being copied, the connection answers no other question.
        self.zone = hospital().zone
        self.doctors = _doctors(cursor, doctors, self.today)
        cursor.execute(
            "SELECT id FROM hms_patient WHERE NOT id IN (SELECT patient_id FROM hms_appointment) ORDER BY id"
        )
        self.patients = [pk for (pk,) in cursor.fetchall()]
        if len(self.patients) < doctors:
            raise DoesNotFit(
                f"There must be at least as many new patients as doctors ({doctors}). Give more --patients."
            )
        self.first_id = _reserve(cursor, "hms_appointment", sum(per_day.values()))

    def _on_duty(self, day):
        return [pk for i, pk in enumerate(self.doctors) if _works(i, day.weekday(), self.today.weekday())]

    def rows(self, rng):
        reasons = [r[0] for _d, _w, rows in texts.DEPARTMENTS.values() for r in rows]
        ids, turn, patients = count(self.first_id), 0, self.patients
        pick = rng.choice
        for day, number in self.per_day.items():
            on_duty = self._on_duty(day)
            # Slot by slot across the doctors, so that patients who follow each other in the list never meet again
            # within a slot; the slots are spread over the day.
            slots = SLOTS if not on_duty else rng.sample(SLOTS, min(-(-number // len(on_duty)), len(SLOTS)))
            for index in range(number):
                minutes = slots[index // len(on_duty)]
                if index % len(on_duty) == 0:
                    start, rest = self._slot(day, minutes)
                doctor = on_duty[index % len(on_duty)]
                yield f"{next(ids)}\t{patients[turn]}\t{doctor}\t{start}\t15 min\t{pick(reasons)}\t{pick(rest)}\n"
                turn = turn + 1 if turn + 1 < len(patients) else 0

    def _slot(self, day, minutes):
        """What all appointments of one slot share: their start, and the states with their times to draw from."""
        start = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=self.zone).astimezone(UTC)
        end, came = start + timedelta(minutes=SLOT), start - timedelta(minutes=6)
        booked = min(start, self.now) - timedelta(days=7)
        if end < self.now:
            states = 8 * [f"COMPLETED\t{came}\t{start}\t{end}"] + ["NO_SHOW\t\\N\t\\N\t\\N", "CANCELLED\t\\N\t\\N\t\\N"]
        elif start < self.now:
            states = [f"IN_PROGRESS\t{came}\t{start}\t\\N", f"CONFIRMED\t{came}\t\\N\t\\N"]
        else:
            states = 2 * ["SCHEDULED\t\\N\t\\N\t\\N"] + ["CONFIRMED\t\\N\t\\N\t\\N"]
        return start, [f"{state}\t\t\t\t{booked}\t{booked}" for state in states]
