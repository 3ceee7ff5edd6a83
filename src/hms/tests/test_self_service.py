"""What patients do about their visits themselves, without HTTP: holding, booking, moving, cancelling, checking in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hms.domain import holds, locks, scheduling, self_service
from hms.errors import DomainError, SlotTaken
from hms.models import Appointment, SlotHold
from hms.testing import (
    local,
    make_appointment,
    make_department,
    make_doctor,
    make_patient,
    make_user,
)

pytestmark = pytest.mark.django_db

HALF = timedelta(minutes=30)


def held(patient, doctor, start=None):
    return holds.hold(patient=patient, doctor=doctor, start=start or local(2), duration=HALF)


def test_held_time_is_refused_to_another_patient_and_not_offered():
    doctor, first, second = make_doctor(), make_patient(), make_patient()
    held(first, doctor)
    with pytest.raises(SlotTaken):
        held(second, doctor, local(2, "10:15"))
    days = dict(self_service.free([doctor], department=doctor.department, patient=second))
    assert local(2) not in dict(days[local(2).date()])
    days = dict(self_service.free([doctor], department=doctor.department, patient=first))
    assert local(2) in dict(days[local(2).date()]), "who holds it may still choose it"


def test_who_comes_second_hears_so_without_waiting_for_a_turn(monkeypatch):
    doctor, first, second = make_doctor(), make_patient(), make_patient()
    held(first, doctor)
    held(second, doctor, local(2, "11:00"))
    make_appointment(doctor=doctor, start=local(2, "11:00"))
    monkeypatch.setattr(locks, "take", lambda **_ids: pytest.fail("waits"))
    with pytest.raises(SlotTaken):
        held(second, doctor)
    with pytest.raises(SlotTaken):
        self_service.book(second, reason="", by=second.user)


def test_new_hold_gives_up_the_one_before():
    doctor, patient = make_doctor(), make_patient()
    held(patient, doctor)
    held(patient, doctor, local(2, "11:00"))
    assert [h.start for h in SlotHold.objects.all()] == [local(2, "11:00")]


def test_hold_that_ran_out_says_so_and_books_nothing():
    doctor, patient = make_doctor(), make_patient()
    held(patient, doctor)
    SlotHold.objects.update(expires_at=timezone.now())
    with pytest.raises(DomainError, match="ten minutes"):
        self_service.book(patient, reason="", by=patient.user)
    assert not Appointment.objects.exists()
    held(make_patient(), doctor)


def test_desk_books_over_a_hold_and_the_patient_hears_so():
    doctor, patient = make_doctor(), make_patient()
    held(patient, doctor)
    scheduling.book(patient=make_patient(), doctor=doctor, start=local(2), duration=HALF, by=make_user())
    with pytest.raises(SlotTaken):
        self_service.book(patient, reason="", by=patient.user)
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(("online", "mark"), [("BOOK", "BOOKED"), ("REQUEST", "REQUEST")])
def test_held_time_is_booked_or_asked_for_once(online, mark):
    doctor, patient = make_doctor(department=make_department(online=online)), make_patient()
    held(patient, doctor)
    made = self_service.book(patient, reason="Cough", by=patient.user)
    assert (made.online, made.appointment_date, made.reason) == (mark, local(2), "Cough")
    assert not SlotHold.objects.exists()
    with pytest.raises(DomainError):
        self_service.book(patient, reason="Cough", by=patient.user)
    assert Appointment.objects.count() == 1


def test_second_of_a_double_click_finds_what_the_first_has_booked(monkeypatch):
    doctor, patient = make_doctor(), make_patient()
    seen = held(patient, doctor)
    made = self_service.book(patient, reason="", by=patient.user)
    answers = iter([seen, None])  # held when the second began, booked when its turn came
    monkeypatch.setattr(holds, "current", lambda _patient: next(answers))
    assert self_service.book(patient, reason="", by=patient.user) == made
    assert Appointment.objects.count() == 1


def test_department_that_is_for_looking_takes_no_booking_and_no_move():
    doctor, patient = make_doctor(department=make_department(online="VIEW")), make_patient()
    held(patient, doctor)
    with pytest.raises(DomainError, match="by phone"):
        self_service.book(patient, reason="", by=patient.user)
    visit = make_appointment(patient=patient, doctor=doctor, start=local(3))
    with pytest.raises(DomainError, match="by phone"):
        self_service.move(visit, doctor=doctor, start=local(4), by=patient.user)
    visit.refresh_from_db()
    assert visit.appointment_date == local(3)


def test_no_more_visits_than_the_department_allows():
    doctor, patient = make_doctor(department=make_department(online_most=1)), make_patient()
    make_appointment(patient=patient, doctor=doctor, start=local(5))
    held(patient, doctor)
    with pytest.raises(DomainError, match="as many as"):
        self_service.book(patient, reason="", by=patient.user)


def test_time_too_near_or_too_far_is_refused():
    department = make_department(online_notice=72, online_days=10)
    for start, words in ((local(2), "too near"), (local(20), "too far")):
        with pytest.raises(DomainError, match=words):
            self_service.within_limits(department, start)
    self_service.within_limits(department, local(5))


def test_time_between_the_offered_ones_is_neither_held_nor_moved_to():
    doctor, patient = make_doctor(), make_patient()
    with pytest.raises(SlotTaken):
        held(patient, doctor, local(4, "10:07"))
    visit = make_appointment(patient=patient, doctor=doctor, start=local(3))
    with pytest.raises(SlotTaken):
        self_service.move(visit, doctor=doctor, start=local(4, "10:07"), by=patient.user)
    assert not SlotHold.objects.exists()


def test_moved_visit_is_marked_and_asks_again_where_the_desk_answers():
    patient = make_patient()
    for online, mark in (("BOOK", "MOVED"), ("REQUEST", "REQUEST")):
        doctor = make_doctor(department=make_department(online=online))
        visit = make_appointment(patient=patient, doctor=doctor, start=local(3))
        moved = self_service.move(visit, doctor=doctor, start=local(4), by=patient.user)
        assert (moved.online, moved.appointment_date) == (mark, local(4))
        self_service.cancel(moved, by=patient.user)


def test_move_refuses_held_times_closed_times_and_other_departments():
    doctor, patient = make_doctor(), make_patient()
    visit = make_appointment(patient=patient, doctor=doctor, start=local(3))
    held(make_patient(), doctor, local(4))
    for other, start in ((doctor, local(4)), (doctor, local(4, "22:00")), (make_doctor(), local(5))):
        with pytest.raises(DomainError):
            self_service.move(visit, doctor=other, start=start, by=patient.user)
    visit.refresh_from_db()
    assert visit.appointment_date == local(3)


def test_too_late_to_cancel_says_whom_to_call():
    visit = make_appointment(start=timezone.now() + timedelta(hours=5))
    with pytest.raises(DomainError, match="call us"):
        self_service.cancel(visit, by=visit.patient.user)
    visit.refresh_from_db()
    assert visit.status == "SCHEDULED"


def test_request_is_approved_or_declined_once_with_a_reason():
    patient, desk = make_patient(), make_user()
    doctor = make_doctor(department=make_department(online="REQUEST"))
    held(patient, doctor)
    visit = self_service.book(patient, reason="", by=patient.user)
    assert list(self_service.requests()) == [visit]
    with pytest.raises(DomainError, match="Say why"):
        self_service.decline(visit, reason=" ", by=desk)
    assert self_service.approve(visit, by=desk).online == "BOOKED"
    with pytest.raises(DomainError, match="already"):
        self_service.decline(visit, reason="Full", by=desk)


def test_patient_arrives_from_ninety_minutes_before():
    soon = make_appointment(start=timezone.now() + timedelta(minutes=40))
    assert self_service.check_in(soon, by=soon.patient.user).checked_in_at
    later = make_appointment(start=timezone.now() + timedelta(hours=3))
    with pytest.raises(DomainError, match="90 minutes"):
        self_service.check_in(later, by=later.patient.user)
