"""Restarts in order and refusals to start: rows 5 and 24."""

from __future__ import annotations

import time
import uuid

from tests.fault.cluster import connect
from tests.fault.processes import Process
from tests.fault.rows import Run, row


@row("5", "SIGTERM under load: a rolling restart, five times")
def rolling_restart(run: Run) -> None:
    """Each process drains within 30 s with exit 0, and nothing is delivered again."""
    cluster, ledger = run.cluster, run.ledger()
    every = [*cluster.workers.values(), cluster.webs["intake"]]
    # A short run restarts each process once, in an order of the seed's; a full one each of them five times.
    rounds = [run.chance.sample(every, len(every)) for _ in range(run.times(5, 1))]
    slowest = 0.0
    for number, processes in enumerate(rounds, 1):
        for process in processes:
            run.phase(f"round {number}: {process.name}")
            run.somewhere(0.2, 1.5)
            run.sampler.look()
            ended = process.stop()
            slowest = max(slowest, ended.seconds)
            run.require(ended.code == 0, f"{process.name} ended with {ended.code}")
            run.require(ended.seconds <= 30, f"{process.name} drained for {ended.seconds:.1f} s")
            process.start()
            run.recovered(process.ready(), 30, f"{process.name}'s return")
    run.balance(ledger)
    run.sampler.look()
    again = run.sampler.by_queue("events_redelivered")
    told = ", ".join(f"{number} of {queue}" for queue, number in again.items())
    run.require(not again, f"events were delivered again after an orderly stop: {told}")
    run.note(f"slowest drain {slowest:.1f} s")


@row("24", "a queue that exists with other arguments")
def declared_otherwise(run: Run) -> None:
    """A worker whose queue is declared otherwise ends at once and says which."""
    cluster = run.cluster
    vhost = f"{cluster.vhost}-otherwise-{uuid.uuid4().hex[:4]}"
    url = run.ground.broker.vhost(vhost)
    try:
        connection = connect(url)
        connection.channel().queue_declare(queue="routing.petitions", durable=True, auto_delete=False)
        connection.close()
        worker: Process = cluster.another("routing", WENZHENG_BROKER_URL=url)
        begun = time.monotonic()
        worker.start()
        ended = worker.wait(20)
        if ended is None:
            worker.kill()
            run.require(False, "the worker did not end within 20 s")
            return
        took = time.monotonic() - begun
        run.require(ended.code not in (0, -9), f"it ended with {ended.code}")
        run.require(took <= 10, f"it took {took:.1f} s to end, may take 10")
        words = worker.words()
        lines = [line for line in words.splitlines() if "routing.petitions" in line]
        run.require(bool(lines), "no line names the queue")
        run.require("Traceback" not in words, "it ended with a traceback")
        run.note(f"exit {ended.code} after {took:.1f} s: {lines[0][:160] if lines else ''}")
    finally:
        run.ground.broker.drop_vhost(vhost)
