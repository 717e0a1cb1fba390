"""What became of each petition, and how it is told: as one JSON object and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from services.cli.demo.doors import Filed
from services.cli.demo.rows import Row
from services.contracts.words import KIND_NAMES, STATE_NAMES, name_of

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
            "id": self.row.reference,
            "source": self.row.source,
            "kind": self.kind or self.row.kind,
            "unit": self.unit,
            "state": self.state,
            "reasons": self.reasons,
            "seconds_to_searchable": seconds,
            "found": self.found,
            **({"problem": self.problem} if self.problem else {}),
        }


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


def show(stories: list[Story], result: dict[str, Any], console: Console) -> None:
    """Print the table and the totals."""
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
            story.filed.number if story.filed else story.row.reference,
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
        p50, p99 = _part(times, 0.5), _part(times, 0.99)
        console.print(f"filed to searchable: p50 {p50:.2f} s, p99 {p99:.2f} s, slowest {times[-1]:.2f} s")
    totals = ("filed", "dispatched", "queued", "answered", "notified", "to_call", "found", "lost")
    console.print("  ".join(f"{name} {result[name]}" for name in totals), style="bold")


def _part(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]
