"""Four houses without a broker, in both sizes of database; a test carries their events to and fro."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.reconcile.town import NAMES, Town


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """The houses on SQLite, and on one PostgreSQL server."""
    urls: dict[str, Any] = {}
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        for name in NAMES:
            database = f"town_{name}_{uuid.uuid4().hex[:8]}"
            postgres.execute(f"create database {database}")
            urls[name] = {"database_url": postgres.url(database)}
    found = Town(tmp_path, urls)
    yield found
    found.close()
