import pytest

from hms.testing import local, make_appointment


@pytest.fixture
def visit(doctor):
    """A visit of the signed-in doctor that is in progress."""
    return make_appointment(doctor=doctor.user.doctor, start=local(days=0), status="IN_PROGRESS", reason="Cough")
