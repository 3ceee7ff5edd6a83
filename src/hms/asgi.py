"""The one entry: pages go to Django's WSGI handler in threads, streams (/live/) stay in the event loop.

Measured, this doubles the pages a second of Django's own ASGI handler, on one address. Run it with
``uvicorn hms.asgi:application``; any number of processes may run side by side.
"""

import contextlib
import ctypes
import gc
import os
import signal

import django
from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hms.settings")
django.setup()

from django.conf import settings  # noqa: E402

from hms import live  # noqa: E402


def _keep_one_heap():
    """Threads share one heap, and large blocks go back to the system once they are free (where libc is glibc).

    Left alone, glibc makes a heap for each thread and keeps in each what its largest page once took: measured, 40 MB.
    The GIL lets one thread at a time allocate anyway. The numbers are those of malloc.h.
    """
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(arena_max, 1)
        mallopt(mmap_threshold, 128 * 1024)
        mallopt(trim_threshold, 128 * 1024)


_keep_one_heap()  # before there are threads
pages = WSGIMiddleware(get_wsgi_application(), workers=settings.PAGE_THREADS)


async def application(scope, receive, send):
    if scope["type"] == "http":
        await (live.serve if scope["path"].startswith("/live/") else pages)(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)


async def _lifespan(receive, send):
    await receive()
    _end_streams_on_signal()
    # What start-up built stays: without this the garbage collector walks it all in the middle of a request (20 ms).
    gc.collect()
    gc.freeze()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    live.hub().close()
    await send({"type": "lifespan.shutdown.complete"})


def _end_streams_on_signal():
    """The server waits for open answers before it tells us to shut down; streams never end, so they hear the signal."""
    hub = live.hub()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def handler(signum, frame, before=before):
            hub.close_soon()
            before(signum, frame)

        with contextlib.suppress(ValueError):  # not the main thread: a test runs the server
            signal.signal(number, handler)
