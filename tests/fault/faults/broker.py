"""The broker away, blocked, behind a bad link, or missing a queue: rows 6, 15 and 16."""

from __future__ import annotations

import os
import time
from urllib.parse import urlsplit, urlunsplit

import amqp

from tests.fault import oracle
from tests.fault.cluster import Cluster, reachable, settle_consumers
from tests.fault.ledger import Ledger
from tests.fault.links import Link
from tests.fault.processes import until
from tests.fault.rows import Run, row


@row("6", "the broker stopped for 30 s and killed -9; its link cut, half-open and slow")
def broker_gone(run: Run) -> None:
    """Intake answers no 5xx, everybody reconnects, nothing is lost."""
    cluster, broker = run.cluster, run.ground.broker
    link = Link(broker.port)
    link.open()
    worker = cluster.workers["routing"]
    try:
        run.phase("routing behind a link")
        worker.stop()
        worker.start(WENZHENG_BROKER_URL=_by(cluster.broker_url, link.port))
        worker.ready()
        ledger = run.ledger()
        run.load(ledger, 20)
        run.phase("stopped")
        cluster.forget_channel()
        broker.stop()
        run.load(ledger, 30, least=4)
        broker.start()
        run.recovered(_back(cluster), 60, "the return of all consumers after a stop")
        run.load(ledger, 20)
        run.phase("killed")
        cluster.forget_channel()
        broker.kill()
        run.somewhere(0.2, 2.0)
        broker.start()
        run.recovered(_back(cluster), 60, "the return of all consumers after kill -9")
        run.phase("link cut")
        for _ in range(run.times(10, 3)):
            link.cut()
            run.somewhere(0.2, 1.0)
        run.recovered(_back(cluster), 60, "the return of all consumers after cuts")
        run.phase("link half-open")
        # The full time is longer than two heartbeats, so that both ends give the connection up.
        link.freeze()
        run.load(ledger, 90, least=5)
        link.thaw()
        run.recovered(_back(cluster), 60, "the return of all consumers after a half-open link")
        run.phase("link slow")
        link.slow()
        run.load(ledger, 60, least=4)
        link.quick()
        _no_5xx(run, ledger)
        run.balance(ledger)
    finally:
        worker.stop()
        link.close()
        worker.start()
        worker.ready()


def _by(url: str, port: int) -> str:
    """The broker's URL by way of another port."""
    parts = urlsplit(url)
    credentials = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))


def _back(cluster: Cluster) -> float:
    """Seconds until the broker lets us in and each queue has its consumer."""
    begun = time.monotonic()
    until(lambda: reachable(cluster.broker_url), 60, "the broker lets us in")
    settle_consumers(cluster, 90)
    return time.monotonic() - begun


def _no_5xx(run: Run, ledger: Ledger) -> None:
    bad = [answer.status for answer in ledger.answers if answer.status >= 500 or answer.status == 0]
    run.require(not bad, f"intake failed {len(bad)} times while the broker was away: {sorted(set(bad))}")


@row("15", "disk alarm of the broker for 2 min: publishing is blocked")
def disk_alarm(run: Run) -> None:
    """Intake goes on, the relay says within 5 s that it is blocked, nothing hangs afterwards."""
    cluster, broker = run.cluster, run.ground.broker
    ledger = run.ledger()
    run.load(ledger, 40, least=2)
    free = os.statvfs(broker.folder)
    begun = time.monotonic()
    broker.ask_disk_for(f"{free.f_bavail * free.f_frsize // 1_000_000 + 1_000_000}MB")
    try:
        run.phase("blocked")
        told = until(lambda: cluster.workers["intake"].count("wenzheng_broker_blocked") >= 1, 20, "the relay says so")
        run.require(told <= 5, f"the relay said after {told:.1f} s that it is blocked, may take 5")
        run.note(f"blocked after {told:.1f} s")
        run.load(ledger, 120, least=6)
    finally:
        broker.ask_disk_for("50MB")
    ended = time.monotonic()
    bad = [answer.status for answer in ledger.between(begun, ended) if answer.status != 201]
    run.require(not bad, f"intake failed {len(bad)} times while publishing was blocked: {sorted(set(bad))}")
    run.phase("going on")

    def free_again() -> bool:
        return all(cluster.workers[s].count("wenzheng_broker_blocked") == 0 for s in ("intake", "routing", "notify"))

    run.recovered(until(free_again, 60, "every relay publishes again"), 30, "the relays' return")
    run.balance(ledger)
    for service, worker in cluster.workers.items():
        run.require(worker.ask("/livez") == 200, f"{service}'s worker is not alive by its own word")


@row("16", "a binding and a queue deleted under a running house")
def unroutable(run: Run) -> None:
    """The broker's return is seen, the row is kept, and everything is delivered once the way is back."""
    cluster = run.cluster
    notify = cluster.workers["notify"]
    ledger = run.ledger(min(run.rate, 60))
    run.load(ledger, 20, least=2)
    run.phase("binding deleted")
    cluster.channel().queue_unbind(
        queue="notify.contacts", exchange="wz.intake.contacts", routing_key="contact.supplied.v1"
    )
    before = run.sampler.sum("events_returned")
    until(lambda: _kept(cluster) > 0, 30, "unroutable rows are kept in intake's outbox")
    run.load(ledger, 30, least=3)
    run.sampler.look()
    run.require(run.sampler.sum("events_returned") > before, "no return was counted")
    run.note(f"{_kept(cluster)} rows kept as unroutable")
    run.phase("binding back")
    notify.stop()
    notify.start()
    run.recovered(notify.ready(), 30, "notify's return")
    until(lambda: _kept(cluster) == 0, 120, "every kept row is published")
    run.phase("queue deleted")
    # What lies in a queue goes with it, so that it is deleted when everything is handled and nobody files.
    ledger.stop()
    _, wrong = oracle.settle(cluster, ledger, 120)
    run.result.problems += [f"before the queue was deleted: {line}" for line in wrong]
    cluster.channel().queue_delete(queue="notify.contacts")
    begun = time.monotonic()
    ledger.start()
    until(lambda: _consumed(cluster, "notify.contacts"), 60, "the deleted queue is there again, with its consumer")
    run.recovered(time.monotonic() - begun, 60, "the return of a deleted queue")
    run.load(ledger, 20, least=2)
    run.balance(ledger, 180)


def _kept(cluster: Cluster) -> int:
    ((count,),) = cluster.rows(
        "intake", "select count(*) from outbox where published_at is null and problem = 'unroutable'"
    )
    return int(count)


def _consumed(cluster: Cluster, queue: str) -> bool:
    try:
        return cluster.queue(queue)[1] == 1
    except (OSError, amqp.AMQPError):
        return False
