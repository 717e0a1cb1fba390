"""`wenzheng reconcile`: compares what each service keeps of the others with what they hold, and puts it right."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from services.chassis.errors import StartError
from services.chassis.house import House
from services.chassis.ids import uuid7_from
from services.chassis.migrate import require_current
from services.chassis.reconcile import Difference, Progress, Run, Standing, standing
from services.cli.listing import show as show_rows
from services.cli.registry import installed, open_service, part, settings_of

#: The order of the comparisons: what routing opens anew the others hear of, and follow, before they are compared.
ORDER = ("routing", "intake", "notify", "search")
#: Between two looks at the asker's tables (s).
LOOK_S = 0.2
#: Differences that are printed for each service; the JSON file has all.
SHOWN = 50
#: What each kind means to an operator.
KINDS = {
    "missing": "missing here",
    "behind": "behind",
    "different": "differs",
    "unknown": "owner does not know it",
    "ahead": "owner has an older state",
}


@dataclass
class Result:
    """What became of one service's comparison."""

    service: str
    compared: int = 0
    seconds: float = 0.0
    differences: list[Difference] = field(default_factory=list)
    outbox: Standing = field(default_factory=lambda: Standing(0, 0.0, 0))
    #: (petitions said to be in the index, documents in it or None when it cannot be asked), where there is an index.
    index: tuple[int, int | None] | None = None
    #: Why it could not be completed; "" when it was.
    problem: str = ""

    @property
    def repaired(self) -> int:
        """How many differences were put right."""
        return sum(one.repaired for one in self.differences)

    @property
    def differs(self) -> bool:
        """Whether anything of this service was not as it should be."""
        lost = self.index is not None and self.index[1] is not None and self.index[1] < self.index[0]
        return bool(self.differences or self.outbox.refused or lost)


def reconcile(
    services: Annotated[list[str] | None, typer.Argument(help="Whose copies to compare; all when left out.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what differs; repair nothing.")] = False,
    since: Annotated[str, typer.Option(help="Only petitions filed from this day or moment on, as 2026-03-02.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here as one JSON object.")] = None,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds for which an event may be on its way before it counts as lost.")
    ] = 60.0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for an owner that is silent.")] = 60.0,
    page: Annotated[int, typer.Option(min=1, max=1000, help="Petitions compared in one transaction.")] = 500,
) -> None:
    """Is anything lost? Compare what each service keeps of the others with what they hold; repair what differs.

    Exit code 0: nothing differed; 1: something did; 2: it could not be completed.
    """
    names = _chosen(services or [])
    after = _bound(since)
    bars = Bars(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    results = []
    with bars:
        for name in names:
            results.append(_compare(name, bars, check=check, after=after, grace=grace, timeout=timeout, page=page))
    code = 2 if any(r.problem for r in results) else int(any(r.differs for r in results))
    # First the terminal: a file that cannot be written must not cost the answer.
    _show(results, check)
    if json_file is not None:
        json_file.write_text(json.dumps(_as_json(results, check, code), ensure_ascii=False, indent=2) + "\n", "utf-8")
    problems = [r.problem for r in results if r.problem]
    if problems:
        raise StartError("the comparison could not be completed\n  " + "\n  ".join(problems))
    raise typer.Exit(code)


def _chosen(services: Sequence[str]) -> list[str]:
    here = installed()
    for name in services:
        if name not in here:
            raise StartError(f"there is no service {name!r} here; there are: {', '.join(here)}")
    wanted = services or here
    known = [name for name in ORDER if name in wanted]
    return known + [name for name in wanted if name not in ORDER]


def _bound(since: str) -> str:
    if not since:
        return ""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise StartError(f"--since must be a day or a moment such as 2026-03-02, not {since!r}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(settings_of(installed()[0]).time_zone))
    return uuid7_from(moment.astimezone(UTC))


def _compare(name: str, bars: Bars, *, check: bool, after: str, grace: float, timeout: float, page: int) -> Result:
    """Compare one service's copies; an owner that stays silent ends it."""
    result = Result(name)
    house = open_service(name, make=False)
    started = time.monotonic()
    try:
        require_current(house.database, f"services.{name}")
        module = part(name, "snapshots")
        run = Run(house, module.FOLLOWED, repair=not check, after=after, grace=grace, page=page)
        task = bars.add_task(name, total=None, note="")
        run.begin()
        try:
            _watch(run, result, bars, task, timeout)
        finally:
            run.end()
        result.differences = run.found()
        result.outbox = standing(house)
        result.index = _index(house, module)
        if result.index is not None and result.index[1] is None:
            result.problem = result.problem or f"{name}: the search index cannot be asked how many documents it has"
    finally:
        house.database.close()
    result.seconds = time.monotonic() - started
    return result


def _watch(run: Run, result: Result, bars: Bars, task: Any, timeout: float) -> None:
    while True:
        now = run.step()
        result.compared = now.compared
        bars.update(task, completed=now.compared, total=now.total, note=_note(now))
        if now.done:
            bars.update(task, completed=now.compared, total=now.compared)
            return
        if now.silent_s > timeout:
            result.problem = _silence(run, result.service, now, timeout)
            return
        time.sleep(LOOK_S)


def _note(now: Progress) -> str:
    parts = [(now.suspected, "may be on the way"), (now.asked, "asked for"), (now.differ, "differ")]
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def _silence(run: Run, service: str, now: Progress, timeout: float) -> str:
    unsent = run.unsent()
    said = []
    for owner in now.waiting_for:
        problem = unsent.get(owner)
        if problem is None:
            said.append(f"{owner} did not answer within {timeout:g} s; is its worker running? See wenzheng queues")
        elif problem == "unroutable":
            said.append(f"{owner} has no queue on the broker; start its worker")
        else:
            said.append(f"the request to {owner} was not published; do the broker and the worker of {service} run?")
    return "\n  ".join(f"{service}: {words}" for words in said)


def _index(house: House[Any], module: Any) -> tuple[int, int | None] | None:
    count = getattr(module, "documents", None)
    found: tuple[int, int | None] | None = count(house) if count is not None else None
    return found


def _show(results: Sequence[Result], check: bool) -> None:
    found = [(result.service, one) for result in results for one in result.differences[:SHOWN]]
    rows = []
    for service, one in found:
        outcome = "yes" if one.repaired else (one.note.replace("_", " ") or "no")
        kind = KINDS.get(one.kind, one.kind)
        rows.append((one.subject, service, one.owner, kind, str(one.sequence), str(one.seen), outcome))
    if rows:
        headings = ("petition", "in", "of", "what", "owner", "here", "repaired")
        show_rows(headings, rows, right=("owner", "here"), title="What differs")
    for result in results:
        typer.echo(_line(result, check))


def _line(result: Result, check: bool) -> str:
    rate = result.compared / result.seconds if result.seconds else 0.0
    number = len(result.differences)
    words = [f"{result.service}: {result.compared} compared in {result.seconds:.1f} s ({rate:.0f}/s)"]
    if result.problem:
        words.append("not completed")
    if not number:
        words.append("nothing differs")
    elif check:
        words.append(f"{number} differ, nothing was repaired (--check)")
    else:
        words.append(f"{number} differ, {result.repaired} repaired")
    out = result.outbox
    if out.unpublished:
        words.append(f"outbox {out.unpublished} unpublished, the oldest {out.oldest_s:.0f} s")
    if out.refused:
        words.append(f"{out.refused} events that no queue or broker takes")
    if result.index is not None and result.index[1] is not None:
        said, there = result.index[0], result.index[1]
        words.append(f"index {there} documents of {said}")
        if there < said:
            words.append("run wenzheng search-index rebuild")
    return ", ".join(words)


def _as_json(results: Sequence[Result], check: bool, code: int) -> dict[str, Any]:
    return {
        "exit_code": code,
        "check": check,
        "differed": sum(len(result.differences) for result in results),
        "repaired": sum(result.repaired for result in results),
        "services": [
            {
                **{key: value for key, value in asdict(result).items() if key != "index"},
                "index": None if result.index is None else {"said": result.index[0], "documents": result.index[1]},
            }
            for result in results
        ],
    }
