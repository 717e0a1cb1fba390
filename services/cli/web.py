"""The web process: the Flask applications of one or more services behind one door.

Run as ``python -m services.cli.web NAME…``.
"""

from __future__ import annotations

from services.cli import early_end  # noqa: F401 - before anything that takes time to load

# isort: split

import os
import sys
from collections.abc import Sequence
from typing import Any

from services.chassis.errors import StartError
from services.chassis.house import House
from services.chassis.telemetry import log
from services.chassis.web import Nav
from services.chassis.web.server import FrontDoor, serve
from services.cli.ending import end
from services.cli.front_door import MENU, PATHS
from services.cli.registry import open_role, part


def menu() -> tuple[Nav, ...]:
    """The menu as applications take it. It names every service's pages, whether or not they run in this process."""
    return tuple(Nav(path, label, frozenset(roles)) for path, label, roles in MENU)


def door(houses: Sequence[House[Any]]) -> FrontDoor:
    """The applications behind their paths."""
    routes = []
    for house in houses:
        app = part(house.service, "web").create_app(house, menu())
        for prefix in PATHS.get(house.service, ()):
            routes.append((prefix, app))
        if len(houses) == 1 and "/" not in PATHS.get(house.service, ()):
            routes += [("/", app), ("/static/house", app)]
    return FrontDoor(routes)


def _connections(service: str, settings: Any) -> int:
    # One a thread, and the NOTIFY on its way.
    return int(settings.web_threads) + 1


def run(names: Sequence[str]) -> None:
    """Serve until SIGTERM, then finish the requests in hand."""
    houses = list(open_role(names, "web", _connections).values())
    settings = houses[0].settings
    for house in houses:
        house.database.turn_away()

    def started() -> None:
        log().info("web ready", services=list(names))
        handle = os.environ.get("WENZHENG_READY_FD")
        if handle:
            os.write(int(handle), b"ready\n")

    serve(
        door(houses),
        host=settings.host,
        port=settings.port,
        threads=settings.web_threads,
        waiting=settings.web_waiting,
        on_started=started,
    )
    for house in houses:
        if house.tracer is not None:
            house.tracer.close()


def main() -> None:
    """Entry point of the process."""
    try:
        run(sys.argv[1:])
    except StartError as error:
        end(error)


if __name__ == "__main__":
    main()
