"""Sender loops: ``@sends(name, every)`` on a method that claims rows, sends them and marks them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from eventlet import tpool
from eventlet.event import Event as GreenEvent
from nameko.extensions import Entrypoint

from services.chassis.provider import house_of
from services.chassis.telemetry import log

P = ParamSpec("P")
R = TypeVar("R")

#: Waits after a failure of the loop itself (s).
BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 30.0)


def native(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking native code (an index commit, a slow resolver) in an OS thread, so that the loop goes on."""
    result: R = tpool.execute(function, *args, **kwargs)
    return result


class Sender(Entrypoint):  # type: ignore[misc]
    """Entrypoint behind ``sends``; see there."""

    def __init__(self, name: str, every: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self._name, self._every = name, every

    def setup(self) -> None:
        """Called by nameko before start."""
        self._house = house_of(self.container)
        self._stopping = False
        self._log = log(self._house.service)

    def start(self) -> None:
        """Start the loop on its own greenlet."""
        self._thread = self.container.spawn_managed_thread(self._run, identifier=self._name)

    def stop(self) -> None:
        """Finish the call in hand."""
        self._stopping = True
        self._thread.wait()

    def _run(self) -> None:
        failures = 0
        watch = self._house.database.watch()
        try:
            while not self._stopping:
                done, error = self._call()
                if error is not None:
                    wait = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                    failures += 1
                    self._log.warning("sender waits", sender=self._name, seconds=wait, exc_info=error)
                    self._house.metrics.count("sends_failed", sender=self._name, code=type(error).__name__)
                    self._rest(wait)
                    continue
                failures = 0
                if done:
                    self._house.metrics.count("sends_done", done, sender=self._name)
                    time.sleep(0)
                else:
                    self._wait(watch)
        finally:
            watch.close()

    def _wait(self, watch: Any) -> None:
        deadline = time.monotonic() + self._every
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            if watch.wait(min(left, 0.25)):
                return

    def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            time.sleep(0.1)

    def _call(self) -> tuple[int, BaseException | None]:
        finished = GreenEvent()

        def result(worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            finished.send((result or 0, exc_info[1] if exc_info else None))
            return result, None

        self.container.spawn_worker(self, (), {}, context_data={}, handle_result=result)
        outcome: tuple[int, BaseException | None] = finished.wait()
        return outcome


#: ``@sends("service.what", every=1.0)`` on a service method without arguments that returns how many it sent.
#: Called whenever the service's database had a commit, at least every ``every`` seconds, and again at once while it
#: returns more than 0.
sends = Sender.decorator
