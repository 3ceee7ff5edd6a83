"""Registering oneself, being invited, and what a patient reads and decides."""

import re

import pytest
from django.core import mail
from django.test import Client

from conftest import sign_in
from hms.domain import privacy, records
from hms.errors import DomainError
from hms.models import Patient, Registration, User, Wish
from hms.testing import (
    local,
    make_appointment,
    make_doctor,
    make_invoice,
    make_patient,
    make_record,
    make_user,
    run_jobs,
)

PASSWORD = "correct-horse-battery-staple"


def text(response):
    return response.content.decode()


def sign_up(client, email="new@hms.example", **more):
    return client.post("/accounts/signup/", {"email": email, "password1": PASSWORD} | more)


def code_of(letter):
    return re.search(r"^\s*([A-Z0-9]{4,8}(?:-?[A-Z0-9]{2,4})?)\s*$", letter.body, re.MULTILINE)[1]


ANSWERS = [
    ("name", {"first_name": "Ana", "last_name": "Nuñez"}),
    ("born", {"date_of_birth_day": "27", "date_of_birth_month": "mar", "date_of_birth_year": "1965"}),
    ("gender", {"gender": "FEMALE"}),
    ("phone", {"phone": "020 7946 0123"}),
    ("emergency", {"emergency_contact": ""}),
    ("blood", {"blood_type": "A+"}),
    ("allergies", {"allergies": "list", "allergy_list": "Nuts\nPenicillin"}),
    ("consent", {"consent": "on"}),
]


def answer_all(client, but_not=()):
    for step, fields in ANSWERS:
        if step not in but_not:
            response = client.post(f"/portal/register/{step}/", fields)
            assert response.status_code == 302, text(response)


def test_from_an_address_to_a_record(db):
    client = Client()
    assert sign_up(client, role="ADMIN", is_superuser="1").status_code == 302
    run_jobs()
    assert User.objects.get(email="new@hms.example").role == "PATIENT"
    response = client.post("/accounts/confirm-email/", {"code": code_of(mail.outbox[0])})
    assert response.status_code == 302, text(response)
    assert client.get("/portal/").headers["Location"] == "/portal/register/"
    assert client.get("/portal/register/").headers["Location"] == "/portal/register/name/"
    answer_all(client)
    page = text(client.get("/portal/register/"))
    assert "Nuñez" in page
    assert "Penicillin" in page
    assert "27 March 1965" in page
    assert "+44 20 7946 0123" in page
    assert "1965-03-27" not in page
    assert client.post("/portal/register/").headers["Location"] == "/portal/"
    patient = Patient.objects.get()
    assert (str(patient.user), patient.allergies, patient.blood_type) == ("Ana Nuñez", "Nuts; Penicillin", "A+")
    assert patient.record_number
    assert not Registration.objects.exists()
    client.post("/portal/register/")
    assert Patient.objects.count() == 1
    assert "Hello, Ana" in text(client.get("/portal/"))


def test_a_known_address_gets_the_same_answer(db):
    make_patient(email="known@hms.example")
    new, known = Client(), Client()
    first, second = sign_up(new), sign_up(known, "known@hms.example")
    assert (first.status_code, first.headers["Location"]) == (second.status_code, second.headers["Location"])
    run_jobs()
    assert {m.to[0] for m in mail.outbox} == {"new@hms.example", "known@hms.example"}
    assert User.objects.filter(email="known@hms.example").count() == 1


def test_a_wrong_code_lets_nobody_in(db):
    client = Client()
    sign_up(client)
    client.post("/accounts/confirm-email/", {"code": "WRONG1"})
    assert client.get("/portal/").status_code == 302
    assert "login" in client.get("/portal/").headers["Location"]


@pytest.fixture
def newcomer(db):
    return sign_in(Client(), make_user("PATIENT", first_name="", last_name=""))


@pytest.mark.parametrize(
    ("step", "fields", "words"),
    [
        ("name", {"first_name": " ", "last_name": ""}, "Write your name"),
        ("born", {"date_of_birth_day": "1", "date_of_birth_month": "1", "date_of_birth_year": "2020"}, "parent"),
        ("born", {"date_of_birth_day": "31", "date_of_birth_month": "2", "date_of_birth_year": "1990"}, "There is no"),
        ("phone", {"phone": "12"}, "12"),
        ("allergies", {"allergies": "none", "allergy_list": "Nuts"}, "You wrote an allergy"),
        ("allergies", {"allergies": "list", "allergy_list": ""}, "Write what you are allergic to"),
        ("consent", {}, "only see you"),
    ],
)
def test_each_question_says_what_is_wrong_and_keeps_what_was_typed(newcomer, step, fields, words):
    response = newcomer.post(f"/portal/register/{step}/", fields)
    assert response.status_code == 422
    assert words in text(response)
    assert "Error:" in text(response)
    assert not Registration.objects.exists()


def test_one_stops_and_goes_on_another_day(newcomer):
    newcomer.post("/portal/register/name/", ANSWERS[0][1])
    again = sign_in(Client(), newcomer.user)
    assert again.get("/portal/register/").headers["Location"] == "/portal/register/born/"
    assert "Nuñez" in text(again.get("/portal/register/name/"))


def test_without_a_record_there_are_only_the_questions(newcomer):
    for path in ("", "book/", "record/", "invoices/", "privacy/", "contact/", "delete/", "record/download/"):
        assert newcomer.get(f"/portal/{path}").headers["Location"] == "/portal/register/"
    assert newcomer.get("/portal/register/nonsense/").status_code == 404


class TestReading:
    def test_signed_records_only_with_addenda(self, patient):
        me = patient.user.patient
        signed = make_record(
            make_appointment(patient=me, start=local(days=-9), status="COMPLETED"),
            notes="The ankle heals.",
            signed=True,
        )
        records.addend(signed, text="X-ray: fine.", by=make_doctor().user)
        make_record(make_appointment(patient=me, start=local(days=-5), status="COMPLETED"), notes="only a draft")
        make_record(make_appointment(start=local(days=-5), status="COMPLETED"), notes="somebody else's", signed=True)
        page = text(patient.get("/portal/record/"))
        assert "The ankle heals." in page
        assert "X-ray: fine." in page
        assert "only a draft" not in page
        assert "somebody else" not in page

    def test_who_looked_and_why(self, patient, reception):
        me = patient.user.patient
        reception.get(f"/desk/patients/{me.pk}/")
        page = text(patient.get("/portal/privacy/"))
        assert "Rita Reception" in page
        assert "To arrange your visits" in page

    def test_invoices_are_mine_and_issued(self, patient):
        mine = make_invoice(patient=patient.user.patient)
        make_invoice(patient=patient.user.patient, issued=False)
        other = make_invoice()
        page = text(patient.get("/portal/invoices/"))
        assert mine.number in page
        assert other.number not in page
        assert "Consultation" in text(patient.get(f"/portal/invoices/{mine.pk}/"))
        assert patient.get(f"/portal/invoices/{other.pk}/").status_code == 404

    def test_something_is_wrong_reaches_the_hospital(self, patient):
        patient.post("/portal/record/", {"text": "I am not allergic to nuts"})
        wish = Wish.objects.get()
        assert wish.text == "I am not allergic to nuts"
        visit = make_appointment(patient=patient.user.patient, doctor=make_doctor(), status="COMPLETED")
        doctor = sign_in(Client(), visit.doctor.user)
        assert "I am not allergic to nuts" in text(doctor.get("/clinic/"))
        stranger = sign_in(Client(), make_doctor().user)
        assert stranger.post(f"/clinic/wishes/{wish.pk}/done/", {"answer": "x"}).status_code == 404
        doctor.post(f"/clinic/wishes/{wish.pk}/done/", {"answer": "Taken off the list"})
        assert "Taken off the list" in text(patient.get("/portal/record/"))
        assert patient.post("/portal/record/", {"text": " "}).status_code == 422

    def test_something_wrong_is_said_once_however_often_it_is_sent(self, patient):
        for _click in range(2):
            patient.post("/portal/record/", {"text": "I am not allergic to nuts"})
        wish = Wish.objects.get()
        Wish.objects.update(done_at=local(), answer="It is right")
        patient.post("/portal/record/", {"text": wish.text})
        assert Wish.objects.filter(text=wish.text).count() == 2

    def test_contact_data_are_changed(self, patient):
        patient.post("/portal/contact/", {"phone": "020 7946 0123", "emergency_contact": ""})
        assert str(User.objects.get(pk=patient.user.pk).phone)
        assert patient.post("/portal/contact/", {"phone": "nonsense"}).status_code == 422


class TestDeleting:
    def test_the_identity_goes_and_the_record_stays(self, patient, reception):
        me = patient.user.patient
        make_record(make_appointment(patient=me, start=local(days=-5), status="COMPLETED"), notes="Kept.", signed=True)
        patient.post("/portal/delete/")
        wish = Wish.objects.get()
        assert patient.user.last_name.upper() in text(reception.get("/desk/requests/"))
        reception.post(f"/desk/wishes/{wish.pk}/delete-account/")
        me.user.refresh_from_db()
        assert (me.user.email, me.user.is_active, me.user.first_name) == (None, False, "")
        assert me.medicalrecord_set.get().notes == "Kept."
        assert list(records.verify()) == []

    def test_not_while_a_visit_is_to_come_or_money_owed(self, patient):
        me, by = patient.user.patient, make_user()
        wish = Wish.objects.create(patient=me, kind="DELETE")
        visit = make_appointment(patient=me)
        with pytest.raises(DomainError, match="still to come"):
            privacy.delete_account(wish, by=by)
        type(visit).objects.update(status="CANCELLED")
        make_invoice(patient=me)
        with pytest.raises(DomainError, match="not paid"):
            privacy.delete_account(wish, by=by)

    def test_it_can_be_withdrawn(self, patient):
        patient.post("/portal/delete/")
        patient.post("/portal/delete/", {"withdraw": "1"})
        assert not Wish.objects.exists()


def test_that_a_code_is_on_its_way_is_said_once(db):
    client = Client()
    assert sign_up(client).headers["Location"] == "/accounts/confirm-email/"
    page = text(client.get("/accounts/confirm-email/"))
    assert page.count("new@hms.example") == 1
    assert "Confirmation email sent" not in page
