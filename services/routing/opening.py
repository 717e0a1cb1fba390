"""What routing's commands share: this house's database, and the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from services.chassis.house import House
from services.chassis.migrate import require_current
from services.chassis.settings import load
from services.chassis.there import open_there
from services.routing.settings import Settings


@contextmanager
def opened() -> Iterator[House[Settings]]:
    """Routing's house, where it is there and its database is that of this release.

    Raises:
        StartError: it is not.
    """
    house = open_there("routing", load(Settings, "routing"))
    try:
        require_current(house.database, "services.routing")
        yield house
    finally:
        house.database.close()


def terminal() -> Console:
    """As wide as the terminal; wide where nobody looks."""
    return Console() if sys.stdout.isatty() else Console(width=160)
