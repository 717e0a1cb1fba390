"""Events per second through one durable hop: consume, inbox, state row, outbox row, confirmed publish, ack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import amqp
import kombu

from tests.house import ROOT, until

EVENTS = 20_000


def run() -> dict[str, float]:
    """Fill the queue of a toy service, let its worker run, and wait for as many answers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.run_node", str(folder / "broker")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert node.stdout is not None
        url = node.stdout.readline().strip()
        try:
            return _measure(url, folder)
        finally:
            node.send_signal(signal.SIGTERM)
            node.wait(60)


def _measure(url: str, folder: Path) -> dict[str, float]:
    environ = os.environ | {"WENZHENG_BROKER_URL": url, "WENZHENG_DATA_FOLDER": str(folder), "TOY_PINGS_ONLY": "1"}
    with kombu.Connection(url) as connection:
        channel: Any = connection.channel()
        # The worker makes its queues; it is started once for that and stopped again.
        worker = _worker(environ)
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        channel.queue_declare(
            queue="bench.answers", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        channel.exchange_declare(exchange="wz.toy.answers", type="topic", durable=True, auto_delete=False)
        channel.queue_bind(queue="bench.answers", exchange="wz.toy.answers", routing_key="#")
        channel.confirm_select()
        confirmed = [0]
        channel.events["basic_ack"].add(lambda tag, multiple: confirmed.__setitem__(0, tag))
        for number in range(EVENTS):
            channel.basic_publish(_ping(number), exchange="wz.toy", routing_key="toy.ping.v1")
            while number - confirmed[0] > 500:
                connection.drain_events(timeout=30)
        while confirmed[0] < EVENTS:
            connection.drain_events(timeout=30)
        worker = _worker(environ)
        started = time.monotonic()
        try:
            until(lambda: _waiting(channel) >= EVENTS, 120, 0.02)
            seconds = time.monotonic() - started
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(30)
    return {"hop_events_per_s": EVENTS / seconds}


def _worker(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.chassis.toy"], cwd=ROOT, env=environ, stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def _waiting(channel: Any) -> int:
    return int(channel.queue_declare(queue="bench.answers", passive=True).message_count)


def _ping(number: int) -> amqp.Message:
    event_id = str(uuid.uuid4())
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": "toy",
        "type": "toy.ping.v1",
        "subject": f"b{number}",
        "time": "2026-03-02T01:00:00+00:00",
        "sequence": 1,
    }
    return amqp.Message(
        json.dumps({"ball": f"b{number}", "wish": ""}).encode(),
        content_type="application/json",
        delivery_mode=2,
        message_id=event_id,
        application_headers={f"cloudEvents:{name}": value for name, value in attributes.items()},
    )
