"""Health and metrics of a worker: ``/startupz``, ``/livez``, ``/readyz`` and ``/metrics`` on a small server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from socketserver import ThreadingMixIn
from typing import Any, Protocol, runtime_checkable
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from eventlet.timeout import Timeout
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from services.chassis.batch import SILENT_S
from services.chassis.exposition import metrics_text
from services.chassis.house import House

#: A loop that has not moved for so long hangs (s). It moves also while it waits for a broker or a database.
HANGS_AFTER_S = 60.0
#: States of a loop that does its work, or would if there were any.
AT_WORK = frozenset({"consuming", "relaying", "standing by", "sending"})


class Loop(Protocol):
    """One loop of a worker."""

    #: When it last moved (monotonic s).
    moved: float
    #: What it does: see ``AT_WORK``; anything else is a reason not to be ready.
    state: str


@runtime_checkable
class Looping(Protocol):
    """An extension that runs loops."""

    @property
    def loops(self) -> Sequence[Loop]:
        """Those that run now."""
        ...


class _Server(ThreadingMixIn, WSGIServer):
    """Each connection on a thread of its own: one that says nothing must not keep the others waiting."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    #: Seconds after which a silent connection is closed.
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds; they are not worth a line."""


class Health:
    """What the probes of a worker are told.

    Liveness says that the loops move, never that a broker or a database is there: a restart would not bring them back.
    Readiness says that every loop does its work and the databases answer. Start-up is over once that was so.

    Args:
        houses: the services in this process.
        extensions: those of their extensions that run loops.
    """

    def __init__(self, houses: Sequence[House[Any]], extensions: Sequence[Looping]) -> None:
        self._houses, self._extensions = houses, extensions
        self._started = False

    def live(self) -> tuple[bool, dict[str, Any]]:
        """(good, details)."""
        now = time.monotonic()
        hanging = [loop.state for loop in self._loops() if now - loop.moved > HANGS_AFTER_S]
        return not hanging, {"loops": len(self._loops()), "hanging": len(hanging)}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """(good, details)."""
        states: dict[str, int] = {}
        for loop in self._loops():
            states[loop.state] = states.get(loop.state, 0) + 1
        databases = {house.service: database_state(house) for house in self._houses}
        good = all(state in AT_WORK for state in states) and all(word == "ok" for word in databases.values())
        self._started = self._started or good
        return good, {"database": databases, "loops": states}

    def started(self) -> tuple[bool, dict[str, Any]]:
        """(good, details)."""
        good, details = (True, {}) if self._started else self.ready()
        return good, details

    def _loops(self) -> list[Loop]:
        return [loop for extension in self._extensions for loop in extension.loops]


def serve_health(houses: Sequence[House[Any]], extensions: Sequence[Looping], host: str, port: int) -> None:
    """Serve health and metrics in the background until the process ends.

    Args:
        houses: the services in this process.
        extensions: those of their extensions that run loops.
        host: address to listen on.
        port: port to listen on.

    Raises:
        OSError: the port is taken.
    """
    health = Health(houses, extensions)
    probes: dict[str, Callable[[], tuple[bool, dict[str, Any]]]] = {
        "/livez": health.live,
        "/readyz": health.ready,
        "/startupz": health.started,
    }

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in probes:
            good, details = probes[path]()
            start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
            return [json.dumps(details).encode() + b"\n"]
        if path == "/metrics":
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [metrics_text({house.service: house.metrics.registry for house in houses})]
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]

    server = make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


def database_state(house: House[Any]) -> str:
    """Either "ok" or the class of what is wrong with the database; silence is wrong after a moment."""
    try:
        with Timeout(SILENT_S, TimeoutError()):
            house.database.ping()
    except (SQLAlchemyError, TimeoutError) as error:
        return type(error).__name__
    return "ok"
