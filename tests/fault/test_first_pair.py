"""Two faults with a ledger as oracle: the worker killed in the midst of its work, and the broker killed under load.

Every petition that the house acknowledged must be stored once, judged once, indexed once and told once.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.house import House, petition, until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

#: Petitions filed in one run, and how many clients file at once.
PETITIONS, CLIENTS = 1200, 4
#: Seeds of the kill points: `SEEDS=5 make fault` runs five.
SEEDS = range(1, int(os.environ.get("SEEDS", "1")) + 1)


class Ledger:
    """Files petitions from several clients, each repeated with its key until the house has acknowledged it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.numbers: dict[str, str] = {}
        self.answers: list[int] = []
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(300)
            assert not thread.is_alive()

    def _client(self, client: int) -> None:
        session = requests.Session()
        for turn in range(PETITIONS // CLIENTS):
            key = f"{client}-{turn}-{uuid.uuid4().hex}"
            body = petition(
                title=f"第{client}号窗口第{turn}件：路灯不亮", contact={"mail": f"c{client}t{turn}@example.org"}
            )
            while key not in self.numbers:
                try:
                    answer = session.post(
                        f"{self._house.url}/api/petitions", json=body, headers={"Idempotency-Key": key}, timeout=30
                    )
                except requests.RequestException:
                    time.sleep(0.2)
                    continue
                self.answers.append(answer.status_code)
                if answer.status_code == 201:
                    self.numbers[key] = answer.json()["number"]
                else:
                    time.sleep(0.2)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    running = House(tmp_path).start()
    yield running
    running.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_worker_killed_in_the_midst_of_batches_loses_and_doubles_nothing(house: House, seed: int) -> None:
    chance = random.Random(seed)
    ledger = Ledger(house)
    ledger.start()
    for _ in range(3):
        time.sleep(chance.uniform(0.5, 2.0))
        worker = house.child("worker")
        worker.kill()
        until(partial(_other_worker, house, worker.pid), 60)
    ledger.wait()
    _balance(house, ledger)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_broker_killed_under_load_loses_and_doubles_nothing_and_intake_goes_on(house: House, seed: int) -> None:
    chance = random.Random(seed)
    ledger = Ledger(house)
    ledger.start()
    for _ in range(2):
        time.sleep(chance.uniform(1.0, 2.0))
        broker = _broker(house)
        assert broker is not None
        broker.kill()
        until(lambda: _broker(house) is not None, 90)
    ledger.wait()
    assert {status for status in ledger.answers if status >= 500} == set()
    _balance(house, ledger)


def _balance(house: House, ledger: Ledger) -> None:
    """Compare the ledger with every service's own books."""
    wanted = set(ledger.numbers.values())
    assert len(wanted) == PETITIONS
    stored = _column(house, "intake", "select number from petition")
    assert sorted(stored) == sorted(wanted)

    def cases() -> list[str]:
        return _column(house, "routing", "select number from petition_case")

    until(lambda: len(cases()) >= PETITIONS, 120, 0.5)
    assert sorted(cases()) == sorted(wanted)
    until(lambda: house.get("/api/search", "supervisor").json()["total"] >= PETITIONS, 120, 0.5)
    assert house.get("/api/search", "supervisor").json()["total"] == PETITIONS
    for service in ("intake", "routing", "notify"):
        until(partial(_published, house, service), 120, 0.5)
    told = "select count(*), count(distinct number) from message where occasion = 'received' and recipient = 'citizen'"
    until(lambda: _rows(house, "notify", told) == [(PETITIONS, PETITIONS)], 120, 0.5)
    waiting = "select count(*) from message where delivery in ('pending', 'sending')"
    until(lambda: _column(house, "notify", waiting) == [0], 120, 0.5)


def _published(house: House, service: str) -> bool:
    return _column(house, service, "select count(*) from outbox where published_at is null") == [0]


def _rows(house: House, service: str, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{house.folder / service}.db?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


def _column(house: House, service: str, query: str) -> list[Any]:
    return [row[0] for row in _rows(house, service, query)]


def _other_worker(house: House, gone: int) -> bool:
    try:
        return house.child("worker").pid != gone
    except (StopIteration, psutil.NoSuchProcess):
        return False


def _broker(house: House) -> psutil.Process | None:
    """The broker's own process (the Erlang machine whose command names the folder)."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "beam.smp" and str(house.folder) in " ".join(process.info["cmdline"] or []):
            return process
    return None
