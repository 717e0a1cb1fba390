"""Databases and the search server away: rows 7 and 8."""

from __future__ import annotations

import json
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import requests

from tests.fault.faults.killed import compare_index, with_elastic
from tests.fault.ledger import Ledger
from tests.fault.processes import Failed, until
from tests.fault.rows import Run, row


@row("7", "PostgreSQL away for 20 s: fast and immediate shutdown")
def database_gone(run: Run) -> None:
    """Intake says 503 with Retry-After and never 2xx; consumers wait, and no attempt is burnt."""
    cluster, postgres = run.cluster, run.ground.postgres
    ledger = run.ledger()
    for how, word in ((signal.SIGINT, "fast"), (signal.SIGQUIT, "immediate")):
        run.load(ledger, 40, least=2)
        run.phase(f"{word} shutdown")
        postgres.stop(how)
        gone = time.monotonic()
        run.load(ledger, 20, least=5)
        back = time.monotonic()
        postgres.start()
        begun = time.monotonic()
        meanwhile = ledger.between(gone + 0.05, back)
        run.require(meanwhile, f"{word}: no request was answered while the database was away")
        wrong = sorted({answer.status for answer in meanwhile if answer.status != 503})
        run.require(not wrong, f"{word}: answers while the database was away: {wrong}")
        silent = sum(answer.status == 503 and not answer.retry_after for answer in meanwhile)
        run.require(not silent, f"{word}: {silent} answers of 503 without Retry-After")
        until(lambda at=begun: any(a.status == 201 and a.at > at for a in list(ledger.answers)), 60, "filing goes on")  # type: ignore[misc]
        run.recovered(time.monotonic() - begun, 30, "intake's return")

        def all_ready() -> bool:
            return all(worker.ask("/readyz") == 200 for worker in cluster.workers.values())

        until(all_ready, 60, "every worker is ready again")
        run.require(all(worker.alive for worker in cluster.workers.values()), f"{word}: a worker died")
    run.balance(ledger)
    burnt = run.sampler.sum("events_retried")
    run.require(burnt == 0, f"{burnt} attempts were burnt")


class _Grudging(ThreadingHTTPServer):
    """Stands before Elasticsearch: lets through, answers 429, or refuses single items of a bulk request."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.mood = target, "kind"
        self.refused = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""

    def _handle(self) -> None:
        server = self.server
        assert isinstance(server, _Grudging)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bulk = urlsplit(self.path).path.endswith("/_bulk")
        if bulk and server.mood == "429":
            server.refused += 1
            return self._answer(429, {"error": {"type": "es_rejected_execution_exception"}, "status": 429})
        if bulk and server.mood == "items":
            server.refused += 1
            ids = [json.loads(line)["index"]["_id"] for line in body.splitlines()[::2]]
            error = {"type": "es_rejected_execution_exception", "reason": "rejected"}
            items = [{"index": {"_id": i, "status": 429, "error": error}} for i in ids]
            return self._answer(200, {"took": 1, "errors": True, "items": items})
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
        kept["Accept-Encoding"] = "identity"
        try:
            got = requests.request(self.command, server.target + self.path, data=body, headers=kept, timeout=30)
        except requests.RequestException:
            self.close_connection = True
            return None
        return self._answer(got.status_code, got.content, got.headers.get("Content-Type", "application/json"))

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _handle  # noqa: N815 - the library's names

    def _answer(
        self, status: int, document: Any, kind: str = "application/vnd.elasticsearch+json;compatible-with=8"
    ) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@row("8", "Elasticsearch away for 10 min, then answering 429 and refusing single items", order=11)
def search_server_gone(run: Run) -> None:
    """Filing and judging do not notice; the backlog drains; the page says that it cannot search."""
    cluster, elastic = run.cluster, run.ground.elastic
    stub = _Grudging(elastic.url)
    run.phase("search behind a grudging server")
    with_elastic(cluster, stub.url)
    try:
        # Fewer than it carries: how soon a petition is judged shall not depend on those that wait before it.
        ledger = run.ledger(min(run.rate, 30))
        run.load(ledger, 60, least=4)
        run.phase("Elasticsearch killed")
        begun = time.monotonic()
        elastic.stop(signal.SIGKILL)
        run.load(ledger, 300, least=8)
        answer = cluster.get("search", "/api/search", "supervisor", q=ledger.tag)
        run.require(answer.status_code == 503, f"the API says {answer.status_code} while the index is away, not 503")
        page = cluster.get("search", "/search", "supervisor", q=ledger.tag)
        run.require(
            page.status_code == 503 and "Traceback" not in page.text, f"the page says {page.status_code}, not 503"
        )
        _lag(run, ledger, "away")
        elastic.start()
        ended = time.monotonic()
        bad = [a.status for a in ledger.between(begun, ended) if a.status != 201]
        run.require(not bad, f"intake failed {len(bad)} times while the index was away: {sorted(set(bad))}")
        for mood in ("429", "items"):
            run.phase(f"answering {mood}")
            stub.refused, stub.mood = 0, mood
            # The sender rests for a while after each failure, so that the first refusal may be some time off.
            until(lambda: stub.refused > 0, 90, f"a bulk request is refused ({mood})")
            run.load(ledger, 150, least=5)
            _lag(run, ledger, mood)
        stub.mood = "kind"
        run.phase("draining")
        ledger.stop()
        query = "select count(*) from petition_view where version > indexed_version"
        took = until(lambda: cluster.rows("search", query) == [(0,)], 320, "the backlog is indexed", 0.5)
        run.recovered(took, 300, "the backlog's indexing")
        run.balance(ledger)
        ((problems,),) = cluster.rows("search", "select count(*) from petition_view where index_problem is not null")
        run.require(problems == 0, f"{problems} rows were given up as refused")
        compare_index(run, cluster, elastic.url)
    finally:
        with_elastic(cluster, "")
        stub.shutdown()
        run.ground.rest_elastic()


def _lag(run: Run, ledger: Ledger, when: str) -> None:
    """How long petitions waited to be judged: by the two services' own books, on the database's clock."""
    query = (
        "select id, filed_at from petition where title like %s"
        " and filed_at between clock_timestamp() - interval '8 s' and clock_timestamp() - interval '2 s'"
    )
    try:
        filed = dict(run.cluster.rows("intake", query, f"{ledger.tag} %"))
        query = (
            "select h.petition_id, h.at from history h join petition_case c on c.petition_id = h.petition_id"
            " where c.title like %s and h.step = 'assessed'"
        )
        judged = dict(run.cluster.rows("routing", query, f"{ledger.tag} %"))
    except psycopg2.Error as error:
        raise Failed(f"the books cannot be read: {type(error).__name__}") from error
    lags = sorted((judged[i] - at).total_seconds() for i, at in filed.items() if i in judged)
    if not lags:
        run.require(False, f"{when}: nothing was judged")
        return
    p95 = lags[int(len(lags) * 0.95)]
    run.note(f"{when}: filed to judged p95 {p95:.2f} s")
    run.require(p95 < 1, f"{when}: filed to judged p95 {p95:.2f} s, may be 1")
