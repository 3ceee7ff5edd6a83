"""The list of patients."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from hms.models import AccessLog
from hms.testing import local, make_appointment, make_department, make_doctor, make_patient

URL = reverse("frontdesk:patients")


def names(response):
    """The names in the list, in order."""
    found = re.findall(r"patient-name[^>]*>\s*(?:<a[^>]*>)?<bdi>([^<]*)</bdi>", response.content.decode())
    return [name.replace("&#x27;", "'") for name in found]


def a_visit(patient, days_ago, doctor=None):
    start = timezone.now() - timedelta(days=days_ago)
    return make_appointment(patient=patient, doctor=doctor, start=start, status="COMPLETED")


def test_everybody_is_listed_by_family_name(reception):
    for family in ["Zeta", "Alpha", "Mu"]:
        make_patient(last_name=family, first_name="Pat")
    assert names(reception.get(URL)) == ["ALPHA, Pat", "MU, Pat", "ZETA, Pat"]


def test_a_row_says_what_the_desk_needs(reception):
    patient = make_patient(last_name="Alpha", phone="+442079460123", desk_note="Wheelchair", is_active=False)
    make_appointment(patient=patient, start=local(days=3), doctor=make_doctor())
    page = reception.get(URL).content.decode()
    number = patient.record_number
    assert f"{number[:4]} {number[4:]}" in page
    assert "31-Jan-1980" in page
    assert "+44 20 7946 0123" in page
    assert f"{local(days=3):%d-%b-%Y}" in page
    assert "Wheelchair" in page
    assert "inactive" in page
    assert f"?patient={patient.pk}" not in page  # nobody books for an inactive record


def test_book_leads_to_the_booking_form_with_the_patient(reception):
    patient = make_patient()
    assert f'{reverse("frontdesk:appointment-new")}?patient={patient.pk}"' in reception.get(URL).content.decode()


@pytest.mark.parametrize("typed", ["mull", "MÜLLER", "Müller Jür", "jurgen", "ulle", "Muler"])
def test_a_name_is_found_by_any_part_without_accents_and_with_a_wrong_letter(reception, typed):
    make_patient(last_name="Müller", first_name="Jürgen")
    make_patient(last_name="Other", first_name="Olga")
    assert names(reception.get(URL, {"q": typed})) == ["MÜLLER, Jürgen"]


def test_similar_names_are_marked_as_such(reception):
    make_patient(last_name="Kowalski", first_name="Jan")
    assert "similar name" in reception.get(URL, {"q": "kowalsky"}).content.decode()


def test_nothing_found_offers_to_register_what_was_typed(reception):
    make_patient()
    page = reception.get(URL, {"q": "Maria Nowhere"}).content.decode()
    assert "No patient matches “Maria Nowhere”" in page
    assert "last_name=Nowhere&amp;first_name=Maria" in page


def test_an_empty_hospital_has_a_text_of_its_own(reception):
    page = reception.get(URL).content.decode()
    assert "No patients yet" in page
    assert "No patient matches" not in page


def test_a_mistyped_record_number_is_said_to_be_one(reception):
    number = make_patient().record_number
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert "a digit of it is wrong" in reception.get(URL, {"q": wrong}).content.decode()


def test_the_department_and_the_doctor_filter(reception):
    hearts, bones = make_department(name="Hearts"), make_department(name="Bones")
    doctor, other = make_doctor(department=hearts), make_doctor(department=bones)
    seen, unseen = make_patient(last_name="Seen"), make_patient(last_name="Unseen")
    a_visit(seen, 10, doctor)
    a_visit(unseen, 10, other)
    assert names(reception.get(URL, {"department": hearts.pk})) == ["SEEN, Pat"]
    assert names(reception.get(URL, {"doctor": other.pk})) == ["UNSEEN, Pat"]
    assert names(reception.get(URL, {"doctor": doctor.pk, "q": "een"})) == ["SEEN, Pat"]


def test_ages_are_whole_years(reception):
    today = timezone.now().date()
    make_patient(last_name="Nine", date_of_birth=today.replace(year=today.year - 10, day=1) + timedelta(days=40))
    make_patient(last_name="Ten", date_of_birth=today.replace(year=today.year - 10, day=1) - timedelta(days=1))
    assert names(reception.get(URL, {"age_from": 10})) == ["TEN, Pat"]
    assert names(reception.get(URL, {"age_to": 9})) == ["NINE, Pat"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("30", ["FRESH, Pat"]),
        ("90", ["FRESH, Pat", "SEASON, Pat"]),
        ("365", ["FRESH, Pat", "SEASON, Pat"]),
        ("older", ["LONG, Pat"]),
        ("never", ["NEVER, Pat"]),
    ],
)
def test_last_visits_filter(reception, choice, expected):
    for family, days in [("Fresh", 5), ("Season", 60), ("Long", 500)]:
        a_visit(make_patient(last_name=family), days)
    make_patient(last_name="Never")
    assert names(reception.get(URL, {"last_visit": choice})) == expected


def test_a_cancelled_appointment_is_no_visit(reception):
    patient = make_patient(last_name="Absent")
    make_appointment(patient=patient, start=timezone.now() - timedelta(days=3), status="CANCELLED")
    assert names(reception.get(URL, {"last_visit": "never"})) == ["ABSENT, Pat"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["A, Pat", "B, Pat", "C, Pat"]),
        ("-name", ["C, Pat", "B, Pat", "A, Pat"]),
        ("record_number", ["B, Pat", "A, Pat", "C, Pat"]),
        ("born", ["C, Pat", "A, Pat", "B, Pat"]),
        ("registered", ["B, Pat", "A, Pat", "C, Pat"]),
        ("last_visit", ["A, Pat", "C, Pat", "B, Pat"]),
        ("-last_visit", ["C, Pat", "A, Pat", "B, Pat"]),
    ],
)
@pytest.mark.parametrize("searching", [False, True])
def test_the_list_sorts(reception, sort, expected, searching):
    make_patient(last_name="B", date_of_birth="2001-01-01")  # never here: last whichever way
    a = make_patient(last_name="A", date_of_birth="2000-01-01")
    c = make_patient(last_name="C", date_of_birth="1999-01-01")
    a_visit(a, 90)
    a_visit(c, 200)
    a_visit(c, 20)
    assert names(reception.get(URL, {"sort": sort} | ({"q": "pat"} if searching else {}))) == expected


def test_pages_follow_each_other_without_gap_or_repetition(reception):
    for n in range(60):
        make_patient(last_name=f"Smith{n:02}", first_name="Sam")
    for query in ({}, {"q": "smith"}, {"q": "sam"}, {"q": "mith"}, {"sort": "-born"}, {"sort": "last_visit"}):
        pages = [names(reception.get(URL, query | {"page": n})) for n in (1, 2, 3)]
        assert [len(page) for page in pages] == [25, 25, 10], query
        assert len({name for page in pages for name in page}) == 60, query


@pytest.mark.parametrize(
    "key", ["sort", "page", "q", "department", "doctor", "age_from", "age_to", "last_visit", "per_page"]
)
@pytest.mark.parametrize(
    "value",
    [
        "", "0", "-1", "9" * 400, "1e9", "NaN", "name; DROP TABLE hms_user", "-password", "user__password", "--name",
        "'", '"', "%", "_", "\\", "%s", "{}", "\u202e", "ﷺ" * 100, "a" * 5000, "\ud7ff", "1.5", "[]", "'); --",
        "on", "😀", "\t", "12/12/99999", "31/2/2000", "0000-00-00", "null",
    ],
)  # fmt: skip
def test_odd_addresses_are_answered(reception, key, value):
    make_patient()
    assert reception.get(URL, {key: value}).status_code == 200


def test_the_password_is_no_order(reception):
    make_patient()
    with CaptureQueriesContext(connection) as queries:
        reception.get(URL, {"sort": "user__password"})
    assert not any("ORDER BY" in q["sql"] and "password" in q["sql"].split("ORDER BY")[1] for q in queries)


def test_the_number_of_queries_does_not_depend_on_the_rows(reception):
    counts = {}
    for n in (1, 2, 47):
        for _ in range(n):
            a_visit(make_patient(), 10, make_doctor(works=False))
        reception.get(URL)  # the hospital's row and the doctors of the filters are read once in a while
        for name, query in {"all": {}, "sorted": {"sort": "-last_visit"}, "found": {"q": "pat"}}.items():
            with CaptureQueriesContext(connection) as queries:
                reception.get(URL, query)
            counts.setdefault(name, []).append(len(queries))
    # session, user, ids, rows, log; a full page stops the search.
    assert counts == {"all": [5, 5, 5], "sorted": [5, 5, 5], "found": [10, 10, 5]}


def test_every_look_at_the_list_is_written_down_without_what_was_typed(reception):
    make_patient(last_name="Secretname")
    reception.get(URL, {"q": "secretna"})
    row = AccessLog.objects.get()
    assert (row.user, row.role, row.action, row.patient) == (reception.user, "RECEPTIONIST", "patient.searched", None)
    assert row.detail == "1 shown, by name"


def test_nothing_shown_is_nothing_to_write_down(reception):
    make_patient()
    reception.get(URL, {"q": "nobody"})
    assert not AccessLog.objects.exists()


def test_typing_keeps_the_address_up_without_what_is_not_set(reception):
    make_patient()
    headers = {"HX-Request": "true", "HX-Source": "form#patients-filter"}
    response = reception.get(URL, {"q": "pat", "department": "", "age_from": ""}, headers=headers)
    assert response.headers["HX-Replace-Url"] == f"{URL}?q=pat"


def test_clinical_text_is_not_read(reception):
    make_patient(allergies="Canary penicillin", medical_history="Canary history")
    with CaptureQueriesContext(connection) as queries:
        assert "Canary" not in reception.get(URL).content.decode()
    assert not any("medical_history" in q["sql"] for q in queries)


def test_right_to_left_names_do_not_turn_the_row_around(reception):
    make_patient(last_name="مريم", first_name="نور")
    assert "<bdi>مريم, نور</bdi>" in reception.get(URL).content.decode()


def test_markup_in_a_name_is_text(reception):
    make_patient(last_name="<script>alert(1)</script>", first_name="=1+1")
    page = reception.get(URL, {"q": "<script>"}).content.decode()
    assert "<script>alert(1)" not in page.lower()


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_sees_the_list(role, request):
    client = request.getfixturevalue(role)
    other = make_patient(last_name="Canaryname")
    response = client.get(URL)
    assert response.status_code == 403
    assert "anaryname" not in response.content.decode()
    assert client.get(reverse("frontdesk:patient", args=[other.pk])).status_code == 403


def test_the_list_is_only_read(reception):
    assert reception.post(URL).status_code == 405


@pytest.mark.parametrize(
    ("typed", "carried"),
    [
        ("maria de la cruz", "?last_name=de+la+Cruz&amp;first_name=Maria"),
        ("De La Cruz, Maria", "?last_name=De+La+Cruz&amp;first_name=Maria"),
        ("31/02/1965", 'new/"'),
    ],
)
def test_a_name_searched_for_is_carried_into_the_form_that_registers(reception, typed, carried):
    assert carried in reception.get(URL, {"q": typed}).content.decode()
