"""The sender loop brings the index up to the rows, whatever happens on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.chassis.house import House
from services.search import store
from services.search.domain import AudienceFilter
from services.search.engines import Engine, EngineAway, Search, open_engine
from services.search.engines.elastic import ElasticEngine
from services.search.engines.embedded import TantivyEngine
from services.search.indexing import Indexer, document_of
from services.search.models import PetitionView
from services.search.settings import Settings
from services.search.tokens import runs
from tests.integration.search.events import Town, case, petition

ALL = AudienceFilter(frozenset({"office", "sealed"}))


@pytest.fixture
def town(house: House[Any]) -> Town:
    return Town(house)


@pytest.fixture
def engine(house: House[Any]) -> Iterator[Engine]:
    made = open_engine(house.settings)
    yield made
    made.close()


def drain(indexer: Indexer) -> int:
    done = 0
    while count := indexer.run():
        done += count
    return done


def found(engine: Engine, words: str) -> set[str]:
    return {hit.petition_id for hit in engine.search(Search(audience=ALL, runs=runs(words))).hits}


def waiting(town: Town) -> int:
    with town.house.database.read() as session:
        return store.tally(session).waiting


def test_what_was_committed_is_found_after_one_call(town: Town, engine: Engine) -> None:
    town.send(petition("p1", "路灯不亮"), case("p1"))
    assert Indexer(town.house, engine).run() == 1
    assert found(engine, "路灯") == {"p1"}
    assert waiting(town) == 0
    with town.house.database.read() as session:
        row = session.get(PetitionView, "p1")
        assert row is not None
        assert (row.indexed_version, row.indexed_at) == (row.version, town.house.clock.now())


def test_nothing_to_do_is_nothing_done(town: Town, engine: Engine) -> None:
    assert Indexer(town.house, engine).run() == 0


def test_rows_go_in_pages(town: Town, engine: Engine) -> None:
    page = town.house.settings.index_page
    town.send(*[petition(f"p{i}") for i in range(page + 3)])
    indexer = Indexer(town.house, engine)
    assert [indexer.run(), indexer.run(), indexer.run()] == [page, 3, 0]
    assert engine.count() == page + 3


def test_while_the_engine_is_away_rows_wait_and_then_are_found(machine: House[Settings]) -> None:
    """Another process holds the index; consuming goes on meanwhile."""
    town, engine = Town(machine), open_engine(machine.settings)
    other = TantivyEngine(town.house.settings.data_folder / "search-index")
    other.identity()
    indexer = Indexer(town.house, engine)
    town.send(petition("p1", "路灯不亮"))
    for _ in range(3):
        with pytest.raises(EngineAway):
            indexer.run()
        town.send(case("p1"))
    assert waiting(town) == 1
    other.close()
    assert indexer.run() == 1
    assert found(engine, "路灯") == {"p1"}
    assert waiting(town) == 0
    engine.close()


def test_an_absent_elasticsearch_leaves_the_rows_waiting(town: Town) -> None:
    absent = ElasticEngine("http://127.0.0.1:9", "gone", timeout=1)
    town.send(petition("p1"))
    with pytest.raises(EngineAway):
        Indexer(town.house, absent).run()
    assert waiting(town) == 1
    absent.close()


def test_a_crash_between_writing_and_marking_doubles_nothing(town: Town, engine: Engine) -> None:
    town.send(petition("p1", "路灯不亮"))
    Indexer(town.house, engine).run()
    town.send(case("p1", "accepted"))
    with town.house.database.read() as session:
        row = session.get(PetitionView, "p1")
        assert row is not None
        engine.write([document_of(row, town.house.settings.time_zone)])
    assert waiting(town) == 1
    assert drain(Indexer(town.house, engine)) == 1
    assert engine.count() == 1
    assert found(engine, "路灯") == {"p1"}


def test_a_row_that_changes_while_it_is_written_is_written_again(town: Town, engine: Engine) -> None:
    town.send(petition("p1", "路灯不亮"))
    changes: list[Callable[[], Any]] = [lambda: town.send(petition("p1", "路灯修好了", what="supplemented"))]

    def aside(function: Callable[..., Any], *args: Any) -> Any:
        result = function(*args)
        if getattr(function, "__name__", "") == "documents_of" and changes:
            changes.pop()()
        return result

    indexer = Indexer(town.house, engine, aside)
    indexer.run()
    assert waiting(town) == 1
    indexer.run()
    assert waiting(town) == 0
    assert found(engine, "修好") == {"p1"}


def test_an_index_that_was_lost_is_filled_again_at_the_next_start(machine: House[Settings]) -> None:
    town, engine = Town(machine), open_engine(machine.settings)
    town.send(*[petition(f"p{i}") for i in range(5)])
    drain(Indexer(town.house, engine))
    engine.close()
    shutil.rmtree(town.house.settings.data_folder / "search-index")
    again = open_engine(town.house.settings)
    drain(Indexer(town.house, again))
    assert again.count() == 5
    again.close()


def test_an_index_from_an_older_backup_is_filled_up(machine: House[Settings]) -> None:
    """Same index by name, fewer documents than the rows say are in it."""
    town, engine = Town(machine), open_engine(machine.settings)
    folder = town.house.settings.data_folder / "search-index"
    town.send(petition("p1"))
    drain(Indexer(town.house, engine))
    engine.close()
    shutil.copytree(folder, folder.with_name("backup"))
    town.send(petition("p2"))
    drain(Indexer(town.house, engine))
    engine.close()
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("backup"), folder)
    again = open_engine(town.house.settings)
    drain(Indexer(town.house, again))
    assert again.count() == 2
    again.close()


@pytest.mark.parametrize("empty_first", [False, True])
def test_an_operator_can_have_the_index_written_again(town: Town, engine: Engine, empty_first: bool) -> None:
    town.send(petition("p1", "路灯不亮"), petition("p2", "噪音扰民"))
    indexer = Indexer(town.house, engine)
    drain(indexer)
    before = engine.identity()
    with town.house.database.write() as session:
        assert store.ask_for_rebuild(session, empty_first=empty_first) == 2
    assert waiting(town) == 2
    drain(indexer)
    assert waiting(town) == 0
    assert engine.count() == 2
    assert (engine.identity() == before) is not empty_first
    assert found(engine, "噪音") == {"p2"}
    assert indexer.run() == 0


@pytest.mark.elasticsearch
@pytest.mark.postgres
def test_an_elasticsearch_index_that_was_removed_is_filled_again(cluster: House[Settings]) -> None:
    """It is noticed when the next petition is written; that call fails, the one after it mends."""
    town, engine = Town(cluster), open_engine(cluster.settings)
    assert isinstance(engine, ElasticEngine)
    indexer = Indexer(cluster, engine)
    town.send(petition("p1"))
    drain(indexer)
    engine.remove()
    town.send(petition("p2"))
    with pytest.raises(EngineAway):
        indexer.run()
    drain(indexer)
    assert engine.count() == 2
    engine.close()


def test_a_petition_that_becomes_sealed_leaves_everybody_elses_index(town: Town, engine: Engine) -> None:
    town.send(petition("p1", "路灯不亮"), case("p1"))
    indexer = Indexer(town.house, engine)
    drain(indexer)
    town.send(case("p1", audience="sealed"))
    drain(indexer)
    office = AudienceFilter(frozenset({"office", "unit:housing"}))
    answer = engine.search(Search(audience=office, runs=runs("路灯")))
    assert (answer.total, dict(answer.facets)["unit"]) == (0, [])
