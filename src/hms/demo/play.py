"""What has happened of a day by a certain moment: who came when, who was late, who is in the room.

A day is imagined first and applied afterwards, so that a few can be compared and the most telling one chosen.
"""

from collections import Counter
from datetime import timedelta

from hms.demo.history import APPOINTMENT
from hms.models import Appointment

Status = Appointment.Status
MINUTE = timedelta(minutes=1)


class Story:
    """One appointment and what is written down of it. ``frozen``: a person had a hand in it, so it stays as it is."""

    def __init__(self, row, *, frozen=False, new=True):
        self.row, self.frozen, self.new = row, frozen, new
        self.clerk = self.doctor = None  # who writes of this one, known once its day is imagined
        self.events = []  # (at, label, action, user, state)

    def begin(self, at, user):
        """Somebody books it."""
        self.row.created_at = self.row.updated_at = at
        self.events.append((at, "insert", "appointment.booked", user, self._state()))

    def happen(self, at, action, user, **changes):
        for name, value in changes.items():
            setattr(self.row, name, value)
        self.row.updated_at = at
        self.events.append((at, "update", action, user, self._state()))

    def _state(self):
        return {column: getattr(self.row, column) for column in APPOINTMENT}


def imagine(stories, now, rng, *, desk, doctor, head=timedelta()):
    """What happens by ``now`` on one doctor's day: ``[(story, at, action, user, changes), …]``.

    ``head``: the shift began so shortly ago that its first visits took place this much before their time.
    """
    steps, coming = [], []
    for story in sorted(stories, key=lambda s: s.row.appointment_date):
        clerk, draws = rng.choice(desk), [rng.random() for _ in range(6)]
        story.clerk, story.doctor = clerk, doctor
        row = story.row
        if row.status in Appointment.FREES_TIME:
            continue
        if row.status == Status.COMPLETED or story.frozen:
            if row.status in {Status.COMPLETED, Status.IN_PROGRESS}:
                coming.append((row.started_at or row.appointment_date, story, clerk, draws))
            continue
        if row.status in Appointment.WAITING_TO_HAPPEN and not row.checked_in_at:
            if leaves := _does_not_come(story, now, clerk, draws, head):
                steps += leaves[1:]
                continue
            if row.status == Status.SCHEDULED and draws[2] < 0.6:
                at = row.appointment_date - timedelta(hours=18 + draws[3] ** 2 * 220)
                if row.created_at < at <= now:
                    steps.append((story, at, "appointment.confirmed", clerk, {"status": Status.CONFIRMED}))
        coming.append((_arrival(row, draws, head), story, clerk, draws))
    return steps + _see_in_turn(coming, now, doctor, head)


def _does_not_come(story, now, clerk, draws, head):
    """``[True, *steps]`` if the patient cancels on the day or is missed, else None."""
    start = story.row.appointment_date
    if draws[0] < 0.02:
        at = start - head - timedelta(hours=0.7 + draws[1] * 3)
        if story.row.created_at < at:
            changes = {"status": Status.CANCELLED, "cancel_reason": "Patient rang: cannot come today."}
            return [True] + ([(story, at, "appointment.cancelled", clerk, changes)] if at <= now else [])
    if 0.02 <= draws[0] < 0.06:
        at = start + (MINUTE * (16 + draws[1] * 15) if not head else MINUTE * (1 + draws[1] * 3))
        return [True] + ([(story, at, "appointment.missed", clerk, {"status": Status.NO_SHOW})] if at <= now else [])
    return None


def _arrival(row, draws, head):
    if row.checked_in_at:
        return row.checked_in_at
    if draws[4] < 0.15:  # late
        return row.appointment_date + MINUTE * (3 + draws[5] * 17)
    return max(row.appointment_date - head - MINUTE * (2 + draws[5] * 24), row.created_at + MINUTE)


def _see_in_turn(coming, now, doctor, head):
    """One after the other, at their time or as they come; the doctor is not always on time."""
    steps, free = [], None
    for arrival, story, clerk, draws in sorted(coming, key=lambda c: max(c[0], c[1].row.appointment_date - head)):
        row = story.row
        if story.frozen or row.status == Status.COMPLETED:
            ended = row.ended_at or now + 5 * MINUTE
            free = max(free or ended, ended)
            continue
        begin = row.started_at or max(
            arrival + MINUTE,
            row.appointment_date - head - 6 * MINUTE,
            free + MINUTE if free else arrival,
        )
        end = max(begin + row.duration * (0.6 + draws[3] * 0.5), begin + 4 * MINUTE)
        free = end
        if not row.checked_in_at and arrival <= now:
            steps.append((story, arrival, "appointment.checked_in", clerk, {"checked_in_at": arrival}))
        if not row.started_at and begin <= now:
            changes = {"status": Status.IN_PROGRESS, "started_at": begin}
            steps.append((story, begin, "appointment.started", doctor, changes))
        if end <= now:
            changes = {"status": Status.COMPLETED, "ended_at": end}
            steps.append((story, end, "appointment.completed", doctor, changes))
    return steps


def apply(steps):
    for story, at, action, user, changes in sorted(steps, key=lambda s: s[1]):
        story.happen(at, action, user, **changes)


def tally(rows, now, steps=()):
    """How a day stands at ``now``: a Counter of completed, in_progress, waiting, late, no_show, cancelled and stale."""
    after = {}
    for story, _at, _action, _user, changes in sorted(steps, key=lambda s: s[1]):
        after.setdefault(id(story.row), {}).update(changes)
    count = Counter()
    for row in rows:
        changes = after.get(id(row), {})
        status = changes.get("status", row.status)
        arrived = changes.get("checked_in_at", row.checked_in_at)
        if status in Appointment.WAITING_TO_HAPPEN:
            if arrived:
                count["waiting"] += 1
                count["stale"] += now - max(arrived, row.appointment_date) > 75 * MINUTE
            elif row.appointment_date < now:
                count["late"] += 1
                count["stale"] += now - row.appointment_date > 45 * MINUTE
        else:
            count[status.lower()] += 1
            if status == Status.IN_PROGRESS:
                started = changes.get("started_at", row.started_at) or now
                count["stale"] += now - started > 75 * MINUTE
    return count


def is_half_way(count):
    """Whether somebody who looks at the board sees every kind of thing that happens."""
    return (
        count["completed"] >= 2
        and count["in_progress"] >= 1
        and count["waiting"] >= 2
        and all(count[what] >= 1 for what in ("late", "no_show", "cancelled"))
        and not count["stale"]
    )


def round_off(steps, stories, rows, now):
    """Change the imagined day where it lacks something that a board half-way through has; returns the steps.

    Only visits of which nothing is known yet are changed, the latest first for what is going on, the earliest for what
    is over.
    """
    by_story = {id(s): [] for s in stories}
    for step in sorted(steps, key=lambda s: s[1]):
        by_story[id(step[0])].append(step)
    fresh = [s for s in stories if not s.frozen and s.row.is_waiting_to_happen and not s.row.checked_in_at]
    begun = sorted((s for s in fresh if s.row.appointment_date < now), key=lambda s: s.row.appointment_date)
    soon = sorted(
        (s for s in fresh if s.row.appointment_date - now < 40 * MINUTE), key=lambda s: s.row.appointment_date
    )

    def state(story):
        return by_story[id(story)][-1][2] if by_story[id(story)] else ""

    kept = []
    for what, enough, action, pool, make in [
        ("no_show", 1, "appointment.missed", begun, lambda s: [_missed(s, now)]),
        ("cancelled", 1, "appointment.cancelled", begun, lambda s: [_cancelled(s)]),
        ("late", 1, "", begun[::-1], lambda s: []),
        ("waiting", 2, "appointment.checked_in", soon[::-1], lambda s: [_arrived(s, now)]),
        ("in_progress", 1, "appointment.started", begun[::-1], lambda s: [_arrived(s, now), _started(s, now)]),
    ]:
        kept += [s for s in pool if state(s) == action and s not in kept][:enough]
        for story in pool:
            if tally(rows, now, [step for own in by_story.values() for step in own])[what] >= enough:
                break
            if story not in kept:
                by_story[id(story)] = make(story)
                kept.append(story)
    return [step for own in by_story.values() for step in own]


def _missed(story, now):
    at = max(story.row.appointment_date, min(story.row.appointment_date + 16 * MINUTE, now - MINUTE))
    return (story, at, "appointment.missed", story.clerk, {"status": Status.NO_SHOW})


def _cancelled(story):
    at = story.row.updated_at + (story.row.appointment_date - story.row.updated_at) * 0.8
    changes = {"status": Status.CANCELLED, "cancel_reason": "Patient rang: cannot come today."}
    return (story, at, "appointment.cancelled", story.clerk, changes)


def _arrived(story, now):
    at = max(min(now - 12 * MINUTE, story.row.appointment_date - 4 * MINUTE), story.row.updated_at + MINUTE / 2)
    return (story, at, "appointment.checked_in", story.clerk, {"checked_in_at": at})


def _started(story, now):
    at = now - 6 * MINUTE
    return (story, at, "appointment.started", story.doctor, {"status": Status.IN_PROGRESS, "started_at": at})


def telling(count):
    """The more, the better this day shows what the board can do; with one missed, one cancelled and a few late ones."""
    wanted = {"completed": 3, "in_progress": 1, "waiting": 4, "late": 2, "no_show": 1, "cancelled": 1}
    score = sum(min(count[what], enough) / enough for what, enough in wanted.items())
    score += sum(1 for what in wanted if count[what])
    return (
        score - 0.2 * sum(max(count[what] - 2, 0) for what in ("no_show", "cancelled", "late")) - 0.5 * count["stale"]
    )
