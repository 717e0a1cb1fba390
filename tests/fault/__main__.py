"""Runs the fault table: ``python -m tests.fault [--rows 2,6] [--seed 7] [--seeds 20] [--full] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path

import amqp
import psycopg2
import requests
from rich.console import Console

from tests.fault import (
    faults,  # noqa: F401 - declares the rows
    report,
)
from tests.fault.ground import Ground
from tests.fault.processes import Failed
from tests.fault.rows import RATE, ROWS, House, NoSurface, Result, Run, in_order, position

#: What a row may meet when the house is worse off than it expected: a failure of the row, not of the run.
TROUBLE = (Failed, OSError, amqp.AMQPError, psycopg2.Error, requests.RequestException, RuntimeError, TimeoutError)


def main() -> int:
    """Entry point; 1 when a row fails."""
    chosen = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    if chosen.list:
        for declared in sorted(ROWS.values(), key=lambda d: position(d.name)):
            console.print(f"{declared.name:>4}  {declared.title}", markup=False)
        return 0
    results: list[Result] = []
    begun = time.monotonic()
    # Asked to end, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ground = Ground()
    house = House(ground)
    try:
        seeds = range(chosen.seed, chosen.seed + chosen.seeds)
        todo = [(declared, seed) for seed in seeds for declared in in_order(chosen.rows)]
        for position, (declared, seed) in enumerate(todo, 1):
            result = Result(declared.name, seed, declared.title)
            results.append(result)
            _one(house, result, chosen, console, f"{position}/{len(todo)}")
            _write(chosen, results, time.monotonic() - begun)
    finally:
        try:
            house.leave()
        finally:
            ground.close()
    report.show([result.document() for result in in_order_of_rows(results)], console)
    for result in results:
        for problem in result.problems:
            console.print(f"row {result.row}, seed {result.seed}: {problem}", style="red", markup=False)
        for note in result.notes if chosen.notes else ():
            console.print(f"row {result.row}, seed {result.seed}: {note}", style="dim", markup=False)
    failed = sum(result.verdict == "failed" for result in results)
    console.print(f"{len(results) - failed} of {len(results)} not failed, {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


def in_order_of_rows(results: list[Result]) -> list[Result]:
    """The results in the order of the table, the seeds of a row together."""
    return sorted(results, key=lambda r: (position(r.row), r.seed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fault ARGS=…", description=__doc__)
    parser.add_argument(
        "--rows", type=_rows, default=list(ROWS), help="numbers of rows, comma separated; all otherwise"
    )
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--full", action="store_true", help="real durations instead of a twentieth")
    parser.add_argument("--rate", type=float, default=RATE, help="petitions a second")
    parser.add_argument("--json", type=Path, help="write the result here, after each row")
    parser.add_argument("--notes", action="store_true", help="print the figures that explain each row")
    parser.add_argument("--keep", type=Path, help="copy the logs of a row that failed into this folder")
    parser.add_argument("--list", action="store_true", help="only list the rows")
    return parser.parse_args()


def _rows(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in ROWS]:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}; there are: {', '.join(ROWS)}")
    return names


def _one(house: House, result: Result, chosen: argparse.Namespace, console: Console, count: str) -> None:
    """Run one row for one seed and judge it."""
    head = f"[{count}] row {result.row:>3}, seed {result.seed}"
    live = console.is_terminal

    def say(text: str) -> None:
        if live:
            console.print(f"\r\x1b[2K{head}: {result.title}: {text}", end="", markup=False)

    begun = time.monotonic()
    run = Run(house, result, full=chosen.full, rate=chosen.rate, say=say)
    try:
        try:
            ROWS[result.row].run(run)
        finally:
            run.end()
    except NoSurface as reason:
        result.verdict = "no surface"
        result.notes.append(str(reason))
    except TROUBLE as trouble:
        result.problems.append(str(trouble) or type(trouble).__name__)
    result.seconds = time.monotonic() - begun
    if result.problems:
        result.verdict = "failed"
        if chosen.keep:
            _keep(house, chosen.keep / f"row-{result.row}-seed-{result.seed}")
        # Whatever it left behind must not fail the next one.
        house.leave()
    say("")
    line = (
        f"{head}: {result.verdict:<10} {result.seconds:6.1f} s  {result.acknowledged:>5} acknowledged, "
        f"{result.duplicates_seen} duplicates seen, {result.redelivered} redelivered, "
        f"recovery {result.recovery_seconds:.1f} s  {result.title}"
    )
    console.print(("\r\x1b[2K" if live else "") + line, markup=False)
    for problem in result.problems:
        console.print(f"      {problem}", style="red", markup=False)


def _keep(house: House, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in house.ground.folder.glob("*/*.log"):
        (folder / f"{log.parent.name}-{log.name}").write_bytes(log.read_bytes())


def _write(chosen: argparse.Namespace, results: list[Result], seconds: float) -> None:
    if chosen.json is None:
        return
    document = {
        "full": chosen.full,
        "rate": chosen.rate,
        "seconds": round(seconds, 1),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "failed": sum(result.verdict == "failed" for result in results),
        "rows": [result.document() for result in in_order_of_rows(results)],
    }
    chosen.json.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
