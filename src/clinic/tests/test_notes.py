import pytest

from hms.models import Appointment, MedicalRecord
from hms.testing import make_appointment, make_record

AUTO = {"X-Note": "1", "HX-Request": "true"}


def post(doctor, visit, auto=True, **fields):
    fields = {"version": 0, "session": "page-1", "sequence": 1} | fields
    return doctor.post(f"/clinic/appointments/{visit.pk}/note/", fields, headers=AUTO if auto else {})


def notes_of(visit):
    return MedicalRecord.objects.get(appointment=visit).notes


def test_a_save_says_which_version_it_made_and_when(doctor, visit):
    answer = post(doctor, visit, notes="Cough").json()
    assert answer["version"] == 2
    assert ":" in answer["at"]
    assert notes_of(visit) == "Cough"


def test_without_scripts_it_is_a_form_that_works(doctor, visit):
    response = post(doctor, visit, auto=False, session="", notes="Cough")
    assert response.status_code == 302
    post(doctor, visit, auto=False, session="", version=2, notes="Cough and fever")
    assert notes_of(visit) == "Cough and fever"


def test_a_stale_save_gets_both_texts(doctor, visit):
    post(doctor, visit, notes="a")
    post(doctor, visit, version=2, session="page-2", notes="their text")
    response = post(doctor, visit, version=2, sequence=2, notes="my text")
    page = response.content.decode()
    assert response.status_code == 409
    assert "their text" in page
    assert "my text" in page
    assert notes_of(visit) == "their text"


def test_a_stale_form_gets_both_texts_too_and_the_next_is_taken(doctor, visit):
    post(doctor, visit, notes="a")
    post(doctor, visit, version=2, session="page-2", notes="their text")
    response = post(doctor, visit, auto=False, session="", version=2, notes="my text")
    page = response.content.decode()
    assert response.status_code == 409
    assert "their text" in page
    assert "my text" in page
    assert 'name="version" value="3"' in page
    post(doctor, visit, auto=False, session="", version=3, notes="both texts")
    assert notes_of(visit) == "both texts"


def test_what_is_refused_is_said_and_stays_in_the_form(doctor, visit):
    response = post(doctor, visit, notes="z" * 100_001)
    assert response.status_code == 422
    assert "shorten it" in response.json()["error"]
    response = post(doctor, visit, auto=False, notes="z" * 100_001)
    assert response.status_code == 422
    assert "z" * 100_001 in response.content.decode()


def test_a_cancelled_visit_refuses_and_keeps_the_draft(doctor, visit):
    post(doctor, visit, notes="a draft")
    Appointment.objects.update(status="CANCELLED")
    response = post(doctor, visit, sequence=2, version=2, notes="more")
    assert response.status_code == 422
    assert "Copy your text" in response.json()["error"]
    assert notes_of(visit) == "a draft"


def test_a_signed_record_refuses(doctor, visit):
    make_record(visit, notes="x", signed=True)
    response = post(doctor, visit, notes="y")
    assert response.status_code == 422
    assert "addendum" in response.json()["error"]


def test_two_tabs_on_two_patients_do_not_mix(doctor, visit):
    other = make_appointment(doctor=visit.doctor, status="IN_PROGRESS")
    for n in range(1, 6):
        post(doctor, visit, sequence=n, version=n, session="tab-1", notes=f"one {n}")
        post(doctor, other, sequence=n, version=n, session="tab-2", notes=f"two {n}", patient=visit.patient_id)
    assert notes_of(visit) == "one 5"
    assert notes_of(other) == "two 5"


@pytest.mark.parametrize("field", ["version", "sequence"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 40, "1.5"])
def test_odd_numbers_are_survived(doctor, visit, field, value):
    assert post(doctor, visit, **{field: value, "notes": "a"}).status_code in {200, 422}


def test_others_who_write_are_named(doctor, visit):
    make_record(visit, notes="x")
    response = doctor.post(f"/clinic/appointments/{visit.pk}/note/presence/", {"session": "page-1", "writing": "1"})
    assert "editing" not in response.content.decode()
    response = doctor.post(f"/clinic/appointments/{visit.pk}/note/presence/", {"session": "page-2"})
    assert f"{doctor.user} is editing" in response.content.decode()
