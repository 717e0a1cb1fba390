"""What an operator does with an event that could not be handled: look, send back, drop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import amqp
import kombu
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from services.chassis import topology
from services.cli.topology import subscriptions_of
from tests.house import ROOT, free_port, until
from tests.integration.cli.test_start import CLEAN, wenzheng

pytestmark = pytest.mark.broker


@pytest.fixture
def environ(tmp_path: Path, broker: str) -> Iterator[dict[str, str]]:
    """The settings of a running worker of search."""
    environ = {"WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}
    command = [sys.executable, "-m", "services.cli.main", "run", "search", "--role", "worker"]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, env=CLEAN | environ, cwd=ROOT, stderr=log)
    until(lambda: "worker ready" in (tmp_path / "worker.log").read_text(), 60)
    yield environ
    worker.terminate()
    assert worker.wait(30) == 0


def test_poison_is_listed_with_its_reason_replayed_in_vain_and_dropped(environ: dict[str, str]) -> None:
    with kombu.Connection(environ["WENZHENG_BROKER_URL"]) as connection:
        channel: Any = connection.channel()
        poison = amqp.Message(b"{no json", content_type="text/plain", message_id="evt-poison", delivery_mode=2)
        channel.basic_publish_confirm(poison, exchange="", routing_key="search.events")
    until(lambda: "wrong_content_type" in wenzheng("parked", "list", **environ).stdout, 30, 0.5)
    listed = wenzheng("parked", "list", "search.events", **environ)
    assert "evt-poison" in listed.stdout
    assert "1 parked" in listed.stdout
    shown = wenzheng("parked", "show", "search.events", "evt-poison", **environ)
    assert "{no json" in shown.stdout

    tried = wenzheng("parked", "replay", "search.events", "--all", "--dry-run", **environ)
    assert "1 would be sent back" in tried.stdout
    assert "1 sent back" in wenzheng("parked", "replay", "search.events", "--all", **environ).stdout
    until(lambda: "1 parked" in wenzheng("parked", "list", **environ).stdout, 30, 0.5)

    dropped = wenzheng("parked", "discard", "search.events", "--id", "evt-poison", "--why", "nonsense", **environ)
    assert "1 dropped" in dropped.stdout
    assert "event discarded" in dropped.stderr
    assert "nonsense" in dropped.stderr
    assert "Nothing is parked" in wenzheng("parked", "list", **environ).stdout


def test_queues_are_shown_with_who_listens_and_what_is_parked(environ: dict[str, str]) -> None:
    assert wenzheng("migrate", **environ).returncode == 0
    with kombu.Connection(environ["WENZHENG_BROKER_URL"]) as connection:
        channel: Any = connection.channel()
        poison = amqp.Message(b"{no json", content_type="text/plain", message_id="evt-poison", delivery_mode=2)
        channel.basic_publish_confirm(poison, exchange="", routing_key="search.events")
    until(lambda: "1 parked" in wenzheng("parked", "list", **environ).stdout, 30, 0.5)
    done = wenzheng("queues", **environ)
    assert done.returncode == 0, done.stderr
    # ready, unacked, on the retry ladder, parked, oldest, rate, workers
    cells = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.strip()}
    assert cells["search.events"] == ["0", "–", "0", "1", "–", "0.0", "1"]
    assert set(cells["routing.petitions"]) == {"–"}


def test_a_worker_tells_of_its_health_and_counts_each_series_once(tmp_path: Path, broker: str) -> None:
    port = str(free_port())
    environ = CLEAN | {
        "WENZHENG_DATA_FOLDER": str(tmp_path),
        "WENZHENG_BROKER_URL": broker,
        "WENZHENG_WORKER_PORT": port,
    }
    names = ["intake", "routing", "notify", "search"]
    subprocess.run([sys.executable, "-m", "services.cli.prepare", *names], env=environ, cwd=ROOT, check=True)
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "services.cli.worker", *names], env=environ, cwd=ROOT, stderr=log
        )
    try:
        until(lambda: "worker ready" in (tmp_path / "worker.log").read_text(), 60)
        url = f"http://127.0.0.1:{port}"
        until(lambda: "events_published" in requests.get(f"{url}/metrics", timeout=5).text, 30)
        assert requests.get(f"{url}/livez", timeout=5).ok
        assert set(requests.get(f"{url}/readyz", timeout=5).json()["database"].values()) == {"ok"}
        series = [
            (sample.name, tuple(sorted(sample.labels.items())))
            for family in text_string_to_metric_families(requests.get(f"{url}/metrics", timeout=5).text)
            for sample in family.samples
        ]
        assert len(series) == len(set(series))
        assert {dict(labels).get("service") for _, labels in series} >= {"routing", "notify"}
    finally:
        worker.terminate()
        assert worker.wait(30) == 0


def test_replay_and_discard_want_to_be_told_which_events(environ: dict[str, str]) -> None:
    for command in (["replay", "search.events"], ["discard", "search.events", "--why", "x"]):
        done = wenzheng("parked", *command, **environ)
        assert done.returncode == 2
        assert "--all" in done.stderr
    done = wenzheng("parked", "list", "nowhere", **environ)
    assert done.returncode == 2
    assert "search.events" in done.stderr


def test_a_worker_moves_what_waits_in_a_queue_of_another_number_of_partitions(tmp_path: Path, broker: str) -> None:
    environ = {"WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}
    topology.declare_all(broker, subscriptions_of("search"), [])
    with kombu.Connection(broker) as connection:
        channel: Any = connection.channel()
        for number in range(20):
            poison = amqp.Message(b"{no json", content_type="text/plain", message_id=f"p{number}", delivery_mode=2)
            channel.basic_publish_confirm(poison, exchange="", routing_key="search.events")
        command = [sys.executable, "-m", "services.cli.main", "run", "search", "--role", "worker"]
        worker = subprocess.Popen(command, env=CLEAN | environ | {"WENZHENG_PARTITIONS": "3"}, cwd=ROOT)
        try:
            until(lambda: channel.queue_declare("search.events.parked", passive=True).message_count == 20, 90, 0.5)
            until(lambda: not topology.there(channel, "queue", "search.events"), 30, 0.5)
        finally:
            worker.terminate()
            assert worker.wait(30) == 0
