"""Live streams over real HTTP: what arrives, what does not, what they cost, and when they end."""

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from e2e.server import Server
from hms.domain.settings import hospital
from hms.models import Appointment, Display, User
from hms.testing import local, make_appointment, make_doctor, make_patient, make_user

pytestmark = pytest.mark.alone  # how soon something is heard, and how many connections there are


@pytest.fixture(scope="module")
def quick_hms(database):
    """A server that asks every half second who may stay."""
    server = Server(database, HMS_LIVE_BEAT="0.5").start()
    yield server
    server.stop()


@pytest.fixture
def rita():
    return make_user("RECEPTIONIST", first_name="Rita")


class Listener:
    """An open stream, read by a thread: ``events`` are ``(name, data)`` in the order in which they came."""

    def __init__(self, client, path):
        self.response = client.stream(path)
        self.events = []
        self.is_over = threading.Event()
        self.ready = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        name, data = "", []
        try:
            while line := self.response.readline():
                field, _colon, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
                elif not field:
                    with self.ready:
                        self.events.append((name, "\n".join(data)))
                        self.ready.notify_all()
                    name, data = "", []
        except (OSError, ValueError, AttributeError):
            pass  # closed under us
        finally:
            self.is_over.set()
            with self.ready:
                self.ready.notify_all()

    def wait(self, found, seconds=10):
        """The first event for which ``found(name, data)`` is true, those that came already included."""
        until = time.monotonic() + seconds
        with self.ready:
            while True:
                for name, data in self.events:
                    if found(name, data):
                        return name, data
                left = until - time.monotonic()
                came = [n for n, _d in self.events]
                assert left > 0, f"it did not come: {came}"
                assert not self.is_over.is_set(), f"the stream ended: {came}"
                self.ready.wait(left)

    def named(self, name, seconds=10):
        return self.wait(lambda n, _data: n == name, seconds)

    def showing(self, text, seconds=10):
        return self.wait(lambda n, data: n == "" and text in data, seconds)

    def forget(self):
        with self.ready:
            self.events.clear()


def desk_path(day=None):
    return f"/live/desk/{day or hospital().today():%Y-%m-%d}/"


def listen(server, user, path=None):
    """A stream that was greeted, hears of changes, and has heard of those that the test made to begin with."""
    stream = Listener(server.client(user), path or desk_path())
    stream.named("hello")
    time.sleep(0.2)
    if [name for name, _data in stream.events if name in {"deaf", "resync"}][-1:] == ["deaf"]:
        stream.named("resync")
    stream.forget()
    return stream


def today(minutes=60):
    return local(days=0, at="12:00") + timedelta(minutes=minutes)


def execute(sql, values=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None


def connections():
    """``{application name: number}`` of the server's connections to the database."""
    rows = execute(
        "SELECT application_name, count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1"
    )
    return dict(rows)


# --- what arrives


def test_a_stream_greets_and_says_what_it_is(live_hms, rita):
    client = live_hms.client(rita)
    response = client.stream(desk_path())
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.readline() == b"event: hello\n"
    client.close()


def test_a_change_in_plain_sql_arrives(live_hms, rita):
    appointment = make_appointment(start=today(), reason="before")
    stream = listen(live_hms, rita)
    execute("UPDATE hms_appointment SET status = 'CONFIRMED' WHERE id = %s", [appointment.pk])
    _name, data = stream.showing(f'id="appointment-{appointment.pk}"')
    assert f'hx-target="#column-{appointment.doctor_id}"' in data
    assert "confirmed" in data


def test_a_booking_of_another_receptionist_arrives_and_names_them(live_hms, rita):
    remo = make_user("RECEPTIONIST", first_name="Remo", last_name="Rossi")
    doctor, patient = make_doctor(), make_patient(last_name="Arriving")
    stream = listen(live_hms, rita)
    data = {"patient": patient.pk, "doctor": doctor.pk, "date": hospital().today().isoformat(), "time": "16:00"}
    answer = live_hms.client(remo).post("/desk/appointments/new/", data | {"duration": "30"})
    assert answer.status == 200, answer.text
    _name, data = stream.showing("ARRIVING")
    assert "Remo Rossi" in data


def test_what_is_rolled_back_is_never_heard_of(live_hms, rita):
    doctor = make_doctor()
    stream = listen(live_hms, rita)
    with transaction.atomic():
        make_appointment(doctor=doctor, patient=make_patient(last_name="Undone"), start=today())
        transaction.set_rollback(True)
    time.sleep(0.3)
    assert not [data for name, data in stream.events if name == ""]
    make_appointment(doctor=doctor, patient=make_patient(last_name="Done"), start=today())
    stream.showing("DONE")
    assert not [data for _name, data in stream.events if "UNDONE" in data]


def test_changes_that_come_together_arrive_in_one_piece(live_hms, rita):
    doctor = make_doctor()
    patients = [make_patient() for _ in range(5)]
    stream = listen(live_hms, rita)
    with transaction.atomic():
        for i, patient in enumerate(patients):
            make_appointment(doctor=doctor, patient=patient, start=today(30 * i))
    stream.showing("appointment-")
    time.sleep(0.3)
    assert len([1 for name, _data in stream.events if name == ""]) == 1


def test_a_change_of_the_hospital_makes_every_screen_start_over(live_hms, rita):
    stream = listen(live_hms, rita)
    execute("UPDATE hms_hospital SET slot_minutes = 20")
    try:
        stream.named("resync")
        # … and what it then asks for is of the hospital as it is now, not as this process remembers it.
        assert "20" in live_hms.client(rita).get("/desk/").text
    finally:
        execute("UPDATE hms_hospital SET slot_minutes = 15")


def test_a_wall_screen_sees_initials_come_in_and_nothing_more(live_hms):
    _display, token = Display.objects.open(name="Hall", by=make_user())
    patient = make_patient(first_name="Ottilie", last_name="Zwingli")
    appointment = make_appointment(patient=patient, start=today(), reason="secret reason")
    stream = listen(live_hms, None, f"/live/display/{token}/")
    Appointment.objects.filter(pk=appointment.pk).update(checked_in_at=appointment.appointment_date)
    _name, data = stream.showing("O.Z.")
    for secret in ("Ottilie", "Zwingli", "ZWINGLI", "secret", patient.record_number):
        assert secret not in data


# --- who may listen


@pytest.mark.parametrize(("role", "status"), [("PATIENT", 403), ("DOCTOR", 403), (None, 401)])
def test_others_may_not_listen_at_the_desk(live_hms, role, status):
    client = live_hms.client(make_user(role) if role else None)
    answer = client.get(desk_path())
    assert answer.status == status
    assert "event:" not in answer.text


@pytest.mark.parametrize("path", ["/live/desk/2026-13-99/", "/live/desk/today/", "/live/display/wrong/", "/live/x/"])
def test_what_is_not_there_cannot_be_listened_to(live_hms, rita, path):
    assert live_hms.client(rita).get(path).status in {403, 404}


# --- when it ends


def sign_out(server, client, user):
    assert client.post("/accounts/logout/", HX_Request="").status == 302


def end_session(server, client, user):
    Session.objects.filter(pk=client.cookies["hms-session"]).delete()


def leave_unused(server, client, user):
    row = Session.objects.get(pk=client.cookies["hms-session"])
    data = row.get_decoded() | {"seen_at": time.time() - 24 * 3600}
    row.session_data = Session.get_session_store_class()().encode(data)
    row.save()


def change(**fields):
    def changed(server, client, user):
        User.objects.filter(pk=user.pk).update(**fields)

    changed.__name__ = f"change_{'_'.join(fields)}"
    return changed


ENDS = [sign_out, end_session, leave_unused, change(is_active=False), change(role="DOCTOR"), change(password="!x")]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_stream_ends_with_the_right_to_it(quick_hms, rita, end):
    client = quick_hms.client(rita)
    stream, other = Listener(client, desk_path()), listen(quick_hms, make_user("RECEPTIONIST"))
    stream.named("hello")
    end(quick_hms, same_session(quick_hms, client), rita)
    stream.named("ended", 3)
    assert stream.is_over.wait(1)
    assert not other.is_over.is_set()
    again = same_session(quick_hms, client).get(desk_path())
    assert again.status in {401, 403}


def same_session(server, client):
    """Another connection of the same session."""
    found = server.client()
    found.cookies.update(client.cookies)
    return found


def test_a_revoked_wall_screen_ends(quick_hms):
    display, token = Display.objects.open(name="Hall", by=make_user())
    stream = listen(quick_hms, None, f"/live/display/{token}/")
    display.revoke()
    stream.named("ended", 3)
    assert quick_hms.client().get(f"/live/display/{token}/").status == 404
    assert quick_hms.client().get(f"/display/{token}/").status == 404


def test_with_the_real_beat_it_ends_within_twenty_seconds(live_hms, rita):
    display, token = Display.objects.open(name="Hall", by=rita)
    wall = listen(live_hms, None, f"/live/display/{token}/")
    client = live_hms.client(rita)
    desk = Listener(client, desk_path())
    desk.named("hello")
    display.revoke()
    sign_out(live_hms, same_session(live_hms, client), rita)
    began = time.monotonic()
    desk.named("ended", 20)
    wall.named("ended", 20)
    assert time.monotonic() - began < 20


def test_a_stream_beats(quick_hms, rita):
    stream = listen(quick_hms, rita)
    _name, data = stream.named("beat", 2)
    assert abs(int(data) - time.time()) < 5


# --- what it costs, and what happens when things break


def test_two_hundred_screens_are_one_connection_to_the_database(live_hms, rita):
    appointment = make_appointment(start=today())
    live_hms.restart()
    before = connections().get("hms-live", 0)  # of the other server of these tests
    few = [live_hms.client(rita) for _ in range(20)]
    readers = [client.stream(desk_path()) for client in few]
    with_few = connections()
    assert with_few["hms-live"] == before + 1
    clients = [live_hms.client(rita) for _ in range(200)]
    readers += [client.stream(desk_path()) for client in clients]
    time.sleep(0.5)
    assert connections() == with_few
    # And all of them hear.
    Appointment.objects.filter(pk=appointment.pk).update(status="CONFIRMED")
    began = time.monotonic()
    for reader in readers:
        until_shown(reader, f"appointment-{appointment.pk}")
    assert time.monotonic() - began < 3
    for client in few + clients:
        client.close()


def until_shown(reader, text):
    until = time.monotonic() + 12
    while text not in (line := reader.readline().decode()):
        assert line, "the stream ended"
        assert time.monotonic() < until, "it did not come"


def test_screens_are_right_again_within_ten_seconds_of_losing_the_line(live_hms, rita):
    appointment = make_appointment(start=today())
    stream = listen(live_hms, rita)
    began = time.monotonic()
    killed = execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hms-live'"
        " AND datname = current_database()"
    )
    assert killed
    stream.named("deaf")
    stream.named("resync")
    assert [name for name, _data in stream.events][:2] == ["deaf", "resync"]
    assert time.monotonic() - began < 10
    Appointment.objects.filter(pk=appointment.pk).update(status="SCHEDULED")
    stream.showing(f"appointment-{appointment.pk}")


def test_a_notice_that_no_trigger_sent_does_no_harm(live_hms, rita):
    appointment = make_appointment(start=today())
    stream = listen(live_hms, rita)
    execute("SELECT pg_notify('hms', 'nonsense'), pg_notify('hms', '[\"appointment\", null, [1]]')")
    Appointment.objects.filter(pk=appointment.pk).update(status="CONFIRMED")
    stream.showing(f"appointment-{appointment.pk}")
    assert "nonsense" in live_hms.log


def test_being_told_to_stop_the_server_says_so_and_goes(live_hms, rita):
    streams = [listen(live_hms, rita) for _ in range(20)]
    assert live_hms.stop() < 10
    for stream in streams:
        assert stream.is_over.wait(1)
        assert stream.events[-1][0] == "restart"
