"""The worker process: nameko containers of one or more services. Run as ``python -m services.cli.worker NAME…``."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from nameko.containers import ServiceContainer

import services.chassis.green  # noqa: F401 - eventlet patches the standard library before anything else is imported
from services.chassis.broker import Subscription, declare_all
from services.chassis.consume import Listener
from services.chassis.errors import StartError, Transient
from services.chassis.house import House
from services.chassis.provider import CONFIG_KEY
from services.chassis.telemetry import log
from services.cli.registry import open_service, part

#: How long a restarted worker waits for the broker (s).
RESTART_PATIENCE_S = 60.0


def subscriptions(service_class: type) -> list[Subscription]:
    """The queues that a nameko service class listens to."""
    found = []
    for attribute in vars(service_class).values():
        for entrypoint in getattr(attribute, "nameko_entrypoints", ()):
            if isinstance(entrypoint, Listener):
                found.append(entrypoint.subscription)
    return found


def run(names: Iterable[str]) -> int:
    """Start the containers, wait for SIGTERM or SIGINT, drain, return the exit code."""
    houses = {name: open_service(name, patient=False) for name in names}
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    locks = [_only_worker(house) for house in houses.values()]
    classes = {name: part(name, "service").Service for name in houses}
    _declare(houses, classes)
    containers = [
        ServiceContainer(classes[name], {CONFIG_KEY: house, "max_workers": 64}) for name, house in houses.items()
    ]
    gc.freeze()
    for container in containers:
        container.start()
    log("worker").info("worker ready", services=list(houses))
    _tell_ready()
    _serve_health(houses)
    while not stop.is_set() and not any(container._died.ready() for container in containers):
        stop.wait(0.2)
    died = any(container._died.ready() for container in containers)
    for container in containers:
        container.stop()
    for house in houses.values():
        house.database.close()
    for lock in locks:
        if lock is not None:
            os.close(lock)
    log("worker").info("worker stopped", services=list(houses))
    return 1 if died else 0


def _declare(houses: dict[str, House[Any]], classes: dict[str, Any]) -> None:
    """Make every queue before the first relay publishes."""
    url = next(iter(houses.values())).settings.broker_url.get_secret_value()
    if not url:
        raise StartError("WENZHENG_BROKER_URL is empty; `wenzheng run` and `wenzheng up` start a private node")
    wanted = [subscription for cls in classes.values() for subscription in subscriptions(cls)]
    # Started again after a death, it has to wait for a broker that died with it; at a first start it says so at once.
    until = time.monotonic() + (RESTART_PATIENCE_S if os.environ.get("WENZHENG_RESTARTED") else 0)
    while True:
        try:
            declare_all(url, wanted, [])
            return
        except Transient as error:
            if time.monotonic() >= until:
                raise StartError(f"the broker cannot be reached ({error}); check WENZHENG_BROKER_URL") from None
            time.sleep(1)


def _only_worker(house: House[Any]) -> int | None:
    """On SQLite a service has one worker: two would relay the same outbox twice."""
    if not house.database.sqlite:
        return None
    path = house.settings.data_folder / f"{house.service}-worker.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(f"a worker of {house.service} already runs on the data folder {path.parent}") from None
    return handle


def _tell_ready() -> None:
    """Tell the process that started us, through the pipe it named."""
    handle = os.environ.get("WENZHENG_READY_FD")
    if handle:
        os.write(int(handle), b"ready\n")
        os.close(int(handle))


def _serve_health(houses: dict[str, House[Any]]) -> None:
    """Health and metrics of the worker on a port of their own, where one is set."""
    settings = next(iter(houses.values())).settings
    if not settings.worker_port:
        return
    from services.chassis.health import serve_health

    try:
        serve_health(list(houses.values()), settings.host, settings.worker_port)
    except OSError as error:
        raise StartError(f"port {settings.worker_port} cannot be used: {error.strerror}") from None


def main() -> None:
    """Entry point of the process."""
    try:
        code = run(sys.argv[1:])
    except StartError as error:
        print(f"wenzheng: {error}", file=sys.stderr)
        code = 2
    sys.stdout.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
