"""The day board's page, the mini month, and the board's stream."""

from datetime import date, timedelta

import pytest

from frontdesk import live
from hms.domain.settings import hospital
from hms.live import Change, Resync
from hms.models import Appointment, User
from hms.testing import local, make_appointment, make_department, make_doctor, make_it_midday, make_patient

DAY = "/desk/"


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def page(response):
    return response.content.decode()


def tomorrow():
    return f"{local():%Y-%m-%d}"


# --- the page


def test_the_board_shows_who_comes_when_to_whom(reception):
    appointment = make_appointment(patient=make_patient(last_name="Okafor", first_name="Ngozi"))
    text = page(reception.get(DAY, {"day": tomorrow()}))
    assert f'id="column-{appointment.doctor_id}"' in text
    assert f'id="appointment-{appointment.pk}"' in text
    assert "<b>OKAFOR</b> Ngozi" in text
    assert "<time>10:00</time>" in text
    assert f'hx-sse:connect="/live/desk/{tomorrow()}/"' in text


def test_without_a_day_it_is_today(reception):
    today = make_appointment(start=local(days=0, at="15:00"))
    other = make_appointment()
    text = page(reception.get(DAY))
    assert f'id="appointment-{today.pk}"' in text
    assert f'id="appointment-{other.pk}"' not in text


@pytest.mark.parametrize("typed", ["3 Mar 2026", "03/03/2026", "2026-03-03", "3-mar-2026"])
def test_a_day_may_be_typed_in_the_usual_spellings(reception, typed):
    assert 'hx-sse:connect="/live/desk/2026-03-03/"' in page(reception.get(DAY, {"day": typed}))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("2026-02-31", "There is no 2026-02-31"),
        ("31 Feb 2026", "There is no 31 Feb 2026"),
        ("someday", "is not a date"),
        ("<script>alert(1)</script>", "is not a date"),
        ("9999-12-31", "too far away"),
        ("0001-01-01", "too far away"),
        ("1' OR '1'='1", "is not a date"),
        ("9" * 500, "is not a date"),
    ],
)
def test_a_day_that_is_none_is_said_and_today_shown(reception, typed, words):
    response = reception.get(DAY, {"day": typed})
    text = page(response)
    assert response.status_code == 200
    assert words in text
    assert f'hx-sse:connect="/live/desk/{hospital().today()}/"' in text
    assert "<script>alert" not in text


def test_a_filter_that_shows_nobody_offers_everybody(reception):
    make_doctor()
    text = page(reception.get(DAY, {"day": tomorrow(), "department": make_department().pk}))
    assert "Nobody whom the filter shows is on duty" in text
    assert f'<a href="?day={tomorrow()}" hx-boost="false">Show all doctors</a>' in text


def test_departments_and_doctors_filter_the_columns(reception):
    surgery = make_department(name="Surgery")
    one, two, three = make_doctor(department=surgery), make_doctor(department=surgery), make_doctor()

    def shown(**query):
        text = page(reception.get(DAY, {"day": tomorrow(), **query}))
        return {d.pk for d in (one, two, three) if f'id="column-{d.pk}"' in text}

    assert shown() == {one.pk, two.pk, three.pk}
    assert shown(department=surgery.pk) == {one.pk, two.pk}
    assert shown(doctor=[one.pk, three.pk]) == {one.pk, three.pk}
    assert shown(doctor=["x", "9" * 30, "-1", ""]) == {one.pk, two.pk, three.pk}


def test_a_doctor_off_duty_has_no_column_unless_somebody_is_booked(reception):
    idle, booked, gone = make_doctor(works=False), make_doctor(works=False), make_doctor(is_available=False)
    make_appointment(doctor=booked)
    text = page(reception.get(DAY, {"day": tomorrow()}))
    assert f'id="column-{booked.pk}"' in text
    assert f'id="column-{idle.pk}"' not in text
    assert f'id="column-{gone.pk}"' not in text


def test_a_screen_that_missed_nothing_gets_nothing_again(reception):
    appointment = make_appointment()
    fingerprint = reception.get(DAY, {"day": tomorrow()}).context["fingerprint"]
    assert reception.get(DAY, {"day": tomorrow(), "known": fingerprint}).status_code == 204
    Appointment.objects.filter(pk=appointment.pk).update(status="CONFIRMED")
    response = reception.get(DAY, {"day": tomorrow(), "known": fingerprint})
    assert response.status_code == 200
    assert "confirmed" in page(response)


def change_name(appointment):
    User.objects.filter(pk=appointment.patient.user_id).update(last_name="Renamed")


def change_note(appointment):
    appointment.patient.desk_note = "Wheelchair"
    appointment.patient.save()


def book_another(appointment):
    make_appointment(start=appointment.end)


def change_hours(appointment):
    appointment.doctor.hours.update(start="06:00")


def go_on_leave(appointment):
    appointment.doctor.time_off.create(start=local(at="08:00"), end=local(at="18:00"), reason="Training")


def rename_doctor(appointment):
    User.objects.filter(pk=appointment.doctor.user_id).update(last_name="Newname")


@pytest.mark.parametrize("change", [change_name, change_note, book_another, change_hours, go_on_leave, rename_doctor])
def test_whatever_changes_the_kept_board_shows_it(reception, change):
    appointment = make_appointment()
    query = {"day": tomorrow()}
    before = reception.get(DAY, query)
    assert reception.get(DAY, query).context["fingerprint"] == before.context["fingerprint"]
    change(appointment)
    after = reception.get(DAY, query)
    assert after.context["fingerprint"] != before.context["fingerprint"]
    assert after.context["board_html"] != before.context["board_html"]


def test_the_board_says_nothing_clinical(reception):
    patient = make_patient(allergies="penicillin", medical_history="asthma")
    make_appointment(patient=patient)
    text = page(reception.get(DAY, {"day": tomorrow()}))
    assert "penicillin" not in text
    assert "asthma" not in text


def test_only_those_who_wait_are_in_the_queue(reception):
    here = make_appointment(
        patient=make_patient(last_name="Waiting"),
        start=local(days=0, at="15:00"),
        checked_in_at=local(days=0, at="10:00"),
    )
    make_appointment(patient=make_patient(last_name="Athome"), start=local(days=0, at="16:00"))
    make_appointment(
        patient=make_patient(last_name="Inside"),
        start=local(days=0, at="11:00"),
        status="IN_PROGRESS",
        checked_in_at=local(days=0, at="10:00"),
    )
    queue = reception.get(DAY).context["queue_html"]
    assert "WAITING" in queue
    assert str(here.pk) in queue
    assert "ATHOME" not in queue
    assert "INSIDE" not in queue


@pytest.mark.parametrize("role", ["doctor", "patient"])
def test_the_board_is_the_desks(request, role):
    client = request.getfixturevalue(role)
    assert client.get(DAY).status_code == 403
    assert client.get("/desk/month/").status_code == 403


def test_the_board_is_only_read(reception):
    assert reception.post(DAY).status_code == 405
    assert reception.post("/desk/month/").status_code == 405


# --- the mini month


def test_the_month_says_how_full_each_day_is(reception):
    doctor = make_doctor()
    day = date(hospital().today().year + 1, 3, 10)
    start = local(days=(day - hospital().today()).days)
    for i in range(3):
        make_appointment(doctor=doctor, start=start + timedelta(hours=i))
    response = reception.get("/desk/month/", {"day": f"{day}"})
    found = {d: n for week in response.context["weeks"] for d, n, _dots in week}
    assert found[day] == 3
    assert sum(found.values()) == 3
    assert f"?day={day}" in page(response)


@pytest.mark.parametrize("typed", ["2026-02-31", "x", "9999-12-31", "", "2000-01-01"])
def test_the_month_opens_whatever_is_asked(reception, typed):
    assert reception.get("/desk/month/", {"day": typed}).status_code == 200


# --- what live screens are sent


def render(*changes, day=None):
    return live.render(list(changes), (day or local().date()).isoformat())


def changed(appointment):
    return Change("appointment", appointment.pk, (appointment.doctor_id,))


def test_a_change_is_the_column_of_its_doctor_and_no_other(reception):
    appointment, other = make_appointment(), make_appointment()
    html = render(changed(appointment))
    assert f'hx-target="#column-{appointment.doctor_id}"' in html
    assert f"column-{other.doctor_id}" not in html


def test_a_renamed_patient_is_a_change_of_the_columns_that_show_them():
    appointment, other = make_appointment(), make_appointment()
    html = render(Change("user", appointment.patient.user_id, ()))
    assert f'hx-target="#column-{appointment.doctor_id}"' in html
    assert f"column-{other.doctor_id}" not in html
    assert render(Change("patient", appointment.patient_id, ())) != ""


def test_somebody_who_is_nowhere_on_the_day_is_no_change():
    assert render(Change("user", make_patient().user_id, ())) == ""


def test_a_column_that_is_gone_is_removed():
    appointment = make_appointment(doctor=make_doctor(works=False))
    Appointment.objects.filter(pk=appointment.pk).update(appointment_date=local(days=3))
    assert f'hx-target="#column-{appointment.doctor_id}" hx-swap="delete"' in render(changed(appointment))


@pytest.mark.parametrize("noun", ["hospital", "department"])
def test_what_touches_everything_makes_the_screens_start_over(noun):
    with pytest.raises(Resync):
        render(Change(noun, 1, ()))


def test_the_stream_opens_for_a_day_and_for_nothing_else(reception):
    assert reception.get(f"/live/desk/{tomorrow()}/").status_code == 200
    for odd in ("tomorrow", "2026-02-31", "9999-12-31", "0001-01-01", "x" * 300):
        assert reception.get(f"/live/desk/{odd}/").status_code == 404


def test_an_appointment_is_carried_from_day_to_day_until_it_is_put_down(reception):
    appointment = make_appointment(patient=make_patient(last_name="Okafor", first_name="Ngozi"), minutes=45)
    page = reception.get(DAY, {"day": "2030-01-07", "place": appointment.pk}).content.decode()
    assert f'data-place="{appointment.pk}"' in page
    assert 'data-place-minutes="45"' in page
    assert "OKAFOR, Ngozi" in page
    assert f"day=2030-01-08&amp;place={appointment.pk}" in page


@pytest.mark.parametrize("place", ["", "x", "-1", "9" * 30, "gone", "²"])
def test_what_cannot_be_carried_is_not(reception, place):
    gone = make_appointment(status="CANCELLED")
    page = reception.get(DAY, {"place": gone.pk if place == "gone" else place}).content.decode()
    assert "placing-bar" not in page
