"""The server under test and the processes that load it, each started here and stopped here."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import psutil

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
CSRF = "c" * 32  # Django compares cookie and header; what they say is ours to choose


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """uvicorn with one process, as ``make run`` starts it, on a free port. ``app``: another entry to compare with."""

    def __init__(self, database, app="hms.asgi:application"):
        self.database, self.app, self.port = database, app, free_port()

    def start(self, path="/healthz", cookie=""):
        """Start; returns the seconds until the first 200 of ``path``."""
        env = os.environ | {
            "DATABASE_URL": self.database,
            "HMS_DEMO": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        }
        command = [sys.executable, "-m", "uvicorn", self.app, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--log-level", "warning", "--no-access-log"]
        began = time.perf_counter()
        RESULTS.mkdir(exist_ok=True)
        with open(RESULTS / "server.log", "a") as log:
            self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
        while time.perf_counter() - began < 60:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", path, headers={"Cookie": cookie})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    return time.perf_counter() - began
            except OSError:
                pass
            finally:
                connection.close()
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise SystemExit(f"The server did not answer {path} with a page; {RESULTS}/server.log says why.")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def memory(self):
        """Megabytes that the process holds."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6


class Helper:
    """A process of ours that takes a line of JSON and answers with one."""

    def __init__(self, module):
        self.process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("A process that makes the load has died; its error stands above.")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def request(method, path, cookie, form=None, **headers):
    """An HTTP/1.1 request as text, as a browser with this cookie sends it."""
    body = urlencode(form or {}, doseq=True) if method == "POST" else ""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookie}; hms-csrf={CSRF}"]
    lines += ["Accept: text/html", "Accept-Encoding: identity", "Accept-Language: en-GB"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        lines += [f"X-CSRFToken: {CSRF}"]
    return "\r\n".join(lines) + "\r\n\r\n" + body
