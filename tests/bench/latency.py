"""From the answer to a petitioner until search finds the petition: in an idle house, and in one under load."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.load import Connection, requests_for
from tests.bench.parts import part
from tests.bench.report import Report
from tests.house import House

IDLE, CLIENTS = 100, 16
#: Petitions a second that are followed: to ask for more takes longer than they take to come, and counts against them.
FOLLOWED = 5


def run(report: Report) -> None:
    """An idle house on SQLite, as `wenzheng up` starts it."""
    with tempfile.TemporaryDirectory() as name:
        house = House(Path(name), WENZHENG_FILING_PER_MINUTE="10000000", WENZHENG_LOG_LEVEL="WARNING").start()
        try:
            times = _idle(house, report.few(IDLE))
        finally:
            house.stop()
    report.figures |= {
        "idle_filed_to_searchable_p50_s": part(times, 0.5),
        "idle_filed_to_searchable_p99_s": part(times, 0.99),
    }


def _idle(house: House, number: int) -> list[float]:
    connection, times = Connection(house.port), []
    for request in requests_for(house.port, number):
        _, body = connection.ask(request)
        at, number = time.monotonic(), json.loads(body)["number"]
        while not house.found(q=number):
            time.sleep(0.002)
        times.append(time.monotonic() - at)
        time.sleep(0.1)
    return times


def under_load(house: House, rate: int, seconds: int, patience: float = 120) -> tuple[list[float], float]:
    """File petitions over HTTP at an even rate and follow a sample of them until search finds each.

    Args:
        house: where to.
        rate: petitions per second.
        seconds: for how long.
        patience: how long after the last one the sample may take (s).

    Returns:
        Seconds from answer to search result for each of the sample, and the petitions that were filed per second.

    Raises:
        TimeoutError: some were never found.
    """
    prepared = iter(requests_for(house.port, rate * seconds))
    sample = max(rate // FOLLOWED, 1)
    filed: dict[str, float] = {}
    lock = threading.Lock()
    started = time.monotonic()

    def client(index: int) -> None:
        connection, turn = Connection(house.port), index
        while True:
            due = started + turn / rate
            turn += CLIENTS
            time.sleep(max(due - time.monotonic(), 0))
            with lock:
                request = next(prepared, None)
            if request is None:
                return
            status, body = connection.ask(request)
            assert status == 201, (status, body[:200])
            number, at = json.loads(body)["number"], time.monotonic()
            with lock:
                filed[number] = at

    clients = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for thread in clients:
        thread.start()
    times: dict[str, float] = {}
    taken = 0
    watched: list[str] = []
    rest = 0.02
    while any(thread.is_alive() for thread in clients) or watched:
        with lock:
            numbers = list(filed)[taken:]
        taken += len(numbers)
        # A sample is followed one by one: to ask for all of them would be the greater load.
        watched += [number for index, number in enumerate(numbers, start=taken) if index % sample == 0]
        # They become searchable about in the order of filing: to ask for the oldest few is enough.
        for number in watched[:4]:
            if house.found(q=number):
                times[number] = time.monotonic() - filed[number]
                watched.remove(number)
                rest = 0.02
        time.sleep(rest)
        # In front of a long backlog hurried questions would only add to it.
        rest = min(rest * 1.2, 0.2)
        if time.monotonic() > started + seconds + patience:
            raise TimeoutError(f"{len(watched)} of the sample did not become searchable within {patience:.0f} s")
    return list(times.values()), len(filed) / (max(filed.values()) - started)
