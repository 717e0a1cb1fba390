"""Is it alive, is it ready, what does it count: /livez, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask import Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

from services.chassis.exposition import metrics_text
from services.chassis.telemetry import log
from services.chassis.web.access import api

if TYPE_CHECKING:
    from flask import Flask

#: Endpoints that machines ask every few seconds.
PROBES = frozenset({"house_livez", "house_readyz", "house_metrics"})
#: Raises when what it looks at is not there.
Check = Callable[[], None]


def checks_of(app: Flask) -> dict[str, Check]:
    """The checks of ``app`` by name; a service adds its own (its index, its mail server)."""
    return cast("dict[str, Check]", app.extensions["checks"])


def readiness(app: Flask) -> dict[str, str]:
    """Each check of ``app``: "ok", or the class of what went wrong."""
    found = {}
    for name, check in checks_of(app).items():
        try:
            check()
        except Exception as error:
            log(app.extensions["house"].service).warning("not ready", check=name, error=type(error).__name__)
            found[name] = type(error).__name__
        else:
            found[name] = "ok"
    return found


def json_answer(document: Any, status: int = 200) -> Response:
    """A small JSON document."""
    return Response(msgspec.json.encode(document), status, mimetype="application/json")


@api
def livez() -> Response:
    """200 as long as the process serves."""
    return json_answer({"status": "ok"})


@api
def readyz() -> Response:
    """200 when every check passes, else 503."""
    app = cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]
    checks = readiness(app)
    good = all(state == "ok" for state in checks.values())
    return json_answer({"status": "ok" if good else "unavailable", "checks": checks}, 200 if good else 503)


@api
def metrics() -> Response:
    """What was counted."""
    house = current_app.extensions["house"]
    return Response(metrics_text({house.service: house.metrics.registry}), content_type=CONTENT_TYPE_LATEST)


def set_up(app: Flask) -> None:
    """Add the three addresses and the check of the database."""
    app.extensions["checks"] = {"database": app.extensions["house"].database.ping}
    for path, view in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_url_rule(path, f"house_{view.__name__}", view)
