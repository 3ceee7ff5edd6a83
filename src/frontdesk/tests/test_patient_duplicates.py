"""The warning that a patient may be registered already."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hms.models import AccessLog
from hms.testing import make_patient

URL = reverse("frontdesk:patient-duplicates")
BORN = {"date_of_birth_day": "14", "date_of_birth_month": "7", "date_of_birth_year": "1945"}


@pytest.fixture
def known(db):
    return make_patient(
        last_name="Quigley",
        first_name="Ann",
        date_of_birth=date(1945, 7, 14),
        phone="+442079460123",
        email="ann@home.example",
    )


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"last_name": "Quigley", "first_name": "Ann"} | BORN, "same birth date, same or similar name"),
        ({"last_name": "Quigly", "first_name": "Anne"} | BORN, "same birth date, same or similar name"),
        ({"last_name": "Ann", "first_name": "Quigley"} | BORN, "same birth date, same or similar name"),
        ({"last_name": "Quigley", "first_name": "Ann"}, "same name"),
        (
            {"last_name": "Quigley", "first_name": "Ann"} | BORN | {"date_of_birth_day": "15"},
            "same name, similar birth date",
        ),
        ({"phone": "020 7946 0123"}, "same phone"),
        ({"email": "ANN@home.example"}, "same e-mail"),
        ({"new_family": "Quigley", "new_given": "Ann", "new_born": "14 Jul 1945"}, "same birth date"),
        ({"new_phone": "+44 20 7946 0123"}, "same phone"),
    ],
)
def test_somebody_alike_is_named_with_the_reason_and_a_link(reception, known, query, reason):
    page = reception.get(URL, query).content.decode()
    assert "Perhaps registered already" in page
    assert reason in page
    assert reverse("frontdesk:patient", args=[known.pk]) in page
    assert AccessLog.objects.get().patient == known


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"last_name": "Quigley"},
        {"last_name": "Other", "first_name": "Olga"} | BORN,
        {"last_name": "Quigley", "first_name": "Ann"} | BORN | {"date_of_birth_year": "1990"},
        {"phone": "020 7946"},
        {
            "last_name": "\u202e" * 500,
            "email": "\t",
            "phone": "x" * 5000,
            "date_of_birth_day": "٣",
            "exclude": "9" * 99,
        },
    ],
)
def test_nobody_alike_draws_nothing(reception, known, query):
    response = reception.get(URL, query)
    assert response.status_code == 200
    assert "Perhaps" not in response.content.decode()
    assert not AccessLog.objects.exists()


def test_who_is_edited_is_no_duplicate_of_themself(reception, known):
    query = {"last_name": "Quigley", "first_name": "Ann", "exclude": known.pk} | BORN
    assert "Perhaps" not in reception.get(URL, query).content.decode()


def test_it_never_blocks(reception, known):
    reception.post(
        reverse("frontdesk:patient-new"), {"last_name": "Quigley", "first_name": "Ann", "gender": "FEMALE"} | BORN
    )
    assert type(known).objects.count() == 2


def test_the_number_of_queries_does_not_depend_on_the_found(reception, known):
    query = {"last_name": "Quigley", "first_name": "Ann", "phone": "020 7946 0123", "email": "x@home.example"} | BORN
    reception.get(URL, query)
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            reception.get(URL, query)
        counts.append(len(queries))
        make_patient(last_name="Quigley", first_name="Ann", date_of_birth=date(1945, 7, 14))
    assert counts[0] == counts[1] == counts[2] <= 8
