"""The filters that commands on events share: by id, type, subject, reason and age."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import typer

from services.chassis.errors import StartError

EventId = Annotated[str, typer.Option("--id", help="Only this event.")]
EventType = Annotated[str, typer.Option("--type", help="Only events of this type.")]
Subject = Annotated[str, typer.Option(help="Only what is about this, for example a petition's id.")]
Code = Annotated[str, typer.Option(help="Only those with this reason.")]
Since = Annotated[str, typer.Option(help="Only those since then: 2h, 3d, or 2026-03-01T12:00 (UTC, or with +08:00).")]
Until = Annotated[str, typer.Option(help="Only those before then: 2h, 3d, or 2026-03-01T12:00 (UTC, or with +08:00).")]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Why = Annotated[str, typer.Option(help="The reason, for the log and the audit file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, help="Rows shown at most; all are counted.")]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Choice(NamedTuple):
    """What an operator asked for."""

    event_id: str = ""
    type: str = ""
    subject: str = ""
    code: str = ""
    since: str = ""
    until: str = ""

    def require(self, everything: bool) -> None:
        """Refuse to take all of them by oversight.

        Raises:
            StartError: nothing was chosen.
        """
        if not (everything or any(self)):
            raise StartError("say which, with a filter such as --id, --type or --since (--help names all), or --all")

    def test(self, now: datetime) -> Callable[[str, str, str, str, str], bool]:
        """A test of (id, type, subject, code, ISO time); an unknown time is never within an age.

        Raises:
            StartError: a time cannot be read.
        """
        since, until = moment(self.since, now), moment(self.until, now)

        def chosen(event_id: str, type_: str, subject: str, code: str, at: str) -> bool:
            named = (self.event_id, event_id), (self.type, type_), (self.subject, subject), (self.code, code)
            if any(asked and asked != found for asked, found in named):
                return False
            if since is None and until is None:
                return True
            then = _read(at)
            return then is not None and (since is None or then >= since) and (until is None or then < until)

        return chosen


def moment(text: str, now: datetime) -> datetime | None:
    """An age (``90s``, ``15m``, ``2h``, ``3d``) or a date and time, UTC where it names no zone; None when empty.

    Raises:
        StartError: it is neither.
    """
    if not text:
        return None
    age = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if age:
        return now - timedelta(seconds=int(age[1]) * _UNITS[age[2]])
    found = _read(text)
    if found is None:
        raise StartError(f"{text!r} is no age (2h, 3d) and no date (2026-03-01T12:00)")
    return found


def _read(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
