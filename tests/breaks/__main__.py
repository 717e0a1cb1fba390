"""Breaks promises: ``python -m tests.breaks [--only WORDS] [--list] [--unbroken] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.breaks.table import Break, breaks
from tests.breaks.trial import Stuck, Trial, failing_anyway, trial

COLOURS = {"seen": "green", "NOT SEEN": "red"}


def main() -> int:
    """Entry point; 1 when a test does not see its break, or nothing can be said of it."""
    chosen = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    todo = [(change, test) for change in breaks() for test in change.tests if _wanted(change, test, chosen.only)]
    if chosen.list:
        for change, test in todo:
            console.print(f"{test}\n    {change.file}: {change.what}", markup=False)
        return 0
    if not todo:
        console.print("no break has these words", style="red")
        return 1
    begun = time.monotonic()
    anyway: dict[str, str] = {}
    if chosen.unbroken:
        tests = list(dict.fromkeys(test for _, test in todo))
        try:
            anyway = failing_anyway(tests)
        except (ValueError, Stuck) as trouble:
            console.print(f"without any break: {trouble}", style="red", markup=False)
            return 1
        console.print(f"{len(tests) - len(anyway)} of {len(tests)} pass without any break")
    done: list[Trial] = []
    for number, (change, test) in enumerate(todo, 1):
        one = Trial(change, test, "fails anyway", 0, anyway[test]) if test in anyway else trial(change, test)
        done.append(one)
        head = f"[{number}/{len(todo)}] {one.verdict:<12} {one.seconds:6.1f} s  "
        console.print(f"{head}{_name(test)}: {change.what}", style=COLOURS.get(one.verdict, "yellow"), markup=False)
        _write(chosen.json, done, time.monotonic() - begun)
    _show(done, console)
    seen = Counter(one.verdict for one in done)["seen"]
    console.print(f"{seen} of {len(done)} seen, {len({id(one.change) for one in done})} breaks, "
                  f"{time.monotonic() - begun:.0f} s")  # fmt: skip
    return 0 if seen == len(done) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make breaks ARGS=…", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="breaks in whose lines each of these words stands")
    parser.add_argument("--list", action="store_true", help="only list the breaks")
    parser.add_argument("--unbroken", action="store_true", help="see first that the tests pass without any break")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here, after each test")
    return parser.parse_args()


def _wanted(change: Break, test: str, words: str) -> bool:
    text = f"{test} {change.file} {change.what}".lower()
    return all(word in text for word in words.lower().split())


def _name(test: str) -> str:
    return test.rpartition("/")[2]


def _show(done: Sequence[Trial], console: Console) -> None:
    """By what each test saw its break: a table for people, lines with tabs in a pipe."""
    rows = [(one.verdict, f"{one.seconds:.1f} s", _name(one.test), one.change.what, one.reason) for one in done]
    heads = ("verdict", "took", "test", "what is broken", "how it was seen")
    if not console.is_terminal:
        console.file.writelines("\t".join(row) + "\n" for row in (heads, *rows))
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*row, style=COLOURS.get(row[0], "yellow"))
    console.print(table, soft_wrap=False, markup=False)


def _write(path: Path | None, done: Sequence[Trial], seconds: float) -> None:
    if path is None:
        return
    document = {
        "seconds": round(seconds, 1),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "seen": sum(one.verdict == "seen" for one in done),
        "tests": [one.document() for one in done],
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
