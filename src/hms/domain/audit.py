"""Who looked at what, written down as it happens: one insert for each request, whatever it showed."""

from hms.models import AccessLog


def viewed(patient, *, by, action="patient.viewed"):
    """Somebody opened the page of a patient, or of something of theirs."""
    return AccessLog.objects.create(user=by, role=by.role, patient=patient, action=action)


def searched(count, *, by, detail=""):
    """Somebody's search or list showed this many patients. What they typed is not kept: it may be a name."""
    detail = f"{count} shown" + (f", {detail}" if detail else "")
    return AccessLog.objects.create(user=by, role=by.role, action="patient.searched", detail=detail)


def log(patients, action, *, by, detail=""):
    """One row for each of these patients, in one statement."""
    return AccessLog.objects.bulk_create(
        AccessLog(user=by, role=by.role, patient=patient, action=action, detail=detail[:200]) for patient in patients
    )
