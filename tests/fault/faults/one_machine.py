"""The house on one machine, `wenzheng up` on SQLite with a private broker: rows 2u and 6u."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

import amqp
import psutil
import requests

from tests.fault import oracle
from tests.fault.cluster import QUEUES, connect
from tests.fault.ledger import Ledger
from tests.fault.processes import Process, until
from tests.fault.rows import Run, row
from tests.house import House


class OneMachine:
    """A running `wenzheng up`, with its books as the oracle asks for them."""

    #: Its processes write into one log, which ``log_problems`` reads.
    processes: Sequence[Process] = ()

    def __init__(self, run: Run) -> None:
        folder = run.ground.folder / f"up-{uuid.uuid4().hex[:8]}"
        self.house = House(folder, WENZHENG_FILING_PER_MINUTE="1000000").start(180)

    def rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a service's own database says."""
        database = sqlite3.connect(f"file:{self.house.folder / service}.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(query.replace("%s", "?"), values).fetchall()
        finally:
            database.close()

    def get(self, service: str, path: str, role: str = "", **query: Any) -> requests.Response:
        """GET a page as a member of staff, or as nobody."""
        assert service
        return self.house.get(path, role, **query)

    def waiting(self) -> dict[str, int]:
        """Queues that hold ready messages, parked ones too: none may be."""
        connection = connect(self._broker_url())
        try:
            found: dict[str, int] = {}
            for name in [name for names in QUEUES.values() for name in names]:
                for queue in (name, f"{name}.parked"):
                    depth = connection.channel().queue_declare(queue=queue, passive=True).message_count
                    found |= {queue: int(depth)} if depth else {}
            return found
        finally:
            connection.close()

    def _broker_url(self) -> str:
        node = json.loads((self.house.folder / "broker" / "node.json").read_text(encoding="utf-8"))
        return f"amqp://{node['user']}:{node['password']}@127.0.0.1:{node['amqp_port']}/wenzheng"

    def worker(self) -> psutil.Process | None:
        """The worker process, None while there is none."""
        try:
            return self.house.child("worker")
        except (StopIteration, psutil.NoSuchProcess):
            return None

    def broker(self) -> psutil.Process | None:
        """The broker's own process: the Erlang machine whose command names the folder."""
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.info["name"] == "beam.smp" and str(self.house.folder) in " ".join(process.info["cmdline"] or []):
                return process
        return None

    def reachable(self) -> bool:
        """Whether its broker lets us in."""
        try:
            connect(self._broker_url()).close()
        except (OSError, amqp.AMQPError):
            return False
        return True


def _balance(run: Run, machine: OneMachine, ledger: Ledger) -> None:
    ledger.stop()
    begun = time.monotonic()
    books, wrong = oracle.settle(machine, ledger, 150)
    run.note(f"settled {time.monotonic() - begun:.1f} s after the last filing")
    result = run.result
    result.problems += wrong
    result.acknowledged, result.stored = len(ledger.numbers), len(books.intake)
    result.indexed = sum(row[1] == row[2] for row in books.search.values())
    result.notified = sum(key[1:] == ("received", "citizen") for key in books.told)
    result.duplicates_in_effect = oracle.doubled(ledger, books)
    run.require(result.duplicates_in_effect == 0, f"{result.duplicates_in_effect} effects came twice")
    words = machine.house.log()
    run.require("Traceback (most recent call last)" not in words, "a traceback is in the log")
    code = machine.house.stop()
    run.require(code == 0, f"`wenzheng up` ended with {code}")


def _ledger(run: Run, machine: OneMachine) -> Ledger:
    tag = f"r{run.result.row}s{run.result.seed}x{uuid.uuid4().hex[:6]}"
    port, most = machine.house.port, run.times(5000, 900)
    return Ledger(lambda: ("127.0.0.1", port), tag, run.result.seed, run.rate, most).start()


def _another(machine: OneMachine, gone: int) -> bool:
    worker = machine.worker()
    return worker is not None and worker.pid != gone


@row("2u", "`wenzheng up` on SQLite: its worker killed -9", order=20)
def worker_killed(run: Run) -> None:
    """It starts the worker again, and nothing is lost or doubled."""
    run.phase("starting")
    machine = OneMachine(run)
    ledger = _ledger(run, machine)
    try:
        for turn in range(run.times(10, 3)):
            run.phase(f"kill {turn + 1}")
            run.somewhere(0.5, 2.0)
            worker = machine.worker()
            assert worker is not None
            worker.kill()
            begun = time.monotonic()
            until(partial(_another, machine, worker.pid), 60, "another worker")
            run.recovered(time.monotonic() - begun, 60, "the worker's return")
        _balance(run, machine, ledger)
    finally:
        machine.house.stop()


@row("6u", "`wenzheng up` on SQLite: its private broker killed -9", order=20)
def private_broker_killed(run: Run) -> None:
    """It starts the broker again; intake answers no 5xx meanwhile."""
    run.phase("starting")
    machine = OneMachine(run)
    ledger = _ledger(run, machine)
    try:
        for turn in range(run.times(5, 2)):
            run.phase(f"kill {turn + 1}")
            run.somewhere(1.0, 2.0)
            broker = machine.broker()
            assert broker is not None
            broker.kill()
            begun = time.monotonic()
            until(lambda: machine.broker() is not None and machine.reachable(), 90, "the broker lets us in again")
            run.recovered(time.monotonic() - begun, 60, "the broker's return")
        _balance(run, machine, ledger)
        bad = [answer.status for answer in ledger.answers if answer.status != 201]
        run.require(not bad, f"intake failed {len(bad)} times while the broker was away: {sorted(set(bad))}")
    finally:
        machine.house.stop()
