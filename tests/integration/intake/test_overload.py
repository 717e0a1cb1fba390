"""A web process under more than it can bear: 503 at once with a code and Retry-After, nothing half stored, then on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from standardwebhooks import Webhook

from services.intake.domain.receipt import make_number
from tests.house import ROOT, free_port, until
from tests.integration.cli.test_start import CLEAN
from tests.integration.intake.conftest import SECRET_A
from tests.parts.postgresql import PostgresServer

pytestmark = pytest.mark.postgres


@dataclass
class Web:
    """Intake's web process on a PostgreSQL of its own."""

    url: str
    database: str
    process: subprocess.Popen[bytes]

    def file(self, title: str = "井盖松动", **headers: str) -> requests.Response:
        body = {
            "kind": "complaint",
            "title": title,
            "body": "车一压就响，夜里睡不着。",
            "contact": {"mail": "a@example.org"},
        }
        return requests.post(f"{self.url}/api/petitions", json=body, headers=headers, timeout=60)

    def portal(self) -> requests.Response:
        """What a portal sends, signed."""
        event = {
            "specversion": "1.0", "id": uuid.uuid4().hex, "source": "/portals/north",
            "type": "portal.petition.filed.v1", "datacontenttype": "application/json",
            "subject": "r", "time": datetime.now(UTC).isoformat(),
            "data": {"reference": uuid.uuid4().hex, "kind": "inquiry", "title": "公积金", "body": "租房要什么？"},
        }  # fmt: skip
        body, now = json.dumps(event), datetime.now(UTC)
        headers = {
            "webhook-id": str(event["id"]),
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET_A).sign(str(event["id"]), now, body),
            "content-type": "application/cloudevents+json",
        }
        return requests.post(f"{self.url}/portals/north", data=body.encode(), headers=headers, timeout=60)

    def form(self, language: str) -> Callable[[], requests.Response]:
        """Open the form as a reader of a language; what comes back sends it."""
        reader = requests.Session()
        reader.headers.update({"Accept": "text/html", "Accept-Language": language})
        page = reader.get(f"{self.url}/petitions/new", timeout=10).text
        fields = {"kind": "complaint", "title": "路灯不亮", "body": "东街的路灯坏了一周。", "mail": "a@example.org"}
        for name in ("csrf_token", "form_id"):
            (fields[name],) = set(re.findall(rf'name="{name}"[^>]*value="([^"]+)"', page))
        return lambda: reader.post(f"{self.url}/petitions/new", data=fields, allow_redirects=False, timeout=60)

    def count(self, table: str = "petition") -> int:
        engine = create_engine(self.database, poolclass=NullPool)
        with engine.connect() as connection:
            return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While inside, nothing can be written into the table of petitions."""
        holder = psycopg2.connect(self.database.replace("+psycopg2", ""))
        holder.cursor().execute("lock table petition in share mode")
        try:
            yield
        finally:
            holder.close()


def settings(**environ: str) -> pytest.MarkDecorator:
    """Start the web process with these."""
    return pytest.mark.parametrize("web", [environ], indirect=True, ids=["set"])


@pytest.fixture
def web(request: pytest.FixtureRequest, tmp_path: Path, postgres_database: str) -> Iterator[Web]:
    """Started with the settings that the test gives."""
    port = free_port()
    portals = tmp_path / "portals.yaml"
    portals.write_text(f"portals: [{{id: north, name: North, webhook_secrets: [{SECRET_A}]}}]")
    environ = CLEAN | {
        "WENZHENG_PORTALS_FILE": str(portals),
        "WENZHENG_DATA_FOLDER": str(tmp_path),
        "WENZHENG_DATABASE_URL": postgres_database,
        "WENZHENG_SECRET_KEY": "k" * 32,
        "WENZHENG_STAFF_PUBLIC_KEY": "A" * 43 + "=",
        "WENZHENG_PORT": str(port),
        "WENZHENG_FILING_PER_MINUTE": "100000",
        "WENZHENG_LOG_FORMAT": "json",
        **request.param,
    }
    program = [sys.executable, "-m", "services.cli.main"]
    assert subprocess.run([*program, "migrate", "intake"], env=environ, cwd=ROOT).returncode == 0
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen([*program, "run", "intake", "--role", "web"], env=environ, cwd=ROOT, stderr=log)
    one = Web(f"http://127.0.0.1:{port}", postgres_database, process)
    try:
        until(lambda: _answers(one) or process.poll() is not None)
        yield one
    finally:
        process.terminate()
        assert process.wait(40) == 0, (tmp_path / "web.log").read_text()[-2000:]


def _answers(web: Web) -> bool:
    try:
        return requests.get(f"{web.url}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


def timed(call: Any) -> tuple[requests.Response, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began


@settings(WENZHENG_WEB_THREADS="2", WENZHENG_WEB_WAITING="4", WENZHENG_DATABASE_LOCK_S="4")
def test_more_than_can_wait_are_turned_away_at_once_and_nothing_of_theirs_is_stored(web: Web) -> None:
    assert web.file().status_code == 201
    with ThreadPoolExecutor(60) as crowd:
        with web.locked():
            first = [crowd.submit(timed, web.file) for _ in range(6)]
            time.sleep(0.5)
            others = [crowd.submit(timed, web.file) for _ in range(50)]
            turned_away = [one.result() for one in others]
            # Probes and the layout's files are answered all the same, and every reader in their language.
            assert requests.get(f"{web.url}/livez", timeout=2).ok
            assert requests.get(f"{web.url}/readyz", timeout=2).ok
            portal = web.portal()
            pages = {
                language: requests.get(
                    f"{web.url}/", headers={"Accept": "text/html", "Accept-Language": language}, timeout=2
                )
                for language in ("zh-Hans", "zh-Hant", "en")
            }
        answers = [one.result()[0] for one in first]
    for answer, seconds in turned_away:
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "overloaded", "5")
        assert seconds < 2
    assert (portal.status_code, portal.json()["code"], portal.headers["Retry-After"]) == (503, "overloaded", "5")
    assert {page.status_code for page in pages.values()} == {503}
    assert "目前访问人数过多" in pages["zh-Hans"].text
    assert "目前" in pages["zh-Hant"].text
    assert pages["zh-Hant"].text != pages["zh-Hans"].text
    assert "Too many are asking" in pages["en"].text
    assert all(page.headers["Retry-After"] == "5" for page in pages.values())
    # Those that were let in either were filed or were told that they were not.
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert web.file().status_code == 201
    filed = 2 + sum(answer.status_code == 201 for answer in answers)
    assert web.count() == web.count("outbox where type like '%submitted%'") == filed


@settings(WENZHENG_WEB_THREADS="6", WENZHENG_DATABASE_POOL="2", WENZHENG_DATABASE_LOCK_S="8")
def test_an_exhausted_pool_is_told_and_not_waited_for_without_end(web: Web) -> None:
    form = web.form("en")
    with web.locked(), ThreadPoolExecutor(8) as crowd:
        # These two hold both connections: a batch goes its own way past the tray.
        batch = {
            "petitions": [{"kind": "complaint", "title": "t", "body": "b" * 20, "contact": {"mail": "a@example.org"}}]
            * 2
        }
        for _ in range(2):
            crowd.submit(requests.post, f"{web.url}/api/petitions/batch", json=batch, timeout=30)
        time.sleep(0.5)
        answer, seconds = timed(lambda: requests.get(f"{web.url}/api/petitions/{number()}", headers=code(), timeout=30))
        page, _ = timed(form)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["Retry-After"] == "5"
    assert seconds < 5
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "Too many are asking" in page.text
    assert "overloaded" in page.text


def number() -> str:
    return make_number(date(2026, 3, 2), 1)


def code() -> dict[str, str]:
    return {"Wenzheng-Query-Code": "AAAAA-AAAAA"}


@settings(WENZHENG_WEB_STATEMENT_S="1", WENZHENG_DATABASE_CONNECT_S="1", WENZHENG_WEB_THREADS="4")
def test_a_database_that_hangs_gives_503_and_no_thread_is_lost(web: Web, postgres: PostgresServer) -> None:
    assert web.file().status_code == web.portal().status_code == 201
    form = web.form("zh-Hans")
    with postgres.frozen():
        answer, seconds = timed(web.file)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert seconds < 8
        # From now on nobody waits for it but the one who looks whether it is back.
        began = time.monotonic()
        with ThreadPoolExecutor(20) as crowd:
            found = list(crowd.map(lambda _: timed(web.file), range(60)))
        assert {answer.status_code for answer, _ in found} == {503}
        assert sorted(seconds for _, seconds in found)[-6] < 1
        assert time.monotonic() - began < 10
        page, portal = form(), web.portal()
        assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
        assert "暂时无法读取数据" in page.text
        assert (portal.status_code, portal.json()["code"]) == (503, "database_unavailable")
        assert requests.get(f"{web.url}/livez", timeout=2).ok
        assert requests.get(f"{web.url}/readyz", timeout=10).status_code == 503
    until(lambda: web.file().status_code == 201, 15)
    with ThreadPoolExecutor(8) as crowd:
        assert {answer.status_code for answer in crowd.map(lambda _: web.file(), range(40))} == {201}
    assert web.count() == web.count("outbox where type like '%submitted%'")


@settings(WENZHENG_WEB_THREADS="4")
def test_a_database_that_is_away_gives_503_at_once_to_everybody(web: Web, postgres: PostgresServer) -> None:
    assert web.file().status_code == 201
    postgres.stop(signal.SIGQUIT)
    try:
        for _ in range(3):
            answer, seconds = timed(web.file)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert seconds < 2
        one = {"kind": "complaint", "title": "t", "body": "b" * 20, "contact": {"mail": "a@example.org"}}
        batch = requests.post(f"{web.url}/api/petitions/batch", json=[one] * 2, timeout=10)
        assert batch.status_code == 503
        page = requests.get(
            f"{web.url}/api/petitions/{number()}", headers={**code(), "Accept-Language": "zh-Hant"}, timeout=10
        )
        assert page.status_code == 503
        assert "暫時" in page.json()["detail"]
    finally:
        postgres.start()
    until(lambda: web.file().status_code == 201, 15)


@settings(WENZHENG_OUTBOX_LIMIT_S="60")
def test_nothing_is_filed_while_what_was_filed_before_cannot_be_passed_on(web: Web) -> None:
    assert web.file().status_code == 201
    engine = create_engine(web.database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("update outbox set time = time - interval '61 seconds'"))
    until(lambda: web.file().status_code == 503)
    answer = web.file()
    assert answer.json()["code"] == "delivery_stalled"
    assert answer.headers["Retry-After"] == "300"
    before = web.count()
    batch = [{"kind": "complaint", "title": "t", "body": "b" * 20, "contact": {"mail": "a@example.org"}}]
    assert requests.post(f"{web.url}/api/petitions/batch", json=batch, timeout=10).status_code == 503
    assert (web.portal().status_code, web.form("en")().status_code) == (503, 503)
    assert web.count() == before
    # What is there can still be read.
    assert requests.get(f"{web.url}/", timeout=10).ok
    with engine.begin() as connection:
        connection.execute(text("update outbox set published_at = now()"))
    until(lambda: web.file().status_code == 201, 15)


@settings(WENZHENG_WEB_THREADS="8")
def test_a_web_process_never_holds_more_connections_than_its_bound(web: Web) -> None:
    most = 0
    done = threading.Event()
    engine = create_engine(web.database, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def count() -> None:
        nonlocal most
        asked = text(
            "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'wenz%'"
        )
        with engine.connect() as connection:
            while not done.is_set():
                most = max(most, connection.execute(asked).scalar_one())

    counting = threading.Thread(target=count)
    counting.start()
    with ThreadPoolExecutor(32) as crowd:
        answers = list(crowd.map(lambda _: web.file(), range(400)))
    done.set()
    counting.join()
    assert {answer.status_code for answer in answers} == {201}
    assert 2 <= most <= 9
