"""Sender loops: ``@sends(name, every)`` on a method that runs one; ``Kept`` keeps what it remembers between calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from eventlet import tpool
from eventlet.event import Event as GreenEvent
from eventlet.timeout import Timeout
from nameko.extensions import DependencyProvider, Entrypoint
from sqlalchemy.exc import SQLAlchemyError

from services.chassis.database import is_transient
from services.chassis.house import House
from services.chassis.provider import house_of
from services.chassis.telemetry import log

P = ParamSpec("P")
R = TypeVar("R")

#: Waits after a failure of the loop itself (s).
BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 30.0)
#: A call that lasts longer hangs, as far as anybody can tell (s); slow mail servers are no hang.
LONGEST_CALL_S = 1800.0
#: Key in a worker's context under which a call learns that the process wants to end.
STOPPING = "stopping"


def native(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking native code (an index commit, a slow resolver) in an OS thread, so that the loop goes on."""
    result: R = tpool.execute(function, *args, **kwargs)
    return result


class Kept(DependencyProvider):  # type: ignore[misc]
    """Dependency: one object for the life of the process, ``mails = Kept(mails_of)``.

    Args:
        make: makes it from the house; its attribute ``stopping``, if it has one, is set for each call.
    """

    def __init__(self, make: Callable[[House[Any]], Any]) -> None:
        super().__init__()
        self._make = make

    def setup(self) -> None:
        """Called by nameko before start."""
        self._kept = self._make(house_of(self.container))

    def stop(self) -> None:
        """Called by nameko when every entrypoint has stopped."""
        close = getattr(self._kept, "close", None)
        if close is not None:
            close()

    def get_dependency(self, worker_ctx: Any) -> Any:
        """The object, the same for every worker."""
        stopping = worker_ctx.data.get(STOPPING)
        if stopping is not None and hasattr(self._kept, "stopping"):
            self._kept.stopping = stopping
        return self._kept


class Sender(Entrypoint):  # type: ignore[misc]
    """Entrypoint behind ``sends``; see there."""

    def __init__(self, name: str, every: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self._name, self._every = name, every
        #: When the loop last moved (monotonic s), and what it does; for the worker's health.
        self.moved = time.monotonic()
        self.state = "sending"

    @property
    def loops(self) -> Sequence[Sender]:
        """This one."""
        return [self]

    def setup(self) -> None:
        """Called by nameko before start."""
        self._house = house_of(self.container)
        self._stopping = False
        self._log = log(self._house.service)

    def start(self) -> None:
        """Start the loop on its own greenlet."""
        self._thread = self.container.spawn_managed_thread(self._run, identifier=self._name)

    def stop(self) -> None:
        """Finish what is being handed over; the rest waits."""
        self._stopping = True
        self._thread.wait()

    def _run(self) -> None:
        failures = 0
        watch = self._house.database.watch()
        try:
            while not self._stopping:
                self.moved = time.monotonic()
                done, error = self._call()
                if error is not None:
                    wait = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                    failures += 1
                    self._fell_out(error, wait)
                    self._rest(wait)
                    continue
                if failures:
                    failures = 0
                    self.state = "sending"
                    self._house.metrics.gauge("sender_paused", 0, sender=self._name)
                if done:
                    time.sleep(0)
                else:
                    self._wait(watch)
        finally:
            watch.close()

    def _fell_out(self, error: BaseException, wait: float) -> None:
        """The loop itself failed: its database is away, or the index it writes to."""
        # SQLAlchemy's errors have a code as well, which says nothing.
        told = getattr(error, "code", "") if not isinstance(error, SQLAlchemyError) else ""
        code = told or type(error).__name__
        self.state = "waiting for the database" if is_transient(error) else "sending"
        self._log.warning("sender waits", sender=self._name, seconds=wait, exc_info=error)
        self._house.metrics.count("senders_paused", sender=self._name, code=code)
        self._house.metrics.gauge("sender_paused", 1, sender=self._name)

    def _wait(self, watch: Any) -> None:
        deadline = time.monotonic() + self._every
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            if watch.wait(min(left, 0.25)):
                return

    def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            self.moved = time.monotonic()
            time.sleep(0.1)

    def _call(self) -> tuple[int, BaseException | None]:
        finished = GreenEvent()

        def result(worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            finished.send((result or 0, exc_info[1] if exc_info else None))
            return result, None

        context = {STOPPING: lambda: self._stopping}
        self.container.spawn_worker(self, (), {}, context_data=context, handle_result=result)
        started = time.monotonic()
        while not finished.ready():
            with Timeout(1.0, False):
                finished.wait()
            if time.monotonic() - started < LONGEST_CALL_S:
                self.moved = time.monotonic()
        outcome: tuple[int, BaseException | None] = finished.wait()
        return outcome


#: ``@sends("service.what", every=1.0)`` on a service method without arguments that returns how many it sent.
#: Called whenever the service's database had a commit, at least every ``every`` seconds, and again at once while it
#: returns more than 0.
sends = Sender.decorator
