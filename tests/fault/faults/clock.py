"""Clocks that are wrong: row 14, with Debian's libfaketime.

It shifts the monotonic clock as well, by the same hour for as long as the process lives: told not to
(FAKETIME_DONT_FAKE_MONOTONIC), its version 0.9.10 makes every ``time.sleep`` of Python 3.11 fail. So a clock is set
back with a restart: in a running process it would set back the monotonic clock too, which no kernel does.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fault.faults.events import judged_within
from tests.fault.faults.portals import post_signed
from tests.fault.ledger import Client
from tests.fault.processes import Failed
from tests.fault.rows import Run, row
from tests.house import portal_event


def _library() -> str:
    for path in sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        return str(path)
    raise Failed("libfaketime is not installed: run bin/ensure fault")


@row("14", "clocks an hour slow and an hour fast, one set back by two hours")
def clock_skew(run: Run) -> None:
    """Deadlines come from the database's time, no age is negative, signatures are judged by true time."""
    cluster, library = run.cluster, _library()
    slow, fast = ({"LD_PRELOAD": library, "FAKETIME": shift} for shift in ("-1h", "+1h"))
    skewed = {
        cluster.workers["intake"]: slow,
        cluster.workers["routing"]: fast,
        cluster.workers["notify"]: fast,
        cluster.workers["search"]: slow,
        cluster.webs["intake"]: fast,
    }
    try:
        for process, environ in skewed.items():
            process.stop()
            process.start(**environ)
        for process in skewed:
            process.ready()
        ((begun,),) = cluster.rows("intake", "select clock_timestamp()")
        # Fewer than it carries, so that nothing waits before the petition whose judging is timed.
        ledger = run.ledger(min(run.rate, 20))
        run.load(ledger, 60, least=4)
        run.phase("routing's clock set back by two hours")
        routing = cluster.workers["routing"]
        routing.stop()
        routing.start(**slow)
        routing.ready()
        port = cluster.webs["intake"].port
        took = judged_within(run, cluster, ledger, Client(lambda: ("127.0.0.1", port)), "back")
        run.recovered(took, 5, "judging after the clock was set back")
        run.load(ledger, 60, least=3)
        ages = [worker.count("wenzheng_outbox_age_seconds") for worker in cluster.workers.values()]
        run.require(all(not age < 0 and age < 600 for age in ages), f"ages of outboxes: {ages}")
        _signatures(run)
        run.balance(ledger)
        ((ended,),) = cluster.rows("intake", "select clock_timestamp()")
        _moments(run, ledger.tag, begun, ended)
    finally:
        for process in skewed:
            process.stop()
            process.start()
        for process in skewed:
            process.ready()


def _moments(run: Run, tag: str, begun: datetime, ended: datetime) -> None:
    """Every moment in the books lies within the row, on the database's clock."""
    cluster, like = run.cluster, f"{tag} %"
    filed = dict(cluster.rows("intake", "select id, filed_at from petition where title like %s", like))
    cases = cluster.rows(
        "routing", "select petition_id, first_dispatched_at, due_at from petition_case where title like %s", like
    )
    wrong = [i for i, at in filed.items() if not begun <= at <= ended]
    run.require(not wrong, f"{len(wrong)} petitions were filed at another time than the database's")
    sent = [(filed[i], at, due) for i, at, due in cases if at is not None]
    run.require(sent, "no case was dispatched")
    run.require(all(begun <= at <= ended for _, at, _ in sent), "a case was dispatched at another time")
    early = [(before - at).total_seconds() for before, at, _ in sent if at < before]
    run.require(
        not early,
        f"{len(early)} of {len(sent)} cases were dispatched before they were filed, by {max(early, default=0):.3f} s",
    )
    run.require(all(timedelta(days=1) < due - at < timedelta(days=120) for _, at, due in sent), "a deadline is wrong")
    run.note(f"{len(filed)} filings and {len(sent)} dispatches within {(ended - begun).total_seconds():.0f} s")


def _signatures(run: Run) -> None:
    """A signature of now is good, one of six minutes ago or to come is not, though intake's clock is an hour fast."""
    now = datetime.now(UTC)
    for shift, wanted in ((0, 201), (-6, 401), (6, 401), (60, 401)):
        event = portal_event(f"clock-{uuid.uuid4().hex[:8]}")
        status, _ = post_signed(run.cluster, "north", event, at=now + timedelta(minutes=shift))
        run.require(status == wanted, f"a signature {shift} min from now was answered with {status}, not {wanted}")
    time.sleep(0.1)
