"""Reads files of JSON Lines, plain or packed by gzip: one object a line, refused with the line that is wrong."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from services.chassis.errors import Refusal
from services.routing.folding import printable

#: A line longer than this is no petition (bytes).
LONGEST_LINE: Final = 4_000_000
#: Characters of the columns that are there instead of those that are missing.
_TOLD: Final = 200
_GZIP: Final = b"\x1f\x8b"


def read_objects(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with the numbers of their lines; empty lines are passed over.

    Args:
        path: one JSON object a line, UTF-8; whether it is packed is told by its first bytes.
        columns: names that every object must have.

    Raises:
        Refusal: ``bad_json``, ``not_an_object``, ``missing_columns``, ``unknown_encoding``, ``broken_gzip``,
            ``line_too_long``; the field names the file and the line.
        OSError: it cannot be read at all.
    """
    with path.open("rb") as file:
        for number, line in _lines(path, file):
            value = _object(path, number, line)
            missing = [name for name in columns if name not in value]
            if missing:
                raise Refusal(
                    "missing_columns",
                    "The row lacks %(columns)s; there are: %(there)s.",
                    field=at_line(path, number),
                    columns=", ".join(missing),
                    there=printable(", ".join(value)[:_TOLD]) or "–",
                )
            yield number, value


def at_line(path: Path, number: int) -> str:
    """A line of a file, as refusals name it."""
    return f"{path.name}:{number}"


def _lines(path: Path, file: Any) -> Iterator[tuple[int, str]]:
    # Looked at without moving on, so that a pipe can be read too.
    packed = file.peek(2)[:2] == _GZIP
    source = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
    number = 0
    try:
        while line := source.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise Refusal(
                    "line_too_long",
                    "The line is longer than %(most)s bytes.",
                    field=at_line(path, number),
                    most=f"{LONGEST_LINE:,}",
                )
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise Refusal(
                    "unknown_encoding",
                    "Byte %(byte)s of the line is no UTF-8; perhaps it is GB 18030 or UTF-16. Write the file as UTF-8.",
                    field=at_line(path, number),
                    byte=error.start + 1,
                ) from None
            if not text.isspace():
                yield number, text
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Refusal(
            "broken_gzip",
            "The compressed file is cut off or damaged at line %(line)s.",
            field=path.name,
            line=number + 1,
        ) from None


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise Refusal("bad_json", "The line is no JSON.", field=at_line(path, number)) from None
    if not isinstance(value, dict):
        raise Refusal("not_an_object", "The line is not one JSON object.", field=at_line(path, number))
    return value
