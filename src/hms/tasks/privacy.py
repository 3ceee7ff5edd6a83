"""Files that patients asked for, and what is to be forgotten in time."""

from datetime import timedelta

from django.utils import timezone

from hms import export_paper
from hms.domain import exports, outbox
from hms.jobs import task

FAREWELLS = timedelta(days=7)  # that a last letter is tried


@task("patient.export")
def export_(export):
    """Make the files of everything that is kept of a patient."""
    exports.make(export, paper=export_paper.render)


@task("patient.forget", cron="37 * * * *")
def forget(timestamp=None):
    """Each hour: files that have expired go, and addresses of accounts that are no more."""
    exports.forget_old()
    outbox.forget_addresses(timezone.now() - FAREWELLS)
