"""The real server as a process of its own, on a database of the test run, and a plain HTTP client to talk to it."""

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

ROOT = Path(__file__).resolve().parent.parent
CSRF = "c" * 32  # Django compares cookie and header; what they say is ours to choose


def url_of(database):
    """The address of another database in the cluster that the tests use."""
    return urlsplit(settings.URL)._replace(path=f"/{database}").geturl()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _end_with_parent(PR_SET_PDEATHSIG=1):
    """A test run that is killed leaves no server behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """``python -m uvicorn hms.asgi:application`` on a free port; the port stays the same through restarts.

    ``processes`` of it share the port. ``env`` are further settings (``HMS_LIVE_BEAT="1"``). ``str(server)`` is its
    address, so that ``page.goto(f"{live_hms}/desk/")`` reads well.
    """

    def __init__(self, database_url, *, processes=1, **env):
        self.database_url = database_url
        self.processes = processes
        self.env = env
        self.port = int(env.pop("PORT", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def __str__(self):
        return self.url

    def start(self):
        """Start and wait until it is ready; says what the server said if it is not within a minute."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HMS_", "DATABASE_"))}
        env = {
            "DATABASE_URL": self.database_url,
            "DJANGO_SETTINGS_MODULE": "hms.settings",
            "HMS_DATA_DIR": str(settings.DATA_DIR),
            "HMS_DEMO": "1",
            "HMS_SECRET_KEY": settings.SECRET_KEY,
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "uvicorn", "hms.asgi:application", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--log-level", "warning", "--no-access-log"]
        if self.processes > 1:
            command += ["--workers", str(self.processes)]
        self.said = []
        self.process = subprocess.Popen(
            command,
            env=kept | env | self.env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        self.listener = threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True)
        self.listener.start()
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.get("/readyz").status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        self.kill()
        raise AssertionError(f"The server did not become ready:\n{self.log}")

    def _listen(self, output):
        for line in output:  # read as it comes: a full pipe would stop the server
            self.said.append(line)

    @property
    def log(self):
        """Everything the server has written so far."""
        return "".join(self.said)

    def stop(self, number=signal.SIGTERM, patience=10):
        """Ask it to stop (SIGTERM) and wait; returns the seconds that took."""
        began = time.monotonic()
        if self.process is not None:
            self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            self.listener.join(2)
            self.process = None
        return time.monotonic() - began

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.listener.join(2)
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    # --- asking it something

    def sign_in(self, user):
        """A session for this user: the cookies to send, as ``{name: value}``."""
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session["signed_in_at"] = session["seen_at"] = time.time()
        session.save()
        return {settings.SESSION_COOKIE_NAME: session.session_key}

    def client(self, user=None):
        """One person's connection: keeps the socket and the cookies."""
        return HttpClient(self.port, self.sign_in(user) if user else {})

    def get(self, path):
        """One signed-out request."""
        client = HttpClient(self.port, {})
        try:
            return client.get(path)
        finally:
            client.close()


class Answer:
    """What came back: ``status``, ``headers``, ``text``, ``seconds``."""

    def __init__(self, response, body, seconds):
        self.status = response.status
        self.headers = response.headers
        self.content = body
        self.text = body.decode(errors="replace")
        self.seconds = seconds


class HttpClient:
    """Requests one after another over one kept connection. Not for several threads at a time."""

    def __init__(self, port, cookies):
        self.cookies = cookies | {settings.CSRF_COOKIE_NAME: CSRF}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, data=None, **headers):
        """A form, sent as htmx does; ``HX_Request=""`` sends it as a plain form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true"}
        return self.request("POST", path, urlencode(data or {}, doseq=True), kind | headers)

    def request(self, method, path, body=None, headers=None):
        named = {k.replace("_", "-"): v for k, v in (headers or {}).items() if v}
        named["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        named["X-CSRFToken"] = CSRF
        began = time.monotonic()
        try:
            self.connection.request(method, path, body, named)
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()  # the server closed an idle connection: once more on a new one
            self.connection.request(method, path, body, named)
            response = self.connection.getresponse()
        return Answer(response, response.read(), time.monotonic() - began)

    def stream(self, path):
        """Open a stream and leave it open; returns the response, to be read line by line."""
        cookies = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        self.connection.request("GET", path, headers={"Cookie": cookies, "Accept": "text/event-stream"})
        return self.connection.getresponse()

    def close(self):
        self.connection.close()
