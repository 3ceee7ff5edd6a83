"""Sealing the access log."""

from hms.domain import log_seals
from hms.jobs import task


@task("audit.seal", cron="* * * * *")
def seal(timestamp=None):
    """What was written in the last minute can no longer be altered unnoticed."""
    log_seals.seal()
