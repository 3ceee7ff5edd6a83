"""Workers as processes: mails arrive once each, also when one worker is killed in the middle, or two share the work."""

import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from e2e.server import ROOT
from hms.domain import outbox
from hms.models import OutboxMail


class MailServer:
    """Takes mail as SMTP servers do, and remembers who got how many. ``hold``: wait before saying that one is taken."""

    def __init__(self):
        self.got = Counter()
        self.hold = threading.Event()
        self.held = threading.Event()
        outer = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self):
                self.say("220 ready")
                to = ""
                while line := self.rfile.readline().decode().strip():
                    word = line.upper().split()[0]
                    if word == "RCPT":
                        to = line.split("<")[1].split(">")[0]
                    if word == "DATA":
                        self.say("354 go on")
                        while self.rfile.readline().strip() != b".":
                            pass
                        if outer.hold.is_set():
                            outer.held.set()
                            self.rfile.read()  # until the other side is gone
                            return
                        outer.got[to] += 1
                    self.say("221 bye" if word == "QUIT" else "250 ok")
                    if word == "QUIT":
                        return

            def say(self, text):
                self.wfile.write(f"{text}\r\n".encode())

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Conversation)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def mail_server():
    server = MailServer()
    yield server
    server.server.shutdown()


@contextmanager
def worker(database, mail_server, *arguments):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HMS_", "DATABASE_"))}
    env = {
        "DATABASE_URL": database,
        "HMS_DATA_DIR": str(settings.DATA_DIR),
        "HMS_SECRET_KEY": settings.SECRET_KEY,
        "HMS_DEMO": "1",
        "HMS_MAIL_HOST": "127.0.0.1",
        "HMS_MAIL_PORT": str(mail_server.port),
        "HMS_MAIL_TLS": "0",
    }
    process = subprocess.Popen([sys.executable, "manage.py", "worker", *arguments], cwd=ROOT, env=kept | env)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def post(count):
    for n in range(count):
        outbox.post(kind="t", to=f"p{n}@hms.example", subject="s", text="t", key=f"t:{n}")


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def all_sent():
    return not OutboxMail.objects.exclude(status="SENT").exists()


def test_two_workers_share_the_letters_and_each_arrives_once(database, mail_server):
    post(40)
    with worker(database, mail_server), worker(database, mail_server):
        until(all_sent)
    assert mail_server.got == {f"p{n}@hms.example": 1 for n in range(40)}


def test_what_a_killed_worker_had_in_hand_is_sent_by_the_next_once(database, mail_server):
    post(5)
    mail_server.hold.set()
    with worker(database, mail_server) as first:
        assert mail_server.held.wait(60)
        first.send_signal(signal.SIGKILL)
        first.wait(20)
    mail_server.hold.clear()
    with connection.cursor() as cursor:  # its last sign of life is a while ago
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '5 minutes'")
    with worker(database, mail_server):
        until(all_sent)
    assert mail_server.got == {f"p{n}@hms.example": 1 for n in range(5)}


def test_a_worker_told_to_stop_stops(database, mail_server):
    with worker(database, mail_server) as process:
        until(lambda: _signs_of_life() == 1)
        process.terminate()
        assert process.wait(20) in {0, -signal.SIGTERM}


def _signs_of_life():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        return cursor.fetchone()[0]
