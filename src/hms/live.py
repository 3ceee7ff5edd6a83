"""Live screens: one LISTEN per process, each changed fragment rendered once, pushed to every stream that shows it.

A trigger (hms.models.triggers.announce) sends ``["noun", id, [doctor ids]]`` at commit. The hub gathers these for
``GATHER`` seconds, asks each channel that somebody watches to render what changed, and queues the text for its streams.
What was missed is never replayed: a screen that connects, or was cut off, or read too slowly, gets its page again.
"""

import asyncio
import concurrent.futures
import contextlib
import io
import json
import logging
import time
from collections import namedtuple

import psycopg
from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.urls import set_script_prefix
from django.utils import translation

logger = logging.getLogger(__name__)

GATHER = 0.03  # seconds; changes that come together are rendered together
PATIENCE = 30  # seconds that a reader who takes nothing is waited for
QUEUE = 64  # messages a slow reader may be behind before it is told to start over

Change = namedtuple("Change", "noun pk doctors")
Topic = namedtuple("Topic", "channel key language")


class Resync(Exception):
    """Raised by a renderer: too much changed to say what; the screens get their page again."""


# channel → render(changes, key) → HTML of <hx-partial>s, or "" when the key's screens show none of it
RENDERERS = {}


def register(channel, render):
    """An audience app says how its screens are brought up to date."""
    RENDERERS[channel] = render


def event(name, data=""):
    """One server-sent event, encoded. Without a name htmx swaps its data."""
    head = f"event: {name}\n" if name else ""
    # A lone carriage return ends a line too: typed text must not become a field of the event.
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()


class StreamResponse(HttpResponse):
    """What a stream's view returns once it has let somebody in; ``serve`` then keeps the answer open.

    ``may_stay`` is asked again at each beat, with the others' in one call: ``(function, argument)`` where
    ``function(arguments)`` returns those that may stay.
    """

    def __init__(self, channel, key, may_stay):
        super().__init__(event("hello"), content_type="text/event-stream")
        self.topic = Topic(channel, key, translation.get_language())
        self.may_stay = may_stay
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"


class Stream:
    """One open screen: a queue with an end."""

    __slots__ = ("ended", "may_stay", "queue", "topic")

    def __init__(self, topic, may_stay):
        self.topic = topic
        self.may_stay = may_stay
        self.queue = asyncio.Queue(QUEUE)
        self.ended = False

    def push(self, message):
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            # Too slow: what it missed does not matter if it starts over.
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(event("resync"))

    def end(self, message=b""):
        self.ended = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(message)


class Hub:
    """The streams of this process and the one connection that hears of changes. Lives in one event loop."""

    def __init__(self):
        self.streams = {}  # Topic → set of Stream
        self.loop = None
        self.tasks = []
        self.pending = set()
        self.flushing = None
        self.listening = False
        # One thread renders and re-checks: fragments leave in the order in which changes came.
        self.worker = concurrent.futures.ThreadPoolExecutor(1, "hms-live")
        self.doormen = concurrent.futures.ThreadPoolExecutor(4, "hms-live-auth")

    # --- streams

    def open(self, topic, may_stay):
        loop = asyncio.get_running_loop()
        if self.loop is not loop:  # first stream of this process
            self.loop = loop
            self.tasks = [loop.create_task(self._listen()), loop.create_task(self._beat())]
        stream = Stream(topic, may_stay)
        self.streams.setdefault(topic, set()).add(stream)
        if not self.listening:
            stream.push(event("deaf"))
        return stream

    def leave(self, stream):
        group = self.streams.get(stream.topic)
        if group is not None:
            group.discard(stream)
            if not group:
                del self.streams[stream.topic]

    def all(self):
        return [s for group in self.streams.values() for s in group]

    def push(self, message, topic=None):
        for stream in self.streams.get(topic, ()) if topic else self.all():
            stream.push(message)

    def close(self):
        """End every stream and stop listening."""
        for stream in self.all():
            stream.end(event("restart"))
        for task in self.tasks:
            task.cancel()
        self.tasks = []
        self.loop = None
        self.listening = False

    def close_soon(self):
        """The same, from a signal handler or another thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.close)

    # --- hearing of changes

    async def _listen(self):
        wait = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    settings.DATABASE_DIRECT_URL, autocommit=True, connect_timeout=5, application_name="hms-live"
                ) as listener:
                    await listener.execute("LISTEN hms")
                    self.listening = True
                    wait = 0.1
                    self.push(event("resync"))  # whatever happened while nobody listened
                    await self._hear(listener)
            except (psycopg.Error, OSError, TimeoutError) as e:
                logger.warning("live: lost the connection that listens (%s); trying again", e)
            except Exception:  # whatever it was, a process that stops listening for good would show yesterday
                logger.exception("live: could not hear; trying again")
            if self.listening:
                self.listening = False
                self.push(event("deaf"))
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2)

    async def _hear(self, listener):
        while True:
            async for notification in listener.notifies(timeout=5):
                self._gather(notification.payload)
            # Silence: is the line dead (a half-open connection) or just quiet?
            await asyncio.wait_for(listener.execute("SELECT 1"), 4)

    def _gather(self, payload):
        try:
            noun, pk, doctors = json.loads(payload)
            self.pending.add(Change(str(noun), int(pk), tuple(sorted({int(d) for d in doctors}))))
        except (ValueError, TypeError):
            logger.warning("live: a notice that no trigger of ours sent: %.80s", payload)
            return
        if self.flushing is None:
            self.flushing = self.loop.create_task(self._flush())

    async def _flush(self):
        try:
            await asyncio.sleep(GATHER)
        finally:
            self.flushing = None
        changes, self.pending = self.pending, set()
        try:
            if any(c.noun == "user" for c in changes):
                await self._recheck()  # deactivated, another role, another password: at once
            topics = list(self.streams)
            rendered = await self.loop.run_in_executor(self.worker, _render, sorted(changes), topics)
        except Exception:
            logger.exception("live: could not pass on what changed")
            self.push(event("resync"))
            return
        for topic, message in rendered.items():
            self.push(message, topic)

    # --- staying allowed to listen

    async def _beat(self):
        while True:
            await asyncio.sleep(settings.LIVE_BEAT)
            try:
                await self._recheck()
            except Exception:
                logger.exception("live: could not ask who may stay")
            self.push(event("beat", str(int(time.time()))))

    async def _recheck(self):
        streams = self.all()
        asked = {s.may_stay for s in streams}
        if asked:
            stay = await self.loop.run_in_executor(self.worker, _ask, asked)
            for stream in streams:
                if stream.may_stay not in stay:
                    stream.end(event("ended"))


def _render(changes, topics):
    """``{topic: message}`` for every topic that shows any of the changes. Runs in the hub's thread."""
    messages = {}
    for topic in topics:
        with translation.override(topic.language):
            try:
                html = RENDERERS[topic.channel](changes, topic.key)
            except Resync:
                messages[topic] = event("resync")
                continue
            except Exception:
                logger.exception("live: could not render %s", topic)
                connection.close()
                messages[topic] = event("resync")
                continue
        if html:
            messages[topic] = event("", html)
    close_old_connections()
    return messages


def _ask(asked):
    """Those ``(function, argument)`` whose function says yes; each function is called once, with all its arguments."""
    stay = set()
    try:
        for function in {f for f, _argument in asked}:
            answered = function([a for f, a in asked if f is function])
            stay |= {(function, a) for a in answered}
    finally:
        close_old_connections()
    return stay


_hub = Hub()


def hub():
    """This process's hub."""
    return _hub


# --- the ASGI side


class _Pages(BaseHandler):
    """Django's whole middleware and view, called for its answer."""


_pages = None


def _answer(scope):
    """What the view says to this request. Its database connection is given back before anything streams."""
    global _pages
    if _pages is None:
        pages = _Pages()
        pages.load_middleware()
        _pages = pages  # only now: four threads may be here, and none may use it half-made
    set_script_prefix(scope.get("root_path") or "/")
    signals.request_started.send(sender=_Pages, scope=scope)
    request = ASGIRequest(scope, io.BytesIO())
    response = _pages.get_response(request)
    response.close()
    return response


async def serve(scope, receive, send):
    """ASGI application of everything under /live/."""
    hub = _hub
    response = await asyncio.get_running_loop().run_in_executor(hub.doormen, _answer, scope)
    streams = isinstance(response, StreamResponse) and scope["method"] == "GET"
    headers = [
        (k.lower().encode(), v.encode("latin-1"))
        for k, v in response.items()
        if not (streams and k.lower() == "content-length")  # Django counted the greeting alone
    ]
    headers += [(b"set-cookie", c.OutputString().encode()) for c in response.cookies.values()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    if not streams:
        await send({"type": "http.response.body", "body": response.content})
        return
    stream = hub.open(response.topic, response.may_stay)
    leaving = asyncio.ensure_future(_left(receive, stream))
    try:
        await send({"type": "http.response.body", "body": response.content, "more_body": True})
        while True:
            message = await stream.queue.get()
            async with asyncio.timeout(PATIENCE):
                await send({"type": "http.response.body", "body": message, "more_body": not stream.ended})
            if stream.ended:
                return
    except (OSError, TimeoutError):
        pass  # the reader went while we wrote, or hangs
    finally:
        leaving.cancel()
        hub.leave(stream)


async def _left(receive, stream):
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
        stream.end()


# --- who may stay


def sessions_that_stay(keys):
    """Of these ``(session key, user id, role)``, the ones whose session is still theirs and has not run out."""
    from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.models import Session
    from django.utils import timezone
    from django.utils.crypto import constant_time_compare

    from hms.middleware import expires_at
    from hms.models import User

    sessions = Session.objects.filter(pk__in=[k for k, _u, _r in keys], expire_date__gt=timezone.now()).in_bulk()
    users = User.objects.in_bulk({u for _k, u, _r in keys})
    stay = []
    for key, user_id, role in keys:
        session, user = sessions.get(key), users.get(user_id)
        if session is None or user is None or not user.is_active or user.role != role:
            continue
        data = session.get_decoded()
        if (
            data.get(SESSION_KEY) == str(user_id)
            and constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
            and time.time() < expires_at(data, user)
        ):
            stay.append((key, user_id, role))
    return stay


def stream(request, channel, key):
    """The answer of a stream's view to somebody whom hms.access let in."""
    guard = (request.session.session_key, request.user.pk, request.user.role)
    return StreamResponse(channel, key, (sessions_that_stay, guard))
