"""Health and metrics of a worker: ``/livez``, ``/readyz`` and ``/metrics`` on a small server of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import DBAPIError

from services.chassis.exposition import metrics_text
from services.chassis.house import House


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds; they are not worth a line."""


def serve_health(houses: Sequence[House[Any]], host: str, port: int) -> None:
    """Serve health and metrics in the background until the process ends.

    Args:
        houses: the services in this process.
        host: address to listen on.
        port: port to listen on.

    Raises:
        OSError: the port is taken.
    """

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/livez":
            start("200 OK", [("Content-Type", "text/plain")])
            return [b"ok\n"]
        if path == "/readyz":
            checks = {house.service: _database(house) for house in houses}
            good = all(word == "ok" for word in checks.values())
            start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
            return [json.dumps({"database": checks}).encode()]
        if path == "/metrics":
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [metrics_text({house.service: house.metrics.registry for house in houses})]
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]

    server = make_server(host, port, app, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


def _database(house: House[Any]) -> str:
    try:
        house.database.ping()
    except DBAPIError as error:
        return type(error).__name__
    return "ok"
