"""`wenzheng queues`, `parked` and `unroutable`: what an operator sees of what waits, and can do about it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import amqp
import kombu
import pytest
from sqlalchemy import insert, select

from services.chassis import topology
from services.chassis.broker import Publisher, connect
from services.chassis.broker_node import BrokerNode, server, start_node
from services.chassis.delivery import outbox
from services.chassis.errors import Exit
from services.chassis.house import House, open_house
from services.cli.registry import settings_of
from services.cli.topology import subscriptions_of
from tests.house import ROOT, free_port, until
from tests.integration.cli.test_start import CLEAN, refused, wenzheng

pytestmark = pytest.mark.broker


@pytest.fixture
def environ(tmp_path: Path, broker: str) -> dict[str, str]:
    """Databases and queues without any process that would empty them."""
    made = {"WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}
    done = wenzheng("migrate", **made)
    assert done.returncode == 0, done.stderr
    for service in ("routing", "search"):
        topology.declare_all(broker, subscriptions_of(service), ["intake"])
    return made


@pytest.fixture
def intake(environ: dict[str, str]) -> Iterator[House[Any]]:
    house = open_house("intake", settings_of("intake", data_folder=Path(environ["WENZHENG_DATA_FOLDER"])))
    yield house
    house.database.close()


def _row(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "id": f"event-{number}",
        "type": "petition.submitted.v1",
        "source": "intake",
        "subject": f"subject-{number % 3}",
        "routing_key": "petition.submitted.v1",
        "sequence": 1,
        "time": datetime.now(UTC),
        "body": b'{"told": "in confidence"}',
        "confidential": False,
        "attempts": 0,
        "problem": None,
        "next_try": None,
        "published_at": None,
    }
    return {**row, **changes}


def _write(house: House[Any], *rows: dict[str, Any]) -> None:
    with house.database.write() as session:
        session.execute(insert(outbox), list(rows))


def _publish(url: str, route: tuple[str, str], messages: list[amqp.Message]) -> None:
    connection = connect(url, "test")
    outcome = Publisher(connection).publish((message, *route) for message in messages)
    assert set(outcome.values()) == {"ok"}
    connection.release()


def _failed(number: int, code: str, hours: float) -> amqp.Message:
    then = datetime.now(UTC) - timedelta(hours=hours)
    headers = {
        "cloudEvents:id": f"event-{number}",
        "cloudEvents:type": "petition.submitted.v1",
        "cloudEvents:subject": f"subject-{number % 3}",
        "x-code": code,
        "x-last-failed": then.isoformat(),
    }
    return amqp.Message("{}", message_id=f"event-{number}", delivery_mode=2, application_headers=headers)


def _rows(done: subprocess.CompletedProcess[str], what: str) -> dict[str, dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return {row["queue" if what == "queues" else "service"]: row for row in json.loads(done.stdout)[what]}


# ── queues ──────────────────────────────────────────────────────────────────────────────────────


def test_a_queue_tells_what_waits_what_is_parked_and_how_old_the_oldest_is(
    environ: dict[str, str], broker: str, intake: House[Any]
) -> None:
    now = datetime.now(UTC)
    # Ten were published, three of them still wait: the oldest of these is the third newest.
    _write(intake, *(_row(n, published_at=now - timedelta(seconds=100 - 10 * n)) for n in range(10)))
    _publish(broker, topology.again_route("routing.petitions"), [_failed(n, "", 0) for n in (7, 8, 9)])
    _publish(broker, topology.parked_route("routing.petitions"), [_failed(n, "handler_failed", 1) for n in (1, 2)])
    connection = connect(broker, "test")
    topology.declare_retry(connection.channel(), "routing.petitions", 3600)
    connection.release()
    _publish(broker, topology.retry_route("routing.petitions", 3600), [_failed(3, "handler_failed", 0)])

    rows = _rows(wenzheng("queues", "--json", **environ), "queues")
    mine = rows["routing.petitions"]
    assert (mine["ready"], mine["parked"], mine["retry"], mine["consumers"]) == (3, 2, 1, 0)
    assert mine["unacked"] is None
    assert mine["oldest_s"] == pytest.approx(30, abs=15)
    assert not mine["oldest_at_least"]
    assert rows["notify.events"]["ready"] is None


def test_looking_at_a_queue_takes_nothing_out_of_it(environ: dict[str, str], broker: str) -> None:
    _publish(broker, topology.again_route("routing.petitions"), [_failed(1, "", 0)])
    for _ in range(3):
        wenzheng("queues", **environ)
    with kombu.Connection(broker) as connection:
        channel: Any = connection.channel()
        got: list[amqp.Message] = []
        channel.basic_consume("routing.petitions", callback=got.append)
        connection.drain_events(timeout=5)
        assert not got[0].delivery_info["redelivered"]
        assert "x-delivery-count" not in got[0].properties["application_headers"]


def test_outboxes_tell_what_is_refused_and_what_nobody_listens_to(environ: dict[str, str], intake: House[Any]) -> None:
    old = datetime.now(UTC) - timedelta(minutes=5)
    _write(intake, _row(1, time=old, problem="nack"), _row(2, problem="unroutable"), _row(3))
    mine = _rows(wenzheng("queues", "--json", **environ), "outboxes")["intake"]
    assert (mine["unpublished"], mine["refused"], mine["unroutable"]) == (3, 1, 1)
    assert mine["oldest_s"] == pytest.approx(300, abs=60)


def test_the_table_fits_80_columns_and_names_its_columns(environ: dict[str, str]) -> None:
    done = wenzheng("queues", COLUMNS="80", **environ)
    assert done.returncode == 0, done.stderr
    for word in ("ready", "unacked", "retry", "parked", "oldest", "rate/s", "workers", "Outboxes", "Senders"):
        assert word in done.stdout
    queues = done.stdout.partition("Outboxes")[0]
    assert max(len(line.rstrip()) for line in queues.splitlines()) <= 80


def test_a_missing_broker_is_said_in_one_line(environ: dict[str, str]) -> None:
    done = wenzheng("queues", **{**environ, "WENZHENG_BROKER_URL": "amqp://a:verysecret@127.0.0.1:1/x"})
    assert done.returncode == Exit.BROKER_AWAY
    assert "broker cannot be reached" in done.stderr
    assert "outboxes" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "verysecret" not in done.stderr


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BrokerNode, str]]:
    """A node with the management page, and its address."""
    port, plain = free_port(), server.configuration
    with pytest.MonkeyPatch.context() as change:
        change.setattr(server, "PLUGIN", f"rabbitmq_management, {server.PLUGIN}")
        more = f"management.tcp.port = {port}\nmanagement.tcp.ip = 127.0.0.1\n"
        change.setattr(server, "configuration", lambda node: plain(node) + more)
        started = start_node(tmp_path_factory.mktemp("managed") / "broker")
    with started as node:
        node.ensure_user("watcher", "word", "wenzheng", "", "", "")
        node.control("set_user_tags", "watcher", "administrator")
        yield node, f"http://watcher:word@127.0.0.1:{port}"


def test_the_management_api_tells_what_is_in_workers_hands(managed: tuple[BrokerNode, str], tmp_path: Path) -> None:
    node, api = managed
    made = {
        "WENZHENG_DATA_FOLDER": str(tmp_path),
        "WENZHENG_BROKER_URL": node.amqp_url,
        "WENZHENG_BROKER_MANAGEMENT_URL": api,
    }
    wenzheng("migrate", **made)
    topology.declare_all(node.amqp_url, subscriptions_of("routing"), ["intake"])
    _publish(node.amqp_url, topology.again_route("routing.petitions"), [_failed(n, "", 0) for n in range(5)])
    with kombu.Connection(node.amqp_url) as connection:
        channel: Any = connection.channel()
        channel.basic_qos(0, 2, False)
        channel.basic_consume("routing.petitions", callback=lambda _: None)
        connection.drain_events(timeout=5)

        def told() -> bool:
            mine = _rows(wenzheng("queues", "--json", **made), "queues")["routing.petitions"]
            return (mine["ready"], mine["unacked"], mine["consumers"]) == (3, 2, 1)

        until(told, 60, 1)
    checked = wenzheng("topology", "check", **made)
    assert checked.returncode == 1
    assert "missing: queue search.events" in checked.stdout
    assert "queue routing.petitions of" not in checked.stdout


# ── parked ──────────────────────────────────────────────────────────────────────────────────────


def test_parked_events_are_chosen_by_reason_subject_and_age(environ: dict[str, str], broker: str) -> None:
    ages = [
        (0, "handler_failed", 1.0),
        (1, "handler_failed", 30.0),
        (2, "unknown_type", 1.0),
        (3, "unknown_type", 50.0),
    ]
    _publish(broker, topology.parked_route("routing.petitions"), [_failed(*one) for one in ages])

    def found(*choice: str) -> set[str]:
        done = wenzheng("parked", "list", "routing.petitions", "--json", *choice, **environ)
        return {json.loads(line)["event_id"] for line in done.stdout.splitlines()}

    assert found("--code", "unknown_type") == {"event-2", "event-3"}
    assert found("--since", "2h") == {"event-0", "event-2"}
    assert found("--until", "1d") == {"event-1", "event-3"}
    assert found("--since", "2d", "--until", "1d") == {"event-1"}
    assert found("--subject", "subject-0") == {"event-0", "event-3"}
    assert found("--type", "no.such.v1") == set()
    refused(wenzheng("parked", "list", "--since", "yesterday", **environ), "yesterday", "2h")


def test_what_is_done_to_parked_events_is_written_down_with_who_why_and_when(
    environ: dict[str, str], broker: str
) -> None:
    _publish(broker, topology.parked_route("routing.petitions"), [_failed(n, "handler_failed", 1) for n in range(3)])
    tried = wenzheng("parked", "discard", "routing.petitions", "--all", "--dry-run", "--why", "x", **environ)
    assert "3 would be dropped" in tried.stdout
    file = Path(environ["WENZHENG_DATA_FOLDER"]) / "operator-audit.jsonl"
    assert not file.exists()
    one = ["parked", "discard", "routing.petitions", "--id", "event-1", "--why", "sent by mistake"]
    assert "1 dropped" in wenzheng(*one, **environ).stdout
    assert "2 sent back" in wenzheng("parked", "replay", "routing.petitions", "--all", **environ).stdout
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["what"], line["event_id"]) for line in lines] == [
        ("event discarded", "event-1"),
        ("event replayed", "event-0"),
        ("event replayed", "event-2"),
    ]
    assert lines[0]["why"] == "sent by mistake"
    assert lines[0]["who"]
    assert datetime.fromisoformat(lines[0]["when"]).tzinfo
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_is_dropped_that_cannot_be_written_down(environ: dict[str, str], broker: str) -> None:
    _publish(broker, topology.parked_route("routing.petitions"), [_failed(1, "handler_failed", 1)])
    (Path(environ["WENZHENG_DATA_FOLDER"]) / "operator-audit.jsonl").mkdir()
    done = wenzheng("parked", "discard", "routing.petitions", "--all", "--why", "x", **environ)
    refused(done, "nothing was done")
    assert "1 parked" in wenzheng("parked", "list", **environ).stdout


def test_a_replayed_event_comes_back_to_its_queue_as_it_was(environ: dict[str, str], broker: str) -> None:
    _publish(broker, topology.parked_route("routing.petitions"), [_failed(1, "handler_failed", 1)])
    wenzheng("parked", "replay", "routing.petitions", "--all", **environ)
    with kombu.Connection(broker) as connection:
        channel: Any = connection.channel()
        got: list[amqp.Message] = []
        channel.basic_consume("routing.petitions", callback=got.append)
        connection.drain_events(timeout=5)
        headers = got[0].properties["application_headers"]
        assert headers["cloudEvents:id"] == "event-1"
        assert "x-code" not in headers


# ── unroutable ──────────────────────────────────────────────────────────────────────────────────


def test_unroutable_events_are_listed_tried_again_and_dropped(environ: dict[str, str], intake: House[Any]) -> None:
    later = datetime.now(UTC) + timedelta(minutes=1)
    _write(intake, *(_row(n, problem="unroutable", attempts=4, next_try=later) for n in range(3)), _row(9))
    listed = wenzheng("unroutable", "list", **environ)
    assert "3 unroutable" in listed.stdout
    assert "event-9" not in listed.stdout
    assert "in confidence" not in listed.stdout
    assert "in confidence" in wenzheng("unroutable", "show", "event-1", **environ).stdout

    refused(wenzheng("unroutable", "retry", **environ), "--all")
    assert "1 would be tried" in wenzheng("unroutable", "retry", "--id", "event-1", "--dry-run", **environ).stdout
    assert "1 will be tried again" in wenzheng("unroutable", "retry", "--id", "event-1", **environ).stdout
    assert "1 dropped" in wenzheng("unroutable", "discard", "--id", "event-2", "--why", "a test", **environ).stdout
    with intake.database.read() as session:
        rows = {row.id: row for row in session.execute(select(outbox))}
    assert set(rows) == {"event-0", "event-1", "event-9"}
    assert rows["event-1"].next_try < datetime.now(UTC)
    assert rows["event-0"].next_try > datetime.now(UTC)
    audit = (Path(environ["WENZHENG_DATA_FOLDER"]) / "operator-audit.jsonl").read_text(encoding="utf-8")
    assert "unroutable event discarded" in audit


def test_a_confidential_event_is_not_shown(environ: dict[str, str], intake: House[Any]) -> None:
    _write(intake, _row(1, problem="unroutable", confidential=True))
    shown = wenzheng("unroutable", "show", "event-1", **environ)
    assert "in confidence" not in shown.stdout
    assert "confidential" in shown.stdout


def test_a_mismatch_ends_a_worker_at_once_with_the_remedy(environ: dict[str, str], broker: str) -> None:
    with kombu.Connection(broker) as connection:
        channel: Any = connection.channel()
        channel.queue_delete("search.events")
        channel.queue_declare("search.events", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    command = [sys.executable, "-m", "services.cli.main", "run", "search", "--role", "worker"]
    done = subprocess.run(
        command, env=CLEAN | environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert "wenzheng topology remake search.events" in done.stderr
    assert "Traceback" not in done.stderr
    made_anew = wenzheng("topology", "remake", "search.events", **environ)
    assert made_anew.returncode == 0, made_anew.stderr
