"""A house of search with its own database, and events as the other services send them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.chassis.clock import DrivenClock
from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.search.settings import Settings

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House[Settings]]:
    """Search on SQLite and tantivy in a folder of its own."""
    settings = load(Settings, "search", {}, data_folder=tmp_path)
    house = open_house("search", settings, clock=DrivenClock(NOW))
    migrate(house.database, "services.search")
    yield house
    house.database.close()
