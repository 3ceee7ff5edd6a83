"""Possible duplicates at the desk: found, compared, merged, undone."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hms.models import AccessLog, Merge
from hms.record_number import grouped
from hms.testing import local, make_appointment, make_patient

URL = reverse("frontdesk:patient-pairs")
CLINICAL = {"allergies": "Canary penicillin", "medical_history": "Canary history", "blood_type": "AB-"}


@pytest.fixture
def pair(db):
    born = {"date_of_birth": date(1950, 2, 3)} | CLINICAL
    keep = make_patient(last_name="Quigley", first_name="Ann", **born)
    return keep, make_patient(last_name="Quigly", first_name="Ann", **born)


def merge_url(keep, gone):
    return reverse("frontdesk:patient-merge", args=[keep.pk, gone.pk])


def test_the_list_leads_to_the_pairs_and_each_pair_to_both_records(reception, pair):
    assert f'href="{URL}"' in reception.get(reverse("frontdesk:patients")).content.decode()
    page = reception.get(URL).content.decode()
    assert merge_url(*pair) in page
    assert "same birth date" in page
    assert AccessLog.objects.filter(patient__in=pair, action="patient.suggested").count() == 2
    assert reverse("frontdesk:patient-pairs") in reception.get(reverse("frontdesk:patients")).content.decode()
    assert re.search(r'href="/desk/patients/" aria-current="true"', reception.get(URL).content.decode())


def test_both_stand_side_by_side_in_numbers_and_nothing_clinical(reception, pair):
    make_appointment(patient=pair[1])
    page = reception.get(merge_url(*pair)).content.decode()
    for text in ("QUIGLEY, Ann", "QUIGLY, Ann", grouped(pair[0].record_number), "will move", "Merge into one record"):
        assert text in page
    assert "Canary" not in page
    assert "AB−" not in page
    assert not Merge.objects.exists()


def test_merging_and_undoing(reception, pair):
    visit = make_appointment(patient=pair[1])
    response = reception.post(merge_url(*pair))
    assert response.headers["Location"] == reverse("frontdesk:patient", args=[pair[0].pk])
    visit.refresh_from_db()
    assert visit.patient_id == pair[0].pk
    made = Merge.objects.get()
    undo = reverse("frontdesk:merge-undo", args=[made.pk])
    assert undo in reception.get(URL).content.decode()
    for _twice in range(2):
        assert reception.post(undo).headers["Location"] == URL
    visit.refresh_from_db()
    assert visit.patient_id == pair[1].pk
    assert "undone already" in reception.get(URL).content.decode()


def test_a_refusal_is_said_before_and_at_the_click(reception, pair):
    for patient in pair:
        make_appointment(patient=patient, start=local(at="10:00"))
    page = reception.get(merge_url(*pair)).content.decode()
    assert "at the same time" in page
    assert "Merge into one record" not in page
    response = reception.post(merge_url(*pair))
    assert response.status_code == 409
    assert "at the same time" in response.content.decode()


def test_the_number_of_queries_does_not_depend_on_the_pairs(reception, pair):
    reception.get(URL)
    counts = []
    for _more in range(3):
        with CaptureQueriesContext(connection) as queries:
            reception.get(URL)
        counts.append(len(queries))
        make_patient(last_name="Quigley", first_name="Ann", date_of_birth=date(1950, 2, 3))
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk(role, request, pair):
    client = request.getfixturevalue(role)
    assert client.get(URL).status_code == client.post(merge_url(*pair)).status_code == 403
    assert not Merge.objects.exists()
