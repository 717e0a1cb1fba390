"""Petitions through the whole house at a steady rate: filed → searchable, age of the outboxes, growth of memory.

Four workers in processes of their own, one web process, PostgreSQL for each service, tantivy, one broker. First the
highest rate is sought at which p99 stays within a second, then the rate of the goal is driven for its whole length.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.latency import under_load
from tests.bench.parts import Servers, cpu_seconds, part, postgres, servers
from tests.bench.report import Report
from tests.house import ROOT, House, until

SERVICES = ("intake", "routing", "notify", "search")
#: Readers first, so that every queue is there before somebody publishes.
ORDER = ("search", "notify", "intake", "routing")
#: The goal: petitions per second, and for how long (s); a default run is shorter.
RATE, SECONDS, FULL_SECONDS = 500, 60, 300
#: Rates that are tried in turn, each for so long (s), until filed → searchable is slower than the limit (s).
STEPS, STEP_S, LIMIT_S = (10, 25, 50, 75, 100, 125, 150, 200, 250, 300, 400, 500), 12, 1.0
#: How long the last of a backlog may take to become searchable (s).
PATIENCE_S = 1800.0


class Spread(House):
    """A house whose services each have a process and a PostgreSQL database of their own.

    Args:
        folder: its data folder.
        parts: broker and PostgreSQL.
    """

    def __init__(self, folder: Path, parts: Servers) -> None:
        self.databases = {name: parts.database() for name in SERVICES}
        super().__init__(
            folder,
            **{f"WENZHENG_{name.upper()}_DATABASE_URL": url for name, url in self.databases.items()},
            WENZHENG_BROKER_URL=parts.broker,
            WENZHENG_FILING_PER_MINUTE="10000000",
            WENZHENG_LOG_LEVEL="WARNING",
            # The portals' virtual hosts belong to a broker that the house starts itself.
            WENZHENG_PORTALS_FILE="",
            MALLOC_ARENA_MAX="2",
        )
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, seconds: float = 90) -> Spread:
        """Prepare the databases, start four workers and the web process."""
        with (self.folder / "house.log").open("ab") as log:
            prepare = [sys.executable, "-m", "services.cli.prepare", *SERVICES]
            subprocess.run(prepare, env=self.environ, cwd=ROOT, stdout=log, stderr=log, check=True)
            for name, command, more in self.commands():
                self.processes[name] = self._one(command, more, log.fileno(), seconds)
        # Search hears of the staff accounts by events, as of everything else.
        until(lambda: self.get("/api/search", "supervisor", q="x").ok, 60, 0.5)
        return self

    def commands(self) -> Iterator[tuple[str, list[str], dict[str, str]]]:
        """Name, module with arguments, and variables of its own of each process, in the order in which they start."""
        for name in ORDER:
            yield name, ["services.cli.worker", name], {}
        yield "web", ["services.cli.web", *SERVICES], {}

    def _one(self, command: list[str], more: dict[str, str], log: int, seconds: float) -> subprocess.Popen[bytes]:
        read, write = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=self.environ | more | {"WENZHENG_READY_FD": str(write)},
            pass_fds=(write,),
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        os.close(write)
        with os.fdopen(read, "rb") as ready:
            assert ready.readline() == b"ready\n", f"{command} did not start:\n{self.log()[-2000:]}"
        return process

    def stop(self) -> int:
        """The web process first, then the workers drain."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.processes.values():
            try:
                codes.append(process.wait(90))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        return max(codes, default=0)

    def memory(self) -> dict[str, float]:
        """Resident memory of each process, in MB."""
        return {name: psutil.Process(process.pid).memory_info().rss / 2**20 for name, process in self.processes.items()}

    def outbox_age(self) -> float:
        """Age of the oldest unpublished row of all services, in seconds, by the database's clock."""
        oldest = 0.0
        for url in self.databases.values():
            connection = postgres(url)
            with connection.cursor() as cursor:
                cursor.execute(
                    "select coalesce(extract(epoch from clock_timestamp() - min(time)), 0) from outbox "
                    "where published_at is null"
                )
                ((age,),) = cursor.fetchall()
            connection.close()
            oldest = max(oldest, float(age))
        return oldest


def run(report: Report) -> None:
    """Steps first, then the goal's rate."""
    with servers() as parts, tempfile.TemporaryDirectory() as name:
        house = Spread(Path(name), parts)
        try:
            house.start()
            under_load(house, 20, 5)
            report.figures["flow_sustained_petitions_per_s"] = _highest(report, house)
            _goal(report, house, parts)
        finally:
            house.stop()


def _highest(report: Report, house: Spread) -> float:
    best = 0.0
    for rate in STEPS[: 2 if report.quick else None]:
        times, filed = under_load(house, rate, report.few(STEP_S) + 2)
        slow = part(times, 0.99)
        report.say(f"flow: {filed:5.0f} petitions/s filed, searchable p50 {part(times, 0.5):.2f} s, p99 {slow:.2f} s")
        # What cannot even be filed at that rate is not carried at that rate.
        if slow > LIMIT_S or filed < 0.9 * rate:
            break
        best = filed
    return best


def _goal(report: Report, house: Spread, parts: Servers) -> None:
    seconds = FULL_SECONDS if report.full else report.few(SECONDS)
    rate = RATE if not report.quick else 20
    until(lambda: house.outbox_age() == 0.0, 120, 0.5)
    before, used, started = house.memory(), _used(house, parts), time.monotonic()
    with _watched(house) as ages:
        times, filed = under_load(house, rate, seconds, PATIENCE_S)
        until(lambda: house.outbox_age() == 0.0, 600, 0.5)
    after, lasted = house.memory(), time.monotonic() - started
    cores = {name: (now - used[name]) / lasted for name, now in _used(house, parts).items()}
    report.figures |= {
        "flow_goal_petitions_per_s": float(rate),
        "flow_filed_petitions_per_s": filed,
        "flow_seconds": float(seconds),
        "flow_filed_to_searchable_p50_s": part(times, 0.5),
        "flow_filed_to_searchable_p99_s": part(times, 0.99),
        "flow_outbox_age_max_s": max(ages, default=0.0),
        **{f"flow_{name}_memory_growth_mb": after[name] - before[name] for name in before},
        "flow_memory_growth_mb": max(after[name] - before[name] for name in before),
    }
    if part(times, 0.99) > LIMIT_S:
        shares = ", ".join(f"{name} {share:.2f}" for name, share in sorted(cores.items(), key=lambda one: -one[1]))
        report.note(f"flow: cores used meanwhile: {shares}")
        report.note(
            f"flow: this machine ({psutil.cpu_count()} cores for four workers, web server, broker, PostgreSQL and the "
            f"load itself) carries {report.figures['flow_sustained_petitions_per_s']:.0f} petitions/s within "
            f"{LIMIT_S:.0f} s; at {rate}/s a backlog grew and was worked off afterwards"
        )


def _used(house: Spread, parts: Servers) -> dict[str, float]:
    """Processor seconds of each process until now; ``load`` is this one, which files and asks."""
    pids = {name: process.pid for name, process in house.processes.items()}
    pids |= {"broker": parts.broker_pid, "postgres": parts.postgres_pid}
    times = psutil.Process().cpu_times()
    return {name: cpu_seconds(pid) for name, pid in pids.items()} | {"load": times.user + times.system}


@contextlib.contextmanager
def _watched(house: Spread) -> Iterator[list[float]]:
    """Looks at the outboxes every second meanwhile."""
    ages: list[float] = []
    end = threading.Event()

    def look() -> None:
        while not end.wait(1.0):
            ages.append(house.outbox_age())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield ages
    finally:
        end.set()
        thread.join()
