"""Booking, changing and checking in by the patient, over HTTP."""

from datetime import UTC, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from hms.domain import holds, hours, letters, scheduling, self_service, visits
from hms.domain.settings import hospital
from hms.errors import DomainError, SlotTaken
from hms.models import Appointment, Department, Hospital, OutboxMail, SlotHold, WorkingHours
from hms.testing import local, make_appointment, make_department, make_doctor, make_it_midday, make_patient, run_jobs


@pytest.fixture
def ward(db):
    return make_doctor()


def text(response):
    return response.content.decode()


def first_time(client, doctor):
    page = text(client.get(f"/portal/book/{doctor.department_id}/{doctor.pk}/time/"))
    return page.split('name="at" value="')[1].split('"')[0]


def book(client, doctor, reason="A cough"):
    base = f"/portal/book/{doctor.department_id}/{doctor.pk}/"
    assert doctor.department.name in text(client.get("/portal/book/"))
    assert str(doctor) in text(client.get(f"/portal/book/{doctor.department_id}/"))
    assert client.post(base, {"reason": reason}).status_code == 302
    at = first_time(client, doctor)
    assert client.post(f"{base}time/", {"at": at}).headers["Location"] == "/portal/book/check/"
    assert "Is this right?" in text(client.get("/portal/book/check/"))
    return client.post("/portal/book/check/")


def test_from_department_to_booked_in_six_pages(patient, ward):
    response = book(patient, ward)
    visit = Appointment.objects.get()
    assert response.headers["Location"] == f"/portal/visits/{visit.pk}/"
    assert (visit.patient.user, visit.doctor, visit.reason, visit.online) == (patient.user, ward, "A cough", "BOOKED")
    assert "Your visit is booked" in text(patient.get(f"/portal/visits/{visit.pk}/"))
    assert not SlotHold.objects.exists()
    run_jobs()
    assert "is booked" in mail.outbox[0].body
    assert mail.outbox[0].attachments[0].filename == "visit.ics"


@pytest.mark.parametrize("chosen", [True, False])
def test_each_answer_can_be_changed_before_it_is_sent(patient, ward, chosen):
    base = f"/portal/book/{ward.department_id}/{ward.pk if chosen else 0}/"
    patient.post(base, {"reason": "A cough"})
    patient.post(f"{base}time/", {"at": first_time(patient, ward)})
    page = text(patient.get("/portal/book/check/"))
    for link in (f"{base}time/", f"/portal/book/{ward.department_id}/", f"{base}?back=check"):
        assert f'href="{link}"' in page
    answer = patient.post(f"{base}?back=check", {"reason": "A sore knee"}, follow=True)
    assert answer.redirect_chain == [("/portal/book/check/", 302)]
    assert "A sore knee" in text(answer)


def test_confirming_twice_books_once(patient, ward):
    book(patient, ward)
    visit = Appointment.objects.get()
    at = f"{visit.doctor_id}@{visit.appointment_date:%Y%m%dT%H%MZ}"
    response = patient.post("/portal/book/check/", {"at": at}, follow=True)
    assert "booked already" in text(response)
    assert response.redirect_chain[-1][0] == f"/portal/visits/{visit.pk}/"
    for wrong in ("", "x@20301122T1015Z", at.replace("@", "9@"), f"{'9' * 40}@20301122T1015Z"):
        response = patient.post("/portal/book/check/", {"at": wrong}, follow=True)
        assert "Choose a time again" in text(response)
    assert Appointment.objects.count() == 1


def test_a_time_chosen_meanwhile_elsewhere_is_shown_before_it_is_booked(patient, ward):
    base = f"/portal/book/{ward.department_id}/{ward.pk}/time/"
    page = text(patient.get(base)).split('name="at" value="')
    first, second = (part.split('"')[0] for part in page[1:3])
    patient.post(base, {"at": first})
    assert first in text(patient.get("/portal/book/check/"))
    patient.post(base, {"at": second})  # in another tab
    assert "another time meanwhile" in text(patient.post("/portal/book/check/", {"at": first}, follow=True))
    assert not Appointment.objects.exists()
    patient.post("/portal/book/check/", {"at": second})
    assert Appointment.objects.count() == 1


def test_a_held_time_is_not_offered_to_others_and_the_desk_may_book_over_it(patient, ward):
    at = first_time(patient, ward)
    patient.post(f"/portal/book/{ward.department_id}/{ward.pk}/time/", {"at": at})
    held = SlotHold.objects.get()
    other = make_patient()
    with pytest.raises(SlotTaken):
        holds.hold(patient=other, doctor=ward, start=held.start, duration=timedelta(minutes=30))
    offered = dict(self_service.free([ward], department=ward.department, patient=other))
    assert held.start not in [start for times in offered.values() for start, _doctor in times]
    make_appointment(doctor=ward, start=held.start)
    response = patient.post("/portal/book/check/", {"at": at})
    assert response.status_code == 409
    assert "no longer free" in text(response)
    assert text(response).count('name="at"') > 3
    assert f'action="/portal/book/{ward.department_id}/0/time/"' in text(response)


def test_a_doctor_who_is_away_by_now_is_not_booked_with_a_reason(patient, ward):
    at = first_time(patient, ward)
    patient.post(f"/portal/book/{ward.department_id}/{ward.pk}/time/", {"at": at})
    WorkingHours.objects.all().delete()
    response = patient.post("/portal/book/check/", {"at": at})
    assert response.status_code == 409
    assert "no longer free" in text(response)
    assert not Appointment.objects.exists()


def test_a_hold_that_ran_out_is_said_with_other_times(patient, ward):
    at = first_time(patient, ward)
    patient.post(f"/portal/book/{ward.department_id}/{ward.pk}/time/", {"at": at})
    SlotHold.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = patient.post("/portal/book/check/", {"at": at})
    assert response.status_code == 409
    assert "ten minutes" in text(response)
    assert text(response).count('name="at"') > 3
    assert "ten minutes" in text(patient.get("/portal/book/check/", follow=True))  # and on the way back
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("at", ["", "x", "1@20200101T0900Z", "999999@20301122T1015Z"])
def test_a_time_that_is_none_is_refused(patient, ward, at):
    response = patient.post(f"/portal/book/{ward.department_id}/{ward.pk}/time/", {"at": at})
    assert response.status_code == 409
    assert not SlotHold.objects.exists()


def test_a_department_that_is_not_online_is_not_there(patient, ward):
    Department.objects.update(online="VIEW")
    assert ward.department.name not in text(patient.get("/portal/book/"))
    assert patient.get(f"/portal/book/{ward.department_id}/").status_code == 404


def test_no_more_visits_than_the_department_lets(patient, ward):
    Department.objects.update(online_most=1)
    book(patient, ward)
    assert "as many as can be booked" in text(patient.get(f"/portal/book/{ward.department_id}/"))


class TestRequests:
    @pytest.fixture(autouse=True)
    def _asks(self, ward):
        Department.objects.update(online="REQUEST")
        ward.department.refresh_from_db()

    def test_the_desk_approves(self, patient, ward, reception):
        book(patient, ward)
        visit = Appointment.objects.get()
        assert visit.online == "REQUEST"
        assert "You asked for this visit" in text(patient.get(f"/portal/visits/{visit.pk}/"))
        assert visit.patient.user.formal_name in text(reception.get("/desk/requests/"))
        assert "Request" in text(reception.get(f"/desk/?day={visit.appointment_date:%Y-%m-%d}"))
        assert "STATUS:TENTATIVE" in letters.calendar_file(visit).decode()
        run_jobs()
        reception.post(f"/desk/requests/{visit.pk}/approve/")
        visit.refresh_from_db()
        assert visit.online == "BOOKED"
        assert "answered already" in text(reception.post(f"/desk/requests/{visit.pk}/approve/", follow=True))
        run_jobs()
        assert len(mail.outbox) == 2

    def test_only_the_newest_of_two_letters_is_written(self, patient, ward, reception):
        book(patient, ward)
        reception.post(f"/desk/requests/{Appointment.objects.get().pk}/approve/")
        run_jobs()  # the worker was busy meanwhile
        assert [m.kind for m in OutboxMail.objects.all()] == ["visit.approved"]

    def test_a_moved_visit_that_is_approved_stays_marked_as_moved(self, patient, ward, reception):
        visit = make_appointment(patient=patient.user.patient, doctor=ward, start=local(days=5))
        self_service.move(visit, doctor=ward, start=local(days=6), by=patient.user)
        reception.post(f"/desk/requests/{visit.pk}/approve/")
        visit.refresh_from_db()
        assert visit.online == "MOVED"

    def test_the_desk_declines_with_a_reason(self, patient, ward, reception):
        book(patient, ward)
        visit = Appointment.objects.get()
        assert "Say why" in text(reception.post(f"/desk/requests/{visit.pk}/decline/", follow=True))
        reception.post(f"/desk/requests/{visit.pk}/decline/", {"reason": "The doctor is away"})
        visit.refresh_from_db()
        assert visit.status == "CANCELLED"
        run_jobs()
        assert "The doctor is away" in mail.outbox[-1].body
        assert "Why: <bdi>The doctor is away</bdi>" in text(patient.get(f"/portal/visits/{visit.pk}/"))

    def test_a_reason_with_what_cannot_be_kept_is_booked_without_it(self, patient, ward):
        assert book(patient, ward, reason="sore\x00 throat\r\nand\tcough \u202e").status_code == 302
        assert Appointment.objects.get().reason == "sore throat and cough"


class TestChanging:
    @pytest.fixture
    def visit(self, patient, ward):
        return make_appointment(patient=patient.user.patient, doctor=ward, start=local(days=5))

    def test_moved_in_one_step_and_marked(self, patient, visit, reception):
        page = text(patient.get(f"/portal/visits/{visit.pk}/move/"))
        at = page.split('name="at" value="')[1].split('"')[0]
        assert patient.post(f"/portal/visits/{visit.pk}/move/", {"at": at}).status_code == 302
        visit.refresh_from_db()
        assert visit.online == "MOVED"
        assert f"{visit.doctor_id}@{visit.appointment_date:%Y%m%dT%H%MZ}" == at
        assert "Moved by the patient" in text(
            reception.get(f"/desk/appointments/{visit.pk}/", headers={"HX-Request": "true"})
        )

    def test_cancelled_in_two_clicks(self, patient, visit):
        assert "Cancel this visit?" in text(patient.get(f"/portal/visits/{visit.pk}/cancel/"))
        patient.post(f"/portal/visits/{visit.pk}/cancel/")
        visit.refresh_from_db()
        assert visit.status == "CANCELLED"
        run_jobs()
        assert "method=CANCEL" in mail.outbox[0].attachments[0].mimetype

    def test_too_late_is_said_with_why(self, patient, visit):
        Hospital.objects.update(change_hours=720)
        from hms.domain.settings import forget

        forget()
        for what in ("move", "cancel"):
            page = text(patient.post(f"/portal/visits/{visit.pk}/{what}/", {"at": "x"}, follow=True))
            assert "less than 720 hours" in page
        visit.refresh_from_db()
        assert visit.status == "SCHEDULED"

    def test_staff_states_cannot_be_set(self, patient, visit):
        for what in ("confirm", "move", "cancel"):
            patient.post(f"/portal/visits/{visit.pk}/{what}/", {"status": "NO_SHOW"})
            visit.refresh_from_db()
            assert visit.status != "NO_SHOW"

    def test_what_the_desk_calls_missed_is_said_kindly(self, patient, visit):
        Appointment.objects.update(status="NO_SHOW")
        page = text(patient.get(f"/portal/visits/{visit.pk}/"))
        assert "did not take place" in page
        assert "No show" not in page

    def test_somebody_elses_is_not_there(self, patient):
        other = make_appointment()
        for what in ("", "move/", "cancel/", "visit.ics"):
            assert patient.get(f"/portal/visits/{other.pk}/{what}").status_code == 404
        for what in ("move/", "cancel/", "confirm/", "check-in/"):
            assert patient.post(f"/portal/visits/{other.pk}/{what}").status_code == 404


class TestCheckIn:
    def test_from_ninety_minutes_before(self, patient, ward):
        make_it_midday()
        visit = make_appointment(
            patient=patient.user.patient, doctor=ward, start=timezone.now() + timedelta(minutes=30), online="BOOKED"
        )
        assert "You are checked in" in text(patient.post(f"/portal/visits/{visit.pk}/check-in/", follow=True))
        visit.refresh_from_db()
        assert visit.checked_in_at

    def test_not_before(self, patient, ward):
        visit = make_appointment(patient=patient.user.patient, doctor=ward, start=local(days=1))
        assert "90 minutes" in text(patient.post(f"/portal/visits/{visit.pk}/check-in/", follow=True))


class TestLetters:
    def test_reminders_are_posted_once_each(self, db):
        soon = make_appointment(start=local(days=1))
        make_appointment(start=local(days=7))
        make_appointment(start=local(days=3))
        make_appointment(start=local(days=1), patient=make_patient(email=None))
        assert letters.remind() == 2
        assert letters.remind() == 0
        run_jobs()
        assert len(mail.outbox) == 2
        assert "costs the hospital" in mail.outbox[0].body
        assert soon.patient.user.last_name not in letters.link(soon)

    def test_a_reminder_that_cannot_be_written_does_not_stop_the_others(self, db, monkeypatch):
        visits = [make_appointment(start=local(days=1, at=at)) for at in ("10:00", "11:00", "12:00")]
        real = letters.write

        def breaks(pk, *rest):
            if pk == visits[1].pk:
                Appointment.objects.raw("SELECT broken")[0]
            return real(pk, *rest)

        monkeypatch.setattr(letters, "write", breaks)
        assert letters.remind() == 2
        monkeypatch.undo()
        assert letters.remind() == 1

    def test_moved_twice_is_told_once(self, db):
        visit = make_appointment(start=local(days=2))
        for day in (3, 2):
            visit = scheduling.reschedule(visit, doctor=visit.doctor, start=local(days=day), by=visit.patient.user)
        visits.confirm(visit, by=visit.patient.user)  # which no letter tells of
        run_jobs()
        assert len(mail.outbox) == 1

    def test_another_doctor_at_the_same_time_is_told(self, db):
        visit = make_appointment(start=local(days=2))
        scheduling.reschedule(visit, doctor=make_doctor(), start=local(days=2), by=visit.patient.user)
        run_jobs()
        assert len(mail.outbox) == 1

    def test_what_has_changed_meanwhile_is_not_told(self, db):
        visit = make_appointment(start=local(days=2))
        letters.tell(visit, "booked")
        Appointment.objects.update(status="CANCELLED")
        run_jobs()
        assert mail.outbox == []

    def test_calendar_files_are_in_utc_and_count_up(self, db):
        visit = make_appointment(start=local(days=2))
        before = letters.calendar_file(visit).decode().replace("\r\n ", "")
        assert f"DTSTART:{visit.appointment_date.astimezone(timezone.get_fixed_timezone(0)):%Y%m%dT%H%M%SZ}" in before
        assert "STATUS:CONFIRMED" in before
        later = [before]
        for n in range(3):  # within one second
            Appointment.objects.filter(pk=visit.pk).update(reason=f"Cough {n}")
            later.append(letters.calendar_file(visit).decode())
        numbers = [int(text.split("SEQUENCE:")[1].split()[0]) for text in later]
        assert numbers == sorted(set(numbers))


def test_the_first_three_days_are_open_and_a_link_opens_each_other_one(patient, ward):
    make_it_midday()
    path = f"/portal/book/{ward.department_id}/0/time/"

    def opened(page):
        """``{day: how many times it shows}`` of all days of the month."""
        days = page.split('id="day-')[1:]
        return {day.split('"')[0]: day.count('name="at"') for day in days}

    month = opened(text(patient.get(path)))
    assert len(month) > 28
    assert [day for day, times in month.items() if times] == list(month)[:3]
    far = list(month)[-2]
    assert f'href="{path}?day={far}#day-{far}"' in text(patient.get(path))
    page = text(patient.get(path, {"day": far}))
    assert [day for day, times in opened(page).items() if times] == [far]
    assert f"{opened(page)[far]} times" in page
    for strange in ("", "x", "2020-01-01", '"><script>'):
        assert opened(text(patient.get(path, {"day": strange}))) == month


def test_the_days_of_all_doctors_stay_those_of_all_doctors(patient, ward):
    make_it_midday()
    visit = make_appointment(patient=patient.user.patient, doctor=ward, start=local(days=5))
    other = make_doctor(department=ward.department)
    WorkingHours.objects.filter(doctor=ward).delete()
    path = f"/portal/visits/{visit.pk}/move/"
    day = f"{local(days=8):%Y-%m-%d}"
    assert f"{path}?day={day}&amp;all=1#day-{day}" in text(patient.get(path, {"all": 1}))
    assert f'value="0@{local(days=8):%Y%m%d}' in text(patient.get(path, {"all": 1, "day": day}))
    at = f"0@{local(days=8, at='10:00').astimezone(UTC):%Y%m%dT%H%MZ}"
    assert patient.post(path, {"at": at}).status_code == 302
    visit.refresh_from_db()
    assert (visit.doctor, visit.appointment_date) == (other, local(days=8, at="10:00"))


@pytest.fixture
def three(db):
    department = make_department()
    return [make_doctor(department=department) for _n in range(3)]


def test_whoever_sees_the_fewest_that_day_is_the_first_available(patient, three):
    department, start = three[0].department, local(days=3, at="15:00")
    for n, times in enumerate((2, 0, 1)):
        for hour in range(times):
            make_appointment(doctor=three[n], start=local(days=3, at=f"1{hour}:00"))
    make_appointment(doctor=three[1], start=local(days=3, at="09:00"), status="CANCELLED")
    make_appointment(doctor=three[1], start=local(days=4, at="09:00"))
    path, at = f"/portal/book/{department.pk}/0/time/", f"{start.astimezone(UTC):%Y%m%dT%H%MZ}"
    assert text(patient.get(path, {"day": f"{start:%Y-%m-%d}"})).count(f'value="0@{at}"') == 1
    for _twice in range(2):
        assert patient.post(path, {"at": f"0@{at}"}).headers["Location"] == "/portal/book/check/"
        assert [(h.doctor, h.start) for h in SlotHold.objects.all()] == [(three[1], start)]
    assert str(three[1]) in text(patient.get("/portal/book/check/"))
    # Others come after the one whose time is held, and hear so once nobody is left.
    others = [make_patient() for _n in range(3)]
    assert [self_service.hold(p, three, department=department, start=start).doctor for p in others[:2]] == [
        three[2],
        three[0],
    ]
    with pytest.raises(SlotTaken):
        self_service.hold(others[2], three, department=department, start=start)


def test_of_equals_nobody_is_always_the_first_available(three):
    someone = make_patient()
    starts = [local(days=3, at=f"{hour}:{minute}") for hour in (10, 11, 14, 15) for minute in ("00", "15", "30")]
    firsts = [self_service.in_turn(three, start, patient=someone)[0] for start in starts]
    assert set(firsts) == set(three)
    assert firsts == [self_service.in_turn(three[::-1], start, patient=someone)[0] for start in starts]


def test_a_visit_that_is_moved_stays_with_its_doctor_where_it_can(patient, three):
    visit = make_appointment(patient=patient.user.patient, doctor=three[2], start=local(days=3, at="10:00"))
    for hour in (13, 14, 16):
        make_appointment(doctor=three[2], start=local(days=3, at=f"{hour}:00"))
    path = f"/portal/visits/{visit.pk}/move/?all=1"
    for at, doctors in (("15:00", three[2:]), ("16:00", three[:2])):
        start = local(days=3, at=at)
        assert patient.post(path, {"at": f"0@{start.astimezone(UTC):%Y%m%dT%H%MZ}"}).status_code == 302
        visit.refresh_from_db()
        assert visit.appointment_date == start
        assert visit.doctor in doctors


@pytest.mark.parametrize("doctors", [1, 4])
def test_free_times_of_a_month_take_few_queries(patient, django_assert_num_queries, doctors):
    make_it_midday()  # later in the day none of its times are left
    department = make_department()
    found = [make_doctor(department=department) for _ in range(doctors)]
    hospital()  # is kept
    with django_assert_num_queries(4):
        days = self_service.free(found, department=department, patient=patient.user.patient)
    assert len(days) == 32


def test_each_start_is_found_once_with_the_first_who_has_it_free(db):
    department = make_department()
    found = [make_doctor(department=department) for _n in range(3)]
    for n, doctor in enumerate(found):
        make_appointment(doctor=doctor, start=local(2, f"1{n}:00"), minutes=90)
        make_appointment(doctor=doctor, start=local(3, "09:00"), minutes=30 * (n + 1))
    asked = {"after": timezone.now(), "duration": timedelta(minutes=30), "until": local(9)}
    held = [(found[0].pk, local(2, "09:30"), local(2, "12:15")), (found[1].pk, local(1), local(4))]
    one_by_one = [(at, d) for d in found for at in hours.first_free([d], **asked, taken=held)]
    firsts = {}
    for start, doctor in sorted(one_by_one, key=lambda each: (each[0], each[1].pk)):
        firsts.setdefault(start, doctor)
    assert list(hours.first_free(found, **asked, taken=held).items()) == list(firsts.items())
    assert not any(d == found[1] and local(1) <= at < local(4) for at, d in one_by_one)
    assert (local(2, "12:00"), found[2]) not in one_by_one
    assert (local(2, "13:30"), found[2]) in one_by_one
    without_holds = [(at, d) for d, at in hours.free_times([found[2]], **asked, limit=999)]
    assert [each for each in one_by_one if each[1] == found[2]] == without_holds


def test_outside_the_limits_is_refused(db):
    doctor = make_doctor()
    with pytest.raises(DomainError, match="too near"):
        self_service.within_limits(doctor.department, timezone.now())
    with pytest.raises(DomainError, match="too far"):
        self_service.within_limits(doctor.department, timezone.now() + timedelta(days=400))
