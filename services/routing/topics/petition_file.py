"""Reads a file of petitions, one JSON object a line: what cannot be used is refused, or passed over with its reason."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from zoneinfo import ZoneInfo

from services.chassis.errors import Refusal
from services.routing.domain.sameness import Sheet, words
from services.routing.folding import fold

#: A line longer than this many bytes is no petition.
LONGEST_LINE: Final = 4_000_000
#: Characters read of a body; the rest is not looked at.
LONGEST_BODY: Final = 20_000
#: Columns without which a row says nothing.
NEEDED: Final = ("title", "body")
_GZIP: Final = b"\x1f\x8b"
_OTHER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class FileRefused(Refusal):
    """A file that is not read any further, said on a terminal; the code is stable."""


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
        FileRefused: not such a file; ``code`` says why: unknown_encoding, broken_gzip, bad_json, not_an_object,
            missing_columns, line_too_long, no_rows.
    """
    found, seen, lines = PetitionFile(), set[str](), 0
    with path.open("rb") as file:
        for lines, text in enumerate(_lines(path, file), 1):
            if not text.strip():
                continue
            row = _object(path, lines, text)
            missing = [name for name in (*NEEDED, "submitted_at") if name not in row and (dated or name in NEEDED)]
            if missing:
                there = ", ".join(map(str, row)) or "none"
                raise FileRefused(
                    "missing_columns", f"{path}, line {lines}: no {' and no '.join(missing)}; there are {there}"
                )
            code = _take(found, seen, lines, row, zone, dated)
            if code:
                found.passed_over.append(PassedOver(lines, code))
    if not found.rows:
        codes = sorted({one.code for one in found.passed_over})
        why = f"all {len(found.passed_over)} rows were passed over: {', '.join(codes)}" if codes else "it is empty"
        raise FileRefused("no_rows", f"{path}: there is no petition in it, {why}")
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


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    start = file.read(3)
    file.seek(0)
    source: BinaryIO = file
    if start.startswith(_GZIP):
        source = cast(BinaryIO, gzip.GzipFile(fileobj=file))
    number = 0
    try:
        while line := source.readline(LONGEST_LINE + 1):
            number += 1
            if number == 1 and line.startswith(_OTHER_MARKS):
                raise FileRefused("unknown_encoding", f"{path}: this is UTF-16; write it as UTF-8")
            if len(line) > LONGEST_LINE:
                raise FileRefused("line_too_long", f"{path}, line {number}: longer than {LONGEST_LINE:,} bytes")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise FileRefused(
                    "unknown_encoding",
                    f"{path}, line {number}: byte {error.start + 1} is no UTF-8; is it GB 18030? Write it as UTF-8",
                ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileRefused("broken_gzip", f"{path}: cannot be unpacked after line {number}: {error}") from None
    except io.UnsupportedOperation as error:
        raise FileRefused("broken_gzip", f"{path}: {error}") from None


def _object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f", column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise FileRefused("bad_json", f"{path}, line {line}{where}: this is no JSON") from None
    if not isinstance(value, dict):
        raise FileRefused("not_an_object", f"{path}, line {line}: a row must be a JSON object with title and body")
    return value


def _text(value: object) -> str:
    """A text without halves of characters, which JSON can name and nothing can print."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")


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
