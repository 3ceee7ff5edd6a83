"""The demo hospital: what is in it, that it is alive at any hour, and that it never touches what people did."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from hms.demo import load, people, play, volume
from hms.demo.clock import day_of
from hms.domain import hours, log_seals, looks, visits
from hms.domain.settings import forget, hospital
from hms.models import (
    AccessLog,
    Appointment,
    Department,
    Doctor,
    NameToken,
    Patient,
    TimeOff,
    User,
    WorkingHours,
)
from hms.testing import for_many_tests

LONDON = ZoneInfo("Europe/London")
TUESDAY = datetime(2026, 11, 24, 11, 20, tzinfo=LONDON).astimezone(UTC)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


def board(now):
    return play.tally(Appointment.objects.between(*hospital().day_bounds(day_of(now))), now)


@pytest.fixture(scope="class")
def hospital_once(django_db_setup, django_db_blocker):
    """The demo hospital, loaded once for a whole class."""
    with for_many_tests(django_db_blocker):
        load.load(now=TUESDAY)
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("hospital_once")
class TestTheHospital:
    def test_tells_the_planner_of_its_rows(self):
        """Tables that were never analysed have -1 rows to the planner, which then reads them whole."""
        large = (
            "hms_patient hms_appointment hms_invoice hms_medicalrecord hms_diagnosis hms_vitals hms_prescriptionline"
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relname = ANY(%s)", [large.split()])
            known = dict(cursor.fetchall())
        assert set(known) == set(large.split())
        assert min(known.values()) > 100, known

    def test_has_the_people_it_promises(self):
        assert Department.objects.count() == 6
        assert Doctor.objects.count() == 12
        assert Patient.objects.count() == 400
        assert TimeOff.objects.count() >= 5
        assert {hospital().name, hospital().time_zone} == {"St Brigid's Hospital", "Europe/London"}

    def test_patients_read_who_opened_their_record(self):
        patient = Patient.objects.get(user__email="patient@hms.example")
        seen = looks.told(looks.of(patient, others_only=True), patient)
        assert {look.what for look in seen} == {"Your contact data and visits", "Your medical record"}
        assert {look.role for look in seen} == {"Receptionist", "Doctor"}
        assert all(look.at <= TUESDAY for look in seen)
        log_seals.seal()
        assert list(log_seals.verify()) == []

    def test_doctors_have_a_lunch_break(self):
        full_days = Counter(WorkingHours.objects.values_list("doctor", "weekday"))
        assert max(full_days.values()) == 2
        morning, afternoon = WorkingHours.objects.filter(doctor=people.doctors()[0], weekday=0).order_by("start")
        assert morning.end < afternoon.start

    @pytest.mark.parametrize(
        ("email", "role"),
        [
            ("admin@hms.example", "ADMIN"),
            ("reception@hms.example", "RECEPTIONIST"),
            ("reception2@hms.example", "RECEPTIONIST"),
            ("doctor@hms.example", "DOCTOR"),
            ("patient@hms.example", "PATIENT"),
        ],
    )
    def test_sample_logins_open(self, email, role, rf):
        user = authenticate(rf.post("/"), email=email, password="demo-hospital-2026")
        assert user.role == role
        assert EmailAddress.objects.get(user=user).verified
        assert EmailAddress.objects.get(user=user).primary
        if role in {"DOCTOR", "PATIENT"}:
            assert Appointment.objects.visible_to(user).exists()

    def test_nobody_else_has_a_password(self):
        assert sum(user.has_usable_password() for user in User.objects.all()) == 5

    def test_names_come_in_several_scripts(self):
        names = " ".join(User.objects.values_list("last_name", flat=True))
        for first, last in (("Α", "ω"), ("А", "я"), ("ا", "ي"), ("一", "龥"), ("À", "ÿ")):
            assert any(first <= letter <= last for letter in names)

    def test_phones_are_numbers_that_nobody_has(self):
        phones = [user.phone for user in User.objects.exclude(phone="")]
        assert len(phones) >= 400
        assert all(phone.is_valid() for phone in phones)

    def test_patients_are_as_different_as_people_are(self):
        with_address = Patient.objects.filter(user__email__isnull=False).count()
        assert 200 < with_address < 300
        ages = [
            (date(2026, 11, 24) - born).days // 365 for born in Patient.objects.values_list("date_of_birth", flat=True)
        ]
        assert min(ages) < 5
        assert max(ages) > 80
        assert {"", "No known allergies"} < set(Patient.objects.values_list("allergies", flat=True))
        assert Patient.objects.exclude(desk_note="").count() > 15
        assert Patient.objects.get(user__email="patient@hms.example").allergies == "Penicillin (rash)"

    def test_misspelled_names_can_be_found(self):
        assert NameToken.objects.filter(token="marchetti").exists()

    def test_days_are_filled_as_in_a_real_hospital(self):
        for days in (-20, -6, -1, 2, 9):
            day = date(2026, 11, 24) + timedelta(days=days)
            start, end = hospital().day_bounds(day)
            away = hours.leave(start, end)
            open_ = sum(
                (e - s).total_seconds()
                for pk, rows in hours.windows(day).items()
                for s, e in hours.subtract(rows, [(b, u) for b, u, _reason in away.get(pk, [])])
            )
            rows = Appointment.objects.filter(appointment_date__gte=start, appointment_date__lt=end)
            fill = sum(row.duration.total_seconds() for row in rows) / open_
            assert 0.6 <= fill <= 0.86, day
        dates = Appointment.objects.order_by("appointment_date").values_list("appointment_date", flat=True)
        assert day_of(dates.first()) <= date(2026, 10, 27)
        assert day_of(dates.last()) >= date(2026, 12, 7)

    def test_what_is_over_has_ended_and_what_is_to_come_has_not_begun(self):
        over = Appointment.objects.filter(appointment_date__lt=hospital().day_bounds(day_of(TUESDAY))[0])
        assert set(over.values_list("status", flat=True)) == {"COMPLETED", "CANCELLED", "NO_SHOW"}
        to_come = Appointment.objects.filter(appointment_date__gt=TUESDAY + timedelta(days=1))
        assert set(to_come.values_list("status", flat=True)) == {"SCHEDULED", "CONFIRMED", "CANCELLED"}
        for row in Appointment.objects.filter(status="COMPLETED"):
            assert row.created_at < row.checked_in_at <= row.started_at < row.ended_at <= TUESDAY

    def test_no_doctor_sees_two_at_a_time(self):
        per_doctor = Counter(Appointment.objects.filter(status="IN_PROGRESS").values_list("doctor", flat=True))
        assert max(per_doctor.values()) == 1

    def test_history_tells_when_it_happened_and_who_did_it(self):
        row = Appointment.objects.filter(status="COMPLETED").order_by("pk").first()
        events = list(row.events.order_by("pgh_id"))
        actions = [event.pgh_context["action"] for event in events]
        assert actions[0] == "appointment.booked"
        assert actions[-3:] == ["appointment.checked_in", "appointment.started", "appointment.completed"]
        assert events[0].pgh_created_at == row.created_at
        assert events[-1].pgh_created_at == row.ended_at
        assert [e.pgh_created_at for e in events] == sorted(e.pgh_created_at for e in events)
        assert events[-1].pgh_context["user"] == row.doctor.user_id
        assert User.objects.get(pk=events[0].pgh_context["user"]).role == "RECEPTIONIST"
        assert (events[-1].status, events[-2].status) == ("COMPLETED", "IN_PROGRESS")

    def test_history_goes_on_as_ever_afterwards(self):
        row = Appointment.objects.filter(status="IN_PROGRESS").first()
        before = row.events.count()
        visits.complete(row, by=User.objects.get(email="reception@hms.example"))
        assert row.events.count() == before + 1


@pytest.mark.django_db
class TestToday:
    @pytest.mark.parametrize(
        "moment",
        [
            "2026-11-24 11:20",  # a Tuesday morning
            "2026-11-24 12:50",  # over lunch
            "2026-11-24 07:15",  # before anybody opens
            "2026-11-24 21:40",  # after everybody has gone
            "2026-11-22 15:00",  # a Sunday
            "2026-11-22 00:05",  # just after midnight
            "2026-11-22 23:55",  # just before
            "2026-10-25 01:30",  # the night in which the clocks go back
            "2026-03-29 03:10",  # and forward
        ],
    )
    def test_is_half_way_at_any_hour(self, moment):
        load.load_days(load.SEED, at(moment))
        count = board(at(moment))
        assert play.is_half_way(count), count
        live = Appointment.objects.filter(status="IN_PROGRESS")
        assert live.filter(doctor__user__email="doctor@hms.example").exists() or count["waiting"]
        on_board = hours.windows(day_of(at(moment)))
        assert people.doctors()[0].pk in on_board

    def test_loads_whole_in_the_night_in_which_the_clocks_go_back(self):
        load.load(now=at("2026-10-25 01:30"))
        connection.check_constraints()

    def test_the_same_seed_and_moment_make_the_same_hospital(self):
        def once(seed):
            sid = transaction.savepoint()
            forget()
            load.load_days(seed, TUESDAY)
            rows = Appointment.objects.order_by("appointment_date", "doctor__license_number").values_list(
                "appointment_date", "duration", "status", "reason", "doctor__license_number", "patient__user__last_name"
            )
            result = list(rows)
            transaction.savepoint_rollback(sid)
            return result

        first = once(1)
        assert once(1) == first
        assert once(2) != first


@pytest.mark.django_db
@pytest.mark.usefixtures("hospital_once")
class TestAgain:
    def test_at_once_changes_nothing(self):
        rows = list(Appointment.objects.order_by("pk").values())
        seen = AccessLog.objects.count()
        assert load.load(now=TUESDAY + timedelta(minutes=2)) == (0, 0)
        assert AccessLog.objects.count() == seen
        assert list(Appointment.objects.order_by("pk").values()) == rows
        assert Patient.objects.count() == 400

    @pytest.mark.parametrize(
        "later", [timedelta(hours=3), timedelta(days=1), timedelta(days=5, hours=9), timedelta(days=60)]
    )
    def test_later_today_is_half_way_again(self, later):
        now = TUESDAY + later
        load.load(now=now)
        assert play.is_half_way(board(now)), board(now)
        yesterday = Appointment.objects.filter(appointment_date__lt=hospital().day_bounds(day_of(now))[0])
        recent = yesterday.filter(appointment_date__gt=now - timedelta(days=20))
        assert set(recent.values_list("status", flat=True)) <= {"COMPLETED", "CANCELLED", "NO_SHOW"}
        last = Appointment.objects.order_by("-appointment_date").first()
        assert day_of(last.appointment_date) >= day_of(now) + timedelta(days=12)

    def test_rows_that_people_made_or_changed_stay(self):
        clerk = User.objects.get(email="reception@hms.example")
        waiting = Appointment.objects.filter(
            status="SCHEDULED", checked_in_at=None, appointment_date__gt=TUESDAY
        ).first()
        changed = visits.confirm(waiting, by=clerk)
        unmade = visits.unconfirm(changed, by=clerk)
        theirs = Appointment.objects.create(
            patient_id=waiting.patient_id,
            doctor=people.doctors()[3],
            appointment_date=at("2026-11-24 19:00"),
            reason="made by hand",
        )
        load.load(now=TUESDAY + timedelta(days=3))
        unmade.refresh_from_db()
        theirs.refresh_from_db()
        assert (unmade.status, unmade.checked_in_at) == ("SCHEDULED", None)
        assert theirs.status == "SCHEDULED"

    def test_history_is_marked_as_the_demos(self):
        events = apps.get_model("hms", "AppointmentEvent").objects
        before = events.count()
        load.load(now=TUESDAY + timedelta(days=1))
        assert events.count() > before
        assert events.filter(pgh_context__has_key="demo").count() == events.count()


class TestCommand:
    def test_refuses_outside_of_demo_mode(self, db, settings):
        settings.DEMO = False
        with pytest.raises(CommandError, match="HMS_DEMO"):
            call_command("demo", verbosity=0)
        assert not User.objects.exists()

    def test_force_loads_all_the_same(self, db, settings, capsys):
        settings.DEMO = False
        call_command("demo", "--force")
        assert Patient.objects.count() == 400
        assert "reception@hms.example" in capsys.readouterr().out


SCHEMA = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes
    UNION ALL SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1, 2, 3
"""


def schema():
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return cursor.fetchall()


@pytest.fixture(scope="class")
def filled(django_db_setup, django_db_blocker):
    """A hospital with bulk rows; yields the schema as it was before them."""
    with for_many_tests(django_db_blocker):
        load.load()
        before = schema()
        volume.fill(patients=1400, appointments=Appointment.objects.count() + 3000, days=60, doctors=12, quiet=True)
        yield before


@pytest.mark.django_db
class TestVolume:
    def test_holds_what_was_asked_for_and_500_today(self, filled):
        assert Patient.objects.count() == 1400
        start, end = hospital().day_bounds(hospital().today())
        bulk = Appointment.objects.filter(doctor__license_number__startswith="V-")
        assert bulk.count() == 3000
        assert Doctor.objects.filter(license_number__startswith="V-").count() == 12
        todays = bulk.filter(appointment_date__gte=start, appointment_date__lt=end)
        assert 0 < todays.count() <= 500
        spread = {day_of(moment) for moment in bulk.values_list("appointment_date", flat=True)}
        assert len(spread) > 50

    def test_leaves_the_schema_exactly_as_it_was(self, filled):
        assert schema() == filled

    def test_constraints_and_triggers_are_at_work_again(self, filled):
        row = Appointment.objects.filter(doctor__license_number__startswith="V-", status="SCHEDULED").first()
        with pytest.raises(IntegrityError, match="appointment_doctor_free"), transaction.atomic():
            Appointment.objects.create(
                patient=Patient.objects.first(), doctor=row.doctor, appointment_date=row.appointment_date
            )
        row.reason = "changed"
        row.save(update_fields=["reason"])
        assert row.events.count() == 1
        with pytest.raises(IntegrityError, match="fk_hms_user"):
            self.orphan(row.patient_id)

    def orphan(self, patient):
        with transaction.atomic():
            Patient.objects.filter(pk=patient).update(user_id=0)
            connection.check_constraints()

    def test_rows_are_as_good_as_made_one_by_one(self, filled):
        patient = Patient.objects.select_related("user").order_by("-pk").first()
        patient.full_clean()
        assert patient.user.phone.is_valid()
        assert User.objects.filter(pk=patient.user_id, family_first__gt="").exists()
        word = User.objects.get(pk=patient.user_id).family_first.split()[0]
        assert len(word) == 1 or NameToken.objects.filter(token=word).exists()

    def test_a_second_bulk_is_refused(self, filled):
        with pytest.raises(volume.DoesNotFit, match="already holds"):
            volume.fill(patients=0, appointments=1_000_000, days=0, doctors=12, quiet=True)


@pytest.mark.django_db
@pytest.mark.usefixtures("hospital_once")
class TestVolumeOfNothing:
    def test_asking_for_what_is_there_adds_nothing(self):
        volume.fill(patients=300, appointments=1000, days=0, doctors=10, quiet=True)
        assert Patient.objects.count() == 400

    def test_more_than_fits_is_said_before_anything_is_made(self):
        with pytest.raises(CommandError, match="do not fit into 10 days of 2 doctors"):
            call_command("demo", patients=500, appointments=1_000_000, days=10, doctors=2, verbosity=0)
        assert Patient.objects.count() == 400

    @pytest.mark.parametrize("weekday", range(7))
    def test_every_day_but_today_is_within_what_doctors_manage(self, weekday):
        today = date(2026, 11, 23) + timedelta(days=weekday)
        plan = volume.calendar(300_000, 0, 200, today, 500)
        assert sum(plan.values()) == 300_000
        assert plan[today] == 500
        assert max(plan.values()) <= len(volume.SLOTS) * volume.FILL * 200
        assert time(8).hour * 60 == volume.SLOTS[0]
