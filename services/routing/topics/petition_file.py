"""Reads a file of petitions, one JSON object a line: what cannot be used is refused, or passed over with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.chassis.errors import Refusal
from services.routing.domain.sameness import Sheet, words
from services.routing.folding import fold, sound
from services.routing.json_lines import read_objects

#: Characters read of a body; the rest is not looked at.
LONGEST_BODY: Final = 20_000
#: Columns without which a row says nothing.
NEEDED: Final = ("title", "body")


@dataclass(frozen=True, slots=True)
class Row:
    """A petition of the file."""

    line: int
    id: str
    title: str
    #: Folded and ready for comparing.
    sheet: Sheet
    at: datetime | None
    likes: int = 0
    dislikes: int = 0

    @property
    def petitioner(self) -> str | None:
        """Key of whoever filed it, where the file has one."""
        return self.sheet.petitioner


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A row that was not used, or not as it stands."""

    line: int
    code: str


@dataclass
class PetitionFile:
    """What was read of a file."""

    rows: list[Row] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)


def read_petitions(path: Path, zone: ZoneInfo, *, dated: bool = False) -> PetitionFile:
    """Read a file of petitions, packed by gzip or not.

    Args:
        path: one JSON object a line, UTF-8: title and body; where known id, place, submitted_at, user, likes, dislikes.
        zone: where a time that names no zone was written down.
        dated: rows without a time are passed over, since nothing can be said of when.

    Raises:
        Refusal: it is no such file; the field names the first line that is wrong. Codes are those of ``json_lines``,
            and ``no_rows``.
        OSError: it cannot be read at all.
    """
    found, seen = PetitionFile(), set[str]()
    for line, row in read_objects(path, (*NEEDED, "submitted_at") if dated else NEEDED):
        code = _take(found, seen, line, row, zone, dated)
        if code:
            found.passed_over.append(PassedOver(line, code))
    if not found.rows:
        if not found.passed_over:
            raise Refusal("no_rows", "The file is empty.", field=path.name)
        raise Refusal(
            "no_rows",
            "There is no petition in it: all %(rows)s rows were passed over (%(codes)s).",
            field=path.name,
            rows=len(found.passed_over),
            codes=", ".join(sorted({one.code for one in found.passed_over})),
        )
    return found


def _take(
    found: PetitionFile, seen: set[str], line: int, row: dict[str, Any], zone: ZoneInfo, dated: bool
) -> str | None:
    """Keep a row; otherwise, or when it is not kept as it stands, the code that says why."""
    title, body, place = (_text(row.get(name)) for name in ("title", "body", "place"))
    name = str(row.get("id") or f"line {line}")
    if name in seen:
        return "repeated_id"
    given = row.get("submitted_at")
    at = _time(given, zone)
    if at is None and (dated or given not in (None, "")):
        return "bad_time"
    user = row.get("user")
    sheet = Sheet(
        name,
        fold(title[:LONGEST_BODY]),
        fold(body[:LONGEST_BODY]),
        fold(place[:LONGEST_BODY]),
        at,
        str(user) if user not in (None, "") else None,
    )
    if next(words(f"{sheet.title}\n{sheet.body}"), None) is None:
        return "no_words"
    seen.add(name)
    found.rows.append(
        Row(line, name, " ".join(title.split()), sheet, at, _number(row, "likes"), _number(row, "dislikes"))
    )
    return "body_cut" if len(body) > LONGEST_BODY else None


def _text(value: object) -> str:
    return sound(value if isinstance(value, str) else "" if value is None else str(value))


def _number(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else 0


def _time(value: object, zone: ZoneInfo) -> datetime | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def told(passed_over: Sequence[PassedOver], most: int = 5) -> list[str]:
    """What was passed over, a line for each reason with the first lines it stands in."""
    by_code: dict[str, list[int]] = {}
    for one in passed_over:
        by_code.setdefault(one.code, []).append(one.line)
    return [
        f"{len(lines)} {'rows' if len(lines) > 1 else 'row'} {_MEANING[code]} [{code}]: line "
        + ", ".join(map(str, lines[:most]))
        + (" …" if len(lines) > most else "")
        for code, lines in sorted(by_code.items())
    ]


_MEANING: Final = {
    "repeated_id": "passed over, the id has come before",
    "bad_time": "passed over, submitted_at is no ISO 8601 time",
    "no_words": "passed over, there is not one word in title and body",
    "body_cut": f"read up to {LONGEST_BODY:,} characters of the body",
}
