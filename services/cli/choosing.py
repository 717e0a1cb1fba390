"""The filters that commands on events share: by id, type, subject, reason and age."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

import typer

from services.chassis.errors import StartError

Everything = Annotated[bool, typer.Option("--all", help="All of them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Why = Annotated[str, typer.Option(help="The reason, for the log and the audit file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, help="Rows shown at most; all are counted.")]
EventId = Annotated[str, typer.Argument(help="The event's id, or a beginning of it that no other has.")]

_TIME = "2h, 3d, or 2026-03-01T12:00 (UTC, or with +08:00)."
#: The options that make up a ``Choice``, by the name of its field.
FILTERS: Final[dict[str, Any]] = {
    "event_id": Annotated[str, typer.Option("--id", help="Only the event with this id, or a beginning of it.")],
    "type": Annotated[str, typer.Option("--type", help="Only events of this type.")],
    "subject": Annotated[str, typer.Option(help="Only what is about this, for example a petition's id.")],
    "code": Annotated[str, typer.Option(help="Only those with this reason.")],
    "since": Annotated[str, typer.Option(help=f"Only those since then: {_TIME}")],
    "until": Annotated[str, typer.Option(help=f"Only those before then: {_TIME}")],
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Choice(NamedTuple):
    """What an operator asked for."""

    event_id: str = ""
    type: str = ""
    subject: str = ""
    code: str = ""
    since: str = ""
    until: str = ""
    #: The id is the whole of it, not a beginning.
    whole: bool = False

    def require(self, everything: bool) -> None:
        """Refuse to take all of them by oversight.

        Raises:
            StartError: nothing was chosen.
        """
        if not (everything or any(self)):
            raise StartError("say which, with a filter such as --id, --type or --since (--help names all), or --all")

    def settled(self, ids: Iterable[str]) -> Choice:
        """The same with the one id that is meant: an operator who types a beginning must not hit two.

        Args:
            ids: those that begin with it.

        Raises:
            StartError: none does, or several do.
        """
        found = set(ids)
        if self.event_id in found:
            return self._replace(whole=True)
        if not found:
            raise StartError(f"there is no event whose id is or begins with {self.event_id}")
        if len(found) > 1:
            raise StartError(f"{len(found)} events have an id that begins with {self.event_id}; give more of it")
        return self._replace(event_id=found.pop(), whole=True)

    def test(self, now: datetime) -> Callable[[str, str, str, str, str], bool]:
        """A test of (id, type, subject, code, ISO time); an unknown time is never within an age.

        Raises:
            StartError: a time cannot be read.
        """
        since, until = moment(self.since, now), moment(self.until, now)

        def chosen(event_id: str, type_: str, subject: str, code: str, at: str) -> bool:
            if not (event_id == self.event_id if self.whole else event_id.startswith(self.event_id)):
                return False
            named = (self.type, type_), (self.subject, subject), (self.code, code)
            if any(asked and asked != found for asked, found in named):
                return False
            if since is None and until is None:
                return True
            then = _read(at)
            return then is not None and (since is None or then >= since) and (until is None or then < until)

        return chosen


def choosing(command: Callable[..., None], without: Collection[str] = ()) -> Callable[..., None]:
    """A command with the filters among its options.

    Args:
        command: takes them together as ``choice``.
        without: filters that make no sense with it.
    """
    filters = {name: annotation for name, annotation in FILTERS.items() if name not in without}

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(choice=Choice(**{name: given.pop(name) for name in filters}), **given)

    by_name = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.signature(command, eval_str=True)
    own = [one.replace(kind=by_name) for name, one in signature.parameters.items() if name != "choice"]
    options = [inspect.Parameter(name, by_name, default="", annotation=kind) for name, kind in filters.items()]
    parameters = [*own, *options]
    # What typer reads: the signature that the command would have if it named each filter itself.
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


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
