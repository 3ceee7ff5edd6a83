"""Registering a patient."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from hms.models import Patient
from hms.testing import make_patient, make_user

URL = reverse("frontdesk:patient-new")


def typed(**changes):
    born = {"date_of_birth_day": "14", "date_of_birth_month": "mar", "date_of_birth_year": "1945"}
    return {"last_name": "Quigley", "first_name": "Ann", "gender": "FEMALE"} | born | changes


def born(day):
    return {"date_of_birth_day": day.day, "date_of_birth_month": day.month, "date_of_birth_year": day.year}


def test_a_patient_is_registered_and_their_page_shown(reception):
    response = reception.post(URL, typed(phone="020 7946 0123", email="Ann@Home.example", desk_note="Interpreter"))
    patient = Patient.objects.get()
    assert response.url == reverse("frontdesk:patient", args=[patient.pk])
    assert patient.date_of_birth == date(1945, 3, 14)
    assert patient.user.phone.as_e164 == "+442079460123"
    assert patient.user.email == "ann@home.example"
    assert patient.desk_note == "Interpreter"
    assert (patient.user.role, patient.user.is_active) == ("PATIENT", True)


def test_without_an_address_they_have_no_way_to_sign_in(reception):
    reception.post(URL, typed(email=""))
    user = Patient.objects.get().user
    assert user.email is None
    assert not user.has_usable_password()


def test_two_patients_may_both_have_no_address(reception):
    reception.post(URL, typed())
    reception.post(URL, typed(last_name="Other"))
    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("family", "given"), [("U", ""), ("Ng", "O"), ("مريم", "نور"), ("李", "雷"), ("", "Prince"), ("X" * 150, "Y" * 150)]
)
def test_names_of_any_length_and_script(reception, family, given):
    assert reception.post(URL, typed(last_name=family, first_name=given)).status_code == 302
    user = Patient.objects.get().user
    assert (user.last_name, user.first_name) == (family, given)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        (born(date.today() + timedelta(days=400)), "date_of_birth", "in the future"),
        ({"date_of_birth_year": "1890"}, "date_of_birth", "Nobody alive was born before"),
        ({"date_of_birth_day": "31", "date_of_birth_month": "2"}, "date_of_birth", "There is no 31 2 1945"),
        ({"date_of_birth_month": "14"}, "date_of_birth", "There is no"),
        ({"date_of_birth_year": ""}, "date_of_birth", "needs a year"),
        ({f"date_of_birth_{part}": "" for part in ("day", "month", "year")}, "date_of_birth", "Write the date"),
        ({"date_of_birth_year": "9" * 400}, "date_of_birth", "not a date"),
        ({"last_name": "", "first_name": ""}, "last_name", "Write the patient&#x27;s name"),
        ({"last_name": "   ", "first_name": "\t"}, "last_name", "name"),
        ({"last_name": "A" * 151}, "last_name", "at most 150"),
        ({"last_name": "Smi\u202eth"}, "last_name", "right-to-left override (U+202E)"),
        ({"first_name": "A\x07nn"}, "first_name", "control character (U+0007)"),
        ({"first_name": "A\x00nn"}, "first_name", "control character (U+0000)"),
        ({"phone": "12"}, "phone", "no phone number"),
        ({"phone": "call me" * 100}, "phone", "no phone number"),
        ({"phone": "\u202e020 7946 0123"}, "phone", "U+202E"),
        ({"emergency_contact": "0"}, "emergency_contact", "no phone number"),
        ({"email": "ann"}, "email", "no e-mail address"),
        ({"email": "a" * 300 + "@home.example"}, "email", "at most 254"),
        ({"gender": "CAT"}, "gender", "CAT"),
        ({"desk_note": "x" * 201}, "desk_note", "at most 200"),
    ],
)  # fmt: skip
def test_bad_input_is_explained_and_kept(reception, changes, field, words):
    response = reception.post(URL, typed(**changes))
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "There is a problem" in page
    assert field in response.context["form"].errors
    assert 'value="Ann"' in page or "first_name" in changes  # nothing typed is lost
    assert not Patient.objects.exists()


@pytest.mark.parametrize("spelling", ["TAKEN@home.example", " taken@HOME.example "])
def test_an_address_is_used_once_whatever_its_case(reception, spelling):
    make_patient(email="taken@home.example", last_name="Owner")
    response = reception.post(URL, typed(email=spelling))
    assert response.status_code == 422
    assert "OWNER, Pat already has this address." in response.content.decode()


def test_the_owner_of_a_staff_address_is_not_named(reception):
    make_user("DOCTOR", email="house@hms.example", last_name="Canaryname")
    page = reception.post(URL, typed(email="house@hms.example")).content.decode()
    assert "This e-mail address is already used." in page
    assert "anaryname" not in page


@pytest.mark.parametrize(
    "phone", ["020 7946 0123", "(020) 7946-0123", "+44 20 7946 0123", "0044 20 7946 0123", "02079460123"]
)
def test_phones_are_typed_as_people_do(reception, phone):
    reception.post(URL, typed(phone=phone))
    assert Patient.objects.get().user.phone.as_e164 == "+442079460123"


@pytest.mark.parametrize(
    "parts",
    [("14", "3", "1945"), ("14", "March", "1945"), ("14", "MAR.", "45"), ("14/3/1945", "", ""), ("1945-03-14", "", "")],
)
def test_birth_dates_are_typed_as_people_do(reception, parts):
    names = ("date_of_birth_day", "date_of_birth_month", "date_of_birth_year")
    reception.post(URL, typed(**dict(zip(names, parts, strict=True))))
    assert Patient.objects.get().date_of_birth == date(1945, 3, 14)


def test_born_today_is_no_mistake(reception):
    today = timezone.now().date()
    assert reception.post(URL, typed(**born(today))).status_code == 302


def test_the_form_starts_with_what_was_searched_for(reception):
    page = reception.get(
        URL, {"last_name": "Nowhere", "first_name": "Maria", "date_of_birth": "1945-07-14"}
    ).content.decode()
    assert 'value="Nowhere"' in page
    assert 'value="1945"' in page
    assert (
        reception.get(URL, {"date_of_birth": "31/31/31", "phone": "\u202e" * 500, "last_name": "x" * 9999}).status_code
        == 200
    )


def test_who_registered_stands_in_the_history(reception):
    from django.apps import apps

    reception.post(URL, typed())
    event = apps.get_model("hms", "PatientEvent").objects.get()
    assert event.pgh_context["user"] == reception.user.pk
    assert event.pgh_context["action"] == "patient.registered"


def test_a_receptionist_cannot_make_staff(reception):
    reception.post(URL, typed(role="ADMIN", is_active=""))
    user = Patient.objects.get().user
    assert (user.role, user.is_active) == ("PATIENT", True)


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_registers(role, request):
    client = request.getfixturevalue(role)
    before = Patient.objects.count()
    assert client.post(URL, typed()).status_code == 403
    assert Patient.objects.count() == before
