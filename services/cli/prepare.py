"""Prepares one machine: databases up to date, what services seed, every queue made.

Run as ``python -m services.cli.prepare NAME…``, in a process of its own so that what it loads is given back;
prints one JSON line a service with what the operator should read. ``--check`` changes nothing and refuses a database
of another version.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from services.chassis.errors import StartError
from services.chassis.house import House
from services.chassis.migrate import migrate, require_current
from services.cli.registry import open_service, part


def prepare(house: House[Any]) -> list[str]:
    """Migrate one service's database and let it seed itself; returns lines for the operator."""
    migrate(house.database, f"services.{house.service}")
    seed = getattr(part(house.service, "commands"), "prepare", None)
    lines: list[str] = seed(house) if seed is not None else []
    return lines


def run(names: Sequence[str], check: bool = False) -> None:
    """Prepare each service in turn, or only check that it is prepared."""
    for name in names:
        house = open_service(name)
        if check:
            require_current(house.database, f"services.{name}")
            continue
        print(json.dumps({"service": name, "lines": prepare(house)}, ensure_ascii=False), flush=True)
        house.database.close()


if __name__ == "__main__":
    try:
        run([name for name in sys.argv[1:] if name != "--check"], check="--check" in sys.argv)
    except StartError as error:
        print(f"wenzheng: {error}", file=sys.stderr)
        sys.exit(2)
