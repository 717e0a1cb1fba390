"""Watches eventlet's hub from a real thread: cuts a handler that never yields, ends a drain that never ends.

A cut comes between any two instructions, and one between taking a lock and the body that gives it back would leave the
lock taken for ever: of the metrics, of the log, of the pool of connections. So it is only made inside of a handler, and
only where nothing on the way to the interrupted instruction belongs to what takes locks; elsewhere it is tried again
some milliseconds later. ``with lock:`` itself cannot be torn: CPython 3.11 to 3.13 look for signals before it enters
and after it is set up, never in between.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import eventlet
from eventlet import patcher
from eventlet.support import greenlets

P = ParamSpec("P")
R = TypeVar("R")

#: The hub counts up this often (s).
BEAT_S = 0.5
#: Well below the time after which a broker gives up a silent connection (s).
STUCK_S = 15.0
#: How often, and how long apart (s), a place is looked for where a handler can be cut.
TRIES, AGAIN_S = 1000, 0.007
#: Packages that hold locks while they run, or clean up after others; none of them is ever interrupted.
LOCKING = frozenset(
    (
        *("_weakrefset", "contextlib", "eventlet", "greenlet", "importlib", "logging", "nameko", "prometheus_client"),
        *("psycopg2", "queue", "sqlalchemy", "sqlite3", "structlog", "tempfile", "threading", "weakref"),
    )
)

_threading = patcher.original("threading")
_time = patcher.original("time")
_handling: set[Any] = set()


class Cut(Exception):
    """The watchdog ended a handler."""


def cuttable(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call what runs a handler: only inside of it is anything ever cut."""
    current = greenlets.getcurrent()
    _handling.add(current)
    try:
        return function(*args, **kwargs)
    finally:
        _handling.discard(current)


def _leaves_no_lock(frame: FrameType | None) -> bool:
    """Whether what runs may be ended at this instruction: it is in a handler, outside of everything that locks."""
    inside = False
    while frame is not None:
        if frame.f_code is cuttable.__code__:
            return inside
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in LOCKING:
            return False
        inside, frame = True, frame.f_back
    return False


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
        #: True while the thread looks for a place to cut; the one alarm that finds it ends that.
        self._cutting = False
        # Made in the main thread, where all greenlets run.
        self._main = _threading.get_ident()

    def start(self) -> None:
        """Start both sides; they run until the process ends."""
        signal.signal(signal.SIGALRM, self._alarm)
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
                self._cut(seen)
                since = _time.monotonic()

    def _cut(self, seen: int) -> None:
        """Send alarms until one has found a place to cut, or the loop goes on by itself."""
        self._cutting = True
        for _ in range(TRIES):
            signal.pthread_kill(self._main, signal.SIGALRM)
            _time.sleep(AGAIN_S)
            if not self._cutting or self._beats != seen:
                break
        else:
            _say("the loop stands still in a library, which is not cut")
        self._cutting = False

    def _alarm(self, number: int, frame: FrameType | None) -> None:
        """Runs in whatever greenlet runs, between two of its instructions: raise in it when it is a handler."""
        if not self._cutting:
            # A late one: what it was meant for is over.
            return
        if greenlets.getcurrent() not in _handling:
            self._cutting = False
            _say("the loop stands still outside of a handler")
        elif _leaves_no_lock(frame):
            self._cutting = False
            raise Cut("the handler held the loop without a pause")


def _say(what: str) -> None:
    """Straight to standard error: a log has locks, and this may interrupt whoever holds them."""
    os.write(2, f"wenzheng: {what}\n".encode())
