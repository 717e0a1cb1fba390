"""From the answer to a petitioner until search finds the petition: idle, and at 200 petitions a second."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.load import Connection, requests_for
from tests.house import House

IDLE, RATE, SECONDS, CLIENTS, SAMPLE = 100, 200, 15, 8, 40


def run() -> dict[str, float]:
    """Measure in one house: alone first, then under load."""
    with tempfile.TemporaryDirectory() as name:
        house = House(Path(name), WENZHENG_FILING_PER_MINUTE="10000000", WENZHENG_LOG_LEVEL="WARNING").start()
        try:
            idle = _idle(house)
            load, filed = _load(house)
        finally:
            house.stop()
    return {
        "idle_filed_to_searchable_p50_s": _part(idle, 0.5),
        "idle_filed_to_searchable_p99_s": _part(idle, 0.99),
        "load_petitions_filed_per_s": filed,
        "load_filed_to_searchable_p50_s": _part(load, 0.5),
        "load_filed_to_searchable_p99_s": _part(load, 0.99),
    }


def _idle(house: House) -> list[float]:
    connection, times = Connection(house.port), []
    for request in requests_for(house.port, IDLE):
        _, body = connection.ask(request)
        at, number = time.monotonic(), json.loads(body)["number"]
        while not house.found(q=number):
            time.sleep(0.002)
        times.append(time.monotonic() - at)
        time.sleep(0.1)
    return times


def _load(house: House) -> tuple[list[float], float]:
    prepared = iter(requests_for(house.port, RATE * SECONDS))
    filed: dict[str, float] = {}
    lock = threading.Lock()
    started = time.monotonic()

    def client(index: int) -> None:
        connection, turn = Connection(house.port), index
        while True:
            due = started + turn / RATE
            turn += CLIENTS
            time.sleep(max(due - time.monotonic(), 0))
            with lock:
                request = next(prepared, None)
            if request is None:
                return
            _, body = connection.ask(request)
            number, at = json.loads(body)["number"], time.monotonic()
            with lock:
                filed[number] = at

    clients = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for thread in clients:
        thread.start()
    times: dict[str, float] = {}
    taken = 0
    watched: list[str] = []
    while any(thread.is_alive() for thread in clients) or watched:
        with lock:
            numbers = list(filed)[taken:]
        taken += len(numbers)
        # A sample is followed one by one: to ask for all of them would be the greater load.
        watched += [number for index, number in enumerate(numbers, start=taken) if index % SAMPLE == 0]
        # They become searchable about in the order of filing: to ask for the oldest few is enough.
        for number in watched[:4]:
            if house.found(q=number):
                times[number] = time.monotonic() - filed[number]
                watched.remove(number)
        time.sleep(0.02)
        assert time.monotonic() < started + SECONDS + 120, "not all of them became searchable"
    rate = len(filed) / (max(filed.values()) - started)
    return list(times.values()), rate


def _part(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
