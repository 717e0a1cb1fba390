"""A search server that refuses single documents, or has too much to do: who waits, who is given up, who is done."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from services.chassis.house import House
from services.search import indexing, store
from services.search.engines import EngineAway
from services.search.engines.elastic import ElasticEngine
from services.search.indexing import MOST_TRIES, Indexer
from services.search.models import PetitionView
from services.search.settings import Settings
from tests.integration.search.events import Town, petition


class Grumbler:
    """Speaks as much of Elasticsearch as writing needs, and answers each document with the status it is told."""

    def __init__(self) -> None:
        self.status: dict[str, int] = {}
        self.written: list[list[str]] = []
        grumbler = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = json.dumps(grumbler.answer(self.path, body)).encode()
                self.send_response(200)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = _any  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:
                """Tests are quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        if "_count" in path:
            return {"count": 0}
        if "_settings" in path:
            return {"grumble-v1-1": {"settings": {"index": {"uuid": "u"}}}}
        ids = [line["index"]["_id"] for line in map(json.loads, body.splitlines()) if "index" in line]
        self.written.append(ids)
        items = [{"index": {"_id": one, "status": self.status.get(one, 201)}} for one in ids]
        return {"took": 1, "errors": bool(self.status), "items": items}

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def grumbler() -> Iterator[Grumbler]:
    server = Grumbler()
    yield server
    server.stop()


@pytest.fixture
def indexer(machine: House[Settings], grumbler: Grumbler) -> Iterator[Indexer]:
    made = Indexer(machine, ElasticEngine(grumbler.url, "grumble"))
    yield made
    made.close()


def row(house: House[Settings], petition_id: str) -> PetitionView:
    with house.database.read() as session:
        found = session.get(PetitionView, petition_id)
    assert found is not None
    return found


def waiting(house: House[Settings]) -> set[str]:
    with house.database.read() as session:
        return {one.petition_id for one in store.waiting(session, 100)}


def test_a_document_the_server_refuses_is_marked_with_the_reason_and_its_neighbours_are_done(
    machine: House[Settings], grumbler: Grumbler, indexer: Indexer
) -> None:
    Town(machine).send(petition("p1"), petition("p2"), petition("p3"))
    grumbler.status = {"p2": 400}
    assert indexer.run() == 3
    assert waiting(machine) == set()
    assert row(machine, "p2").index_problem == "elasticsearch_refused"
    assert row(machine, "p1").index_problem is None
    assert indexer.run() == 0 and len(grumbler.written) == 1


def test_an_older_version_than_the_index_has_is_done(
    machine: House[Settings], grumbler: Grumbler, indexer: Indexer
) -> None:
    Town(machine).send(petition("p1"))
    grumbler.status = {"p1": 409}
    assert indexer.run() == 1
    assert waiting(machine) == set() and row(machine, "p1").index_problem is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_the_server_cannot_take_now_waits_and_holds_up_nobody(
    machine: House[Settings], grumbler: Grumbler, indexer: Indexer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(machine)
    town.send(petition("p1"), petition("p2"))
    grumbler.status = {"p1": status}
    assert indexer.run() == 1
    assert waiting(machine) == {"p1"}
    town.send(petition("p3"))
    assert indexer.run() == 1
    assert grumbler.written[-1] == ["p3"], "it rests for a while"
    grumbler.status = {}
    indexer._later = {key: (tries, 0.0) for key, (tries, _) in indexer._later.items()}
    assert indexer.run() == 1
    assert waiting(machine) == set()


def test_tries_of_one_document_come_to_an_end_that_can_be_seen(
    machine: House[Settings], grumbler: Grumbler, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "FIRST_REST_S", 0.0)
    town = Town(machine)
    town.send(petition("p1"))
    grumbler.status = {"p1": 500}
    for _ in range(MOST_TRIES - 1):
        with pytest.raises(EngineAway):
            indexer.run()
    assert indexer.run() == 1
    assert row(machine, "p1").index_problem == "elasticsearch_error"
    read = machine.metrics.registry.get_sample_value
    assert read("wenzheng_sends_failed_total", {"sender": "search.index", "code": "elasticsearch_error"}) == 1
    assert indexer.run() == 0, "until it changes"


def test_a_busy_server_never_makes_a_document_given_up(
    machine: House[Settings], grumbler: Grumbler, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "FIRST_REST_S", 0.0)
    Town(machine).send(petition("p1"))
    grumbler.status = {"p1": 429}
    for _ in range(3 * MOST_TRIES):
        with pytest.raises(EngineAway) as caught:
            indexer.run()
        assert caught.value.code == "elasticsearch_busy"
    grumbler.status = {}
    assert indexer.run() == 1 and waiting(machine) == set()
