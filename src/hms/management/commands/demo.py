"""``manage.py demo``: a hospital in the middle of its day, to try HMS out or to measure it."""

import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hms.demo import load, people

HELP = """
Loads the demo hospital: 6 departments, 12 doctors with hours and leave, 400 patients, four weeks of visits behind and
two ahead, and today half-way through. Everything is relative to now; the same seed makes the same hospital. Run it
again at any time: it adds the days that are missing and plays today on to now; rows that people made or changed stay.

With --patients or --appointments it adds bulk rows, until the hospital holds at least that many, with COPY and without
history (no events are written for bulk rows). The tables are locked meanwhile: not for a hospital at work.
"""


class Command(BaseCommand):
    help = HELP

    def add_arguments(self, parser):
        parser.add_argument("--seed", type=int, default=load.SEED, help="another number, another hospital")
        parser.add_argument("--force", action="store_true", help="also outside of demo mode (HMS_DEMO)")
        parser.add_argument("--patients", type=int, default=0, help="at least this many patients")
        parser.add_argument("--appointments", type=int, default=0, help="at least this many appointments")
        parser.add_argument("--days", type=int, default=0, help="spread them over so many days around today")
        parser.add_argument("--doctors", type=int, default=200, help="doctors that they are spread over (200)")

    def handle(self, *, seed, force, patients, appointments, days, doctors, verbosity, **options):
        if not settings.DEMO and not force:
            raise CommandError(
                "This is not a demo (HMS_DEMO is off): made-up patients do not belong among real ones. "
                "Use --force if you mean it."
            )
        start = time.monotonic()
        made, changed = load.load(seed)
        if verbosity:
            self.stdout.write(f"Demo hospital: {made} appointments made, {changed} brought up to now.")
        if patients or appointments:
            from hms.demo import volume

            if min(patients, appointments, days) < 0 or doctors < 1:
                raise CommandError("Numbers must not be negative, and there must be a doctor.")
            try:
                volume.fill(
                    patients=patients, appointments=appointments, days=days, doctors=doctors, quiet=not verbosity
                )
            except volume.DoesNotFit as e:
                raise CommandError(str(e)) from e
        if verbosity:
            for who, email in people.LOGINS:
                self.stdout.write(f"  {who:<14} {email:<24} {people.PASSWORD}")
            self.stdout.write(f"Done in {time.monotonic() - start:.1f} s.")
