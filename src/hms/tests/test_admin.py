"""Set-up in the admin: administrators only, the hospital's own time, nothing clinical."""

import re
from datetime import UTC, date, datetime, time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin as django_admin
from django.contrib.auth import authenticate
from django.urls import reverse

from hms.models import AccessLog, Department, Doctor, Hospital, MedicalRecord, TimeOff, User, WorkingHours
from hms.testing import make_department, make_doctor, make_invoice, make_patient, make_user

LISTS = [
    "index",
    "hms_hospital_changelist",
    "hms_department_changelist",
    "hms_doctor_changelist",
    "hms_user_changelist",
]
LISTS += ["hms_accesslog_changelist", "hms_user_add", "hms_doctor_add", "hms_department_add"]


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def inline(prefix, *rows):
    """The fields of an inline form with these new rows."""
    data = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


class TestDoor:
    @pytest.mark.parametrize("name", LISTS)
    def test_administrators_come_in(self, admin, name):
        assert admin.get(page(name), follow=True).status_code == 200

    @pytest.mark.parametrize("role", ["reception", "doctor", "patient"])
    @pytest.mark.parametrize("name", LISTS)
    def test_others_are_refused(self, request, role, name):
        client = request.getfixturevalue(role)
        response = client.get(page(name))
        assert response.status_code == 403
        assert client.post(page(name), {"name": "Canary"}).status_code == 403
        assert not Department.objects.filter(name="Canary").exists()

    @pytest.mark.parametrize("name", ["index", "login", "hms_user_changelist"])
    def test_the_signed_out_get_our_own_sign_in_page(self, signed_out, name):
        response = signed_out.get(page(name))
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))

    def test_what_is_not_set_up_cannot_be_reached(self, admin):
        offered = {model.__name__ for model in django_admin.site._registry}
        assert offered == {"Hospital", "Department", "Doctor", "User", "AccessLog"}
        assert not django_admin.site.is_registered(MedicalRecord)
        assert admin.get("/admin/hms/medicalrecord/").status_code == 404
        assert admin.get("/admin/hms/patient/").status_code == 404

    def test_pages_of_a_patients_account_hold_nothing_clinical(self, admin):
        patient = make_patient(allergies="Canary-allergy", medical_history="Canary-history", desk_note="Canary-note")
        html = admin.get(page("hms_user_change", patient.user_id)).content.decode()
        assert patient.user.last_name in html
        assert "Canary" not in html


class TestHospital:
    def test_there_is_one_and_only_its_values_change(self, admin):
        hospital = Hospital.objects.current()
        assert admin.get(page("hms_hospital_changelist")).url == page("hms_hospital_change", hospital.pk)
        assert admin.get(page("hms_hospital_add")).status_code == 403
        assert admin.post(page("hms_hospital_delete", hospital.pk), {"post": "yes"}).status_code == 403
        data = {
            "name": "New Name",
            "time_zone": "Europe/Athens",
            "currency": "EUR",
            "slot_minutes": 10,
            "change_hours": 24,
        }
        data |= {"payment_days": 30, "fee_tax_rate": 0, "discount_limit": 20, "cash_rounding": 0}
        assert admin.post(page("hms_hospital_change", hospital.pk), data).status_code == 302
        hospital.refresh_from_db()
        assert (hospital.name, hospital.time_zone, hospital.slot_minutes) == ("New Name", "Europe/Athens", 10)

    def test_the_currency_is_fixed_by_the_first_invoice(self, admin):
        hospital = Hospital.objects.current()
        make_invoice(issued=False)
        data = {"name": "X", "time_zone": "Europe/Athens", "currency": "EUR", "slot_minutes": 10, "change_hours": 24}
        data |= {"payment_days": 30, "fee_tax_rate": 0, "discount_limit": 20, "cash_rounding": 0}
        response = admin.post(page("hms_hospital_change", hospital.pk), data)
        assert "the currency cannot change any more" in response.content.decode()

    def test_a_zone_that_does_not_exist_is_refused(self, admin):
        hospital = Hospital.objects.current()
        data = {"name": "X", "time_zone": "Europe/Nowhere", "currency": "EUR", "slot_minutes": 10, "change_hours": 24}
        response = admin.post(page("hms_hospital_change", hospital.pk), data)
        assert "is not a time zone" in response.content.decode()


ONLINE = {"online": "BOOK", "online_days": 60, "online_notice": 2, "online_most": 3}


class TestDepartment:
    def test_is_made_found_and_deleted_while_empty(self, admin):
        admin.post(page("hms_department_add"), {"name": "Radiology"} | ONLINE)
        row = Department.objects.get(name="Radiology")
        assert "Radiology" in admin.get(page("hms_department_changelist"), {"q": "radio"}).content.decode()
        admin.post(page("hms_department_delete", row.pk), {"post": "yes"})
        assert not Department.objects.filter(name="Radiology").exists()

    def test_a_name_in_another_case_is_refused_in_words(self, admin):
        make_department(name="Radiology")
        response = admin.post(page("hms_department_add"), {"name": "RADIOLOGY"} | ONLINE)
        assert "There is a department of this name already." in response.content.decode()
        assert Department.objects.count() == 1

    def test_stays_while_doctors_belong_to_it(self, admin):
        doctor = make_doctor()
        response = admin.post(page("hms_department_delete", doctor.department_id), {"post": "yes"})
        assert response.status_code == 200
        assert Department.objects.filter(pk=doctor.department_id).exists()


class TestDoctor:
    def data(self, hours=(), leave=(), **fields):
        values = {"specialization": "Eyes", "license_number": "L-77", "consultation_fee": "80", "experience_years": "4"}
        return values | fields | inline("hours", *hours) | inline("time_off", *leave)

    def test_is_made_of_a_user_with_hours_and_leave_in_the_hospitals_time(self, admin):
        Hospital.objects.current()
        Hospital.objects.update(time_zone="America/New_York")
        user = make_user("DOCTOR")
        hours = [
            {"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "2026-01-01"},
            {"weekday": 0, "start": "13:00", "end": "17:00", "valid_from": "2026-01-01"},
        ]
        leave = [{"start_0": "2026-07-06", "start_1": "14:00", "end_0": "2026-07-06", "end_1": "18:00"}]
        data = self.data(hours, leave, user=user.pk, department=make_department().pk)
        assert admin.post(page("hms_doctor_add"), data).status_code == 302
        doctor = Doctor.objects.get(user=user)
        assert doctor.hours.count() == 2
        assert TimeOff.objects.get(doctor=doctor).start == datetime(2026, 7, 6, 18, tzinfo=UTC)
        html = admin.get(page("hms_doctor_change", doctor.pk)).content.decode()
        assert 'value="14:00"' in html

    def test_days_come_before_months_and_are_shown_as_elsewhere(self, admin):
        hours = [{"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "6/8/2026"}]
        data = self.data(hours, [], user=make_user("DOCTOR").pk, department=make_department().pk)
        assert admin.post(page("hms_doctor_add"), data).status_code == 302
        assert WorkingHours.objects.get().valid_from == date(2026, 8, 6)
        user = make_user(last_login=datetime(2026, 8, 6, 15, 5, tzinfo=UTC))
        assert "06-Aug-2026 16:05" in admin.get(page("hms_user_change", user.pk)).content.decode()

    def test_every_field_of_a_row_says_its_column(self, admin):
        text = admin.get(page("hms_doctor_add")).content.decode()
        for name, label in (
            ("hours-0-weekday", "Weekday"),
            ("hours-0-start", "From"),
            ("time_off-0-start_1", "From time"),
        ):
            field = re.search(f'<(?:input|select)[^>]* name="{name}"[^>]*>', text)[0]
            assert f'aria-label="{label}"' in field

    @pytest.mark.parametrize("saved", [True, False])
    def test_hours_that_overlap_are_refused(self, admin, saved):
        doctor = make_doctor(works=False)
        first = {"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "2026-01-01"}
        second = {"weekday": 0, "start": "11:00", "end": "13:00", "valid_from": "2026-02-01"}
        if saved:
            WorkingHours.objects.create(
                doctor=doctor, weekday=0, start=time(8), end=time(12), valid_from=date(2026, 1, 1)
            )
            row = doctor.hours.get()
            data = self.data([first | {"id": row.pk, "doctor": doctor.pk}, second], department=doctor.department_id)
            data["hours-INITIAL_FORMS"] = 1
        else:
            data = self.data([first, second], department=doctor.department_id)
        before = doctor.hours.count()
        response = admin.post(page("hms_doctor_change", doctor.pk), data)
        assert response.status_code == 200
        assert "overlap" in response.content.decode()
        assert doctor.hours.count() == before

    def test_one_after_the_other_is_no_overlap(self, admin):
        doctor = make_doctor(works=False)
        rows = [
            {"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "2026-01-01", "valid_until": "2026-01-31"},
            {"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "2026-02-01"},
        ]
        data = self.data(rows, department=doctor.department_id)
        assert admin.post(page("hms_doctor_change", doctor.pk), data).status_code == 302
        assert doctor.hours.count() == 2

    def test_only_users_with_that_role_can_become_one(self, admin):
        data = self.data(user=make_user("RECEPTIONIST").pk, department=make_department().pk)
        assert admin.post(page("hms_doctor_add"), data).status_code == 200
        assert not Doctor.objects.exists()

    def test_is_found_by_name_and_licence_and_never_deleted(self, admin):
        doctor = make_doctor(license_number="FIND-ME")
        for query in ("FIND-ME", doctor.user.last_name):
            html = admin.get(page("hms_doctor_changelist"), {"q": query}).content.decode()
            assert "FIND-ME" in html
        assert admin.post(page("hms_doctor_delete", doctor.pk), {"post": "yes"}).status_code == 403

    @pytest.mark.parametrize("number", [1, 4])
    def test_list_asks_as_much_for_many_as_for_one(self, admin, number, django_assert_max_num_queries):
        for _ in range(number):
            make_doctor()
        with django_assert_max_num_queries(12):
            admin.get(page("hms_doctor_changelist"))


class TestUser:
    new = {
        "email": "New.Clerk@HMS.example",
        "first_name": "Nina",
        "last_name": "Clerk",
        "role": "RECEPTIONIST",
        "phone": "020 7946 0123",
        "usable_password": "true",
        "password1": "a-long-enough-password",
        "password2": "a-long-enough-password",
    }

    def test_staff_are_made_with_a_verified_address_and_can_sign_in(self, admin, rf):
        response = admin.post(page("hms_user_add"), self.new)
        assert response.status_code == 302
        user = User.objects.get(email="new.clerk@hms.example")
        assert (user.role, str(user.phone.as_e164)) == ("RECEPTIONIST", "+442079460123")
        assert EmailAddress.objects.get(user=user).verified
        assert authenticate(rf.post("/"), email=user.email, password="a-long-enough-password") == user
        event = user.events.order_by("pgh_id").first()
        assert event.pgh_context["user"] == admin.user.pk

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("email", "", "required"),
            ("email", "Taken@hms.example", "already used"),
            ("role", "PATIENT", "Select a valid choice"),
            ("password2", "another-long-password", "match"),
            ("password1", "short", "match"),
            ("phone", "12", "phone"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_made(self, admin, field, value, said):
        make_user(email="taken@hms.example")
        before = User.objects.count()
        response = admin.post(page("hms_user_add"), self.new | {field: value})
        assert response.status_code == 200
        assert said in response.content.decode()
        assert User.objects.count() == before

    def change(self, admin, user, **fields):
        data = {"email": user.email or "", "first_name": user.first_name, "last_name": user.last_name}
        data |= {"phone": user.phone, "role": user.role, "is_active": "on"} | fields
        data = {k: v for k, v in data.items() if v is not None}
        return admin.post(page("hms_user_change", user.pk), data)

    def test_a_new_address_takes_the_place_of_the_old(self, admin):
        user = make_user()
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        assert self.change(admin, user, email="Moved@hms.example").status_code == 302
        assert [(a.email, a.verified, a.primary) for a in EmailAddress.objects.filter(user=user)] == [
            ("moved@hms.example", True, True)
        ]

    def test_nobody_takes_their_own_rights_away(self, admin):
        for fields in ({"role": "RECEPTIONIST"}, {"is_active": None}):
            response = self.change(admin, admin.user, **fields)
            assert "from yourself" in response.content.decode()
        admin.user.refresh_from_db()
        assert admin.user.is_admin

    def test_staff_keep_an_address_and_patients_need_none(self, admin):
        assert "Staff need an e-mail" in self.change(admin, make_user(), email="").content.decode()
        patient = make_patient(email=None)
        assert self.change(admin, patient.user, last_name="Renamed").status_code == 302
        patient.user.refresh_from_db()
        assert (patient.user.last_name, patient.user.email, patient.user.role) == ("Renamed", None, "PATIENT")

    @pytest.mark.parametrize("make", [make_patient, make_doctor])
    def test_patients_and_doctors_keep_their_role(self, admin, make):
        user = make().user
        self.change(admin, user, role="ADMIN")
        user.refresh_from_db()
        assert user.role in {"PATIENT", "DOCTOR"}

    def act(self, admin, action, *users):
        data = {"action": action, "_selected_action": [u.pk for u in users]}
        return admin.post(page("hms_user_changelist"), data, follow=True)

    def test_deactivated_is_out_and_oneself_stays_in(self, admin):
        user = make_user()
        html = self.act(admin, "deactivate", user, admin.user).content.decode()
        assert "1 user" in html
        user.refresh_from_db()
        admin.user.refresh_from_db()
        assert (user.is_active, admin.user.is_active) == (False, True)
        self.act(admin, "activate", user)
        user.refresh_from_db()
        assert user.is_active

    def test_unlocked_after_too_many_wrong_passwords(self, admin, signed_out):
        user = make_user()
        user.set_password("correct-horse-battery")
        user.save()
        sign_in = reverse("account_login")
        for _ in range(6):
            response = signed_out.post(sign_in, {"login": user.email, "password": "wrong-wrong-wrong"})
        response = signed_out.post(sign_in, {"login": user.email, "password": "correct-horse-battery"})
        assert response.status_code != 302
        self.act(admin, "unlock", user)
        response = signed_out.post(sign_in, {"login": user.email, "password": "correct-horse-battery"})
        assert response.status_code == 302

    def test_second_factor_is_removed(self, admin):
        user = make_user()
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
        self.act(admin, "remove_second_factor", user)
        assert not Authenticator.objects.filter(user=user).exists()

    def test_a_password_is_set_by_an_administrator(self, admin, rf):
        user = make_user()
        data = {"usable_password": "true", "password1": "another-long-password", "password2": "another-long-password"}
        assert admin.post(page("auth_user_password_change", user.pk), data).status_code == 302
        assert authenticate(rf.post("/"), email=user.email, password="another-long-password") == user

    def test_is_found_and_never_deleted(self, admin):
        user = make_user(last_name="Findling")
        html = admin.get(page("hms_user_changelist"), {"q": "findl", "role__exact": "RECEPTIONIST"}).content.decode()
        assert "FINDLING" in html
        assert admin.post(page("hms_user_delete", user.pk), {"post": "yes"}).status_code == 403


class TestAccessLog:
    def test_is_read_and_never_changed(self, admin):
        patient = make_patient()
        row = AccessLog.objects.create(user=admin.user, role="ADMIN", patient=patient, action="patient.viewed")
        html = admin.get(page("hms_accesslog_changelist"), {"q": patient.record_number}).content.decode()
        assert "patient.viewed" in html
        assert admin.get(page("hms_accesslog_change", row.pk)).status_code == 200
        assert admin.post(page("hms_accesslog_change", row.pk), {"action": "x"}).status_code == 403
        assert admin.get(page("hms_accesslog_add")).status_code == 403
        assert admin.post(page("hms_accesslog_delete", row.pk), {"post": "yes"}).status_code == 403
        assert AccessLog.objects.get().action == "patient.viewed"
