"""The server of ``manage.py run``: uvicorn on hms.asgi in this process, on one port of this machine."""

import asyncio
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import dj_database_url
import psycopg
import uvicorn
from django.conf import settings
from django.db import connections

from hms.errors import StartError

HOST = "127.0.0.1"
OLDEST = 150000  # PostgreSQL 15
STARTING = 0x484D5301  # key of the lock under which one process at a time migrates and loads


def wanted_port():
    """The port that PORT asks for, 8000 unless set."""
    text = os.environ.get("PORT", "").strip() or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise StartError(f"PORT must be a number from 1 to 65535, not “{text}”.")
    return int(text)


def take(port):
    """The port as a bound socket, taken before any work is done; nobody can connect until the server listens."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except PermissionError as e:
        raise StartError(f"This account may not use port {port}. Choose one above 1023: PORT=8000 make run") from e
    except OSError as e:
        raise StartError(f"Port {port} is taken. Stop what uses it, or choose another: PORT={port + 1} make run") from e
    return listener


def check_database():
    """Raise StartError unless both addresses lead to a PostgreSQL that is new enough."""
    for url, name in {settings.DATABASE_DIRECT_URL: "DATABASE_DIRECT_URL", settings.URL: "DATABASE_URL"}.items():
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                version = connection.info.server_version
        except psycopg.Error as e:
            said = str(e).strip().splitlines() or ["no answer"]
            raise StartError(f"The database of {name} cannot be reached: {said[0].strip()}") from e
        if version < OLDEST:
            raise StartError(f"HMS needs PostgreSQL 15 or later; the database of {name} is {version // 10000}.")


@contextmanager
def starting_alone():
    """One process at a time prepares the database; the others wait here."""
    with psycopg.connect(settings.DATABASE_DIRECT_URL, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [STARTING])
        yield


@contextmanager
def direct_connection():
    """Inside, Django's connection goes to DATABASE_DIRECT_URL: a pooler in transaction mode cannot migrate."""
    if settings.DATABASE_DIRECT_URL == settings.URL:
        yield
        return
    wrapper = connections["default"]
    before = dict(wrapper.settings_dict)
    direct = dj_database_url.parse(settings.DATABASE_DIRECT_URL)
    address = {key: direct.get(key, "") for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    options = {k: v for k, v in before["OPTIONS"].items() if k != "pool"} | direct.get("OPTIONS", {})
    wrapper.close()
    wrapper.settings_dict.update(address | {"OPTIONS": options})
    try:
        yield
    finally:
        wrapper.close()
        wrapper.settings_dict.clear()
        wrapper.settings_dict.update(before)


class _Server(uvicorn.Server):
    def __init__(self, config, when_ready):
        super().__init__(config)
        self.when_ready = when_ready

    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        if self.started and not self.should_exit:
            # The first page is somebody's; what it would wait for (templates, connections) is fetched by this one.
            await asyncio.get_running_loop().run_in_executor(None, _warm, self.config.port)
            self.when_ready()


def _warm(port):
    for path in ("/healthz", "/accounts/login/"):
        try:
            urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10).close()
        except (OSError, urllib.error.HTTPError):
            return


def serve(listener, port, when_ready):
    """Serve until SIGINT or SIGTERM; streams end at once, pages in the making get five seconds."""
    config = uvicorn.Config(
        "hms.asgi:application",
        host=HOST,
        port=port,
        loop="uvloop" if sys.platform != "win32" else "auto",
        http="httptools" if sys.platform != "win32" else "auto",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is decided by HMS_TRUSTED_PROXY_COUNT alone
        timeout_graceful_shutdown=5,
        backlog=2048,
        log_level="warning",
    )
    # uvicorn repeats the signal to whoever handled it before, once it is done: then the process just ends.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, frame: None)
    _Server(config, when_ready).run(sockets=[listener])


def leave_quietly_on_signals():
    """Until the server takes over, a signal ends the process in order, so that what it started is stopped."""

    def leave(signum, frame):
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    if hasattr(signal, "SIGHUP"):  # the terminal was closed: as if by Ctrl-C
        signal.signal(signal.SIGHUP, lambda signum, frame: signal.raise_signal(signal.SIGTERM))
