"""Fixtures: a migrated house of notify on SQLite, with and without a mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.clock import DrivenClock
from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.notify.settings import Settings
from tests.integration.notify.street import START, Street

PORTALS = """
portals:
  - {id: river, name: River Portal, vhost: wz-river, user: river}
  - {id: hook, name: Hook Portal, webhook_secrets: [whsec_c2VjcmV0c2VjcmV0c2VjcmV0]}
"""

OpenStreet = Callable[..., Street]


@pytest.fixture
def open_street(tmp_path: Path) -> Iterator[OpenStreet]:
    """Opens a migrated house of notify with the given settings."""
    opened: list[House[Settings]] = []
    portals = tmp_path / "portals.yaml"
    portals.write_text(PORTALS, encoding="utf-8")

    def open_it(**settings: Any) -> Street:
        clock = DrivenClock(START)
        given = {"public_url": "https://wz.example", "portals_file": str(portals), **settings}
        house = open_house("notify", load(Settings, "notify", {}, data_folder=tmp_path, **given), clock=clock)
        migrate(house.database, "services.notify")
        opened.append(house)
        return Street(house, clock)

    yield open_it
    for house in opened:
        house.database.close()


@pytest.fixture
def street(open_street: OpenStreet) -> Street:
    """A house with a mail server that nothing is sent to."""
    return open_street(smtp_url="smtp://127.0.0.1:1")


@pytest.fixture
def mailbox(open_street: OpenStreet) -> Street:
    """A house without a mail server."""
    return open_street()
