"""Reads decided petitions: JSON Lines of title, body and label, plain or gzip; refused with the line that is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.chassis.errors import Refusal
from services.routing.folding import sound
from services.routing.json_lines import at_line, read_objects

COLUMNS: Final = ("title", "body", "label")
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
        Refusal: it is no such file; the field names the first line that is wrong. Codes are those of ``json_lines``,
            and ``not_text``, ``label_too_long``, ``no_rows``, ``too_many_rows``.
        OSError: it cannot be read at all.
    """
    rows: list[Row] = []
    left_out: Counter[str] = Counter()
    for number, value in read_objects(path, COLUMNS):
        row = _row(path, number, value)
        if not row.label:
            left_out["no_label"] += 1
        elif not any(char.isalnum() for text in (row.title, row.body) for char in text):
            left_out["no_text"] += 1
        else:
            rows.append(row)
        if len(rows) > MOST_ROWS:
            raise Refusal("too_many_rows", "There are more than %(most)s rows.", field=path.name, most=MOST_ROWS)
    if not rows:
        raise Refusal("no_rows", "There is no row with a text and a label in it.", field=path.name)
    return Rows(rows, dict(left_out))


def _row(path: Path, number: int, value: dict[str, Any]) -> Row:
    wrong = [column for column in COLUMNS if not isinstance(value[column], str | None)]
    if wrong:
        raise Refusal(
            "not_text", "The row has no text in %(columns)s.", field=at_line(path, number), columns=", ".join(wrong)
        )
    title, body, label = (sound(value[column] or "") for column in COLUMNS)
    if len(label) > LONGEST_LABEL:
        raise Refusal(
            "label_too_long",
            "The label has more than %(most)s characters.",
            field=at_line(path, number),
            most=LONGEST_LABEL,
        )
    return Row(title, body, label.strip(), str(value.get("id") or number)[:100])
