"""What is booked on a day: believable visits that fill 60 to 85 % of each doctor's hours."""

import random
from bisect import bisect
from datetime import timedelta
from itertools import accumulate

from hms.demo import texts
from hms.demo.clock import at
from hms.demo.play import MINUTE, Status, Story
from hms.models import Appointment

GRID = 15  # minutes
FILL = (0.64, 0.84)
URGENT = "Urgent care"  # what people come with outside the clinics' hours


class Pool:
    """Who comes to a department, the frequent ones more often."""

    def __init__(self, guests, who, today):
        self.guests = [g for g in guests if _belongs(g, who, today)] or guests
        self.weights = list(accumulate(g.weight for g in self.guests))

    def pick(self, rng, but_not):
        for _attempt in range(60):
            guest = self.guests[bisect(self.weights, rng.random() * self.weights[-1])]
            if guest.pk not in but_not:
                return guest
        return None


def age(guest, day):
    return (day - guest.born).days // 365


def _belongs(guest, who, day):
    years = age(guest, day)
    return {
        "anyone": True,
        "adult": years >= 16,
        "older": years >= 38,
        "child": years <= 15,
        "woman": guest.woman and 16 <= years <= 58,
    }[who]


class Planner:
    """Fills days. Knows everybody; draws from a generator of its own for each day, so that days do not depend on
    each other."""

    def __init__(self, seed, doctors, guests, desk, now, today):
        self.seed, self.doctors, self.desk, self.now = seed, doctors, desk, now
        self.pools = {
            name: Pool(guests, who, today) for name, (_description, who, _reasons) in texts.DEPARTMENTS.items()
        }

    def plan(self, day, open_times, *, taken=(), duty=False, head=timedelta()):
        """New stories for the given hours ``{doctor id: [(start, end), …]}``; ``taken``: who comes already."""
        rng = random.Random(f"{self.seed}:{day}:{duty}")  # noqa: S311
        seen, stories = set(taken), []
        for doctor in self.doctors:
            department = URGENT if duty else doctor.department.name
            for start, end in open_times.get(doctor.pk, []):
                length = (end - start) // MINUTE
                for offset, guest, reason, minutes in self._fill(rng, department, day, length, seen):
                    row = Appointment(
                        patient_id=guest.pk,
                        doctor_id=doctor.pk,
                        appointment_date=start + offset * MINUTE,
                        duration=minutes * MINUTE,
                        reason=reason,
                        notes=rng.choice(texts.VISIT_NOTES) if rng.random() < 0.08 else "",
                        cancel_reason="",
                        override_reason="",
                    )
                    stories.append(self._book(rng, row, doctor, day, duty, head))
        return stories

    def _fill(self, rng, department, day, length, seen):
        """``(minutes from the start, guest, reason, minutes)`` for one stretch of hours."""
        pool, reasons = self.pools[department], texts.DEPARTMENTS[department][2]
        left = length * rng.uniform(*FILL)
        visits = []
        while left >= GRID / 2:
            guest = pool.pick(rng, seen)
            if guest is None:
                break
            fitting = [r for r in reasons if len(r) == 2 or r[2] <= age(guest, day) <= r[3]]
            reason, minutes, *_ages = rng.choice(
                [r for r in fitting or reasons if r[1] <= left + GRID / 2] or reasons[-1:]
            )
            if minutes > left + GRID:
                break
            seen.add(guest.pk)
            visits.append((guest, reason, minutes))
            left -= minutes
        spare = max((length - sum(v[2] for v in visits)) // GRID, 0)
        gaps = sorted(rng.randrange(len(visits) + 1) for _ in range(spare))
        at_minute = 0
        for index, (guest, reason, minutes) in enumerate(visits):
            at_minute += GRID * gaps.count(index)
            if at_minute + minutes <= length:
                yield at_minute, guest, reason, minutes
            at_minute += minutes

    def _book(self, rng, row, doctor, day, duty, head):
        """When and by whom it was booked; a few are moved or cancelled before their day."""
        story, clerk = Story(row), rng.choice(self.desk)
        if duty:
            booked = row.appointment_date - head - MINUTE * rng.randint(60, 300)
        else:
            days = rng.randint(0, 3) if doctor.department.name == URGENT else min(int(rng.expovariate(1 / 9)), 30)
            booked = at(day - timedelta(days=days), rng.randint(8 * 60, 17 * 60))
        booked = min(booked, row.appointment_date - MINUTE * 45, self.now - MINUTE * rng.randint(2, 900))
        if duty:
            booked = min(booked, row.appointment_date - head - MINUTE * 45)
        final, moved = row.appointment_date, not duty and rng.random() < 0.06
        if moved:
            row.appointment_date += timedelta(days=rng.choice([-7, 7, 14]))
            moved = row.appointment_date > booked
        if not moved:
            row.appointment_date = final
        story.begin(booked, clerk)
        latest = min(final - MINUTE * 40 - head, self.now - MINUTE)
        if moved and latest > booked:
            when = booked + (latest - booked) * rng.random()
            story.happen(when, "appointment.moved", rng.choice(self.desk), appointment_date=final)
        row.appointment_date = final
        if rng.random() < 0.05 and not duty:
            when = row.updated_at + (final - row.updated_at) * rng.uniform(0.2, 0.9)
            if when <= latest:
                reason = rng.choice(texts.CANCEL_REASONS)
                changes = {"status": Status.CANCELLED, "cancel_reason": reason}
                story.happen(when, "appointment.cancelled", rng.choice(self.desk), **changes)
        return story
