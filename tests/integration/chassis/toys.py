"""The toy service as tests see it: its house on this side, its worker in a process of its own on the other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import amqp
import requests
from amqp.exceptions import NotFound
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from services.chassis import broker as rabbit
from services.chassis import delivery, topology, wire
from services.chassis.broker_node import BrokerNode
from services.chassis.house import House
from services.chassis.parked import Parked, Shelf, look
from tests.house import free_port
from tests.integration.chassis.toy_tables import Ball, Lost, Ping, Thrown


@dataclass
class Toy:
    """The toy service under test: its house on this side, its worker on the other."""

    house: House[Any]
    environ: dict[str, str]
    url: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return Path(self.environ["WENZHENG_DATA_FOLDER"]) / "toy.log"

    def lines(self, text: str) -> list[dict[str, Any]]:
        """What the worker wrote into its log under one constant text."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == text]

    def another(self, **environ: str) -> Toy:
        """A second worker on the same database and broker; the caller ends it."""
        return Toy(self.house, self.environ | {"WENZHENG_WORKER_PORT": str(free_port())} | environ, self.url)

    def start(self, *, ready: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.chassis.toy"],
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        if ready:
            assert self.process.stdout.readline() == b"ready\n"

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.close()
        return code

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.close()

    def end(self) -> None:
        """At the end of a test."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()

    def throw(self, *pings: Ping | Lost) -> None:
        with self.house.work() as work:
            for ping in pings:
                thrown = work.get(Thrown, ping.ball)
                if thrown is None:
                    thrown = Thrown(id=ping.ball, sequence=0)
                    work.add(thrown)
                work.emit(thrown, ping)

    def ask(self, path: str) -> tuple[int, str]:
        """What the worker's own port answers."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.environ['WENZHENG_WORKER_PORT']}{path}", timeout=5)
        except requests.ConnectionError:
            # It opens its port a moment after it is ready.
            return 0, ""
        return answer.status_code, answer.text

    def metric(self, name: str, **labels: str) -> float:
        """A metric of the worker summed over all label values that are not named."""
        found = 0.0
        for family in text_string_to_metric_families(self.ask("/metrics")[1]):
            for sample in family.samples:
                if sample.name == f"wenzheng_{name}" and labels.items() <= sample.labels.items():
                    found += sample.value
        return found

    def balls(self) -> dict[str, tuple[int, int]]:
        with self.house.database.read() as session:
            return {ball.id: (ball.pings, ball.pongs) for ball in session.scalars(select(Ball))}

    def unpublished(self) -> int:
        with self.house.database.read() as session:
            query = select(func.count()).select_from(delivery.outbox).where(delivery.outbox.c.published_at.is_(None))
            return int(session.execute(query).scalar_one())

    def shelf(self, queue: str) -> Shelf:
        """Where the parked events of a queue lie."""
        return Shelf(queue, self.url, queue)

    def look(self, queue: str) -> list[Parked]:
        """The parked events of a queue; they stay there."""
        return look(self.shelf(queue), lambda one: True)

    def parked(self, queue: str) -> list[amqp.Message]:
        connection = rabbit.connect(self.url, "test")
        try:
            found = []
            while (
                message := connection.default_channel.basic_get(topology.parked_queue(queue), no_ack=True)
            ) is not None:
                found.append(message)
            return found
        finally:
            connection.release()

    def retried(self) -> bool:
        """Whether any event ever went up the retry ladder: its rungs are made when they are first needed."""
        connection = rabbit.connect(self.url, "test")
        try:
            connection.default_channel.queue_declare(topology.retry_queue("toy.pings", 1), passive=True)
        except NotFound:
            return False
        finally:
            connection.release()
        return True

    def publish(self, *messages: amqp.Message, exchange: str = "wz.toy", key: str = "toy.ping.v1") -> None:
        connection = rabbit.connect(self.url, "test")
        try:
            outcome = rabbit.Publisher(connection).publish((m, exchange, key) for m in messages)
            assert set(outcome.values()) == {"ok"}
        finally:
            connection.release()


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@contextmanager
def alarm(node: BrokerNode, kind: str) -> Iterator[None]:
    """An alarm of the broker, "memory" or "disk": who publishes is blocked meanwhile."""
    on, off = {
        "memory": (("set_vm_memory_high_watermark", "absolute", "1"), ("512MiB",)),
        "disk": (("set_disk_free_limit", "900000GB"), ("50MB",)),
    }[kind]
    node.control(*on)
    try:
        yield
    finally:
        node.control(*on[:-1], *off)


def toy_message(
    event_id: str,
    body: bytes,
    type: str = "toy.ping.v1",
    subject: str = "ball",
    time: str = "2026-03-02T01:00:00+00:00",
    content_type: str = "application/json",
    content_encoding: str | None = None,
    sequence: str = "0",
) -> amqp.Message:
    attributes = {"specversion": "1.0", "id": event_id, "source": "toy", "type": type, "subject": subject, "time": time}
    attributes["sequence"] = sequence
    headers = {f"{wire.PREFIX}{name}": value for name, value in attributes.items()}
    more = {"content_encoding": content_encoding} if content_encoding else {}
    return amqp.Message(
        body, content_type=content_type, delivery_mode=2, message_id=event_id, application_headers=headers, **more
    )
