"""The whole demo hospital, from nothing to now; run again, from where it stood to now.

What a run may touch: rows that only the demo has written so far, told by the mark in their history. The first run makes
people and six weeks of days. A later run books the days that have come into sight, brings unfinished past days to their
end, and, when today no longer shows a half-way board, plays today on to now.
"""

import random
from collections import defaultdict
from datetime import timedelta

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from hms.demo import billing, clinical, history, looks, people, prices, rota, texts
from hms.demo.clock import day_of
from hms.demo.days import Planner
from hms.demo.play import Story, apply, imagine, is_half_way, round_off, tally, telling
from hms.domain import diagnoses, prescriptions
from hms.domain import settings as kept
from hms.domain.settings import hospital
from hms.models import Appointment, Hospital

BACK, AHEAD = 28, 14  # days
SEED = 2026
PAUSE = timedelta(minutes=10)  # two runs within it: the second leaves today as it is
ATTEMPTS = 40  # days imagined before the most telling one is taken as today


@transaction.atomic
def load(seed=SEED, now=None):
    """Load or top up; returns how many appointments were made and changed: ``(made, changed)``."""
    now = now or timezone.now()
    result = load_days(seed, now)
    doctors = people.doctors()
    # Migrations put these there; a database that was emptied since has none.
    diagnoses.load_codes()
    diagnoses.load_words()
    prescriptions.load_drugs()
    clinical.write(seed, doctors, now)
    billing.load(seed, doctors, people.staff().desk, now)
    looks.write(doctors, people.staff().desk[0], now)
    return result


@transaction.atomic
def load_days(seed, now):
    """The people and their visits, without what is written and billed of them; returns ``(made, changed)``."""
    with connection.cursor() as cursor:  # two at once: one after the other
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('hms.demo'))")
    today = day_of(now)
    doctors = people.doctors()
    first = not doctors
    if first:
        _name_the_hospital()
        doctors = people.create(seed, today)
    prices.load(today, people.staff().admin)
    kept.forget()
    return _Load(seed, now, today, doctors).run(first)


def is_loaded():
    """Whether this database holds the demo hospital."""
    return bool(people.doctors())


def _name_the_hospital():
    row = Hospital.objects.current()
    if row.name == Hospital._meta.get_field("name").default:
        for name, value in texts.HOSPITAL.items():
            setattr(row, name, value)
        row.save()
    kept.forget()


class _Load:
    def __init__(self, seed, now, today, doctors):
        self.seed, self.now, self.today = seed, now, today
        self.doctors = {d.pk: d for d in doctors}
        self.desk = people.staff().desk
        self.planner = Planner(seed, doctors, people.guests(seed), self.desk, now, today)
        self.stories = defaultdict(list)  # day → stories

    def run(self, the_first=False):
        planned_until, last_run = self._what_is_there()
        first = max(planned_until + timedelta(days=1), self.today - timedelta(days=BACK))
        stage = self.now - last_run > PAUSE and self._today_wants_more()
        added = rota.call_duty(list(self.doctors.values()), self.now) if stage else {}
        for days in range((self.today - first).days + AHEAD + 1):
            self._plan(first + timedelta(days=days), added)
        if added and first > self.today:
            self._plan_duty(added)
        for day in sorted(self.stories):
            if day < self.today:
                self._settle(day, hospital().day_bounds(day)[1] + timedelta(hours=1))
            elif day > self.today and day_of(last_run) < self.today:
                self._settle(day, self.now)
        if stage:
            self._stage()
        if the_first:
            self.stories[None] = clinical.year(list(self.doctors.values()), self.desk[0], self.today)
        return self._write()

    # --- what is there

    def _what_is_there(self):
        """Read what earlier runs left unfinished; returns the last planned day and when the demo last wrote."""
        events = apps.get_model("hms", "AppointmentEvent").objects
        mine = events.filter(pgh_context__has_key="demo")
        last = mine.order_by("-pgh_id").first()
        long_ago = self.now - timedelta(days=BACK + 365)
        if last is None:
            return day_of(long_ago), long_ago
        rows = Appointment.objects.filter(
            pk__in=mine.filter(pgh_label="insert").values("pgh_obj_id"),
            appointment_date__gte=hospital().day_bounds(self.today - timedelta(days=BACK))[0],
        )
        touched = set(
            events.filter(pgh_obj_id__in=rows.values("pk"))
            .filter(~Q(pgh_context__has_key="demo") | Q(pgh_context=None))
            .values_list("pgh_obj_id", flat=True)
        )
        for row in rows:
            self.stories[day_of(row.appointment_date)].append(Story(row, frozen=row.pk in touched, new=False))
        days = [day for day, stories in self.stories.items() if not all(s.frozen for s in stories)]
        return max(days, default=day_of(long_ago)), last.pgh_created_at

    # --- booking

    def _plan(self, day, added):
        open_times = rota.open_times(day, list(self.doctors.values()))
        if day == self.today:
            regular = {pk: [i for i in intervals if i not in added.get(pk, [])] for pk, intervals in open_times.items()}
            self.stories[day] += self.planner.plan(day, regular)
            self._plan_duty(added)
        else:
            self.stories[day] += self.planner.plan(day, open_times)

    def _plan_duty(self, added):
        taken = {s.row.patient_id for s in self.stories[self.today]}
        head = max(self._heads().values(), default=timedelta())
        self.stories[self.today] += self.planner.plan(self.today, added, taken=taken, duty=True, head=head)

    def _heads(self):
        """``{doctor id: how much earlier than planned a shift began}`` that starts at midnight, shortly before now."""
        midnight = hospital().day_bounds(self.today)[0]
        open_times = rota.open_times(self.today, list(self.doctors.values()))
        head = max(rota.BEFORE - (self.now - midnight), timedelta())
        return {pk: head for pk, intervals in open_times.items() if head and intervals[0][0] == midnight}

    # --- playing

    def _imagine(self, day, until, salt, heads=None):
        steps = []
        by_doctor = defaultdict(list)
        for story in self.stories[day]:
            if story.row.doctor_id in self.doctors:
                by_doctor[story.row.doctor_id].append(story)
        for pk, stories in by_doctor.items():
            rng = random.Random(f"{self.seed}:{day}:{self.doctors[pk].license_number}:{salt}")  # noqa: S311
            head = (heads or {}).get(pk, timedelta())
            steps += imagine(stories, until, rng, desk=self.desk, doctor=self.doctors[pk].user, head=head)
        return steps

    def _settle(self, day, until):
        apply(self._imagine(day, until, 0))

    def _rows_of_today(self):
        """Everything that the board shows today: the demo's own rows, and what people booked."""
        mine = [s.row for s in self.stories[self.today]]
        others = Appointment.objects.between(*hospital().day_bounds(self.today))
        return mine + list(others.exclude(pk__in=[r.pk for r in mine if r.pk]))

    def _today_wants_more(self):
        return not is_half_way(tally(self._rows_of_today(), self.now))

    def _stage(self):
        heads = self._heads()
        rows = self._rows_of_today()
        best, most = [], None
        for salt in range(ATTEMPTS):
            steps = self._imagine(self.today, self.now, salt, heads)
            score = telling(tally(rows, self.now, steps))
            if most is None or score > most:
                best, most = steps, score
            if most >= 12:  # everything is there
                break
        mine = [s for s in self.stories[self.today] if s.row.doctor_id in self.doctors]
        apply(round_off(best, mine, rows, self.now))

    # --- writing

    def _write(self):
        stories = [s for day in self.stories.values() for s in day if s.events]
        new = [s for s in stories if s.new]
        old = [s for s in stories if not s.new]
        with history.own_history(Appointment):
            history.copy_appointments([s.row for s in new])
            fields = ["status", "checked_in_at", "started_at", "ended_at", "cancel_reason"]
            Appointment.objects.bulk_update([s.row for s in old], fields, batch_size=200)
        events = []
        for story in stories:
            for event in story.events:
                event[4]["id"] = story.row.pk
                events.append(event)
        history.copy_appointment_events(events, f"{self.seed}:{self.now}")
        if len(new) > 1000:  # the planner of queries should not wait for its nightly round to hear of them
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE hms_user, hms_patient, hms_appointment, hms_appointmentevent, hms_workinghours")
        return len(new), len(old)
