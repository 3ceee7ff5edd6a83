"""What the portal's streams say: that something of this patient changed, and never what, or of whom else."""

from hms.models import Appointment

SIGNAL = (
    '<hx-partial hx-target="#live-signal" hx-swap="innerHTML"><i data-nouns="visit" data-stamp="{}"></i></hx-partial>'
)


def render(changes, key):
    """A signal if one of the changed visits or people is this patient's."""
    visits = [c.pk for c in changes if c.noun == "appointment"]
    mine = visits and Appointment.objects.filter(pk__in=visits, patient=int(key)).exists()
    mine = mine or any(c.noun == "patient" and str(c.pk) == key for c in changes)
    return SIGNAL.format("-".join(str(c.pk % 97) for c in changes)[:40]) if mine else ""
