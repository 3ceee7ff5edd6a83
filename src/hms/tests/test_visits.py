"""Each step of a visit, its refusals, and its way back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hms.domain import visits
from hms.errors import DomainError, SlotTaken
from hms.models import Appointment, MedicalRecord
from hms.testing import local, make_appointment, make_invoice, make_it_midday, make_patient, make_user

pytestmark = pytest.mark.django_db
WAITING = ("SCHEDULED", "CONFIRMED")
ALL = [s.value for s in Appointment.Status]
VERBS = {
    "confirm": {"SCHEDULED"},
    "unconfirm": {"CONFIRMED"},
    "check_in": set(WAITING),
    "start": set(WAITING),
    "undo_start": {"IN_PROGRESS"},
    "complete": {"IN_PROGRESS"},
    "reopen": {"COMPLETED"},
    "cancel": set(WAITING),
    "no_show": set(WAITING),
    "reinstate": {"CANCELLED", "NO_SHOW"},
}


@pytest.fixture
def desk():
    return make_user()


@pytest.fixture(autouse=True)
def _midday():
    make_it_midday()


def now_appointment(**fields):
    return make_appointment(**{"start": local(0, "10:30")} | fields)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", ALL)
def test_each_verb_works_from_its_states_and_from_no_other(desk, verb, status):
    appointment = now_appointment(status=status)
    more = {"reason": "ill"} if verb == "cancel" else {}
    act = getattr(visits, verb)
    if status in VERBS[verb]:
        after = act(appointment, by=desk, **more)
        changed = after.status != status or after.checked_in_at is not None
        assert changed
    else:
        with pytest.raises(DomainError):
            act(appointment, by=desk, **more)
        appointment.refresh_from_db()
        assert appointment.status == status


@pytest.mark.parametrize(
    ("there", "back", "status"),
    [
        ("confirm", "unconfirm", "SCHEDULED"),
        ("start", "undo_start", "CONFIRMED"),
        ("start", "undo_start", "SCHEDULED"),
        ("complete", "reopen", "IN_PROGRESS"),
        ("no_show", "reinstate", "CONFIRMED"),
        ("no_show", "reinstate", "SCHEDULED"),
    ],
)
def test_every_step_has_a_way_back_to_where_it_came_from(desk, there, back, status):
    appointment = now_appointment(status=status)
    getattr(visits, there)(appointment, by=desk)
    assert getattr(visits, back)(appointment, by=desk).status == status


@pytest.mark.parametrize("status", WAITING)
def test_cancelling_and_reinstating_restores_what_it_was(desk, status):
    appointment = now_appointment(status=status)
    gone = visits.cancel(appointment, by=desk, reason=" Ill ")
    assert (gone.status, gone.cancel_reason) == ("CANCELLED", "Ill")
    back = visits.reinstate(appointment, by=desk)
    assert (back.status, back.cancel_reason) == (status, "")


def test_cancelling_needs_a_reason(desk):
    with pytest.raises(DomainError, match="Say why"):
        visits.cancel(now_appointment(), by=desk, reason="  ")


def test_arriving_and_not_having_arrived(desk):
    appointment = now_appointment()
    assert visits.check_in(appointment, by=desk).has_arrived
    assert not visits.undo_check_in(appointment, by=desk).has_arrived


def test_nobody_arrives_twice(desk):
    appointment = now_appointment(checked_in_at=timezone.now())
    with pytest.raises(DomainError, match="already arrived"):
        visits.check_in(appointment, by=desk)


def test_the_evening_before_belongs_to_a_visit_soon_after_midnight(desk, monkeypatch):
    midnight = local(1).replace(hour=0, minute=0)
    soon = now_appointment(start=midnight + timedelta(minutes=10))
    later = now_appointment(start=midnight + timedelta(hours=2))
    monkeypatch.setattr(timezone, "now", lambda: midnight - timedelta(minutes=20))
    assert visits.check_in(soon, by=desk).checked_in_at
    assert visits.start(soon, by=desk).status == "IN_PROGRESS"
    with pytest.raises(DomainError, match="not today"):
        visits.check_in(later, by=desk)


@pytest.mark.parametrize("days", [-1, 1])
def test_nobody_arrives_on_another_day(desk, days):
    with pytest.raises(DomainError, match="not today"):
        visits.check_in(now_appointment(start=local(days)), by=desk)


def test_being_called_in_means_having_arrived(desk):
    assert visits.start(now_appointment(), by=desk).checked_in_at is not None


def test_nobody_is_called_in_for_a_visit_of_a_later_day(desk):
    appointment = now_appointment(start=local(1, "00:00"))
    with pytest.raises(DomainError, match="have it moved to today first"):
        visits.start(appointment, by=desk)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.started_at) == ("SCHEDULED", None)


@pytest.mark.parametrize(("days", "at"), [(0, "23:45"), (-1, "10:00")])
def test_later_today_and_what_was_forgotten_yesterday_can_be_called_in(desk, days, at):
    assert visits.start(now_appointment(start=local(days, at)), by=desk).status == "IN_PROGRESS"


def test_nobody_misses_what_is_still_to_come(desk):
    with pytest.raises(DomainError, match="has not come yet"):
        visits.no_show(make_appointment(start=timezone.now() + timedelta(minutes=5)), by=desk)


def test_somebody_who_waits_has_not_missed_it(desk):
    with pytest.raises(DomainError, match="has arrived"):
        visits.no_show(now_appointment(checked_in_at=timezone.now()), by=desk)


def test_reinstating_into_a_taken_time_names_who_has_it(desk):
    gone = now_appointment(status="CANCELLED")
    there = now_appointment(doctor=gone.doctor)
    with pytest.raises(SlotTaken) as e:
        visits.reinstate(gone, by=desk)
    assert e.value.in_the_way == [there]


def test_reinstating_while_the_patient_is_elsewhere_is_refused(desk):
    gone = now_appointment(status="CANCELLED")
    now_appointment(patient=gone.patient)
    with pytest.raises(SlotTaken):
        visits.reinstate(gone, by=desk)


@pytest.mark.parametrize(("status", "back"), [("COMPLETED", "reopen"), ("IN_PROGRESS", "undo_start")])
class TestNothingIsUndoneUnderneathSomethingElse:
    def test_signed_notes(self, desk, status, back):
        a = now_appointment(status=status)
        MedicalRecord.objects.create(
            patient=a.patient, doctor=a.doctor, appointment=a, signed_at=timezone.now(), signed_by=a.doctor.user
        )
        with pytest.raises(DomainError, match="signed"):
            getattr(visits, back)(a, by=desk)

    def test_a_paid_invoice(self, desk, status, back):
        a = now_appointment(status=status)
        make_invoice(appointment=a, status="PAID")
        with pytest.raises(DomainError, match="paid"):
            getattr(visits, back)(a, by=desk)

    def test_an_unsigned_note_is_in_nobodys_way(self, desk, status, back):
        a = now_appointment(status=status)
        MedicalRecord.objects.create(patient=a.patient, doctor=a.doctor, appointment=a)
        assert getattr(visits, back)(a, by=desk).status != status


def test_the_decision_is_made_from_the_row_as_it_is_now(desk):
    stale = now_appointment(patient=make_patient())
    visits.cancel(stale, by=desk, reason="x")
    with pytest.raises(DomainError, match="cancelled"):
        visits.start(stale, by=desk)


def test_whoever_was_called_in_without_arriving_is_not_waiting_when_that_is_undone(desk):
    appointment = now_appointment()
    visits.start(appointment, by=desk)
    assert not visits.undo_start(appointment, by=desk).has_arrived


def test_whoever_had_arrived_waits_again(desk):
    appointment = now_appointment(checked_in_at=timezone.now() - timedelta(minutes=20))
    visits.start(appointment, by=desk)
    assert visits.undo_start(appointment, by=desk).has_arrived
