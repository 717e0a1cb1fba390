"""Milliseconds from publishing one event until its answer arrives, one at a time, on an idle worker."""

from __future__ import annotations

import random
import time
from typing import Any

from tests.bench import pings
from tests.bench.parts import part, running, servers
from tests.bench.report import Report

EVENTS = 300


def run(report: Report) -> None:
    """One event, its answer, a short rest of random length, the next."""
    from tests.bench.hop import OURS, environ

    with servers() as parts, running(OURS.command, environ(parts, parts.database(), parts.folder / "lone")):
        connection = parts.connect()
        channel: Any = connection.channel()
        pings.answers_queue(channel, OURS.answers, "bench.lone")
        arrived: list[float] = []
        channel.basic_consume("bench.lone", no_ack=True, callback=lambda _: arrived.append(time.monotonic()))
        filler = pings.Filler(parts.connect())
        times = []
        for number in range(report.few(EVENTS) + 20):
            before, started = len(arrived), time.monotonic()
            filler.channel.basic_publish(pings.ping(f"l{number}"), OURS.exchange, OURS.key)
            while len(arrived) == before:
                connection.drain_events(timeout=10)
            times.append((arrived[-1] - started) * 1000)
            time.sleep(random.uniform(0.005, 0.06))
        connection.close()
    report.figures |= {"lone_event_p50_ms": part(times[20:], 0.5), "lone_event_p99_ms": part(times[20:], 0.99)}
    report.say(f"lone event: p50 {part(times[20:], 0.5):.1f} ms, p99 {part(times[20:], 0.99):.1f} ms")
