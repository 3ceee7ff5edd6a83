"""The table, and ``bench/results/latest.json``."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench.data import A_DAY
from bench.measure import percentile
from bench.server import RESULTS

LATEST = RESULTS / "latest.json"
HEAD = ("work", "c", "p50 ms", "p95 ms", "× E", "of runs", "× S", "queries", "goal", "")


def show(bench):
    """Print the table of each hospital and of what is no ratio, and write it all down."""
    machine = _machine(bench)
    found = {"machine": machine, "quick": bench.quick, "rows": []}
    print()
    for name, value in machine.items():
        print(f"{name:<12} {value}")
    for side in bench.sides:
        size = side.hospital.size
        rows = [row for one in bench.works[side] for row in _rows(one)]
        facts = _facts(bench, side)
        print(f"\n{size.patients:,} patients, {size.appointments:,} appointments, {A_DAY} today")
        _table([HEAD, *(r["line"] for r in rows)])
        print()
        _table([("fact", "measured", "goal", ""), *(f["line"] for f in facts)])
        found["rows"] += [{"hospital": size.name} | {k: v for k, v in r.items() if k != "line"} for r in rows + facts]
    if len(bench.sides) > 1:
        growth = _growth(bench)
        print(f"\n{bench.sides[1].hospital.size.name} against {bench.sides[0].hospital.size.name}, p50 at c=1")
        _table([("work", "ratio", "goal", ""), *(g["line"] for g in growth)])
        found["rows"] += [{k: v for k, v in g.items() if k != "line"} for g in growth]
    missed = [r for r in found["rows"] if r.get("met") is False]
    print(f"\n{len(missed)} goals missed." if missed else "\nEvery goal is met.")
    print("E: an empty signed-in page of the same server, before each request (c=1) or row (c=8). S: the bare SQL.")
    print("Medians of the runs, and the lowest and highest × E of a run. c: clients without think time.")
    LATEST.write_text(json.dumps(found, indent=1, ensure_ascii=False, default=str))
    print(f"Written to {LATEST}.")


def _verdict(met):
    return "" if met is None else "met" if met else "MISSED"


def _rows(one):
    """A row for each number of clients."""
    for clients, runs in one.results.items():
        p50, p95 = median(r["p50"] for r in runs), median(r["p95"] for r in runs)
        ratios = [r["ratio"] for r in runs]
        ratio = median(ratios)
        met = ratio <= one.goal if one.goal else None
        bare = getattr(one, "bare_ms", None) if clients == 1 else None
        queries = getattr(one, "queries", "") if clients == min(one.results) else ""
        yield {
            "work": one.name, "clients": clients, "p50": p50, "p95": p95, "runs": runs, "ratio": ratio,
            "bare": bare, "queries": queries, "goal": one.goal, "met": met,
            "line": (
                one.name, clients, f"{p50:.1f}", f"{p95:.1f}", f"{ratio:.1f}", f"{min(ratios):.1f}–{max(ratios):.1f}",
                f"{p50 / bare:.1f}" if bare else "", queries, f"≤ {one.goal:g} E" if one.goal else "", _verdict(met),
            ),
        }  # fmt: skip


def _fact(name, measured, goal="", met=None, **numbers):
    return {"work": name, "goal": goal, "met": met, **numbers, "line": (name, measured, goal, _verdict(met))}


def _facts(bench, side):
    facts = []
    if side is bench.sides[0]:
        for clients in (1, 8):
            ours, django = (
                [median(r[i] for r in bench.facts[name, clients]) for i in (0, 1)] for name in ("ours", "django")
            )
            times = ours[1] / django[1]
            facts.append(
                _fact(
                    f"empty page, c={clients}: our entry, Django's ASGI handler",
                    f"{ours[0]:.1f}, {django[0]:.1f} ms; {ours[1]:.0f}, {django[1]:.0f} a second, × {times:.1f}",
                    ours=ours,
                    django=django,
                )
            )
    rounds = bench.facts[side, "race"]
    won = [r["statuses"].get("200", r["statuses"].get(200, 0)) for r in rounds]
    told = [r["statuses"].get("409", r["statuses"].get(409, 0)) for r in rounds]
    slowest = max(r["slowest"] for r in rounds)
    met = all(w == 1 for w in won) and all(t == 39 for t in told) and slowest <= 1500
    facts.append(
        _fact(
            "40 clients on one slot",
            f"{'/'.join(map(str, won))} won, {'/'.join(map(str, told))} told in ≤ {slowest:.0f} ms",
            "1 wins, all told in ≤ 1,500 ms",
            met,
            rounds=rounds,
        )
    )
    for number, limit in ((50, 300), (200, 500)):
        taken = bench.facts[side, number]
        facts.append(_seen(f"a change on {number} screens", taken, f"p95 ≤ {limit} ms", limit))
    streams = bench.facts[side, "streams"]
    grown = (streams["with"] - streams["before"]) * 1000 / streams["number"]
    facts.append(_seen(f"a change on {streams['number']:,} screens", streams["changes"]))
    memory = bench.facts[side, "memory"]
    facts.append(_fact("memory after all pages", f"{memory:.0f} MB", "≤ 150 MB", memory <= 150, mb=memory))
    facts.append(
        _fact(
            f"memory with {streams['number']:,} streams",
            f"{streams['with']:.0f} MB, {grown:.0f} kB a stream, opened in {streams['open']:.1f} s",
            "≤ 150 MB",
            streams["with"] <= 150,
            mb=streams["with"],
            kb_each=grown,
        )
    )
    if side is bench.sides[0]:
        start = bench.facts["start"]
        facts.append(_fact("start-up to the first board", f"{start:.1f} s", "≤ 8 s", start <= 8, seconds=start))
    return facts


def _seen(name, taken, goal="", limit=None):
    seen = [t for t in taken if t is not None]
    missed = len(taken) - len(seen)
    p50, p95 = (median(seen), percentile(seen, 0.95)) if seen else (0, 0)
    measured = f"p50 {p50:.0f}, p95 {p95:.0f}, slowest {max(seen, default=0):.0f} ms; {missed} of {len(taken)} missed"
    met = None if limit is None else not missed and p95 <= limit
    return _fact(name, measured, goal, met, p50=p50, p95=p95, missed=missed, of=len(taken))


def _growth(bench):
    """Ten times the table: how much slower."""
    small, large = ({one.name: one for one in bench.works[side]} for side in bench.sides[:2])
    for name, one in small.items():
        ratio = median(r["ratio"] for r in large[name].results[1]) / median(r["ratio"] for r in one.results[1])
        goal = 1.5 if name.startswith("search") else 1.2 if name.startswith("day") else None
        met = None if goal is None else ratio <= goal
        line = (name, f"{ratio:.2f}", f"≤ {goal} ×" if goal else "", _verdict(met))
        yield {"work": f"{name}: ten times the table", "ratio": ratio, "goal": goal, "met": met, "line": line}


def _table(lines):
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(lines[0]))]
    for n, line in enumerate(lines):
        cells = [
            f"{cell:>{w}}" if i and cell[:1].isdigit() else f"{cell:<{w}}"
            for i, (cell, w) in enumerate(zip(map(str, line), widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if n == 0:
            print("  ".join("─" * w for w in widths))


def _machine(bench):
    (postgresql,) = bench.sides[0].hospital.one("SHOW server_version")
    packages = ", ".join(f"{name} {version(name)}" for name in ("django", "uvicorn", "a2wsgi", "psycopg"))
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "load": f"{os.getloadavg()[0]:.1f} at the end",
        "system": platform.platform(),
        "Python": f"{platform.python_version()}, {packages}",
        "PostgreSQL": postgresql.split()[0],
        "server": "one process over 127.0.0.1; the load comes from a process beside it, by raw sockets",
    }


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())
