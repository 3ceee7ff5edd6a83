"""``manage.py verify_log``: is the access log as it was written? Exit status 1 if it is not."""

import sys

from django.core.management.base import BaseCommand

from hms.domain import log_seals
from hms.models import AccessLog, LogSeal


class Command(BaseCommand):
    help = "Check the seals of the access log: who looked at whose record. Then seal what was written since."

    def add_arguments(self, parser):
        parser.add_argument(
            "--known", metavar="HASH", help="a seal that was noted earlier, elsewhere: it must still be one of the log"
        )

    def handle(self, *, known=None, **options):
        problems = list(log_seals.verify())
        for problem in problems:
            self.stderr.write(f"entries {problem.seal.first + 1} to {problem.seal.last}: {problem.what}")
        if known and not LogSeal.objects.filter(hash=known).exists():
            problems.append(known)
            self.stderr.write("The seal that was noted is no longer there: the log was written anew.")
        if problems:
            self.stderr.write("The access log is not as it was written.")
            sys.exit(1)
        log_seals.seal()
        self.stdout.write(f"All {AccessLog.objects.count()} entries are as they were written.")
        self.stdout.write(f"Newest seal, to be noted elsewhere: {log_seals.head() or 'none'}")
