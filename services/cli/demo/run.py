"""Runs the demonstration: files every row, lets staff work, watches what becomes of each, tells it in a table."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.demo.doors import Doors, Refused
from services.cli.demo.officers import Officers
from services.cli.demo.rows import read_rows
from services.cli.demo.running import Running
from services.cli.demo.story import Story, show, summary
from services.cli.demo.watch import Watch

#: How long one petition may take from stage to stage (s).
PATIENCE_S = 60.0
#: People at work at once: petitioners filing, staff working.
PETITIONERS, STAFF = 4, 4
#: States of a message that is done with: sent, or left to staff who call a petitioner that gave a phone number only.
TOLD = ("sent", "skipped")


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
    # Asked to end by whoever started it, it takes the house along, as with Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    console.print(f"Starting the house in {folder} …")
    started = time.monotonic()
    try:
        house.start()
        console.print(f"It runs after {time.monotonic() - started:.1f} s: {house.address}")
        _play(stories, house, console)
        result = summary(stories)
        show(stories, result, console)
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


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


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


def _stay(house: Running, console: Console) -> None:
    console.print(f"\nLook at it: {house.address}   (Ctrl-C stops it)", style="bold")
    console.print(f"Staff accounts and passwords: {house.folder / 'staff-accounts.txt'}")
    try:
        house.wait()
    except KeyboardInterrupt:
        console.print("Stopping …")
