"""The banner of every page about one patient."""

from hms.domain import allergies


def banner(patient):
    """What it shows: who it is, and what is known of allergies, in one of four states."""
    state, active = allergies.state(patient)
    return {"patient": patient, "allergy_state": state, "allergies": active}
