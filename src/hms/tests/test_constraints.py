"""What must never happen, tried with plain SQL: the database itself refuses."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from hms.models import Appointment, Department, Invoice, MedicalRecord, Patient, TimeOff, User, WorkingHours
from hms.testing import local, make_appointment, make_doctor, make_invoice, make_patient, make_user

pytestmark = pytest.mark.django_db


def refused(sql, params, *, by):
    """The statement fails because of the named constraint, and for no other reason."""
    with pytest.raises(DatabaseError) as e, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
    assert by in str(e.value), str(e.value)
    return True


def accepted(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
    return True


INSERT = """INSERT INTO hms_appointment (patient_id, doctor_id, appointment_date, duration, status)
            VALUES (%s, %s, %s, %s, %s)"""


class TestOverlap:
    @pytest.mark.parametrize("minutes", [-20, -1, 0, 1, 29])
    def test_a_doctor_has_one_patient_at_a_time(self, minutes):
        a = make_appointment(minutes=30)
        start = a.appointment_date + timedelta(minutes=minutes)
        values = [make_patient().pk, a.doctor_id, start, timedelta(minutes=30), "SCHEDULED"]
        assert refused(INSERT, values, by="appointment_doctor_free")

    @pytest.mark.parametrize("minutes", [-30, 30, 600])
    def test_neighbours_touch_without_overlapping(self, minutes):
        a = make_appointment(minutes=30)
        start = a.appointment_date + timedelta(minutes=minutes)
        assert accepted(INSERT, [make_patient().pk, a.doctor_id, start, timedelta(minutes=30), "SCHEDULED"])

    def test_a_patient_is_with_one_doctor_at_a_time(self):
        a = make_appointment()
        values = [a.patient_id, make_doctor().pk, a.appointment_date, timedelta(minutes=15), "CONFIRMED"]
        assert refused(INSERT, values, by="appointment_patient_free")

    @pytest.mark.parametrize("status", ["CANCELLED", "NO_SHOW"])
    def test_a_cancelled_or_missed_one_gives_its_time_back(self, status):
        a = make_appointment(status=status)
        values = [a.patient_id, a.doctor_id, a.appointment_date, timedelta(minutes=30), "SCHEDULED"]
        assert accepted(INSERT, values)

    def test_un_cancelling_meets_the_constraint_again(self):
        a = make_appointment(status="CANCELLED")
        make_appointment(doctor=a.doctor, start=a.appointment_date)
        assert refused(
            "UPDATE hms_appointment SET status = 'SCHEDULED' WHERE id = %s", [a.pk], by="appointment_doctor_free"
        )

    def test_moving_meets_the_constraint(self):
        a = make_appointment()
        b = make_appointment(doctor=a.doctor, start=a.end)
        sql = "UPDATE hms_appointment SET appointment_date = %s WHERE id = %s"
        assert refused(sql, [a.appointment_date, b.pk], by="appointment_doctor_free")

    def test_lengthening_meets_the_constraint(self):
        a = make_appointment()
        make_appointment(doctor=a.doctor, start=a.end)
        sql = "UPDATE hms_appointment SET duration = interval '31 minutes' WHERE id = %s"
        assert refused(sql, [a.pk], by="appointment_doctor_free")


class TestAppointment:
    @pytest.mark.parametrize("duration", [timedelta(0), timedelta(minutes=-5), timedelta(days=1, seconds=1)])
    def test_lasts_more_than_nothing_and_at_most_a_day(self, duration):
        values = [make_patient().pk, make_doctor().pk, local(), duration, "SCHEDULED"]
        assert refused(INSERT, values, by="appointment_duration")

    def test_has_a_known_status(self):
        values = [make_patient().pk, make_doctor().pk, local(), timedelta(minutes=5), "LATE"]
        assert refused(INSERT, values, by="appointment_status_known")

    def test_defaults_live_in_the_database(self):
        sql = "INSERT INTO hms_appointment (patient_id, doctor_id, appointment_date) VALUES (%s, %s, %s)"
        assert accepted(sql, [make_patient().pk, make_doctor().pk, local()])
        row = Appointment.objects.get()
        assert (row.duration, row.status, row.reason) == (timedelta(minutes=30), "SCHEDULED", "")

    def test_a_change_by_sql_changes_the_version_and_the_history(self):
        a = make_appointment()
        before = a.version
        assert accepted("UPDATE hms_appointment SET reason = 'x' WHERE id = %s", [a.pk])
        a.refresh_from_db()
        assert a.version != before
        with connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM hms_appointmentevent WHERE pgh_obj_id = %s ORDER BY pgh_id", [a.pk])
            assert cursor.fetchall() == [("",), ("x",)]


class TestPeople:
    def test_one_address_whatever_its_case(self):
        make_user(email="ann@hms.example")
        sql = """INSERT INTO hms_user (password, first_name, last_name, email, role, phone, is_active)
                 VALUES ('', '', '', %s, 'PATIENT', '', true)"""
        assert refused(sql, ["ANN@hms.example"], by="user_email_any_case")
        assert refused(sql, ["ann@hms.example"], by="unique")

    def test_staff_have_an_address(self):
        user = make_user("DOCTOR")
        assert refused("UPDATE hms_user SET email = NULL WHERE id = %s", [user.pk], by="user_staff_have_email")

    def test_many_patients_have_none(self):
        make_patient(email=None)
        make_patient(email=None)
        assert User.objects.filter(email=None).count() == 2

    def test_an_empty_address_is_none(self):
        user = make_patient().user
        assert refused("UPDATE hms_user SET email = '' WHERE id = %s", [user.pk], by="user_email_not_empty")

    def test_roles_are_known(self):
        user = make_user()
        assert refused("UPDATE hms_user SET role = 'BOSS' WHERE id = %s", [user.pk], by="user_role_known")

    def test_one_licence_one_doctor(self):
        a, b = make_doctor(), make_doctor()
        sql = "UPDATE hms_doctor SET license_number = %s WHERE id = %s"
        assert refused(sql, [a.license_number, b.pk], by="license_number")
        assert refused(sql, ["", b.pk], by="doctor_license_not_empty")

    def test_a_fee_is_not_negative(self):
        sql = "UPDATE hms_doctor SET consultation_fee = -1 WHERE id = %s"
        assert refused(sql, [make_doctor().pk], by="doctor_fee_not_negative")

    @pytest.mark.parametrize("born", ["1900-01-01", "1850-05-05"])
    def test_nobody_was_born_before_1900(self, born):
        sql = "UPDATE hms_patient SET date_of_birth = %s WHERE id = %s"
        assert refused(sql, [born, make_patient().pk], by="patient_born_after_1900")

    def test_nobody_is_born_after_being_registered(self):
        patient = make_patient()
        sql = "UPDATE hms_patient SET date_of_birth = created_at::date + 2 WHERE id = %s"
        assert refused(sql, [patient.pk], by="patient_born_before_registered")

    def test_record_numbers_have_their_check_digit(self):
        patient = make_patient()
        digit = (int(patient.record_number[-1]) + 1) % 10
        sql = "UPDATE hms_patient SET record_number = %s WHERE id = %s"
        assert refused(
            sql, [f"{patient.record_number[:-1]}{digit}", patient.pk], by="patient_record_number_check_digit"
        )
        assert refused(sql, ["not a number", patient.pk], by="patient_record_number_check_digit")

    def test_sql_gets_a_record_number_too(self):
        user = make_user("PATIENT")
        sql = """INSERT INTO hms_patient (user_id, date_of_birth, gender, blood_type, allergies, emergency_contact,
               medical_history, desk_note)
                 VALUES (%s, '1980-01-01', 'OTHER', '', '', '', '', '')"""
        assert accepted(sql, [user.pk])
        assert len(Patient.objects.get(user=user).record_number) == 8


class TestHoursAndHospital:
    def test_hours_end_after_they_start(self):
        hours = WorkingHours.objects.filter(doctor=make_doctor()).first()
        sql = "UPDATE hms_workinghours SET {} WHERE id = %s"
        assert refused(sql.format('"end" = start'), [hours.pk], by="hours_end_after_start")
        assert refused(sql.format("weekday = 7"), [hours.pk], by="hours_weekday")
        assert refused(sql.format("valid_until = valid_from - 1"), [hours.pk], by="hours_valid_until_after_from")

    def test_leave_ends_after_it_starts(self):
        off = TimeOff.objects.create(doctor=make_doctor(), start=local(1), end=local(2))
        assert refused('UPDATE hms_timeoff SET "end" = start WHERE id = %s', [off.pk], by="time_off_end_after_start")

    def test_there_is_one_hospital(self):
        sql = """INSERT INTO hms_hospital (id, name, address, phone, time_zone, currency, slot_minutes)
                 VALUES (2, '', '', '', 'UTC', 'EUR', 15)"""
        assert refused(sql, [], by="hospital_one_row")

    def test_departments_have_a_name_of_their_own_whatever_its_case(self):
        Department.objects.create(name="Ärzte und Cardiology")
        sql = "INSERT INTO hms_department (name, description) VALUES ('ÄRZTE und cardiology', '')"
        assert refused(sql, [], by="department_name_any_case")

    def test_departments_have_a_name_of_their_own(self):
        Department.objects.create(name="Cardiology")
        sql = "INSERT INTO hms_department (name, description) VALUES ('Cardiology', '')"
        assert refused(sql, [], by="name")


class TestMoney:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("amount = -1, total_amount = 19", "invoice_not_negative"),
            ("tax_amount = -100, total_amount = 0", "invoice_not_negative"),
            ("total_amount = 119.99", "invoice_total_is_sum"),
            ("amount = 100.01", "invoice_total_is_sum"),
            ("status = 'PAID'", "invoice_"),
            ("paid_date = current_date", "invoice_"),
            ("status = 'LOST'", "invoice_"),
        ],
    )
    def test_sums_and_states_hold(self, change, constraint):
        draft = make_invoice(issued=False, tax_rate=20)
        assert refused(f"UPDATE hms_invoice SET {change} WHERE id = %s", [draft.pk], by=constraint)

    @pytest.mark.parametrize("change", ["status = 'PAID'", "paid_date = current_date"])
    def test_a_paid_one_has_its_day_and_no_other(self, change):
        sql = f"UPDATE hms_invoice SET {change} WHERE id = %s"
        assert refused(sql, [make_invoice().pk], by="invoice_paid_date_when_paid")

    def test_overdue_does_not_wait_for_the_sweep(self):
        today = local(0).date()
        late = make_invoice(due_date=today - timedelta(days=1))
        make_invoice(due_date=today)
        make_invoice(due_date=today - timedelta(days=9), status="PAID")
        make_invoice(issued=False)
        assert list(Invoice.objects.overdue(today)) == [late]


class TestRecords:
    def record(self, **fields):
        a = make_appointment()
        return MedicalRecord.objects.create(patient=a.patient, doctor=a.doctor, appointment=a, **fields)

    def test_a_signature_has_a_signer(self):
        record = self.record()
        sql = "UPDATE hms_medicalrecord SET signed_at = now() WHERE id = %s"
        assert refused(sql, [record.pk], by="record_signed_by_somebody")

    def test_what_is_signed_stays_as_signed(self):
        record = self.record(signed_at=local(0), signed_by=make_user("DOCTOR"))
        assert refused("UPDATE hms_medicalrecord SET notes = 'other' WHERE id = %s", [record.pk], by="signed_is_final")
        assert refused("DELETE FROM hms_medicalrecord WHERE id = %s", [record.pk], by="signed_is_final")

    def test_a_record_amends_another_one(self):
        record = self.record()
        assert refused(
            "UPDATE hms_medicalrecord SET amends_id = id WHERE id = %s", [record.pk], by="record_amends_another"
        )


class TestAppendOnly:
    def test_history_is_never_rewritten(self):
        make_appointment()
        assert refused("UPDATE hms_appointmentevent SET reason = 'forged'", [], by="append_only")
        assert refused("DELETE FROM hms_appointmentevent", [], by="append_only")

    def test_the_read_log_is_never_rewritten(self):
        sql = (
            "INSERT INTO hms_accesslog (user_id, role, patient_id, action) VALUES (%s, 'DOCTOR', %s, 'patient.viewed')"
        )
        assert accepted(sql, [make_user().pk, make_patient().pk])
        assert refused("UPDATE hms_accesslog SET action = 'nothing'", [], by="append_only")
        assert refused("DELETE FROM hms_accesslog", [], by="append_only")


def test_a_patient_without_an_address_is_complete():
    user = make_patient(email=None).user
    user.email = ""
    user.full_clean()
    assert user.email is None
