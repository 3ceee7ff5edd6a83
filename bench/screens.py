"""Open screens, in a process of its own: streams held by asyncio, and how long a change takes to reach each.

The first line on stdin is the job (JSON): ``port``, ``path``, ``cookies`` (one for each screen), ``database``,
``appointments`` (ids to change in turn). It answers
``{"open": seconds}`` when every stream has said hello. Each further line is a number of changes, answered with the
milliseconds that every change took to every screen. The end of stdin closes the screens.
"""

import asyncio
import json
import sys
import time

import psycopg

TOGETHER = 50  # streams being opened at a time
PATIENCE = 5  # seconds after which a change counts as missed
APART = 0.1  # seconds between two changes, beside the time that they take


class Screen(asyncio.Protocol):
    """One stream: keeps what came since the last change, and when the awaited text was in it."""

    awaited = b""

    def __init__(self, request, hello):
        self.request, self.hello = request, hello
        self.came, self.at = bytearray(), 0.0
        self.seen = None

    def connection_made(self, transport):
        transport.write(self.request)

    def data_received(self, data):
        self.at = time.perf_counter()
        self.came += data
        if not self.hello.done() and b"event: hello" in self.came:
            self.hello.set_result(True)
        self.look()

    def look(self):
        if self.awaited and self.seen is not None and not self.seen.done() and self.awaited in self.came:
            self.seen.set_result(self.at)

    def connection_lost(self, error):
        if not self.hello.done():
            self.hello.set_exception(ConnectionError(f"no stream: {bytes(self.came[:200])!r}"))


async def open_all(job):
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(TOGETHER)

    async def one(cookie):
        head = f"GET {job['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n"
        async with gate:
            hello = loop.create_future()
            transport, screen = await loop.create_connection(
                lambda: Screen(head.encode(), hello), "127.0.0.1", job["port"]
            )
            await asyncio.wait_for(hello, 30)
        return transport, screen

    return await asyncio.gather(*(one(cookie) for cookie in job["cookies"]))


async def change(connection, screens, appointment, n):
    """Change an appointment of the day; returns the milliseconds until each screen had it, None where it was missed."""
    loop = asyncio.get_running_loop()
    for screen in screens:
        screen.came.clear()
        screen.awaited, screen.seen = b"", loop.create_future()
    began = time.perf_counter()
    row = await connection.execute(CHANGE, [f"change {n} at {began}", appointment])
    (updated,) = await row.fetchone()
    # The card carries its row's version.
    awaited = f'data-version="{int(updated.timestamp() * 1_000_000)}"'.encode()
    for screen in screens:
        screen.awaited = awaited
        screen.look()
    await asyncio.wait([s.seen for s in screens], timeout=PATIENCE)
    return [round((s.seen.result() - began) * 1000, 2) if s.seen.done() else None for s in screens]


CHANGE = "UPDATE hms_appointment SET notes = %s WHERE id = %s RETURNING updated_at"


async def main():
    loop = asyncio.get_running_loop()
    job = json.loads(sys.stdin.readline())
    began = time.perf_counter()
    held = await open_all(job)
    print(json.dumps({"open": round(time.perf_counter() - began, 2)}), flush=True)
    connection = await psycopg.AsyncConnection.connect(job["database"], autocommit=True)
    await asyncio.sleep(0.5)  # until the server listens
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        taken = []
        for n in range(int(line)):
            appointment = job["appointments"][n % len(job["appointments"])]
            taken += await change(connection, [screen for _t, screen in held], appointment, n)
            await asyncio.sleep(APART)
        print(json.dumps(taken), flush=True)
    await connection.close()
    for transport, _screen in held:
        transport.abort()


if __name__ == "__main__":
    asyncio.run(main())
