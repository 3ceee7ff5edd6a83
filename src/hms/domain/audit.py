"""Who looked at what, written down as it happens: one insert for each request, whatever it showed."""

from hms.models import AccessLog


def viewed(patient, *, by, action="patient.viewed", detail="", glass=None):
    """Somebody opened the page of a patient, or of something of theirs; ``glass``: the BreakGlass that let them."""
    return AccessLog.objects.create(**_row(by, action, detail, glass), patient=patient)


def searched(count, *, by, detail=""):
    """Somebody's search or list showed this many patients. What they typed is not kept: it may be a name."""
    detail = f"{count} shown" + (f", {detail}" if detail else "")
    return AccessLog.objects.create(**_row(by, "patient.searched", detail))


def log(patients, action, *, by, detail=""):
    """One row for each of these patients, in one statement."""
    return AccessLog.objects.bulk_create(AccessLog(**_row(by, action, detail), patient=patient) for patient in patients)


def _row(by, action, detail="", glass=None):
    row = {"user": by, "role": by.role, "action": action, "detail": detail[:200]}
    return row | {"break_glass": glass, "reason": glass.reason} if glass else row
