"""The petitions of a demonstration, read from JSON Lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from services.chassis.errors import StartError

Source = Literal["form", "api", "entry", "portal_event", "portal_webhook"]
#: Doors in turn for rows that name none.
SOURCES: tuple[Source, ...] = ("api", "form", "portal_webhook", "api", "portal_event", "entry", "api")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One petition to be filed; only title and body are needed."""

    title: str
    body: str
    #: Unique in the file; a portal's reference. Made from the line's number when it is missing.
    id: str | int = ""
    source: Source | None = None
    #: With ``entry``: call, letter or visit.
    channel: Literal["call", "letter", "visit"] = "call"
    kind: Literal["complaint", "report", "inquiry", "suggestion"] = "report"
    #: ``report`` for a report on a person.
    door: Literal["petition", "report"] | None = None
    language: str = "zh-Hans"
    place: dict[str, Any] | None = None
    contact: dict[str, str] | None = None
    publish: bool = False
    #: Unit a person would choose; the scripted dispatcher takes it for petitions in the queue.
    expect_unit: str | None = None
    #: What the scripted officer answers.
    reply: str | None = None

    @property
    def reference(self) -> str:
        """The row's id as text."""
        return str(self.id)


def read_rows(path: Path) -> list[Row]:
    """Read every row.

    Raises:
        StartError: the file cannot be read, or a line is wrong; names the line and the field.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}") from None
    rows: list[Row] = []
    names: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=Row)
        except msgspec.MsgspecError as error:
            raise StartError(f"{path}, line {number}: {error}") from None
        defaults: dict[str, Any] = {}
        name = str(row.id) or f"row-{number}"
        defaults["id"] = name if name not in names else f"{name}-{number}"
        names.add(str(defaults["id"]))
        if row.source is None:
            defaults["source"] = SOURCES[len(rows) % len(SOURCES)]
        if row.contact is None:
            defaults["contact"] = {"mail": f"petitioner-{number}@example.org"}
        rows.append(msgspec.structs.replace(row, **defaults))
    if not rows:
        raise StartError(f"{path} holds no petition")
    return rows
