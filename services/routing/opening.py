"""What routing's commands share: this house's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
