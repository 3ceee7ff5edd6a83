"""What stands beside a record's time line: allergies, problems, what is taken now, the last measurements."""

from clinic.views.record import SIDE
from hms.domain import allergies, prescriptions, vitals
from hms.domain.timeline_kinds import readings
from hms.models import Problem


def context(patient, user):
    state, active, ended = allergies.listed(patient)
    latest = vitals.latest(patient)
    return {
        "record_side": ["clinic/_record_side.html"],
        "allergy_state": state,
        "allergies": active,
        "allergies_ended": ended,
        "problems": list(Problem.objects.filter(patient=patient).present_first()[:60]),
        "taken": prescriptions.taken(patient)[:60],
        "latest": latest,
        "latest_readings": readings(latest) if latest else "",
    }


SIDE.append(context)
