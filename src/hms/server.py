"""The server that ``manage.py run`` starts: one process, pages in threads, streams in the event loop."""

import errno
import os
import socket
import sys
import threading

import uvicorn

from hms.errors import StartError

HOST = "127.0.0.1"


def listen(port):
    """A socket on this machine's port, bound before any work is done for it. Raises StartError if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as e:
        listener.close()
        if e.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} is taken. Stop what uses it, or choose another: PORT={port + 1} make run"
            ) from e
        raise StartError(f"Cannot listen on port {port} ({e.strerror}). Choose another: PORT=8001 make run") from e
    return listener


def serve(listener, ready):
    """Answer on this socket until Ctrl-C or SIGTERM. ``ready()`` is called once it answers."""
    config = uvicorn.Config(
        "hms.asgi:application",
        loop="uvloop" if sys.platform != "win32" else "auto",
        lifespan="on",
        ws="none",
        backlog=2048,
        log_level=os.environ.get("HMS_LOG_LEVEL", "warning").lower(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_when_started, args=(server, ready), daemon=True).start()
    server.run(sockets=[listener])


def _when_started(server, ready):
    stop = threading.Event()
    while not server.started and not server.should_exit:
        stop.wait(0.05)
    if server.started:
        ready()
