"""The installed services' databases as far as they are at hand: one that is away costs its own figures, no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.chassis.errors import Exit, StartError
from services.chassis.house import House
from services.chassis.there import open_there
from services.cli.registry import settings_of

T = TypeVar("T")
#: PostgreSQL's codes for a table or a column that is not there.
_NOT_MIGRATED = ("42P01", "42703")


class AtHand:
    """Asks the databases of services; to be closed.

    Args:
        names: the services.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.settings = {name: settings_of(name) for name in self.names}
        self._houses: dict[str, House[Any]] = {}
        self._away: dict[str, StartError] = {}

    def look_again(self) -> None:
        """Ask those again that were away."""
        self._away.clear()

    def house(self, service: str) -> House[Any]:
        """The house of a service.

        Raises:
            StartError: its database is not there.
        """
        if service not in self._houses:
            self._houses[service] = open_there(service, self.settings[service])
        return self._houses[service]

    def ask(self, service: str, question: Callable[[House[Any]], T]) -> T | None:
        """What a service's house answers; None when its database is not at hand, as long as nobody looks again."""
        if service in self._away:
            return None
        try:
            return question(self.house(service))
        except StartError as error:
            self._away[service] = error
        except (DBAPIError, PoolTimeout) as error:
            self._away[service] = StartError(_reason(service, error), Exit.DATABASE_AWAY)
        return None

    def away(self) -> list[str]:
        """One line for each reason why services did not answer: which and why."""
        reasons: dict[str, list[str]] = {}
        for name in self.names:
            if name in self._away:
                reasons.setdefault(str(self._away[name]), []).append(name)
        return [f"{', '.join(names)}: database not at hand ({reason})" for reason, names in reasons.items()]

    def require_any(self) -> None:
        """Refuse to go on when no database is at hand.

        Raises:
            StartError: with the reasons.
        """
        if len(self._away) == len(self.names):
            raise StartError("\n  ".join(self.away()), self._away[self.names[0]].code)

    def close(self) -> None:
        """Close every database."""
        for house in self._houses.values():
            house.database.close()
        self._houses.clear()


def _reason(service: str, error: Exception) -> str:
    """What the database said, in one line that holds no password."""
    said = getattr(error, "orig", None) or error
    line = str(said).strip().partition("\n")[0]
    if getattr(said, "pgcode", None) in _NOT_MIGRATED or line.startswith(("no such table", "no such column")):
        return f"it is empty or of another release: wenzheng migrate {service}"
    return line
