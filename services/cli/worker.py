"""The worker process: events and timers of one or more services. Run as ``python -m services.cli.worker NAME…``."""

from __future__ import annotations

from services.cli import early_end  # noqa: F401 - before anything that takes time to load

# isort: split

import os
import sys
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import services.chassis.green  # noqa: F401 - patches the standard library before anything else is imported
from services.chassis.connections import of_worker
from services.chassis.errors import StartError
from services.chassis.worker import run_containers
from services.cli.ending import say
from services.cli.registry import open_role, part


def run(names: Sequence[str]) -> int:
    """Run the services' workers until SIGTERM; returns the exit code."""
    if kill_at := os.environ.get("WENZHENG_KILL_AT"):
        from services.chassis import kill_points

        own = [getattr(part(name, "service"), "KILL_POINTS", {}) for name in names]
        kill_points.arm(reduce(or_, own, kill_points.worker_points()), kill_at)
    houses = open_role(names, "worker", _connections, patient=False)
    return run_containers(houses, {name: part(name, "service").Service for name in names}, _tell_ready)


def _connections(service: str, settings: Any) -> int:
    return of_worker(part(service, "service").Service, settings).pool


def _tell_ready() -> None:
    """Tell the process that started us, through the pipe it named."""
    handle = os.environ.get("WENZHENG_READY_FD")
    if handle:
        os.write(int(handle), b"ready\n")
        os.close(int(handle))


def main() -> None:
    """Entry point of the process."""
    try:
        code = run(sys.argv[1:])
    except StartError as error:
        say(error)
        code = error.code
    sys.stdout.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
