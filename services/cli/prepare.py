"""Prepares one machine: databases up to date, what services seed, every queue made.

Run as ``python -m services.cli.prepare NAME…``, in a process of its own so that what it loads is given back;
prints one JSON line a service with what the operator should read. ``--check NAME ROLE`` changes nothing: it waits for
a database that somebody else migrates, and refuses one that does not serve this release.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from services.chassis.errors import StartError
from services.chassis.house import House, open_database
from services.chassis.keys import require_keys
from services.chassis.migrate import migrate, require_current
from services.chassis.starting import patiently
from services.chassis.telemetry import set_up_logs
from services.cli.ending import end
from services.cli.registry import open_service, part, settings_of


def prepare(house: House[Any]) -> list[str]:
    """Migrate one service's database and let it seed itself; returns lines for the operator."""
    package = f"services.{house.service}"
    patiently(lambda: migrate(house.database, package), house.settings.start_wait_s, house.service)
    seed = getattr(part(house.service, "commands"), "prepare", None)
    lines: list[str] = seed(house) if seed is not None else []
    return lines


def check(name: str, role: str) -> None:
    """Wait until a service's database serves this release, and see that the role has its keys.

    Raises:
        StartError: it did not come to that in time, or a key is missing.
    """
    settings = settings_of(name)
    set_up_logs(settings.log_level, settings.log_format)
    require_keys(name, settings, role)
    database = open_database(name, settings)
    try:
        patiently(lambda: require_current(database, f"services.{name}"), settings.start_wait_s, name)
    finally:
        database.close()


def run(names: Sequence[str]) -> None:
    """Prepare each service in turn."""
    for name in names:
        house = open_service(name)
        print(json.dumps({"service": name, "lines": prepare(house)}, ensure_ascii=False), flush=True)
        house.database.close()


if __name__ == "__main__":
    try:
        if sys.argv[1] == "--check":
            check(sys.argv[2], sys.argv[3])
        else:
            run(sys.argv[1:])
    except StartError as error:
        end(error)
