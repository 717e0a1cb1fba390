"""Handlers that hang, raise what is no exception, or compute without end: row 17, on the toy of the core's tests.

The product's handlers cannot be told to hang; the toy runs on the same chassis and does what an event wishes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import amqp
import psutil
import psycopg2

from tests.fault.cluster import connect
from tests.fault.ground import Ground
from tests.fault.processes import DIES_WITH_US, ROOT, Failed, until
from tests.fault.rows import Run, row
from tests.parts import free_port

MIB = 1024 * 1024


class Toy:
    """The toy service in a process of its own, on PostgreSQL and a virtual host of its own."""

    def __init__(self, ground: Ground, deadline_s: float) -> None:
        self._ground = ground
        self.vhost = f"toy-{uuid.uuid4().hex[:8]}"
        self.url = ground.broker.vhost(self.vhost)
        self.database = ground.database()
        self.folder = ground.folder / self.vhost
        self.folder.mkdir()
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")}
        self._environ = clean | {
            "WENZHENG_DATA_FOLDER": str(self.folder),
            "WENZHENG_DATABASE_URL": ground.postgres.url(self.database),
            "WENZHENG_BROKER_URL": self.url,
            "WENZHENG_WORKER_PORT": str(self.port),
            "WENZHENG_RETRY_LADDER": "1,1",
            "WENZHENG_BATCH_DEADLINE_S": f"{deadline_s:g}",
        }
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with (self.folder / "toy.log").open("ab") as log:
            self._popen = subprocess.Popen(
                [*DIES_WITH_US, sys.executable, "-m", "tests.integration.chassis.toy"],
                env=self._environ, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._popen.stdout is not None
        if self._popen.stdout.readline() != b"ready\n":
            raise Failed(f"the toy did not start: {(self.folder / 'toy.log').read_text()[-300:]}")

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._popen is not None and self._popen.poll() is None

    def memory(self) -> int:
        """Resident memory (bytes)."""
        assert self._popen is not None
        return int(psutil.Process(self._popen.pid).memory_info().rss)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._popen is not None
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(60)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        return self._popen.returncode

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What its database says."""
        connection = psycopg2.connect(self._ground.postgres.url(self.database).replace("+psycopg2", ""))
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def throw(self, balls: Iterable[str], wish: str = "", type_: str = "ping", sequence: int = 1) -> None:
        """Publish one event a ball."""
        source = "toy" if type_ == "ping" else "toy.answers"
        connection = connect(self.url)
        channel = connection.channel()
        channel.confirm_select()
        last = [0]
        channel.events["basic_ack"].add(lambda tag, multiple: last.__setitem__(0, max(last[0], tag)))
        count = 0
        for ball in balls:
            event_id = str(uuid.uuid4())
            named = {
                "specversion": "1.0", "id": event_id, "source": source, "type": f"toy.{type_}.v1", "subject": ball,
                "time": datetime.now(UTC).isoformat(), "sequence": sequence,
            }  # fmt: skip
            body = json.dumps({"ball": ball, "wish": wish} if type_ == "ping" else {"ball": ball})
            message = amqp.Message(
                body, content_type="application/json", delivery_mode=2, message_id=event_id,
                application_headers={f"cloudEvents:{name}": value for name, value in named.items()},
            )  # fmt: skip
            channel.basic_publish(message, exchange=f"wz.{source}", routing_key=f"toy.{type_}.v1")
            count += 1
            while count - last[0] > 500:
                connection.drain_events(timeout=30)
        while last[0] < count:
            connection.drain_events(timeout=30)
        connection.close()

    def depth(self, queue: str) -> int:
        """Ready messages of a queue."""
        connection = connect(self.url)
        try:
            return int(connection.channel().queue_declare(queue=queue, passive=True).message_count)
        finally:
            connection.close()

    def pinged(self, like: str) -> int:
        """Balls of a name that were pinged."""
        return int(self.rows(f"select count(*) from ball where id like '{like}' and pings = 1")[0][0])

    def close(self) -> None:
        """Give back what it used."""
        self.stop()
        self._ground.broker.drop_vhost(self.vhost)
        self._ground.postgres.execute(f"drop database {self.database} with (force)")


class _Neighbour:
    """Latency of the other queue: a pong now and then, and how long until it is counted."""

    def __init__(self, toy: Toy) -> None:
        self._toy, self._sequence = toy, 0

    def p95(self, number: int) -> float:
        """Of so many pongs (s)."""
        took = []
        for _ in range(number):
            self._sequence += 1
            self._toy.throw(["probe"], type_="pong", sequence=1_000 + self._sequence)
            begun = time.monotonic()
            while not self._counted() and time.monotonic() - begun < 20:
                time.sleep(0.01)
            took.append(time.monotonic() - begun)
        return sorted(took)[int(len(took) * 0.95)]

    def _counted(self) -> bool:
        """Whether the newest was seen."""
        found = self._toy.rows("select seen->>'toy.answers' from ball where id = 'probe'")
        return bool(found) and int(found[0][0] or 0) >= 1_000 + self._sequence


@row("17", "handlers that hang for 60 s, raise eventlet.Timeout, compute without end; 1 M events waiting")
def slow_handlers(run: Run) -> None:
    """The watchdog cuts them, neighbours are done, the other queue does not notice, memory stays flat."""
    toy = Toy(run.ground, deadline_s=30 if run.full else 2)
    try:
        toy.start()
        toy.throw(["probe"])
        until(lambda: toy.pinged("probe") == 1, 30, "the first ping")
        other = _Neighbour(toy)
        before = other.p95(20)
        for parked, wish in enumerate(("hang", "timeout"), 1):
            run.phase(wish)
            toy.throw([f"{wish}-a{n}" for n in range(100)])
            toy.throw([f"{wish}-bad"], wish=wish)
            toy.throw([f"{wish}-b{n}" for n in range(99)])
            during = other.p95(15)
            run.require(during <= max(2 * before, 0.3), f"{wish}: the other queue took {during:.2f} s")
            run.note(f"{wish}: other queue p95 {before * 1000:.0f} → {during * 1000:.0f} ms")
            took = until(lambda w=wish: toy.pinged(f"{w}-%") == 199, 200 if run.full else 60, "its neighbours are done")  # type: ignore[misc]
            run.recovered(took, 200 if run.full else 30, f"the neighbours of {wish}")
            until(lambda p=parked: toy.depth("toy.pings.parked") == p, 300 if run.full else 60, "the bad one is parked")  # type: ignore[misc]
        run.phase("spin")
        toy.throw(["spin-a"])
        toy.throw(["spin-bad"], wish="spin")
        toy.throw([f"spin-b{n}" for n in range(20)])
        took = until(lambda: toy.pinged("spin-%") == 21, 120, "the neighbours of an endless handler are done", 0.5)
        run.recovered(took, 90, "the neighbours of spin")
        run.require(toy.alive, "the toy did not survive")
        run.phase("stopping")
        run.require(toy.stop() == 0, "the toy did not end with 0")
        # Whatever was taken and not settled is ready again now: nothing may have leaked.
        left = toy.depth("toy.pings")
        run.require(left <= 1, f"{left} events were taken and never settled")
        _backlog(run, toy)
    finally:
        toy.close()


def _backlog(run: Run, toy: Toy) -> None:
    """Memory with a long queue behind a worker."""
    number = run.times(1_000_000, 20_000)
    run.phase(f"{number:,} events waiting")
    toy.throw(f"many-{n}" for n in range(number))
    toy.start()
    time.sleep(3)
    begun, first = time.monotonic(), toy.memory()
    highest, handled = first, toy.pinged("many-%")
    while time.monotonic() - begun < run.seconds(300, least=15) and toy.depth("toy.pings"):
        highest = max(highest, toy.memory())
        time.sleep(0.5)
    rate = (toy.pinged("many-%") - handled) / (time.monotonic() - begun)
    grown = (highest - first) / MIB
    run.require(grown < 50, f"memory grew by {grown:.0f} MiB with {number:,} events waiting")
    run.require(rate > 0, "nothing was handled")
    run.note(f"{number:,} waiting: memory {first / MIB:.0f} → {highest / MIB:.0f} MiB at {rate:.0f} events/s")
