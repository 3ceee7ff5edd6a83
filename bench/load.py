"""The load generator, a process of its own: raw sockets that stay open, one thread for each client, no think time.

Reads a job a line (JSON) and answers with a line. A job: ``port``; ``requests``, texts of ``bench.server.request``;
``clients``, who start at one moment; ``count`` requests in all, taken in turn; ``warm`` requests of each client before
the clock runs; ``sql`` to run on ``database`` before each request, outside of the clock; ``expect``: the status;
``beside``: a request to send and time before each of the others, so that both see the same machine.
"""

import json
import re
import socket
import sys
import threading
import time

import psycopg

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection:
    """One kept connection. ``ask`` sends bytes and reads the whole answer."""

    def __init__(self, port):
        self.port = port
        self.socket = None
        self.open()

    def open(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, message):
        """``(status, seconds, body)``."""
        began = time.perf_counter()
        try:
            self.socket.sendall(message)
            head, body = self._read()
        except (ConnectionError, EOFError):  # kept for too long: once more, and that counts
            self.open()
            self.socket.sendall(message)
            head, body = self._read()
        seconds = time.perf_counter() - began
        if b"connection: close" in head.lower():
            self.open()
        return int(head[9:12]), seconds, body

    def _read(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, body = data[:end], data[end + 4 :]
        if found := LENGTH.search(head):
            length = int(found[1])
            parts, size = [body], len(body)
            while size < length:
                parts.append(self._more())
                size += len(parts[-1])
            return head, b"".join(parts)
        if b"chunked" in head.lower():
            while not body.endswith(b"0\r\n\r\n"):
                body += self._more()
        return head, body

    def _more(self):
        data = self.socket.recv(262_144)
        if not data:
            raise EOFError
        return data


def run(job):
    """Do a job; returns latencies in ms, how often each status came, the seconds all took and the mean size."""
    messages = [text.encode() for text in job["requests"]]
    clients, count = job["clients"], job["count"]
    turn = iter(range(count))
    lock, start = threading.Lock(), threading.Barrier(clients + 1)
    latencies, beside, statuses, sizes, errors = [], [], {}, [], []

    def client(number):
        try:
            connection = Connection(job["port"])
            database = psycopg.connect(job["database"], autocommit=True) if job.get("sql") else None
            for i in range(job.get("warm", 0)):
                connection.ask(messages[(number + i) % len(messages)])
        except Exception as e:
            errors.append(f"{e!r}")
            start.abort()
            return
        start.wait()
        while (n := next_turn()) is not None:
            if database is not None:
                with lock:
                    database.execute(job["sql"])
            try:
                if job.get("beside"):
                    beside.append(round(connection.ask(job["beside"].encode())[1] * 1000, 3))
                status, seconds, body = connection.ask(messages[n % len(messages)])
            except Exception as e:
                errors.append(f"{e!r}")
                return
            with lock:
                latencies.append(round(seconds * 1000, 3))
                statuses[status] = statuses.get(status, 0) + 1
                sizes.append(len(body))
                if status != job.get("expect", status):
                    errors.append(f"{status}: {body[-300:].decode(errors='replace')}")

    def next_turn():
        with lock:
            return next(turn, None)

    threads = [threading.Thread(target=client, args=(n,), daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        start.wait()
    except threading.BrokenBarrierError:
        return {"errors": errors}
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return {
        "latencies": latencies,
        "beside": beside,
        "statuses": statuses,
        "seconds": round(time.perf_counter() - began, 3),
        "bytes": sum(sizes) // max(len(sizes), 1),
        "errors": errors[:5],
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
