"""The access log: one altered row is noticed."""

import threading

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from hms.domain import audit, log_seals
from hms.models import AccessLog, LogSeal
from hms.testing import make_patient, make_user


def write(number=3):
    user, patient = make_user(), make_patient()
    for _ in range(number):
        audit.viewed(patient, by=user)


def tamper(sql):
    """As somebody does who owns the database: triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE hms_accesslog DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE hms_logseal DISABLE TRIGGER USER")
        cursor.execute(sql)
        assert cursor.rowcount > 0


@pytest.fixture
def sealed(db):
    write(4)
    assert log_seals.seal() == AccessLog.objects.count()
    write(2)
    assert log_seals.seal() == 2
    write(1)
    log_seals.seal()
    assert list(log_seals.verify()) == []


def test_what_was_not_touched_is_as_it_was_written(sealed, capsys):
    call_command("verify_log")
    said = capsys.readouterr().out
    assert "are as they were written" in said
    assert log_seals.head() in said


MIDDLE = "(SELECT id FROM hms_accesslog ORDER BY id OFFSET 2 LIMIT 1)"


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE hms_accesslog SET role = 'ADMIN' WHERE id = {MIDDLE}",
        f"UPDATE hms_accesslog SET at = at + interval '1 microsecond' WHERE id = {MIDDLE}",
        f"UPDATE hms_accesslog SET patient_id = NULL WHERE id = {MIDDLE}",
        f"UPDATE hms_accesslog SET reason = 'emergency' WHERE id = {MIDDLE}",
        f"UPDATE hms_accesslog SET action = 'x', detail = 'y' WHERE id = {MIDDLE}",
        f"DELETE FROM hms_accesslog WHERE id = {MIDDLE}",
        "UPDATE hms_logseal SET hash = repeat('0', 64) WHERE id = (SELECT min(id) FROM hms_logseal)",
        "DELETE FROM hms_logseal WHERE id = (SELECT min(id) FROM hms_logseal)",
    ],
)
def test_one_altered_row_is_noticed(sealed, capsys, sql):
    tamper(sql)
    assert list(log_seals.verify())
    with pytest.raises(SystemExit) as left:
        call_command("verify_log")
    assert left.value.code == 1
    assert "not as it was written" in capsys.readouterr().err


def test_a_row_slipped_in_is_noticed(sealed):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hms_accesslog (id, role, action) SELECT min(id) - 1, 'DOCTOR', 'x' FROM hms_accesslog"
        )
    assert list(log_seals.verify())


def test_a_seal_noted_elsewhere_shows_a_log_sealed_anew(sealed, capsys):
    noted = log_seals.head()
    call_command("verify_log", known=noted)
    tamper(f"UPDATE hms_accesslog SET role = 'ADMIN' WHERE id = {MIDDLE}")
    tamper("DELETE FROM hms_logseal")
    log_seals.seal()
    assert list(log_seals.verify()) == []
    with pytest.raises(SystemExit):
        call_command("verify_log", known=noted)


def test_the_application_itself_cannot_change_the_log(sealed):
    for table in ("accesslog", "logseal"):
        for sql in (f"UPDATE hms_{table} SET at = now()", f"DELETE FROM hms_{table}"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


def test_long_stretches_are_sealed_piece_by_piece(db, monkeypatch):
    monkeypatch.setattr(log_seals, "STRETCH", 2)
    monkeypatch.setattr(log_seals._digest, "__defaults__", (2,))
    write(5)
    log_seals.seal()
    assert LogSeal.objects.count() == 3
    assert list(log_seals.verify()) == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_sealing_while_many_write_misses_nobody():
    user, patient = make_user(), make_patient()
    failed = []

    def writer():
        try:
            for _ in range(25):
                with transaction.atomic():
                    audit.viewed(patient, by=user)
        except Exception as e:
            failed.append(e)
        finally:
            connection.close()

    threads = [threading.Thread(target=writer) for _ in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        log_seals.seal()
    for thread in threads:
        thread.join()
    log_seals.seal()
    assert not failed
    assert sum(LogSeal.objects.values_list("entries", flat=True)) == AccessLog.objects.count() == 150
    assert list(log_seals.verify()) == []
