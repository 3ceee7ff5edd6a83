import pytest

from hms.domain import notes
from hms.models import Appointment, MedicalRecord, SetAsideText
from hms.testing import local, make_appointment, make_doctor, make_record

AUTO = {"X-Note": "1", "HX-Request": "true"}


def post(doctor, visit, auto=True, **fields):
    fields = {"version": 0, "session": "page-1", "sequence": 1} | fields
    return doctor.post(f"/clinic/appointments/{visit.pk}/note/", fields, headers=AUTO if auto else {})


def notes_of(visit):
    return MedicalRecord.objects.get(appointment=visit).notes


def test_a_save_says_which_version_it_made_and_when(doctor, visit):
    answer = post(doctor, visit, notes="Cough").json()
    assert (answer["before"], answer["version"]) == (1, 2)
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
    page = doctor.get(f"/clinic/appointments/{visit.pk}/", follow=True).content.decode()
    assert "is kept. It is shown at its visit" in page
    assert "a draft" not in page
    assert "more" not in page.split("<main")[1].split("</main>")[0]
    Appointment.objects.update(status="IN_PROGRESS")
    assert "<bdi>more</bdi>" in doctor.get(f"/clinic/appointments/{visit.pk}/").content.decode()


def test_what_was_set_aside_is_shown_to_its_writer_and_put_below(doctor, visit):
    post(doctor, visit, notes="a")
    post(doctor, visit, version=2, session="page-2", notes="their text")
    post(doctor, visit, version=2, sequence=2, notes="my text")  # the page was closed: nobody reads the answer
    page = doctor.get(f"/clinic/appointments/{visit.pk}/").content.decode()
    assert "is not in the record" in page
    assert "my text" in page
    row = SetAsideText.objects.get()
    response = doctor.post(f"/clinic/appointments/{visit.pk}/note/set-aside/{row.pk}/take/")
    assert response.status_code == 302
    assert notes_of(visit).startswith("their text")
    assert notes_of(visit).endswith("my text")
    assert "is not in the record" not in doctor.get(f"/clinic/appointments/{visit.pk}/").content.decode()


def test_what_was_set_aside_is_thrown_away(doctor, visit):
    Appointment.objects.update(status="CANCELLED")
    assert post(doctor, visit, notes="a").json()["kept"] is True
    row = SetAsideText.objects.get()
    drop = f"/clinic/appointments/{visit.pk}/note/set-aside/{row.pk}/drop/"
    assert doctor.get(drop).status_code == 405
    assert doctor.post(drop, headers={"X-Note": "1"}).status_code == 204
    assert SetAsideText.objects.get().settled_at


def test_what_was_set_aside_is_only_its_writers(doctor, visit):
    colleague = make_doctor().user
    row = SetAsideText.objects.create(
        appointment=visit, user=colleague, session="x", texts={"notes": "a secret"}, why="SIGNED", at=visit.created_at
    )
    assert "a secret" not in doctor.get(f"/clinic/appointments/{visit.pk}/").content.decode()
    assert doctor.post(f"/clinic/appointments/{visit.pk}/note/set-aside/{row.pk}/take/").status_code == 404


def test_a_colleague_with_the_patient_in_their_care_writes_but_does_not_sign(doctor, visit):
    patient = make_appointment(doctor=visit.doctor, start=local(days=-2)).patient
    theirs = make_appointment(patient=patient, status="IN_PROGRESS")
    assert post(doctor, theirs, notes="Seen while covering").status_code == 200
    page = doctor.get(f"/clinic/appointments/{theirs.pk}/").content.decode()
    assert "who signs it" in page
    assert "Sign the record" not in page
    refusal = doctor.post(f"/clinic/appointments/{theirs.pk}/sign/", follow=True).content.decode()
    assert "can sign this record" in refusal
    assert doctor.post(f"/clinic/appointments/{theirs.pk}/step/complete/").status_code == 404


def test_presence_says_which_version_the_note_has(doctor, visit):
    presence = f"/clinic/appointments/{visit.pk}/note/presence/"
    assert doctor.post(presence, {"session": "page-1"})["X-Note-Version"] == "0"
    post(doctor, visit, notes="a")
    assert doctor.post(presence, {"session": "page-1"})["X-Note-Version"] == "2"
    Appointment.objects.update(status="CANCELLED")
    assert doctor.post(presence, {"session": "page-1"})["X-Note-Version"] == "closed"


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
    assert "You are editing in another window" in response.content.decode()


def test_a_page_that_was_loaded_anew_is_not_another_window(doctor, visit):
    presence = f"/clinic/appointments/{visit.pk}/note/presence/"
    post(doctor, visit, notes="Cough")
    assert "another window" in doctor.post(presence, {"session": "page-2"}).content.decode()
    assert "another window" not in doctor.post(presence, {"session": "page-2", "left": "page-1"}).content.decode()
    doctor.post(presence, {"session": "page-1", "writing": "1"})  # it was a copy of a tab that lives on
    assert "another window" in doctor.post(presence, {"session": "page-2"}).content.decode()


def test_nobody_else_says_that_a_page_is_gone(doctor, visit):
    record = make_record(visit)
    notes.here(record, session="page-1", by=make_doctor().user)
    response = doctor.post(f"/clinic/appointments/{visit.pk}/note/presence/", {"session": "page-2", "left": "page-1"})
    assert "is editing" in response.content.decode()
