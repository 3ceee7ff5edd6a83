"""Editing a patient, also while somebody else does."""

import pytest
from django.urls import reverse

from hms.domain import patients as domain
from hms.models import AccessLog, User
from hms.testing import make_patient, make_user


def url(patient):
    return reverse("frontdesk:patient-edit", args=[patient.pk])


def opened(client, patient, **changes):
    """What the browser would send: the form as it was opened, with these changes."""
    form = client.get(url(patient)).context["form"]
    data = {name: form[name].value() for name in form.fields if name != "date_of_birth"}
    born = form["date_of_birth"].value()
    data |= {"date_of_birth_day": born.day, "date_of_birth_month": born.month, "date_of_birth_year": born.year}
    data["is_active"] = "on" if data.get("is_active") else ""
    return {name: "" if value is None else str(value) for name, value in data.items()} | changes


def test_an_edit_is_saved_and_the_page_shown(reception):
    patient = make_patient(last_name="Old", phone="+442079460123")
    response = reception.post(url(patient), opened(reception, patient, last_name="New", phone="", desk_note="Deaf"))
    assert response.url == reverse("frontdesk:patient", args=[patient.pk])
    patient = type(patient).objects.get(pk=patient.pk)
    assert (patient.user.last_name, patient.user.phone, patient.desk_note) == ("New", "", "Deaf")


def test_opening_the_form_is_a_look_at_the_patient(reception):
    patient = make_patient()
    reception.get(url(patient))
    assert AccessLog.objects.get().patient == patient


def test_somebody_else_saved_first_and_both_values_are_shown(reception, reception2):
    patient = make_patient(last_name="Old", desk_note="")
    mine = opened(reception, patient, last_name="Mine")
    reception2.post(url(patient), opened(reception2, patient, last_name="Theirs", desk_note="Deaf"))
    response = reception.post(url(patient), mine)
    page = response.content.decode()
    assert response.status_code == 409
    assert "Somebody else changed this patient" in page
    assert "<bdi>Theirs</bdi>" in page
    assert 'value="Mine"' in page  # what I typed stays
    assert 'value="Deaf"' in page  # what I had not touched is theirs
    assert User.objects.get(pk=patient.user_id).last_name == "Theirs"
    again = mine | {"version": response.context["form"]["version"].value(), "desk_note": "Deaf"}
    assert reception.post(url(patient), again).status_code == 302
    patient = type(patient).objects.get(pk=patient.pk)
    assert (patient.user.last_name, patient.desk_note) == ("Mine", "Deaf")


@pytest.mark.parametrize("version", ["", "x", "1-2", "9" * 300, "-", "1" * 17 + "-" + "1" * 17])
def test_an_odd_version_saves_nothing(reception, version):
    patient = make_patient(last_name="Old")
    assert reception.post(url(patient), opened(reception, patient, last_name="New", version=version)).status_code == 409
    assert User.objects.get(pk=patient.user_id).last_name == "Old"


def test_bad_input_is_kept(reception):
    patient = make_patient()
    response = reception.post(url(patient), opened(reception, patient, phone="12", desk_note="Typed with care"))
    assert response.status_code == 422
    assert 'value="Typed with care"' in response.content.decode()
    assert 'value="12"' in response.content.decode()


def test_the_desk_cannot_change_an_address_that_somebody_signs_in_with(reception):
    patient = make_patient(email="pat@home.example")
    patient.user.set_password("correct-horse-battery")
    patient.user.save()
    assert reception.post(url(patient), opened(reception, patient, email="thief@home.example")).status_code == 302
    assert User.objects.get(pk=patient.user_id).email == "pat@home.example"


def test_an_administrator_can_and_the_old_address_no_longer_opens_the_account(admin):
    from allauth.account.models import EmailAddress

    patient = make_patient(email="old@home.example")
    patient.user.set_password("correct-horse-battery")
    patient.user.save()
    EmailAddress.objects.create(user=patient.user, email="old@home.example", primary=True, verified=True)
    admin.post(url(patient), opened(admin, patient, email="new@home.example"))
    assert User.objects.get(pk=patient.user_id).email == "new@home.example"
    assert not EmailAddress.objects.filter(email="old@home.example").exists()


def test_only_an_administrator_makes_a_record_inactive(reception, admin):
    patient = make_patient()
    reception.post(url(patient), opened(reception, patient, is_active=""))
    assert User.objects.get(pk=patient.user_id).is_active
    admin.post(url(patient), opened(admin, patient, is_active=""))
    assert not User.objects.get(pk=patient.user_id).is_active
    with pytest.raises(domain.DomainError):
        domain.edit(patient, is_active=True, by=reception.user)


def test_ones_own_address_is_not_used_already(reception):
    patient = make_patient(email="pat@home.example")
    assert reception.post(url(patient), opened(reception, patient, desk_note="Deaf")).status_code == 302


def test_two_who_want_one_address_are_told(reception):
    make_user("PATIENT", email="taken@home.example")
    patient = make_patient()
    assert reception.post(url(patient), opened(reception, patient, email="TAKEN@home.example")).status_code == 422
    with pytest.raises(domain.DomainError, match="already used"):
        domain.edit(patient, email="taken@home.example", by=reception.user)


def test_clinical_fields_are_out_of_reach(reception):
    patient = make_patient(allergies="Penicillin")
    reception.post(url(patient), opened(reception, patient, allergies="", medical_history="x", record_number="1"))
    patient.refresh_from_db()
    assert (patient.allergies, patient.medical_history) == ("Penicillin", "")


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_only_the_desk_edits(role, request, db):
    patient = make_patient(last_name="Old")
    assert request.getfixturevalue(role).post(url(patient), {"last_name": "New"}).status_code == 403
    assert User.objects.get(pk=patient.user_id).last_name == "Old"
