"""Starting: `manage.py run` as a process, what it says, how it stops; and the set-up that comes before."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

import bootstrap
from hms import server
from hms.errors import StartError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def database(django_db_setup):
    """The address of an empty database beside that of the tests."""
    name = f"hms_run_{uuid.uuid4().hex[:8]}"
    maintenance = urlsplit(settings.URL)._replace(path="/postgres").geturl()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield urlsplit(settings.URL)._replace(path=f"/{name}").geturl()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(*arguments, **env):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HMS_", "DATABASE_")) and k != "PORT"}
    env = {"HMS_DATA_DIR": str(settings.DATA_DIR), "HMS_SECRET_KEY": settings.SECRET_KEY, "HMS_DEMO": "1"} | env
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, text):
    """What the process says until a line holds ``text``, or it ends."""
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            break
    return said


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return response.read().decode()


@pytest.mark.alone
class TestRun:
    def test_from_an_empty_database_to_a_page_and_in_order_to_an_end(self, database):
        port = free_port()
        process = start("run", DATABASE_URL=database, PORT=str(port))
        said = read_until(process, "Ctrl-C")
        assert f"http://127.0.0.1:{port}" in said
        assert "Loading the demo hospital" in said
        for login in ("admin@hms.example", "reception@hms.example", "doctor@hms.example", "patient@hms.example"):
            assert login in said
        assert "demo-hospital-2026" in said
        assert "csrf" in get(port, "/accounts/login/")
        assert get(port, "/readyz") == "ok"

        taken = start("run", DATABASE_URL=database, PORT=str(port))
        assert f"hms: Port {port} is taken" in taken.communicate(timeout=20)[0]
        assert taken.returncode not in {0, None}

        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - begin < 10
        assert "Traceback" not in process.stdout.read()

        # Again: the data is there, nothing is loaded twice, Ctrl-C ends it too.
        begin = time.monotonic()
        process = start("run", DATABASE_URL=database, PORT=str(port))
        said = read_until(process, "Ctrl-C")
        assert time.monotonic() - begin < 8
        assert "Loading" not in said
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT count(*) FROM hms_patient").fetchone()[0] == 400

    def test_migrations_and_the_lock_go_the_direct_way(self, database):
        nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/pooled"
        process = start("migrate", "--verbosity=1", DATABASE_URL=nowhere, DATABASE_DIRECT_URL=database)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 0, said
        assert "Running migrations" in said


class TestRefusals:
    def test_a_database_that_does_not_answer_is_one_sentence(self):
        nowhere = f"postgresql://somebody:canary-password@127.0.0.1:{free_port()}/hms"
        process = start("run", DATABASE_URL=nowhere, PORT=str(free_port()))
        said = process.communicate(timeout=30)[0]
        assert process.returncode not in {0, None}
        assert said.startswith("hms: The database of DATABASE_URL cannot be reached")
        assert "Traceback" not in said
        assert "canary" not in said

    @pytest.mark.parametrize(
        ("env", "sentence"),
        [
            ({"PORT": "eighty"}, "PORT must be a number"),
            ({"DATABASE_URL": "mysql://localhost/hms"}, "must be a PostgreSQL address"),
            ({"HMS_DATA_DIR": "/proc/nowhere", "HMS_SECRET_KEY": ""}, "Cannot write to /proc/nowhere"),
            ({"HMS_DATA_DIR": __file__, "HMS_SECRET_KEY": ""}, "Cannot write to .*test_commands.py"),
            ({"HMS_DATA_DIR": f"{__file__}/below", "HMS_SECRET_KEY": ""}, "Cannot write to .*test_commands.py/below"),
            ({"HMS_DEMO": "0", "HMS_SECRET_KEY": ""}, "Set HMS_SECRET_KEY"),
        ],
    )
    def test_what_is_set_wrongly_is_one_sentence(self, database, env, sentence):
        process = start("run", **({"DATABASE_URL": database, "PORT": str(free_port())} | env))
        said = process.communicate(timeout=30)[0]
        assert process.returncode not in {0, None}
        assert re.match(f"hms: .*{sentence}", said), said
        assert "Traceback" not in said

    def test_an_old_postgresql_is_refused(self, monkeypatch, db):
        monkeypatch.setattr(server, "OLDEST", 990000)
        with pytest.raises(StartError, match="needs PostgreSQL 15 or later"):
            server.check_database()

    @pytest.mark.parametrize("value", ["", "8000", "1", "65535"])
    def test_a_port_is_read(self, monkeypatch, value):
        monkeypatch.setenv("PORT", value)
        assert server.wanted_port() == int(value or 8000)

    @pytest.mark.parametrize("value", ["0", "65536", "-1", "8000.0", "٨٠٠٠", "http"])
    def test_what_is_no_port_is_refused(self, monkeypatch, value):
        monkeypatch.setenv("PORT", value)
        with pytest.raises(StartError, match="PORT must be a number"):
            server.wanted_port()
        with pytest.raises(bootstrap.Trouble, match="PORT must be a number"):
            bootstrap._check_port()


class TestSetUp:
    @pytest.fixture
    def stamps(self, tmp_path, monkeypatch):
        monkeypatch.setattr(bootstrap, "STAMPS", tmp_path)
        source = tmp_path / "source"
        source.write_text("one")
        return source

    def changed(self, source, more=""):
        with bootstrap._unless_same("piece", [source], more) as changed:
            return changed

    def test_a_piece_is_made_again_only_when_its_source_changed(self, stamps):
        assert [self.changed(stamps), self.changed(stamps)] == [True, False]
        stamps.write_text("two")
        assert [self.changed(stamps), self.changed(stamps)] == [True, False]
        assert [self.changed(stamps, "missing"), self.changed(stamps)] == [True, False]

    def test_a_piece_that_failed_is_made_again(self, stamps):
        def failing():
            with bootstrap._unless_same("piece", [stamps]):
                raise bootstrap.Trouble("not made")

        with pytest.raises(bootstrap.Trouble):
            failing()
        assert self.changed(stamps)

    def test_a_taken_port_is_said_before_any_work(self, monkeypatch):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            monkeypatch.setenv("PORT", str(s.getsockname()[1]))
            with pytest.raises(bootstrap.Trouble, match="is taken"):
                bootstrap._check_port()

    def test_what_a_failed_program_said_is_shown(self, capsys):
        with pytest.raises(bootstrap.Trouble, match="It broke"):
            bootstrap._call([sys.executable, "-c", "print('why'); raise SystemExit(3)"], "It broke")
        assert "why" in capsys.readouterr().out

    def test_a_sentence_of_ours_is_passed_on_alone(self):
        with pytest.raises(SystemExit, match="hms: The disk is full"):
            bootstrap._call([sys.executable, "-c", "import sys; sys.exit('hms: The disk is full.')"], "It broke")

    def test_an_old_node_is_not_taken(self, tmp_path):
        node = tmp_path / "node"
        for version, major in (("v18.19.0", 18), ("v22.1.0", 22)):
            node.write_text(f"#!/bin/sh\necho {version}\n")
            node.chmod(0o755)
            assert bootstrap._major(node) == major
        assert bootstrap._major(tmp_path / "none") == 0
