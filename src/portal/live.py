"""What the portal's streams say: that something of this patient changed, and never what, or of whom else."""

import time

from hms.models import Appointment, DataExport

SIGNAL = '<hx-partial hx-target="#live-signal" hx-swap="innerHTML"><i data-nouns="{}" data-stamp="{}"></i></hx-partial>'


def render(changes, key):
    """A signal if one of the changed visits, files or people is this patient's."""
    nouns = []
    if _mine(Appointment, "appointment", changes, key) or any(
        c.noun == "patient" and str(c.pk) == key for c in changes
    ):
        nouns.append("visit")
    if _mine(DataExport, "export", changes, key):
        nouns.append("export")
    return SIGNAL.format(" ".join(nouns), time.monotonic_ns()) if nouns else ""


def _mine(model, noun, changes, key):
    pks = [c.pk for c in changes if c.noun == noun]
    return pks and model.objects.filter(pk__in=pks, patient=int(key)).exists()
