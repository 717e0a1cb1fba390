"""One door for several applications: chosen by path, with one answer about the health of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask
from prometheus_client import CONTENT_TYPE_LATEST

from services.chassis.exposition import metrics_text
from services.chassis.web.health import readiness

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HEADERS = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]


class FrontDoor:
    """Gives each request to the application whose prefix fits best. Prefixes are never stripped.

    ``/livez``, ``/readyz`` and ``/metrics`` answer for all applications together.

    Args:
        routes: prefix and application; the longest prefix wins, on the bounds of path segments (``/desk`` takes
            ``/desk`` and ``/desk/7``, not ``/desktop``). One of them must be ``/``, which gets all the rest.

    Raises:
        ValueError: a prefix is doubled or ``/`` is missing.
    """

    def __init__(self, routes: Sequence[tuple[str, WSGIApplication]]) -> None:
        prefixes = [prefix.rstrip("/") or "/" for prefix, _ in routes]
        if len(set(prefixes)) != len(prefixes):
            raise ValueError("two applications share a prefix")
        table = dict(zip(prefixes, (app for _, app in routes), strict=True))
        if "/" not in table:
            raise ValueError("no application has the prefix /")
        self._rest = table.pop("/")
        self._exact = table
        self._inside = sorted(((p + "/", app) for p, app in table.items()), key=lambda item: -len(item[0]))
        self._apps = {
            app.extensions["house"].service: app
            for _, app in routes
            if isinstance(app, Flask) and "house" in app.extensions
        }
        self._own: dict[str, Callable[[], tuple[str, str, bytes]]] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        own = self._own.get(path)
        if own is not None:
            status, kind, body = own()
            start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS])
            return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else body]
        return self.app_for(path)(environ, start_response)

    def app_for(self, path: str) -> WSGIApplication:
        """The application that answers ``path``."""
        found = self._exact.get(path)
        if found is not None:
            return found
        for prefix, app in self._inside:
            if path.startswith(prefix):
                return app
        return self._rest

    def _livez(self) -> tuple[str, str, bytes]:
        return _json({"status": "ok"}, True)

    def _readyz(self) -> tuple[str, str, bytes]:
        checks = {
            f"{service}.{name}": state for service, app in self._apps.items() for name, state in readiness(app).items()
        }
        good = all(state == "ok" for state in checks.values())
        return _json({"status": "ok" if good else "unavailable", "checks": checks}, good)

    def _metrics(self) -> tuple[str, str, bytes]:
        registries = {service: app.extensions["house"].metrics.registry for service, app in self._apps.items()}
        return "200 OK", CONTENT_TYPE_LATEST, metrics_text(registries)


def _json(document: Any, good: bool) -> tuple[str, str, bytes]:
    status = "200 OK" if good else "503 Service Unavailable"
    return status, "application/json", msgspec.json.encode(document)
