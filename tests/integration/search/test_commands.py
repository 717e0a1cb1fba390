"""The operator's view of the index."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from services.chassis.house import House
from services.search.commands import app
from services.search.engines import open_engine
from services.search.indexing import Indexer
from services.search.settings import Settings
from tests.integration.search.events import Town, petition


def say(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["search-index", *arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_the_status_says_how_far_the_index_is(machine: House[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(machine.settings.data_folder))
    assert "index none yet documents 0 petitions 0 waiting 0 refused 0" in say("status")
    Town(machine).send(petition("p1"))
    assert "documents 0 petitions 1 waiting 1, since 2026-03-02T01:00:00+00:00" in say("status")
    engine = open_engine(machine.settings)
    Indexer(machine, engine).run()
    assert "documents 1 petitions 1 waiting 0 refused 0" in say("status")
    engine.close()
    assert "1 petitions wait for the index" in say("rebuild")
    assert "waiting 1" in say("status")
