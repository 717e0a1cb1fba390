"""Memory of our worker while it eats its way through a long queue; it must stay flat."""

from __future__ import annotations

from tests.bench import pings
from tests.bench.parts import running, servers, wait_for
from tests.bench.report import Report

WAITING, FULL = 200_000, 1_000_000


def run(report: Report) -> None:
    """Fill the queue while no worker runs, start one, look at its memory on the way."""
    from tests.bench.hop import OURS, Stage, environ

    number = FULL if report.full else report.few(WAITING)
    sizes: list[tuple[float, float]] = []
    with servers() as parts:
        variables = environ(parts, parts.database(), parts.folder / "backlog")
        # The first worker makes the queues. A frozen one would lose its connection before a million are in.
        with running(OURS.command, variables):
            stage = Stage(parts, OURS)
            stage.warm_up("m")
        report.say(f"backlog: filling the queue with {number:,} events")
        stage.fill(number, "b")
        with running(OURS.command, variables) as worker:

            def look() -> bool:
                done = 1 - (stage.sent - pings.waiting(stage.channel, OURS.answers_queue)) / number
                sizes.append((done, worker.resident_mb()))
                report.say(f"backlog: {done:4.0%} done, {sizes[-1][1]:.1f} MB")
                return done >= 1

            wait_for(look, 3600, "the backlog worked off", every=1.0 if report.quick else 5.0)
        stage.clear()
    # What it allocates once, on the first batches, belongs to the start.
    start = next(size for done, size in sizes if done > 0.02)
    report.figures |= {
        "backlog_events": float(number),
        "backlog_rss_start_mb": start,
        "backlog_rss_middle_mb": next(size for done, size in sizes if done >= 0.5),
        "backlog_rss_end_mb": sizes[-1][1],
        "backlog_rss_growth_mb": max(size for done, size in sizes if done > 0.02) - start,
    }
