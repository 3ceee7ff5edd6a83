"""The embedded PostgreSQL: shared by whoever needs it, gone with the last, whole after every kind of death."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from hms.errors import StartError
from hms.postgres import Embedded

JOIN = """
import sys, time
sys.path.insert(0, {source!r})
from hms.postgres import Embedded
server = Embedded({folder!r})
server.join()
print("joined", flush=True)
time.sleep({seconds})
"""


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp(prefix="hms-postgres-"))
    path.chmod(0o755)
    yield path
    end(Embedded(path))
    shutil.rmtree(path, ignore_errors=True)


def end(server):
    server.join()
    server.leave()


@pytest.fixture
def server(folder):
    server = Embedded(folder)
    yield server
    server.leave()


def ask(server, sql="SELECT current_database()"):
    with psycopg.connect(server.url) as connection:
        return connection.execute(sql).fetchone()[0]


def pid_of(server):
    return int((server.data / "postmaster.pid").read_text().split()[0])


def other_process(folder, seconds=60):
    source = str(Path(__file__).resolve().parents[2])
    script = JOIN.format(source=source, folder=str(folder), seconds=seconds)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "joined\n"
    return process


def test_starts_on_joining_and_stops_when_the_last_leaves(folder):
    one, other = Embedded(folder), Embedded(folder)
    one.join()
    assert ask(one) == "hms"
    other.join()
    one.leave()
    assert ask(other) == "hms"
    other.leave()
    assert not (other.data / "postmaster.pid").exists()
    with pytest.raises(psycopg.OperationalError):
        ask(other)


def test_a_process_that_ends_leaves_by_itself(folder, server):
    process = other_process(folder, seconds=0)
    process.wait(20)
    assert not (server.data / "postmaster.pid").exists()


def test_a_killed_process_does_not_count_as_a_user(folder, server):
    process = other_process(folder)
    process.kill()
    process.wait()
    assert ask(server) == "hms"  # nobody was there to stop it
    server.join()
    server.leave()
    assert not (server.data / "postmaster.pid").exists()


def test_what_was_written_survives_a_killed_server(server):
    server.join()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(pid_of(server), signal.SIGKILL)
    time.sleep(0.3)
    server.leave()
    server.join()
    assert ask(server, "SELECT answer FROM kept") == 42


def test_a_process_number_that_went_to_somebody_else_is_no_obstacle(folder, server):
    end(server)
    text = f"{os.getpid()}\n{server.data}\n0\n5432\n{server.sockets}\n\n"
    (server.data / "postmaster.pid").write_text(text)
    server.join()
    assert ask(server) == "hms"


def test_two_at_once_start_one_server(folder, server):
    processes = [other_process(folder, seconds=1) for _ in range(2)]
    server.join()
    assert ask(server, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'hms'") >= 1
    for process in processes:
        process.wait(20)
    assert ask(server) == "hms"


def test_a_set_up_that_was_killed_half_way_is_begun_again(folder, server):
    half = server.data.with_suffix(".new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    aside = server.data.with_suffix(".aside")
    server.data.rename(aside)
    server.join()
    assert ask(server) == "hms"
    assert not half.exists()
    server.leave()
    shutil.rmtree(server.data)
    aside.rename(server.data)


def test_the_socket_of_a_long_path_fits(folder):
    deep = folder / "a-folder-with-quite-a-long-name" / "below-another-one-that-is-no-shorter" / "and-one-more"
    server = Embedded(deep)
    assert len(f"{server.sockets}/.s.PGSQL.5432") < 107
    server.join()
    assert ask(server) == "hms"
    server.leave()
    shutil.rmtree(server.sockets, ignore_errors=True)


def test_a_private_folder_stays_private(tmp_path):
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    server = Embedded(private / "hms" / "var")
    modes = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in [private, *private.parents]}
    server.join()
    try:
        assert ask(server) == "hms"
        assert {folder: stat.S_IMODE(folder.stat().st_mode) for folder in modes} == modes
        # Root's own PostgreSQL account could not walk down to a private folder.
        expected = Path("/var/lib") if os.geteuid() == 0 else private
        assert expected in server.base.parents
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    finally:
        server.leave()
        shutil.rmtree(server.base, ignore_errors=True)


def test_where_nothing_can_be_written_one_sentence_says_so(folder):
    (folder / "in-the-way").write_text("")
    (folder / "in-the-way").chmod(0o755)  # or root would look for a more open place
    with pytest.raises(StartError, match=r"Cannot write to .*in-the-way"):
        Embedded(folder / "in-the-way" / "var").join()
