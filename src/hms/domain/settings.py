"""The hospital's row, remembered for a moment: every page asks for it and it changes once a year."""

import time

from django.db.models.signals import post_save
from django.dispatch import receiver

from hms.models import Hospital

KEEP = 5  # seconds; what another process changed is seen after this
_kept = (0.0, None)


def hospital():
    """The hospital's settings, at most ``KEEP`` seconds old."""
    global _kept
    until, row = _kept
    now = time.monotonic()
    if row is None or now > until:
        row = Hospital.objects.current()
        _kept = (now + KEEP, row)
    return row


def forget():
    """Read the row again at the next use."""
    global _kept
    _kept = (0.0, None)


@receiver(post_save, sender=Hospital)
def _saved(**kwargs):
    forget()
