"""The hub: gathering, rendering once, queues with an end. Over HTTP: e2e/test_streams.py."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from hms import live
from hms.live import Hub, Resync, Stream, StreamResponse, Topic, event

DESK = Topic("test", "2026-11-22", "en")
OTHER_DAY = Topic("test", "2026-11-23", "en")
RESYNC = event("resync")


def everybody(arguments):
    return arguments


def nobody(arguments):
    return []


class Renderer:
    """Counts what it is asked, and answers as told."""

    def __init__(self, answer="<hx-partial>new</hx-partial>"):
        self.answer = answer
        self.asked = []

    def __call__(self, changes, key):
        self.asked.append((changes, key))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def renderer(monkeypatch):
    found = Renderer()
    monkeypatch.setitem(live.RENDERERS, "test", found)
    return found


def in_hub(scenario):
    """Run ``await scenario(hub)`` in an event loop of its own, with a hub that hears only what the test says."""

    async def run():
        hub = Hub()
        hub.loop = asyncio.get_running_loop()
        hub.listening = True
        try:
            return await scenario(hub)
        finally:
            hub.close()

    # In a thread of its own: Playwright leaves an event loop running in the main one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def notice(noun="appointment", pk=1, doctors=(7,)):
    return json.dumps([noun, pk, list(doctors)])


def waiting(stream):
    """What a stream has still to send."""
    return [stream.queue.get_nowait() for _ in range(stream.queue.qsize())]


async def gathered():
    await asyncio.sleep(live.GATHER * 3)


# --- what a stream says


def test_an_event_of_several_lines_keeps_them():
    assert event("beat", "12") == b"event: beat\ndata: 12\n\n"
    assert event("", "<p>\n</p>") == b"data: <p>\ndata: </p>\n\n"


def test_a_name_in_a_fragment_cannot_end_the_event_early():
    sent = event("", "Smith\n\nevent: ended\r\rid: 1\r\n").decode()
    assert all(line.startswith("data: ") for line in sent.rstrip("\n").splitlines())


# --- hearing


def test_changes_that_come_together_are_rendered_once(renderer):
    async def scenario(hub):
        streams = [hub.open(DESK, (everybody, i)) for i in range(50)]
        for pk in (1, 2, 2, 3):
            hub._gather(notice(pk=pk))
        await gathered()
        return [waiting(s) for s in streams]

    sent = in_hub(scenario)
    assert len(renderer.asked) == 1
    assert [c.pk for c in renderer.asked[0][0]] == [1, 2, 3]
    assert sent == [[event("", renderer.answer)]] * 50


def test_each_topic_is_rendered_for_itself(renderer):
    async def scenario(hub):
        for topic in (DESK, DESK, OTHER_DAY):
            hub.open(topic, (everybody, 0))
        hub._gather(notice())
        await gathered()

    in_hub(scenario)
    assert sorted(key for _changes, key in renderer.asked) == ["2026-11-22", "2026-11-23"]


def test_what_a_topic_does_not_show_is_not_sent(renderer):
    renderer.answer = ""

    async def scenario(hub):
        stream = hub.open(DESK, (everybody, 0))
        hub._gather(notice())
        await gathered()
        return waiting(stream)

    assert in_hub(scenario) == []


@pytest.mark.parametrize("answer", [Resync(), ValueError("broken on purpose")])
def test_a_renderer_that_cannot_say_what_changed_makes_the_screens_start_over(renderer, answer):
    renderer.answer = answer

    async def scenario(hub):
        stream = hub.open(DESK, (everybody, 0))
        hub._gather(notice())
        await gathered()
        renderer.answer = "<p>"
        hub._gather(notice())
        await gathered()
        return waiting(stream)

    assert in_hub(scenario) == [RESYNC, event("", "<p>")]


@pytest.mark.parametrize("junk", ["", "{}", "[]", "hello", '["appointment"]', '["appointment", null, []]', "[1, 2, 3]"])
def test_a_notice_that_no_trigger_sent_is_passed_over(renderer, junk):
    async def scenario(hub):
        stream = hub.open(DESK, (everybody, 0))
        hub._gather(junk)
        hub._gather(notice(pk=9))
        await gathered()
        return waiting(stream)

    assert in_hub(scenario) == [event("", renderer.answer)]


def test_a_failure_on_the_way_makes_the_screens_start_over(renderer, monkeypatch):
    async def scenario(hub):
        stream = hub.open(DESK, (broken, 0))
        hub._gather(notice("user", 1, []))
        await gathered()
        return waiting(stream)

    def broken(arguments):
        raise psycopg.OperationalError("no database")

    assert in_hub(scenario) == [RESYNC]


# --- slow readers


def test_a_slow_reader_starts_over_instead_of_filling_the_memory():
    stream = Stream(DESK, (everybody, 0))
    for i in range(live.QUEUE):
        stream.push(event("", str(i)))
    assert stream.queue.full()
    stream.push(event("", "one more"))
    assert waiting(stream) == [RESYNC]


def test_an_end_overtakes_everything_that_waits():
    stream = Stream(DESK, (everybody, 0))
    for i in range(live.QUEUE):
        stream.push(event("", str(i)))
    stream.end(event("ended"))
    assert stream.ended
    assert waiting(stream) == [event("ended")]


# --- staying


def test_those_who_may_not_stay_are_ended_and_the_others_asked_in_one_call(renderer):
    calls = []

    def some(arguments):
        calls.append(sorted(arguments))
        return [a for a in arguments if a % 2]

    async def scenario(hub):
        streams = [hub.open(DESK, (some, i)) for i in range(4)]
        gone = hub.open(OTHER_DAY, (nobody, 0))
        await hub._recheck()
        return [s.ended for s in streams], gone.ended, waiting(gone)

    assert in_hub(scenario) == ([True, False, True, False], True, [event("ended")])
    assert calls == [[0, 1, 2, 3]]


def test_a_changed_user_is_asked_about_at_once(renderer):
    async def scenario(hub):
        stream = hub.open(DESK, (nobody, 0))
        hub._gather(notice("user", 5, []))
        await gathered()
        return waiting(stream)

    assert event("ended") in in_hub(scenario)


def test_a_stream_that_left_is_forgotten(renderer):
    async def scenario(hub):
        stream = hub.open(DESK, (everybody, 0))
        hub.leave(stream)
        hub.leave(stream)
        hub._gather(notice())
        await gathered()
        return hub.streams

    assert in_hub(scenario) == {}
    assert renderer.asked == []


def test_closing_ends_every_stream(renderer):
    async def scenario(hub):
        streams = [hub.open(topic, (everybody, 0)) for topic in (DESK, OTHER_DAY)]
        hub.close()
        return [waiting(s) for s in streams]

    assert in_hub(scenario) == [[event("restart")]] * 2


# --- the connection that hears


def test_while_nobody_hears_the_screens_are_told(monkeypatch):
    """The first connection fails, the second hears one notice and breaks off, the third hears."""
    tries = []

    class Listener:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_error):
            return False

        async def execute(self, sql):
            pass

        async def notifies(self, timeout):
            if len(tries) == 2:
                raise psycopg.OperationalError("cut off")
            await asyncio.sleep(60)
            yield None

    async def connect(*args, **kwargs):
        tries.append(args)
        if len(tries) == 1:
            raise OSError("nobody there")
        return Listener()

    monkeypatch.setattr(live.psycopg.AsyncConnection, "connect", connect)

    async def scenario(hub):
        hub.loop, hub.listening = None, False
        stream = hub.open(DESK, (everybody, 0))
        await asyncio.sleep(0.5)
        return waiting(stream)

    assert in_hub(scenario) == [event("deaf"), RESYNC, event("deaf"), RESYNC]


def test_whatever_goes_wrong_the_hub_listens_again(monkeypatch):
    tries = []

    async def connect(*args, **kwargs):
        tries.append(args)
        raise RuntimeError("a bug")

    monkeypatch.setattr(live.psycopg.AsyncConnection, "connect", connect)

    async def scenario(hub):
        hub.loop, hub.listening = None, False
        hub.open(DESK, (everybody, 0))
        await asyncio.sleep(0.5)

    in_hub(scenario)
    assert len(tries) >= 2


# --- the ASGI side


class Reader:
    """An ASGI connection: what was sent to it, and when it goes away."""

    def __init__(self, stalls=False):
        self.sent, self.gone, self.stalls = [], asyncio.Event(), stalls

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.stalls and len(self.sent) >= 2:
            await asyncio.sleep(60)
        self.sent.append(message)


def serve(scenario, monkeypatch, **reader):
    """``await scenario(hub, reader, task)`` while a stream is served to the reader."""

    async def run(hub):
        monkeypatch.setattr(live, "_hub", hub)
        monkeypatch.setattr(live, "_answer", lambda scope: StreamResponse("test", "2026-11-22", (everybody, 0)))
        connection = Reader(**reader)
        scope = {"type": "http", "method": "GET", "path": "/live/test/"}
        task = asyncio.ensure_future(live.serve(scope, connection.receive, connection.send))
        await gathered()
        await scenario(hub, connection, task)
        await asyncio.wait_for(task, 2)
        return connection.sent, hub.streams

    return in_hub(run)


def test_a_stream_greets_sends_and_goes_with_its_reader(renderer, monkeypatch):
    async def scenario(hub, reader, task):
        hub._gather(notice())
        await gathered()
        reader.gone.set()

    sent, streams = serve(scenario, monkeypatch)
    assert sent[0]["status"] == 200
    assert not [name for name, _value in sent[0]["headers"] if name == b"content-length"]
    assert [m["body"] for m in sent[1:3]] == [event("hello"), event("", renderer.answer)]
    assert streams == {}


def test_a_reader_who_takes_nothing_is_let_go(renderer, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.2)

    async def scenario(hub, reader, task):
        hub._gather(notice())

    sent, streams = serve(scenario, monkeypatch, stalls=True)
    assert len(sent) == 2
    assert streams == {}
