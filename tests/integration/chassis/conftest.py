"""Fixture of the delivery core's tests: the toy service on either database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis import delivery
from services.chassis.house import open_house
from services.chassis.settings import ServiceSettings, load
from tests.house import free_port
from tests.integration.chassis.toy_tables import Base
from tests.integration.chassis.toys import Toy


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def toy(request: pytest.FixtureRequest, tmp_path: Path, broker: str) -> Iterator[Toy]:
    """On SQLite and on PostgreSQL; ``pooled``, where a test asks for it, is PostgreSQL behind PgBouncer."""
    environ = {**os.environ, "WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}
    environ |= {
        "WENZHENG_RETRY_LADDER": "1,1,1,1,1",
        "WENZHENG_BATCH_DEADLINE_S": "2",
        "WENZHENG_WORKER_PORT": str(free_port()),
    }
    if request.param != "sqlite":
        environ["WENZHENG_DATABASE_URL"] = request.getfixturevalue("postgres_database")
    if request.param == "pooled":
        direct = environ["WENZHENG_DIRECT_DATABASE_URL"] = environ["WENZHENG_DATABASE_URL"]
        environ["WENZHENG_DATABASE_URL"] = request.getfixturevalue("bouncer").url(direct)
    house = open_house("toy", load(ServiceSettings, "toy", environ))
    for metadata in (Base.metadata, delivery.metadata):
        metadata.create_all(house.database.engine)
    toy = Toy(house, environ, broker)
    yield toy
    toy.end()
    house.database.close()


@pytest.fixture
def second(toy: Toy) -> Iterator[Toy]:
    """A second worker of the same service, not started."""
    second = toy.another()
    yield second
    second.end()
