"""Reads decided petitions: JSON Lines of title, body and label, plain or gzip; refused with the line that is wrong."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.chassis.errors import Refusal
from services.routing.judgement.grams import sound

COLUMNS: Final = ("title", "body", "label")
#: A line above this is no petition (characters).
LONGEST_LINE: Final = 4_000_000
#: Rows above this are refused: a whole history goes through here, a mistaken file must not fill the memory.
MOST_ROWS: Final = 1_000_000
#: Longest label; it is the id or the name of a unit or subject.
LONGEST_LABEL: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One decided petition."""

    title: str
    body: str
    label: str
    #: By which it is found again; the number of its line where the file names none.
    id: str = ""


@dataclass(frozen=True)
class Rows:
    """What a file holds, and how many of its lines say nothing: code of the reason and number."""

    rows: list[Row]
    left_out: dict[str, int] = field(default_factory=dict)


def read_rows(path: Path) -> Rows:
    """Read a file of decided petitions.

    Lines without a label or without a letter or figure in the text are left out and counted.

    Raises:
        Refusal: it is no such file; the message names the first line that is wrong.
        OSError: it cannot be read at all.
    """
    rows: list[Row] = []
    left_out: Counter[str] = Counter()
    for number, line in _lines(path):
        row = _row(path.name, number, line)
        if not row.label:
            left_out["no_label"] += 1
        elif not any(char.isalnum() for text in (row.title, row.body) for char in text):
            left_out["no_text"] += 1
        else:
            rows.append(row)
        if len(rows) > MOST_ROWS:
            raise Refusal("rows_too_many", "There are more than %(most)s rows.", field=path.name, most=MOST_ROWS)
    if not rows:
        raise Refusal("rows_none", "There is no row with a text and a label in it.", field=path.name)
    return Rows(rows, dict(left_out))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if zipped else path.open(encoding="utf-8-sig") as file:
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise Refusal("rows_line_too_long", "The line is too long for a petition.", field=_at(path, number))
                if not line.isspace():
                    yield number, line
    except UnicodeDecodeError:
        raise Refusal("rows_encoding", "The file is not UTF-8 text.", field=_at(path, number + 1)) from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Refusal("rows_damaged", "The compressed file is cut off or damaged.", field=path.name) from None


def _at(path: Path, number: int) -> str:
    return f"{path.name}:{number}"


def _row(name: str, number: int, line: str) -> Row:
    where = f"{name}:{number}"
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refusal("rows_malformed", "The line is not one JSON object.", field=where)
    missing = [column for column in COLUMNS if column not in value]
    if missing:
        raise Refusal("rows_columns", "The row lacks %(columns)s.", field=where, columns=", ".join(missing))
    wrong = [column for column in COLUMNS if not isinstance(value[column], str | None)]
    if wrong:
        raise Refusal("rows_not_text", "The row has no text in %(columns)s.", field=where, columns=", ".join(wrong))
    title, body, label = ((value[column] or "") for column in COLUMNS)
    if len(label) > LONGEST_LABEL:
        raise Refusal(
            "rows_label_long", "The label has more than %(most)s characters.", field=where, most=LONGEST_LABEL
        )
    return Row(sound(title), sound(body), sound(label).strip(), str(value.get("id") or number)[:100])
