"""One house per column of the architecture page: small (SQLite, tantivy) and large (PostgreSQL, Elasticsearch).

The large one reaches PostgreSQL through PgBouncer in transaction mode.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House


@pytest.fixture(
    scope="package",
    params=["small", pytest.param("large", marks=[pytest.mark.postgres, pytest.mark.elasticsearch])],
)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running house, shared by the whole suite: tests make their own petitions and look at those only."""
    folder: Path = tmp_path_factory.mktemp(f"house-{request.param}")
    environ = {}
    if request.param == "large":
        postgres, bouncer = request.getfixturevalue("postgres"), request.getfixturevalue("bouncer")
        for service in ("intake", "routing", "notify", "search"):
            name = f"house_{service}_{uuid.uuid4().hex[:8]}"
            postgres.execute(f"create database {name}")
            environ[f"WENZHENG_{service.upper()}_DIRECT_DATABASE_URL"] = postgres.url(name)
            environ[f"WENZHENG_{service.upper()}_DATABASE_URL"] = bouncer.url(postgres.url(name))
        environ["WENZHENG_ELASTICSEARCH_URL"] = request.getfixturevalue("elasticsearch")
        environ["WENZHENG_ELASTICSEARCH_INDEX"] = f"test-{folder.name}"
    running = House(folder, **environ).start()
    yield running
    assert running.stop() == 0
