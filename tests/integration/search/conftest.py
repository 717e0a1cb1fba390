"""A house of search in both sizes: SQLite and tantivy on one machine, PostgreSQL and Elasticsearch in a cluster."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.clock import DrivenClock
from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.search.engines.elastic import ElasticEngine
from services.search.settings import Settings
from tests.integration.search.events import NOW


def opened(folder: Path, **given: Any) -> Iterator[House[Settings]]:
    """A migrated house."""
    house = open_house("search", load(Settings, "search", {}, data_folder=folder, **given), clock=DrivenClock(NOW))
    migrate(house.database, "services.search")
    yield house
    house.database.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[House[Settings]]:
    """Search on SQLite and tantivy in a folder of its own."""
    yield from opened(tmp_path)


@pytest.fixture
def cluster(tmp_path: Path, postgres_database: str, elasticsearch: str) -> Iterator[House[Settings]]:
    """Search on PostgreSQL and Elasticsearch, each with a database and an index of its own."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    yield from opened(
        tmp_path,
        database_url=postgres_database,
        elasticsearch_url=elasticsearch,
        elasticsearch_index=prefix,
        elasticsearch_replicas=0,
        elasticsearch_timeout=30,
    )
    engine = ElasticEngine(elasticsearch, prefix, timeout=30)
    engine.remove()
    engine.close()


@pytest.fixture(
    params=[
        "machine",
        pytest.param("cluster", marks=[pytest.mark.postgres, pytest.mark.elasticsearch]),
    ]
)
def house(request: pytest.FixtureRequest) -> House[Settings]:
    """Search in each of the two sizes."""
    found: House[Settings] = request.getfixturevalue(request.param)
    return found
