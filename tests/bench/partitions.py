"""One worker and two on a queue of four partitions: rates, order of each ball's answers, and who used the cores."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from typing import Any

import psutil

from tests.bench import pings
from tests.bench.hop import OURS, WARM_UP, environ, unmarked
from tests.bench.parts import Servers, cpu_seconds, running, servers, wait_for
from tests.bench.report import Report

ROUNDS, EVENTS, PARTITIONS = 5, 24_000, 4
#: Different balls, so that each gets a dozen events close enough together to be mixed up, were there no order.
BALLS = 2_000
#: Where the second core is free there is room for this ratio, which is also its goal.
ROOM = 1.6
#: How long workers get to share the partitions out (s).
SHARE_S = 8.0
ANSWERS = "bench.partitions"


def run(report: Report) -> None:
    """Rounds of one worker and of two, interleaved."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    cores: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with servers() as parts:
        for turn in range(report.rounds_of(ROUNDS)):
            for workers, found in rates.items():
                rate, used = _round(parts, workers, f"p{turn}{workers}-", report.few(EVENTS))
                found.append(rate)
                cores[workers].append(used)
                shown = ", ".join(f"{name} {share:.2f}" for name, share in used.items())
                report.say(f"partitions {turn + 1}: {workers} worker(s) {rate:7,.0f} events/s; cores: {shown}")
    busy = {n: statistics.median(used["machine"] for used in cores[n]) for n in cores}
    ratio = statistics.median(two / one for one, two in zip(rates[1], rates[2], strict=True))
    report.rounds |= {f"partitions_{n}_workers_per_s": rates[n] for n in rates}
    report.figures |= {
        "partitions_one_worker_per_s": statistics.median(rates[1]),
        "partitions_two_workers_per_s": statistics.median(rates[2]),
        "partitions_ratio": ratio,
        "partitions_cores_busy_with_one": busy[1],
        "partitions_cores_busy_with_two": busy[2],
    }
    room = (psutil.cpu_count() or 1) / busy[1]
    report.figures["partitions_room_for_ratio"] = room
    if room < ROOM:
        report.waived["partitions_ratio"] = "no core free"
        report.note(
            f"partitions: with one worker {busy[1]:.2f} of {psutil.cpu_count()} cores were busy already (worker, "
            f"broker, PostgreSQL and whatever else ran): the second core was not free, × {room:.2f} is the most"
        )


def _round(parts: Servers, workers: int, prefix: str, events: int) -> tuple[float, dict[str, float]]:
    """Events per second, and the cores that worker(s), broker and PostgreSQL used meanwhile."""
    url, folder = parts.database(), parts.folder / prefix
    variables = environ(parts, url, folder) | {"WENZHENG_PARTITIONS": str(PARTITIONS)}
    connection = parts.connect()
    channel: Any = connection.channel()
    with ExitStack() as stack:
        team = [stack.enter_context(running(OURS.command, variables)) for _ in range(workers)]
        pings.answers_queue(channel, OURS.answers, ANSWERS)
        channel.queue_purge(ANSWERS)
        filler_connection = parts.connect()
        filler = pings.Filler(filler_connection)
        filler.fill((pings.ping(f"w{prefix}{n}") for n in range(WARM_UP)), OURS.exchange, OURS.key)
        wait_for(pings.all_there(channel, ANSWERS, WARM_UP), 60, "the first answers")
        time.sleep(SHARE_S)
        channel.queue_purge(ANSWERS)
        for worker in team:
            worker.freeze()
        order: dict[str, int] = {}

        def numbered() -> Any:
            for number in range(events):
                message = pings.ping(f"{prefix}{number % BALLS}")
                order[message.properties["message_id"]] = number
                yield message

        filler.fill(numbered(), OURS.exchange, OURS.key)
        pids = {"broker": parts.broker_pid, "postgres": parts.postgres_pid}
        pids |= {f"worker{n}": worker.process.pid for n, worker in enumerate(team, 1)}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        whole = _machine()
        started = time.monotonic()
        for worker in team:
            worker.go_on()
        wait_for(pings.all_there(channel, ANSWERS, events), 600, "all answers")
        seconds = wait_for(lambda: unmarked(url, folder) == 0, 60, "all marked", 0.01) - started
        used = {name: (cpu_seconds(pid) - before[name]) / seconds for name, pid in pids.items()}
        used["machine"] = (_machine() - whole) / seconds
        _check_order(connection, channel, events, order)
        filler_connection.close()
    channel.queue_delete(ANSWERS)
    connection.close()
    parts.drop(url)
    return events / seconds, used


def _machine() -> float:
    """Processor seconds that all cores together have been busy."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def _check_order(connection: Any, channel: Any, events: int, order: dict[str, int]) -> None:
    """Fail when the answers of one ball are not in the order of its events, or one is missing or doubled."""
    last: dict[str, int] = {}
    taken: list[str] = []

    def look(message: Any) -> None:
        headers = message.properties["application_headers"]
        ball, cause = headers["cloudEvents:subject"], headers["cloudEvents:cause"]
        number = order[cause]
        assert last.get(ball, -1) < number, f"the events of {ball} were mixed up"
        last[ball] = number
        taken.append(cause)

    tag = channel.basic_consume(ANSWERS, no_ack=True, callback=look)
    while len(taken) < events:
        connection.drain_events(timeout=30)
    channel.basic_cancel(tag)
    assert len(set(taken)) == events, "an event was answered twice"
