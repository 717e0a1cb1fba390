"""Counts what the workers' metrics say over restarts: each second, since a killed worker takes its counters along."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable

from tests.fault.processes import Process

#: Counters that are followed.
METRICS = (
    "events_handled", "events_duplicate", "events_redelivered", "events_retried", "events_parked", "events_stale",
    "events_gap", "events_returned",
)  # fmt: skip
_LINE = re.compile(rf"^wenzheng_({'|'.join(METRICS)})_total(\{{[^}}]*\}})? ([0-9.e+-]+)$", re.MULTILINE)
_QUEUE = re.compile(r'queue="([^"]*)"')


class Sampler:
    """The increase of the workers' counters since ``start``.

    Args:
        workers: gives the processes to ask.
    """

    def __init__(self, workers: Callable[[], Iterable[Process]]) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._last: dict[tuple[int, str, str], float] = {}
        self._sums: Counter[tuple[str, str]] = Counter()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._known: set[int] = set()

    def start(self) -> Sampler:
        """Begin; what was counted until now does not count."""
        self.look(count=False)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Look once more, and end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.look()

    def sum(self, metric: str, queue: str = "") -> int:
        """What was counted, of one queue or of all."""
        with self._lock:
            return round(sum(n for (m, q), n in self._sums.items() if m == metric and queue in ("", q)))

    def by_queue(self, metric: str) -> dict[str, int]:
        """What was counted, of each queue that has any."""
        with self._lock:
            return {q: round(n) for (m, q), n in sorted(self._sums.items()) if m == metric and round(n)}

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            self.look()

    def look(self, count: bool = True) -> None:
        """Ask every worker now."""
        for worker in list(self._workers()):
            if not worker.alive:
                continue
            pid = worker.pid
            status, text = worker.get("/metrics", seconds=3)
            if status != 200:
                continue
            with self._lock:
                for metric, labels, value in _LINE.findall(text):
                    found = _QUEUE.search(labels)
                    key = (pid, metric, labels)
                    # A process that came after the start began with nothing.
                    gain = float(value) - self._last.get(key, 0.0)
                    self._last[key] = float(value)
                    if count:
                        self._sums[metric, found.group(1) if found else ""] += gain  # type: ignore[assignment]
