"""Events per second through one durable hop, ours against a ceiling by hand and the peers, in interleaved rounds.

A hop is: consume, inbox row, state row, outbox row, commit, confirmed publish, mark, acknowledge. A round of one
contender: fresh database, its worker starts and warms up on a few events, is frozen while its queue is filled, and is
then let go. The clock stops when the last answer is in the answers queue and the last outbox row is marked.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import amqp

from tests.bench import backlog, lone, pings
from tests.bench.parts import Servers, Worker, cpu_seconds, postgres, running, servers, wait_for
from tests.bench.report import Report

ROUNDS = 5
#: Events before the clock runs.
WARM_UP = 400
TOY = ["-m", "tests.integration.chassis.toy"]


@dataclass(frozen=True)
class Contender:
    """One way to do the hop."""

    name: str
    command: list[str]
    #: Events in a round: about as many as take four seconds.
    events: int
    exchange: str
    key: str
    #: Exchange of its answers; empty when it publishes straight into its answers queue.
    answers: str = ""
    sqlite: bool = False
    message: Callable[[str], amqp.Message] = pings.ping

    @property
    def answers_queue(self) -> str:
        """Where its answers are counted."""
        return f"{self.key}.answers" if not self.answers else f"bench.{self.name}.answers"


def celery_task(ball: str) -> amqp.Message:
    """One event as Celery's protocol 2 carries it: the task's id is the event's."""
    event_id = pings.new_id()
    headers = {
        "lang": "py",
        "task": pings.KEY,
        "id": event_id,
        "root_id": event_id,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "argsrepr": "",
        "kwargsrepr": "",
        "timelimit": [None, None],
    }
    body = [[ball], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    return amqp.Message(
        json.dumps(body).encode(),
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        correlation_id=event_id,
        application_headers=headers,
    )


OURS = Contender("ours", TOY, 16_000, pings.EXCHANGE, pings.KEY, pings.ANSWERS)
SQLITE = Contender("sqlite", TOY, 16_000, pings.EXCHANGE, pings.KEY, pings.ANSWERS, sqlite=True)
CEILING = Contender(
    "ceiling", ["-m", "tests.bench.contenders.ceiling"], 20_000, "", "bench.ceiling", "bench.ceiling.answers"
)
PEERS = (
    Contender("faststream", ["-m", "tests.bench.contenders.with_faststream"], 2_500, "", "bench.faststream"),
    Contender("celery", ["-m", "tests.bench.contenders.with_celery"], 2_500, "", "bench.celery", message=celery_task),
    Contender("nameko", ["-m", "tests.bench.contenders.with_nameko"], 2_500, "", "bench.nameko"),
)


def run(report: Report) -> None:
    """Rates of all, then memory in front of a long queue, then the latency of a lone event."""
    rates(report)
    lone.run(report)
    backlog.run(report)


def rates(report: Report) -> None:
    """Rounds of all contenders, interleaved."""
    found: dict[str, list[float]] = {}
    cost: dict[str, list[float]] = {}
    with servers() as parts:
        for turn in range(report.rounds_of(ROUNDS)):
            for contender in (OURS, CEILING, *PEERS, SQLITE):
                rate, cpu = one_round(parts, contender, f"r{turn}-", report.few(contender.events))
                found.setdefault(contender.name, []).append(rate)
                cost.setdefault(contender.name, []).append(cpu)
                report.say(f"hop {turn + 1}: {contender.name:<10} {rate:7,.0f} events/s")
    medians = {name: statistics.median(values) for name, values in found.items()}
    best = max((peer.name for peer in PEERS), key=lambda name: medians[name])
    report.rounds |= {f"hop_{name}_per_s": values for name, values in found.items()}
    report.figures |= {
        "hop_events_per_s": medians["ours"],
        "hop_ceiling_per_s": medians["ceiling"],
        **{f"hop_{peer.name}_per_s": medians[peer.name] for peer in PEERS},
        "hop_sqlite_events_per_s": medians["sqlite"],
        "ceiling_ratio": _ratio(found["ours"], found["ceiling"]),
        "best_peer_ratio": _ratio(found["ours"], found[best]),
        "hop_worker_cpu_us": statistics.median(cost["ours"]),
        "hop_ceiling_cpu_us": statistics.median(cost["ceiling"]),
    }
    report.note(f"best peer: {best}")


def _ratio(ours: list[float], other: list[float]) -> float:
    """Median of the ratios within each round: what the machine did meanwhile touches both."""
    return statistics.median(a / b for a, b in zip(ours, other, strict=True))


def one_round(parts: Servers, contender: Contender, prefix: str, events: int) -> tuple[float, float]:
    """Events per second of one contender, and processor time of its worker per event (µs)."""
    url = "" if contender.sqlite else parts.database()
    folder = parts.folder / f"{contender.name}-{prefix}"
    with running(contender.command, environ(parts, url, folder)) as worker:
        stage = Stage(parts, contender)
        try:
            stage.warm_up(prefix)
            used = cpu_seconds(worker.process.pid)
            rate = stage.race(worker, events, prefix, lambda: unmarked(url, folder) == 0)
            used = (cpu_seconds(worker.process.pid) - used) / events
        finally:
            stage.clear()
    if url:
        parts.drop(url)
    return rate, used * 1e6


class Stage:
    """The queues of one contender, and the connections that fill and count them.

    Args:
        parts: the servers.
        contender: whose worker is ready.
    """

    def __init__(self, parts: Servers, contender: Contender) -> None:
        self.contender = contender
        self._connection = parts.connect()
        self.channel: Any = self._connection.channel()
        self._filler_connection = parts.connect()
        self.filler = pings.Filler(self._filler_connection)
        if contender.answers:
            pings.answers_queue(self.channel, contender.answers, contender.answers_queue)
        else:
            arguments = {"x-queue-type": "quorum"}
            self.channel.queue_declare(contender.answers_queue, durable=True, auto_delete=False, arguments=arguments)
        self.channel.queue_purge(contender.answers_queue)
        self.sent = 0

    def fill(self, number: int, prefix: str) -> None:
        """Put so many events into the contender's queue."""
        message = self.contender.message
        self.sent += self.filler.fill(
            (message(ball) for ball in pings.balls(number, prefix)), self.contender.exchange, self.contender.key
        )

    def answered(self) -> bool:
        """Whether every event has its answer."""
        return pings.waiting(self.channel, self.contender.answers_queue) >= self.sent

    def warm_up(self, prefix: str) -> None:
        """Let the worker do a few."""
        self.fill(WARM_UP, f"w{prefix}")
        wait_for(self.answered, 60, f"{self.contender.name}: the first answers")

    def race(self, worker: Worker, number: int, prefix: str, marked: Callable[[], bool]) -> float:
        """Freeze, fill, let go, wait for the last answer and mark; events per second."""
        worker.freeze()
        self.fill(number, prefix)
        started = time.monotonic()
        worker.go_on()
        wait_for(self.answered, 900, f"{self.contender.name}: all answers")
        return number / (wait_for(marked, 60, f"{self.contender.name}: all marked", 0.01) - started)

    def clear(self) -> None:
        """Empty and leave."""
        self.channel.queue_delete(self.contender.answers_queue)
        self._connection.close()
        self._filler_connection.close()


def environ(parts: Servers, url: str, folder: Path) -> dict[str, str]:
    """What tells a worker where its servers are; ours reads WENZHENG_…, the others BENCH_…."""
    return {
        "WENZHENG_BROKER_URL": parts.broker,
        "WENZHENG_DATABASE_URL": url,
        "WENZHENG_DATA_FOLDER": str(folder),
        "WENZHENG_LOG_LEVEL": "WARNING",
        "TOY_PINGS_ONLY": "1",
        "BENCH_BROKER": parts.broker,
        "BENCH_DATABASE": url,
    }


def unmarked(url: str, folder: Path) -> int:
    """Outbox rows that are not marked as published."""
    question = "select count(*) from outbox where published_at is null"
    if url:
        connection = postgres(url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(question)
                ((found,),) = cursor.fetchall()
        finally:
            connection.close()
    else:
        database = sqlite3.connect(folder / "toy.db", timeout=10)
        ((found,),) = database.execute(question).fetchall()
        database.close()
    return int(found)
