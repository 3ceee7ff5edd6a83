"""Runs the measurements: each row beside an empty page of the same server, in turn, three times."""

import time
from statistics import median

from bench import billing, clinic, portal, work
from bench.data import MARK, day_text
from bench.server import Helper, Server, request

E_REQUESTS = {1: 120, 8: 400}


def percentile(values, share):
    values = sorted(values)
    return values[min(int(len(values) * share), len(values) - 1)]


class Side:
    """One hospital with its server."""

    def __init__(self, hospital):
        self.hospital = hospital
        self.server = Server(hospital.url)
        self.cold = Server(hospital.url, "bench.cold_asgi:application")
        (self.cookie,) = hospital.sign_in()
        (self.doctor,) = hospital.sign_in(email=clinic.DOCTOR)
        (self.patient,) = hospital.sign_in(email=portal.patient(hospital))

    def cookie_for(self, path):
        """Of the one who opens such pages."""
        return {"clinic": self.doctor, "portal": self.patient}.get(path.split("/")[1], self.cookie)


class Bench:
    """The whole run. Afterwards ``works`` hold the results and ``facts`` what is no ratio."""

    def __init__(self, hospitals, quick):
        self.quick = quick
        self.runs = 1 if quick else 3
        self.sides = [Side(hospital) for hospital in hospitals]
        self.facts, self.works, self.ratios = {}, {}, []
        self.load = Helper("bench.load")
        self.django = Server(hospitals[0].url, "bench.django_asgi:application")

    def run(self):
        self._start_up()
        self.django.start()
        for side in self.sides:
            side.cold.start()
            self._prepare(side)
        for n in range(self.runs):
            self._say(f"run {n + 1} of {self.runs}")
            self._entries()
            for i in range(len(self.works[self.sides[0]])):
                for side in self.sides:
                    self._measure(side, self.works[side][i])
        self._bare()
        self._queries()
        for side in self.sides:
            self._say(f"one slot, screens and memory, {side.hospital.size.name}")
            self._race(side)
            self.facts[side, "memory"] = side.server.memory()
            self._screens(side)

    def close(self):
        self.load.close()
        for server in [self.django, *(s for side in self.sides for s in (side.server, side.cold))]:
            if hasattr(server, "process"):
                server.stop()
        for side in self.sides:
            side.hospital.take_back()

    def _say(self, text):
        print(f"  … {text}", flush=True)

    # --- pages

    def _start_up(self):
        """Seconds from nothing to the first signed-in board, with the database already there."""
        side = self.sides[0]
        times = []
        for n in range(self.runs):
            times.append(side.server.start("/desk/", side.cookie))
            if n < self.runs - 1:
                side.server.stop()
        self.facts["start"] = median(times)
        for other in self.sides[1:]:
            other.server.start("/desk/", other.cookie)

    def _prepare(self, side):
        hospital, cookie = side.hospital, side.cookie
        book = work.booking(*hospital.slots(0, 0)[:1], [], cookie, self.quick)
        needed = sum(book.counts.values()) * self.runs
        day, slots = hospital.slots(needed + self.runs + 1, needed + 40)
        side.day, side.contested = day, slots[needed:]
        book = work.booking(day, slots[:needed], cookie, self.quick)
        empty = work.Work("empty page", [request("GET", work.EMPTY, cookie)], E_REQUESTS, path=work.EMPTY)
        side.empty = empty
        self.works[side] = [
            empty,
            *work.searches(hospital, cookie, self.quick),
            *work.boards(hospital, cookie, self.quick),
            *clinic.works(hospital, side.doctor, self.quick, self.runs),
            *portal.works(hospital, side.patient, self.quick),
            *billing.works(hospital, cookie, self.quick, self.runs),
            book,
        ]
        # Everything once, so that templates are read and statements planned.
        for one in self.works[side]:
            if not one.once:
                self._ask(side.cold if one.cold else side.server, one.requests, 1, len(one.requests) * 2)

    def _entries(self):
        """The empty page on our entry and on Django's own, one after the other."""
        side = self.sides[0]
        for clients in (1, 8):
            for name, server in (("ours", side.server), ("django", self.django)):
                count = E_REQUESTS[clients] * (1 if self.quick else 2)
                answer = self._ask(server, side.empty.requests, clients, count, warm=10)
                self.facts.setdefault((name, clients), []).append(
                    (median(answer["latencies"]), count / answer["seconds"])
                )

    def _measure(self, side, one):
        """One client sends an empty page before each request; several would only wait for each other's."""
        server, (empty,) = side.cold if one.cold else side.server, side.empty.requests
        for clients, count in one.counts.items():
            requests = one.requests
            if one.once:
                requests, one.requests = requests[:count], requests[count:]
            job = {"warm": one.warm, "expect": one.expect, "sql": one.before, "database": side.hospital.url}
            if clients == 1:
                answer = self._ask(server, requests, clients, count, beside=empty, **job)
                beside = answer["beside"]
            else:
                beside = self._ask(server, [empty], clients, E_REQUESTS[clients], warm=5)["latencies"]
                answer = self._ask(server, requests, clients, count, **job)
            p50, e = median(answer["latencies"]), median(beside)
            one.results.setdefault(clients, []).append(
                {
                    "p50": p50,
                    "p95": percentile(answer["latencies"], 0.95),
                    "e": e,
                    "ratio": p50 / e,
                    "bytes": answer["bytes"],
                    "rate": count / answer["seconds"],
                }
            )

    def _ask(self, server, requests, clients, count, **job):
        job |= {"port": server.port, "requests": requests, "clients": clients, "count": count}
        answer = self.load.ask(job)
        if answer["errors"]:
            raise SystemExit(f"The server refused what was measured: {answer['errors'][0]}")
        return answer

    def _bare(self):
        """The bare SQL of the same questions, by psycopg on a connection of its own."""
        for side in self.sides:
            for one in self.works[side]:
                if one.bare:
                    one.bare_ms = median(self._sql(side, *one.bare) for _ in range(10 if self.quick else 30))
        for side in self.sides:
            slots = side.hospital.slots(20, 20)[1]
            times = [self._sql(side, work.INSERT, [patient, *slot, MARK]) for *slot, patient in slots]
            self.works[side][-1].bare_ms = median(times)

    def _sql(self, side, sql, params):
        began = time.perf_counter()
        cursor = side.hospital.db.execute(sql, params)
        if cursor.description:
            cursor.fetchall()
        return (time.perf_counter() - began) * 1000

    def _queries(self):
        """How many queries a page takes, counted in this process on the same rows."""
        from django.conf import settings
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext

        side = self.sides[0]
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
        client = Client()
        for one in self.works[side]:
            if one.path:
                name, _is, key = side.cookie_for(one.path).partition("=")
                client.cookies[name] = key
                client.get(one.path)  # what is kept for seconds is kept now
                with CaptureQueriesContext(
                    connection,
                ) as seen:
                    client.get(one.path)
                one.queries = len(seen)
        connection.close()

    # --- what is no page

    def _race(self, side):
        """40 clients want one time for 40 patients, three times over."""
        rounds = []
        for doctor, start, _patient in side.contested[: self.runs]:
            patients = side.hospital.slots(40, 40)[1]
            requests = [work.book_request(side.day, (doctor, start, p), side.cookie) for _d, _s, p in patients]
            answer = self.load.ask(
                {"port": side.server.port, "requests": requests, "clients": 40, "count": 40, "warm": 0}
            )
            rounds.append({"statuses": answer["statuses"], "slowest": max(answer["latencies"])})
        self.facts[side, "race"] = rounds

    def _screens(self, side):
        """A change on 50 and 200 screens, and what a thousand of them weigh."""
        path, server = f"/live/desk/{day_text(side.hospital.today)}/", side.server
        for number, changes in [(50, 10 if self.quick else 60), (200, 5 if self.quick else 30)]:
            helper, _opened = self._open(side, path, number)
            self.facts[side, number] = helper.ask(changes)
            helper.close()
            time.sleep(1)
        number = 200 if self.quick else 1000
        before = server.memory()
        helper, opened = self._open(side, path, number)
        time.sleep(1)
        self.facts[side, "streams"] = {"number": number, "open": opened, "before": before, "with": server.memory()}
        self.facts[side, "streams"]["changes"] = helper.ask(3)
        helper.close()

    def _open(self, side, path, number):
        helper = Helper("bench.screens")
        answer = helper.ask(
            {
                "port": side.server.port,
                "path": path,
                "cookies": side.hospital.sign_in(number),
                "database": side.hospital.url,
                "appointments": side.hospital.todays(),
            }
        )
        return helper, answer["open"]
