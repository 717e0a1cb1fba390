"""Runs the benches that are named (all of them when none is) and compares them with their limits."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import (
    backlog,
    crowd,
    flow,
    growth,
    hop,
    http,
    judgement,
    kept,
    latency,
    lone,
    memory,
    partitions,
    portal,
    sizing,
    topics,
)
from tests.bench.report import BUSY, Report, load

#: What runs when no name is given, in this order.
ALL: dict[str, Callable[[Report], None]] = {
    "hop": hop.run,
    "growth": growth.run,
    "crowd": crowd.run,
    "partitions": partitions.run,
    "http": http.run,
    "flow": flow.run,
    "latency": latency.run,
    "memory": memory.run,
    "sizing": sizing.run,
    "judgement": judgement.run,
    "lookalikes": topics.lookalikes,
    "hot": topics.hot,
}
#: Parts of the above, to be run alone.
PARTS: dict[str, Callable[[Report], None]] = {
    "rates": hop.rates,
    "lone": lone.run,
    "backlog": backlog.run,
    "portal": portal.run,
    "kept": kept.run,
}
LIMITS = Path(__file__).with_name("limits.json")


def main() -> int:
    """Entry point; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL | PARTS)}; all when left out")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument(
        "--full", action="store_true", help="real lengths: a million waiting events, five minutes of flow"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, once: does it work? no figures")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in ALL | PARTS]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(ALL | PARTS)}")
    # So that what was started is stopped by whoever started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(highlight=False)
    begun = time.monotonic()
    report = Report(
        chosen.full, chosen.quick, lambda text: console.print(f"[dim]{time.monotonic() - begun:6.0f} s[/]  {text}")
    )
    busy = load()
    if busy > BUSY:
        report.note(
            f"the machine is busy: load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before the start"
        )
    for name in chosen.names or ALL:
        report.say(f"[bold]{name}[/]")
        (ALL | PARTS)[name](report)
    limits: dict[str, dict[str, float]] = json.loads(LIMITS.read_text(encoding="utf-8"))
    missed = [
        name
        for name, value in report.figures.items()
        if not within(value, limits.get(name, {})) and name not in report.waived
    ]
    if not chosen.names:
        # A goal whose figure nobody measures any more must not pass for kept.
        missed += [name for name in limits if name not in report.figures and name not in report.waived]
    show(console, report, limits)
    if chosen.json:
        document = {
            **report.figures,
            "missed": missed,
            "waived": report.waived,
            "notes": report.notes,
            "rounds": report.rounds,
            "machine": {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "cores": os.cpu_count(),
                "load_before": busy * (os.cpu_count() or 1),
                "python": platform.python_version(),
                "full": chosen.full,
                "quick": chosen.quick,
            },
        }
        chosen.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if missed and not chosen.quick else 0


def within(value: float, limit: dict[str, float]) -> bool:
    """Whether a figure keeps its limit; every figure without one does."""
    return limit.get("min", value) <= value <= limit.get("max", value)


def show(console: Console, report: Report, limits: dict[str, dict[str, float]]) -> None:
    """The table at the end, and what must be known beside it."""
    table = Table(title="Quick run: figures mean nothing" if report.quick else "Measured", title_justify="left")
    table.add_column("measure", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    for name, value in report.figures.items():
        limit = limits.get(name, {})
        goal = "  ".join(f"{'≥' if side == 'min' else '≤'} {bound:,g}" for side, bound in limit.items())
        verdict = "" if not limit else "[green]kept[/]" if within(value, limit) else "[red]missed[/]"
        verdict = report.waived.get(name, verdict)
        table.add_row(name, f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}", goal, verdict)
    console.print(table)
    for text in report.notes:
        console.print(f"• {text}")


sys.exit(main())
