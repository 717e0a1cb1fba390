"""Runs the demonstration: files every row, lets staff work, watches what becomes of each, tells it in a table."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli.demo.doors import Doors, Filed, Refused
from services.cli.demo.officers import Officers
from services.cli.demo.rows import Row, read_rows
from services.cli.demo.running import Running
from services.contracts.words import KIND_NAMES, STATE_NAMES, name_of

#: How long one petition may take from stage to stage (s).
PATIENCE_S = 60.0
#: People at work at once: petitioners filing, staff working.
PETITIONERS, STAFF = 4, 4
#: States of a message that is done with: sent, or left to staff who call a petitioner that gave a phone number only.
TOLD = ("sent", "skipped")
#: Rows shown in the table at most; the JSON has all.
SHOWN = 80


@dataclass
class Story:
    """What became of one petition."""

    row: Row
    filed: Filed | None = None
    problem: str = ""
    kind: str = ""
    unit: str | None = None
    unit_name: str = ""
    queued: bool = False
    state: str = ""
    reasons: list[str] = field(default_factory=list)
    notified: bool = False
    #: The petitioner gave a phone number only: staff call, since text messages are not set up here.
    to_call: bool = False
    searchable_s: float | None = None
    found: bool = False

    @property
    def sealed(self) -> bool:
        return self.row.door == "report"

    @property
    def lost(self) -> bool:
        """Filed, but not judged, not told or not found."""
        return not ((self.unit or self.queued) and self.notified and self.found)

    def as_json(self) -> dict[str, Any]:
        """One entry of the result."""
        seconds = None if self.searchable_s is None else round(self.searchable_s, 3)
        return {
            "number": self.filed.number if self.filed else None,
            "id": self.row.id,
            "source": self.row.source,
            "kind": self.kind or self.row.kind,
            "unit": self.unit,
            "state": self.state,
            "reasons": self.reasons,
            "seconds_to_searchable": seconds,
            "found": self.found,
            **({"problem": self.problem} if self.problem else {}),
        }


class Watch(threading.Thread):
    """Sees in search when each filed petition appears there."""

    def __init__(self, officers: Officers, seen: Callable[[], None]) -> None:
        super().__init__(name="watch", daemon=True)
        self._officers, self._told = officers, seen
        self._waiting: dict[str, Story] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def expect(self, story: Story) -> None:
        """Begin to look for a petition that was just filed."""
        assert story.filed is not None
        with self._lock:
            self._waiting[story.filed.number] = story

    def run(self) -> None:
        """Ask for the newest petitions again and again."""
        while not self._stopping.wait(0.02):
            with self._lock:
                waiting = dict(self._waiting)
            if not waiting:
                continue
            for sealed in {story.sealed for story in waiting.values()}:
                hits = self._officers.search(sealed, sort="newest", size=100)["hits"]
                self._note({hit["number"] for hit in hits})
            # One that is older than the newest hundred is asked for by its number.
            old = [s for s in waiting.values() if s.filed and time.monotonic() - s.filed.at > 2]
            for story in old[:20]:
                assert story.filed is not None
                hits = self._officers.search(story.sealed, q=story.filed.number)["hits"]
                self._note({hit["number"] for hit in hits})

    def _note(self, numbers: Iterable[str]) -> None:
        now = time.monotonic()
        for number in numbers:
            with self._lock:
                story = self._waiting.pop(number, None)
            if story is not None and story.filed is not None:
                story.searchable_s = max(now - story.filed.at, 0.0)
                self._told()

    def finish(self) -> None:
        """Wait until everything was seen, or patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        self._stopping.set()
        self.join(10)


def run_demo(source: Path, *, json_file: Path | None, stop: bool, folder: Path, port: int) -> int:
    """Run the demonstration.

    Args:
        source: JSON Lines of petitions.
        json_file: where the result goes as one JSON object; None: nowhere.
        stop: stop everything at the end; otherwise the house stays up until Ctrl-C.
        folder: data folder of the house; emptied first.
        port: port of its pages; 0: a free one.

    Returns:
        0 when nothing was lost, otherwise 1.
    """
    # A log or a pipe has no width of its own; the table needs about this much.
    console = Console() if sys.stdout.isatty() else Console(width=150)
    stories = [Story(row) for row in read_rows(source)]
    house = Running(folder, port)
    console.print(f"Starting the house in {folder} …")
    started = time.monotonic()
    house.start()
    console.print(f"It runs after {time.monotonic() - started:.1f} s: {house.address}")
    try:
        _play(stories, house, console)
        result = summary(stories)
        _show(stories, result, console)
        if json_file is not None:
            json_file.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        code = 0 if result["lost"] == 0 and result["filed"] == len(stories) else 1
        if stop:
            return code
        _stay(house, console)
        return code
    except KeyboardInterrupt:
        return 130
    finally:
        house.stop()


def summary(stories: list[Story]) -> dict[str, Any]:
    """The result as one object: totals and one entry a petition."""
    filed = [story for story in stories if story.filed]
    return {
        "filed": len(filed),
        "dispatched": sum(not story.queued and story.unit is not None for story in filed),
        "queued": sum(story.queued for story in filed),
        "answered": sum(story.state in ("replied", "closed") for story in filed),
        "notified": sum(story.notified for story in filed),
        "to_call": sum(story.to_call for story in filed),
        "found": sum(story.found for story in filed),
        "lost": sum(story.lost for story in filed),
        "petitions": [story.as_json() for story in stories],
    }


def _play(stories: list[Story], house: Running, console: Console) -> None:
    officers = Officers(house)
    doors = Doors(house, officers.clerk())
    with Progress(
        TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as progress:
        bars = {
            name: progress.add_task(name, total=len(stories))
            for name in ("filed", "searchable", "judged", "answered", "told", "found")
        }
        watch = Watch(officers, lambda: progress.advance(bars["searchable"]))
        watch.start()

        def file(story: Story) -> None:
            try:
                story.filed = doors.file(story.row)
                watch.expect(story)
            except Refused as error:
                story.problem = str(error)
            progress.advance(bars["filed"])

        def work(story: Story) -> None:
            if story.filed is None:
                return
            try:
                _work(story, officers, lambda stage: progress.advance(bars[stage]))
            except Exception as error:  # a person would see it on the screen; here it goes into the table
                story.problem = f"{type(error).__name__}: {error}"

        with ThreadPoolExecutor(PETITIONERS) as petitioners:
            list(petitioners.map(file, stories))
        with ThreadPoolExecutor(STAFF) as staff:
            list(staff.map(work, stories))
        watch.finish()
    doors.close()


def _work(story: Story, officers: Officers, advance: Callable[[str], None]) -> None:
    """One petition through the hands of staff."""
    assert story.filed is not None
    number = story.filed.number
    case = _until(lambda: _judged(officers.case(number, story.sealed)))
    assert case is not None
    _note(story, case)
    story.queued = case.get("unit") is None
    story.reasons = _reasons(case)
    advance("judged")
    if story.queued and story.row.expect_unit:
        officers.dispatch(number, story.row.expect_unit, story.sealed)
        _note(story, officers.case(number, story.sealed) or case)
    if story.unit:
        officers.answer(number, story.unit, story.row, story.sealed)
        _note(story, officers.case(number, story.sealed) or case)
    advance("answered")
    wanted = {"received", "dispatched", "replied"} if story.unit else {"received"}
    messages: list[dict[str, Any]] = []

    def told() -> bool:
        messages[:] = officers.messages(number, story.sealed)
        return wanted <= {m["occasion"] for m in messages if m["state"] in TOLD}

    _until(told)
    story.notified = True
    story.to_call = any(m["recipient"] == "citizen" and m["state"] == "skipped" for m in messages)
    advance("told")
    words = " ".join(story.row.title.split())[:60]
    _until(lambda: any(hit["number"] == number for hit in officers.search(story.sealed, q=words, size=100)["hits"]))
    story.found = True
    advance("found")


def _judged(case: dict[str, Any] | None) -> dict[str, Any] | None:
    return case if case is not None and case["state"] != "submitted" else None


def _note(story: Story, case: dict[str, Any]) -> None:
    story.state, story.kind = case["state"], case["kind"]
    unit = case.get("unit")
    story.unit = unit["id"] if unit else None
    story.unit_name = unit["name"]["zh"] if unit else ""


def _reasons(case: dict[str, Any]) -> list[str]:
    found = case.get("assessment", {}).get("reasons", [])
    return [f"{reason['code']}: {reason['detail']}" if reason.get("detail") else reason["code"] for reason in found]


def _until(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    wait = 0.02
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(wait)
        wait = min(wait * 1.5, 0.5)
    return answer


def _show(stories: list[Story], result: dict[str, Any], console: Console) -> None:
    table = Table(title=f"{result['filed']} petitions", title_justify="left", header_style="bold")
    for heading in ("number", "from", "kind", "unit", "reason", "state"):
        table.add_column(heading, overflow="fold")
    table.add_column("searchable after", justify="right")
    for story in stories[:SHOWN]:
        kind = name_of(KIND_NAMES, story.kind or story.row.kind).zh
        after = "-" if story.searchable_s is None else f"{story.searchable_s:.2f} s"
        unit = story.unit_name or ("dispatcher's queue" if story.queued else "-")
        state = story.problem or name_of(STATE_NAMES, story.state).zh
        table.add_row(
            story.filed.number if story.filed else story.row.id,
            str(story.row.source),
            kind,
            unit,
            "; ".join(story.reasons[:2]),
            state,
            after,
            style="red" if story.lost else "",
        )
    console.print(table)
    if len(stories) > SHOWN:
        console.print(f"… and {len(stories) - SHOWN} more; --json FILE writes all of them.")
    times = sorted(story.searchable_s for story in stories if story.searchable_s is not None)
    if times:
        console.print(
            f"filed to searchable: p50 {_part(times, 0.5):.2f} s, p99 {_part(times, 0.99):.2f} s, slowest {times[-1]:.2f} s"
        )
    totals = ("filed", "dispatched", "queued", "answered", "notified", "to_call", "found", "lost")
    console.print("  ".join(f"{name} {result[name]}" for name in totals), style="bold")


def _part(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]


def _stay(house: Running, console: Console) -> None:
    console.print(f"\nLook at it: {house.address}   (Ctrl-C stops it)", style="bold")
    console.print(f"Staff accounts and passwords: {house.folder / 'staff-accounts.txt'}")
    try:
        house.wait()
    except KeyboardInterrupt:
        console.print("Stopping …")
