"""Watches eventlet's hub from a real thread: cuts a handler that never yields, ends a drain that never ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import eventlet
from eventlet import patcher
from eventlet.support import greenlets

from services.chassis.telemetry import log

#: The hub counts up this often (s).
BEAT_S = 0.5
#: Well below the time after which a broker gives up a silent connection (s).
STUCK_S = 15.0

_threading = patcher.original("threading")
_time = patcher.original("time")
_handling: set[Any] = set()


class Cut(Exception):
    """The watchdog ended a handler."""


@contextmanager
def handling() -> Iterator[None]:
    """Say that this greenlet runs a handler: only such a one is ever cut."""
    current = greenlets.getcurrent()
    _handling.add(current)
    try:
        yield
    finally:
        _handling.discard(current)


class HubWatch:
    """One per worker process.

    Args:
        drain_s: seconds a drain may take before the process ends all the same.
        stuck_s: a hub that stood still so long runs a handler that computes or blocks without end.
    """

    def __init__(self, drain_s: float, stuck_s: float = STUCK_S) -> None:
        self._drain_s, self._stuck_s = drain_s, stuck_s
        self._beats = 0
        self._must_end_at: float | None = None
        # Made in the main thread, where all greenlets run.
        self._main = _threading.get_ident()

    def start(self) -> None:
        """Start both sides; they run until the process ends."""
        signal.signal(signal.SIGALRM, _cut_current)
        eventlet.spawn(self._beat)
        _threading.Thread(target=self._watch, name="hub-watch", daemon=True).start()

    def draining(self) -> None:
        """From now on the process must end in time, come what may."""
        self._must_end_at = _time.monotonic() + self._drain_s

    def drained(self) -> None:
        """It ended by itself."""
        self._must_end_at = None

    def _beat(self) -> None:
        while True:
            self._beats += 1
            time.sleep(BEAT_S)

    def _watch(self) -> None:
        seen, since = self._beats, _time.monotonic()
        while True:
            _time.sleep(BEAT_S)
            now = _time.monotonic()
            if self._must_end_at is not None and now > self._must_end_at:
                # What is unacknowledged goes back to its queue, what is in an outbox stays there: nothing is lost.
                os.write(2, b"wenzheng: the drain took too long, ending without it\n")
                os._exit(1)
            if self._beats != seen:
                seen, since = self._beats, now
            elif now - since > self._stuck_s:
                signal.pthread_kill(self._main, signal.SIGALRM)
                since = now


def _cut_current(number: int, frame: FrameType | None) -> None:
    """Runs in whatever greenlet runs: raise in it when it is a handler."""
    if greenlets.getcurrent() in _handling:
        raise Cut("the handler held the loop without a pause")
    log("worker").error("the loop stands still outside of a handler")
