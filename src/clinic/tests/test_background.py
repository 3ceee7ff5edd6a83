"""Allergies and problems that are over stay in sight: greyed, with their end."""

from datetime import date

from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms.domain import allergies, problems
from hms.models import Allergy
from hms.testing import local


def text(response):
    return response.content.decode()


def addresses(visit):
    return f"/clinic/appointments/{visit.pk}/", f"/clinic/patients/{visit.patient_id}/"


def pages(doctor, visit):
    return [text(doctor.get(path)) for path in addresses(visit)]


def ended(page, section):
    """The greyed rows of a section."""
    part = page.split(f'aria-labelledby="{section}-title"')[1].split("</section>")[0]
    return [row.split("</li>")[0] for row in part.split('<li class="muted">')[1:]]


def test_ended_allergies_are_in_the_visit_and_the_record(doctor, visit):
    allergies.note(visit.patient, substance="Nuts", by=doctor.user)
    wrong = allergies.note(visit.patient, substance="Penicillin", by=doctor.user)
    allergies.end(wrong, reason="Tested: none", by=doctor.user)
    Allergy.objects.filter(pk=wrong.pk).update(ended_at=local(0), noted_at=local(-30))
    for page in pages(doctor, visit):
        (row,) = ended(page, "allergies")
        assert "Penicillin" in row
        assert "Tested: none" in row
        assert f"{local(-30):%d-%b-%Y} – {local(0):%d-%b-%Y}" in row
        assert "Penicillin" not in page.split('id="banner-allergies"')[1].split("</p>")[0]


def test_problems_that_are_over_stand_below_those_that_go_on(doctor, visit):
    over = problems.note(visit.patient, text="Sciatica", onset=date(2019, 3, 1), by=doctor.user)
    problems.note(visit.patient, text="Asthma", by=doctor.user)
    problems.end(over, on=date(2021, 5, 1), by=doctor.user)
    for page in pages(doctor, visit):
        (row,) = ended(page, "problems")
        assert "Sciatica" in row
        assert "01-Mar-2019 – 01-May-2021" in row
        part = page.split('aria-labelledby="problems-title"')[1]
        assert part.index("Asthma") < part.index("Sciatica")


def test_the_number_of_queries_does_not_grow(doctor, visit):
    first = allergies.note(visit.patient, substance="first", by=doctor.user)
    allergies.end(first, reason="x", by=doctor.user)

    def count(path):
        with CaptureQueriesContext(connection) as queries:
            doctor.get(path)
        return len(queries)

    for path in addresses(visit):
        count(path)
        one = count(path)
        for n in range(2):
            more = allergies.note(visit.patient, substance=f"{path}{n}", by=doctor.user)
            allergies.end(more, reason="x", by=doctor.user)
        assert count(path) == one
