"""The hop in front of ten thousand and of a million rows of history: what a grown database costs."""

from __future__ import annotations

import statistics

from tests.bench.hop import OURS, Stage, environ, unmarked
from tests.bench.parts import Servers, postgres, running, servers
from tests.bench.report import Report

ROUNDS, EVENTS = 5, 16_000
SMALL, LARGE = 10_000, 1_000_000

#: Ids as their publishers make them: they grow with time (UUIDv7).
AN_ID = """
(select substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(r, 1, 3) || '-8' || substr(r, 4, 3) || '-'
   || substr(r, 7, 12)
 from (select lpad(to_hex((extract(epoch from now()) * 1000)::bigint - {rows} + n), 12, '0') as h,
              md5(n::text || random()::text) as r) as made)
"""


def run(report: Report) -> None:
    """Two databases with their history are made once; each round works on a fresh copy of one."""
    sizes = {SMALL: "small", LARGE // 10 if report.quick else LARGE: "large"}
    rates: dict[str, list[float]] = {name: [] for name in sizes.values()}
    with servers() as parts:
        kept = {}
        for rows, name in sizes.items():
            report.say(f"growth: writing {rows:,} rows of history")
            kept[name] = _with_history(parts, rows)
        for turn in range(report.rounds_of(ROUNDS)):
            for name, url in kept.items():
                rates[name].append(_round(parts, url, f"g{turn}{name}-", report.few(EVENTS)))
                report.say(f"growth {turn + 1}: {name:<5} {rates[name][-1]:7,.0f} events/s")
    report.rounds |= {f"growth_{name}_history_per_s": values for name, values in rates.items()}
    report.figures |= {
        "growth_small_history_per_s": statistics.median(rates["small"]),
        "growth_large_history_per_s": statistics.median(rates["large"]),
        "growth_loss": 1
        - statistics.median(large / small for small, large in zip(rates["small"], rates["large"], strict=True)),
    }


def _with_history(parts: Servers, rows: int) -> str:
    """A database with so many handled events, published answers and balls."""
    url = parts.database()
    with running(OURS.command, environ(parts, url, parts.folder / f"h{rows}")):
        stage = Stage(parts, OURS)
        stage.warm_up("h")
        stage.clear()
    connection = postgres(url)
    with connection.cursor() as cursor:
        # One real row of each table is the pattern, so that a new column needs no change here.
        for table, changes in (
            ("inbox", {"event_id": AN_ID.format(rows=rows)}),
            ("outbox", {"id": AN_ID.format(rows=rows), "published_at": "now()", "position": None}),
            ("ball", {"id": "'h' || n"}),
        ):
            cursor.execute("select column_name from information_schema.columns where table_name = %s", (table,))
            columns = [name for (name,) in cursor.fetchall()]
            values = {name: changes.get(name, f"one.{name}") for name in columns}
            names = [name for name in columns if values[name] is not None]
            cursor.execute(
                f"insert into {table} ({', '.join(names)}) select {', '.join(str(values[name]) for name in names)} "
                f"from (select * from {table} limit 1) as one, generate_series(1, {rows}) as n"
            )
        cursor.execute("vacuum analyze")
    connection.close()
    return url


def _round(parts: Servers, history: str, prefix: str, events: int) -> float:
    url = parts.database(like=history)
    folder = parts.folder / prefix
    with running(OURS.command, environ(parts, url, folder)) as worker:
        stage = Stage(parts, OURS)
        stage.warm_up(prefix)
        rate = stage.race(worker, events, prefix, lambda: unmarked(url, folder) == 0)
        stage.clear()
    parts.drop(url)
    return rate
