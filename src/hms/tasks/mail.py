"""Sending what lies in the outbox."""

from hms.domain import outbox
from hms.jobs import task


@task("outbox.send")
def send(mail_id):
    """Send one letter; trying again is procrastinate's part."""
    outbox.send(mail_id)
