"""The link in a letter about a visit: confirm, move or cancel without signing in, and see nothing of a person."""

import time
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from hms.domain import letters, scheduling
from hms.models import Appointment, Hospital
from hms.testing import local, make_appointment, run_jobs


@pytest.fixture
def visit(db):
    return make_appointment(start=local(days=5))


def path(visit):
    return "/" + letters.link(visit).split("/", 3)[3]


def text(response):
    return response.content.decode()


def seen(page):
    return text(page).split('name="seen" value="')[1].split('"')[0]


def times(page):
    return [part.split('"')[0] for part in text(page).split('name="at" value="')[1:]]


def test_nothing_happens_before_a_button_is_pressed(signed_out, visit):
    page = signed_out.get(path(visit))
    signed_out.get(path(visit) + "move/")
    visit.refresh_from_db()
    assert visit.status == "SCHEDULED"
    signed_out.post(path(visit), {"do": "confirm", "seen": seen(page)})
    visit.refresh_from_db()
    assert visit.status == "CONFIRMED"


def test_neither_address_nor_page_says_whose_visit_it_is(signed_out, visit):
    patient = visit.patient
    secrets = [patient.user.last_name, patient.user.email, patient.record_number, str(visit.doctor)]
    Appointment.objects.update(reason="A cough")
    for page in (signed_out.get(path(visit)), signed_out.get(path(visit) + "move/")):
        assert visit.doctor.department.name in text(page)
        assert [s for s in [*secrets, "A cough"] if s.lower() in text(page).lower()] == []
    assert not any(s in path(visit) for s in secrets)


def test_moved_without_signing_in_and_told_by_a_letter(signed_out, visit, reception):
    page = signed_out.get(path(visit) + "move/")
    answer = signed_out.post(path(visit) + "move/", {"at": times(page)[0], "seen": seen(page)}, follow=True)
    assert "Your visit has a new time." in text(answer)
    moved = Appointment.objects.get()
    assert moved.online == "MOVED"
    assert times(page)[0] == f"{moved.doctor_id}@{moved.appointment_date:%Y%m%dT%H%MZ}"
    run_jobs()
    assert [m.to for m in mail.outbox] == [[visit.patient.user.email]]
    panel = text(reception.get(f"/desk/appointments/{visit.pk}/", headers={"HX-Request": "true"}))
    assert "Moved by the patient" in panel


def test_a_time_that_is_gone_is_refused_with_others(signed_out, visit):
    page = signed_out.get(path(visit) + "move/")
    at = times(page)[0]
    hour = timezone.datetime.strptime(at.split("@")[1], "%Y%m%dT%H%MZ").replace(tzinfo=timezone.get_fixed_timezone(0))
    make_appointment(doctor=visit.doctor, start=hour)
    answer = signed_out.post(path(visit) + "move/", {"at": at, "seen": seen(page)})
    assert answer.status_code == 409
    assert "no longer free" in text(answer)
    assert len(times(answer)) > 3
    for wrong in ("", "x", "1@20200101T0900Z"):
        assert signed_out.post(path(visit) + "move/", {"at": wrong}).status_code == 409
    visit.refresh_from_db()
    assert visit.appointment_date == local(days=5)


def test_used_twice_it_says_what_is_so_and_does_nothing_more(signed_out, visit):
    page = signed_out.get(path(visit))
    for do, words in (("confirm", "We expect you"), ("cancel", "is cancelled")):
        for _n in range(2):
            answer = signed_out.post(path(visit), {"do": do, "seen": seen(page)})
            assert answer.status_code == 200
            assert words in text(answer)
    assert letters.events(visit).count() == 3  # made, confirmed, cancelled
    run_jobs()
    assert len(mail.outbox) == 1
    late = signed_out.post(path(visit), {"do": "confirm", "seen": seen(page)})
    assert late.status_code == 409
    assert "This visit is cancelled" in text(late)


@pytest.mark.parametrize("where", ["", "move/"])
def test_a_visit_that_was_moved_meanwhile_is_shown_before_anything_is_done(signed_out, visit, where):
    page = signed_out.get(path(visit) + where)
    before = path(visit)
    scheduling.reschedule(visit, doctor=visit.doctor, start=local(days=6), by=visit.patient.user)
    sent = {"do": "cancel", "seen": seen(page)} if not where else {"at": times(page)[0], "seen": seen(page)}
    answer = signed_out.post(before + where, sent)
    assert answer.status_code == 409
    assert "moved meanwhile" in text(answer)
    visit.refresh_from_db()
    assert (visit.appointment_date, visit.status) == (local(days=6), "SCHEDULED")
    again = signed_out.get(before)
    assert "moved since that letter" in text(again)
    assert signed_out.post(before, {"do": "confirm", "seen": seen(again)}).status_code == 200


def test_a_visit_that_was_cancelled_meanwhile_offers_nothing(signed_out, visit):
    Appointment.objects.update(status="CANCELLED")
    page = text(signed_out.get(path(visit)))
    assert "This visit is cancelled" in page
    assert 'name="do"' not in page
    assert signed_out.get(path(visit) + "move/").status_code == 409


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "NO_SHOW"}, "did not take place"),
        ({"status": "COMPLETED"}, "time is over"),
        ({"online": "REQUEST"}, "You asked for this visit"),
        ({"checked_in_at": timezone.now()}, "You are checked in"),
    ],
)
def test_it_says_what_became_of_the_visit(signed_out, visit, fields, words):
    Appointment.objects.update(**fields)
    page = text(signed_out.get(path(visit)))
    assert words in page
    assert 'value="confirm"' not in page
    assert "No show" not in page
    assert signed_out.post(path(visit), {"do": "confirm"}).status_code == 409


def test_staff_states_are_not_to_be_had_by_it(signed_out, visit):
    for do in ("NO_SHOW", "COMPLETED", "", "check-in"):
        assert signed_out.post(path(visit), {"do": do, "status": "NO_SHOW"}).status_code == 409
    visit.refresh_from_db()
    assert visit.status == "SCHEDULED"


def test_within_the_hospitals_limit_it_can_be_confirmed_and_no_more(signed_out, visit):
    hospital = Hospital.objects.get()
    hospital.change_hours = 720
    hospital.save()
    page = text(signed_out.get(path(visit)))
    assert "less than 720 hours" in page
    assert 'value="cancel"' not in page
    assert signed_out.get(path(visit) + "move/").status_code == 409
    assert signed_out.post(path(visit), {"do": "cancel"}).status_code == 409
    assert signed_out.post(path(visit), {"do": "confirm"}).status_code == 200


def test_a_link_that_is_old_altered_or_somebody_elses_opens_nothing_of_this_visit(signed_out, visit, monkeypatch):
    other = make_appointment(start=local(days=5, at="15:00"))
    mixed = path(other)[:20] + path(visit)[20:]
    for wrong in ("/p/visit/wrong/", mixed, path(visit)[:-3] + "/", f"/p/visit/{visit.pk}/"):
        for where in ("", "move/"):
            answer = signed_out.post(wrong + where, {"do": "cancel"})
            assert answer.status_code == 404
            assert "no longer works" in text(answer)
    link = path(visit)
    monkeypatch.setattr(letters, "LINK_DAYS", -1)
    assert signed_out.get(link).status_code == 404
    assert signed_out.post(link, {"do": "cancel"}).status_code == 404
    visit.refresh_from_db()
    assert visit.status == "SCHEDULED"


@pytest.mark.parametrize("status", ["SCHEDULED", "CONFIRMED", "IN_PROGRESS"])
def test_it_is_over_as_soon_as_the_visit_begins(signed_out, visit, status):
    sent = {"seen": seen(signed_out.get(path(visit)))}
    at = times(signed_out.get(path(visit) + "move/"))[0]
    links = {path(visit)}
    begun = timezone.now() - timedelta(seconds=1)
    Appointment.objects.update(appointment_date=begun, status=status)
    links.add(path(Appointment.objects.get()))
    for link in links:
        for what in ("confirm", "cancel"):
            answers = [signed_out.get(link), signed_out.post(link, sent | {"do": what})]
            answers += [signed_out.get(link + "move/"), signed_out.post(link + "move/", sent | {"at": at})]
            for answer in answers:
                assert answer.status_code == 410
                assert "This visit’s time is over" in text(answer)
                assert "good until the visit began" in text(answer)
                assert "<button" not in text(answer).split("<main")[1].split("</main")[0]
    visit.refresh_from_db()
    assert (visit.appointment_date, visit.status) == (begun, status)


def test_it_is_good_for_sixty_days(signed_out, visit, monkeypatch):
    link, now = path(visit), time.time()
    Appointment.objects.update(appointment_date=local(days=80))
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + 59.9 * 86400)
    assert "moved since that letter" in text(signed_out.get(link))
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + 60.1 * 86400)
    for where in ("", "move/"):
        for answer in (signed_out.get(link + where), signed_out.post(link + where, {"do": "cancel"})):
            assert answer.status_code == 404
            assert "Links are good for sixty days" in text(answer)
    visit.refresh_from_db()
    assert visit.status == "SCHEDULED"


def test_who_is_signed_in_as_somebody_else_changes_the_links_visit_and_none_of_their_own(patient, visit):
    own = make_appointment(patient=patient.user.patient, start=local(days=5, at="15:00"))
    page = patient.get(path(visit))
    assert visit.patient.user.last_name not in text(page)
    patient.post(path(visit), {"do": "cancel", "seen": seen(page)})
    assert set(Appointment.objects.values_list("pk", "status")) == {(visit.pk, "CANCELLED"), (own.pk, "SCHEDULED")}


class TestSignedIn:
    """The same holds of the pages of a visit in the portal."""

    @pytest.fixture
    def mine(self, patient):
        return make_appointment(patient=patient.user.patient, start=local(days=5))

    @pytest.mark.parametrize("what", ["move/", "cancel/"])
    def test_a_visit_that_was_moved_meanwhile_is_shown_first(self, patient, mine, what):
        page = patient.get(f"/portal/visits/{mine.pk}/{what}")
        scheduling.reschedule(mine, doctor=mine.doctor, start=local(days=6), by=patient.user)
        sent = {"seen": seen(page)} | ({"at": times(page)[0]} if what == "move/" else {})
        answer = patient.post(f"/portal/visits/{mine.pk}/{what}", sent, follow=True)
        assert "moved meanwhile" in text(answer)
        mine.refresh_from_db()
        assert (mine.appointment_date, mine.status) == (local(days=6), "SCHEDULED")

    @pytest.mark.parametrize("which", ["", "&all=1"])
    def test_the_time_it_has_is_not_offered_as_another(self, patient, mine, which):
        page = patient.get(f"/portal/visits/{mine.pk}/move/?day={mine.appointment_date:%Y-%m-%d}{which}")
        offered = {at.partition("@")[2] for at in times(page)}
        assert offered
        assert f"{mine.appointment_date:%Y%m%dT%H%MZ}" not in offered

    def test_cancelling_twice_is_one_cancelling(self, patient, mine):
        for _n in range(2):
            answer = patient.post(f"/portal/visits/{mine.pk}/cancel/", follow=True)
            assert "Your visit is cancelled." in text(answer)
        assert letters.events(mine).count() == 2

    def test_moving_twice_by_a_double_click_is_one_moving(self, patient, mine):
        page = patient.get(f"/portal/visits/{mine.pk}/move/")
        for _n in range(2):
            sent = {"at": times(page)[0], "seen": seen(page)}
            answer = patient.post(f"/portal/visits/{mine.pk}/move/", sent, follow=True)
            assert "Your visit has a new time." in text(answer)
        assert letters.events(mine).count() == 2
        run_jobs()
        assert len(mail.outbox) == 1
