"""By what right somebody reads a patient's record."""

from collections import namedtuple

from hms.domain import breakglass
from hms.models import Patient
from hms.models.care import in_care_of

# ``glass`` is the BreakGlass that lets them in; None: the patient is in their care.
Access = namedtuple("Access", "patient glass")


def access(pk, *, by):
    """The doctor's Access to the record of this patient (id), or None."""
    patient = Patient.objects.filter(pk=pk).select_related("user").annotate(in_care=in_care_of(by)).first()
    if patient is None:
        return None
    if patient.in_care:
        return Access(patient, None)
    glass = breakglass.current(patient, by=by)
    return Access(patient, glass) if glass else None
