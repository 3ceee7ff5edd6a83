"""What the combobox of the booking panel offers, and the same without scripts."""

import re

import pytest
from django.urls import reverse

from hms.models import AccessLog, Appointment
from hms.testing import make_doctor, make_patient

URL = reverse("frontdesk:patient-options")


def test_options_carry_the_patient_and_what_tells_two_apart(reception):
    patient = make_patient(last_name="Quigley", first_name="Ann", phone="+442079460123")
    page = reception.get(URL, {"q": "quig"}).content.decode()
    assert f'role="option" id="patient-option-{patient.pk}" data-patient="{patient.pk}"' in page
    for text in ["QUIGLEY, Ann", "31-Jan-1980", patient.record_number[4:], "…0123"]:
        assert text in page
    assert "+442079460123" not in page
    assert AccessLog.objects.get().detail == "1 shown, while booking"


def test_no_more_are_offered_than_fit(reception):
    for n in range(12):
        make_patient(last_name=f"Smith{n}")
    assert reception.get(URL, {"q": "smith"}).content.decode().count("data-patient=") == 8


def test_an_inactive_patient_is_seen_and_cannot_be_picked(reception):
    make_patient(last_name="Quigley", is_active=False)
    assert 'aria-disabled="true"' in reception.get(URL, {"q": "quigley"}).content.decode()


@pytest.mark.parametrize("typed", ["", " ", "\u202e", "%", "nobody", "x" * 5000, "'", "31/2/2000"])
def test_nobody_is_offered_for_nothing(reception, typed):
    make_patient()
    response = reception.get(URL, {"q": typed})
    assert response.status_code == 200
    assert "data-patient" not in response.content.decode()
    assert not AccessLog.objects.exists()


def test_without_scripts_the_form_comes_back_with_radio_buttons(reception):
    patient = make_patient(last_name="Quigley", first_name="Ann")
    doctor = make_doctor()
    typed = {"doctor": doctor.pk, "date": "2030-01-07", "time": "10:00", "duration": "30", "reason": "Sore knee"}
    response = reception.post(reverse("frontdesk:appointment-new"), typed | {"q": "quig", "patient": ["", ""]})
    page = response.content.decode()
    assert response.status_code == 200
    assert "There is a problem" not in page  # to search is no mistake
    assert re.search(rf'type="radio" name="patient" value="{patient.pk}"', page)
    assert "Sore knee" in page
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("typed", "carried"),
    [
        ("quigley", "new_family=Quigley"),
        ("ann quigley", "new_family=Quigley&amp;new_given=Ann"),
        ("Quigley, Ann 14/7/1945", "new_born=14-Jul-1945&amp;new_family=Quigley&amp;new_given=Ann"),
        ("何淑芬", "new_family=%E4%BD%95&amp;new_given=%E6%B7%91%E8%8A%AC"),
        ("07700 900123", "new_phone=07700+900123"),
        ("quigley 31/02/1965", "new_family=Quigley"),
    ],
)
def test_whoever_is_not_found_can_be_registered_with_what_was_typed(reception, typed, carried):
    assert f'data-new="{carried}"' in reception.get(URL, {"q": typed}).content.decode()


def test_without_scripts_what_was_searched_for_is_carried_into_the_new_patient(reception):
    typed = {"doctor": make_doctor().pk, "date": "2030-01-07", "time": "10:00", "duration": "30", "q": "Ann Quigley"}
    book = reverse("frontdesk:appointment-new")
    assert 'name="register"' in reception.post(book, typed).content.decode()
    page = reception.post(book, typed | {"register": "1"}).content.decode()
    assert re.search(r'name="new_family" value="Quigley"', page)
    assert re.search(r'name="new_given" value="Ann"', page)
    assert "Write the date of birth." in page


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_asks(role, request):
    assert request.getfixturevalue(role).get(URL, {"q": "a"}).status_code == 403
