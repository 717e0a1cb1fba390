"""Runs nameko containers in this process until it is asked to stop; then they drain."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import eventlet
from nameko.containers import ServiceContainer

from services.chassis.consume import Listener
from services.chassis.errors import Exit, StartError, Transient
from services.chassis.health import Looping, serve_health
from services.chassis.house import House
from services.chassis.hub_watch import STUCK_S, HubWatch
from services.chassis.provider import CONFIG_KEY
from services.chassis.settings import ServiceSettings
from services.chassis.silence import give_up_connecting
from services.chassis.starting import patiently
from services.chassis.surroundings import Surroundings
from services.chassis.telemetry import log
from services.chassis.topology import Subscription, declare_all, keep_emptying

#: How long a restarted worker waits for the broker (s).
RESTART_PATIENCE_S = 60.0
#: Service methods that one container runs at once.
MAX_WORKERS = 64


def subscriptions(service_class: type) -> list[Subscription]:
    """The queues that a nameko service class listens to."""
    found = []
    for attribute in vars(service_class).values():
        for entrypoint in getattr(attribute, "nameko_entrypoints", ()):
            if isinstance(entrypoint, Listener):
                found.append(entrypoint.subscription)
    return found


def run_containers(houses: Mapping[str, House[Any]], classes: Mapping[str, type], ready: Callable[[], None]) -> int:
    """Start a container for each service, wait for SIGTERM or SIGINT, drain.

    Args:
        houses: the house of each service.
        classes: its nameko class.
        ready: called once all containers run.

    Returns:
        0 after a drain, 1 when a container died of itself.

    Raises:
        StartError: the broker cannot be reached, another worker runs on this folder, a port is taken.
    """
    stop = threading.Event()
    asked: list[int] = []
    for sign in (signal.SIGTERM, signal.SIGINT):
        # Only noted: an Event's lock may be held by the very code that the signal interrupts.
        signal.signal(sign, lambda number, frame: asked.append(number))
    eventlet.spawn(_pass_on, asked, stop)
    _require_port(settings := next(iter(houses.values())).settings)
    locks = [_only_worker(house) for house in houses.values()]
    watch = HubWatch(settings.drain_s, min(STUCK_S, settings.batch_deadline_s))
    watch.start()
    for house in houses.values():
        if not house.database.sqlite:
            house.database.connect_by(give_up_connecting)
    _declare(houses, classes, stop)
    containers = [
        ServiceContainer(classes[name], {CONFIG_KEY: h, "max_workers": MAX_WORKERS}) for name, h in houses.items()
    ]
    # What was loaded until now stays for ever: the collector need not look at it again.
    gc.freeze()
    # A batch makes thousands of short-lived objects; looking at them every 700 costs 3 % (measured). Rings that nobody
    # needs any more wait for the collector: of 100,000 such objects the worker grew by 40 MB.
    gc.set_threshold(20_000, 10, 10)
    for container in containers:
        container.start()
    for container, (name, house) in zip(containers, houses.items(), strict=True):
        own = house.settings.broker_url.get_secret_value()
        moving = partial(keep_emptying, own, subscriptions(classes[name]), house.settings.partitions, stop)
        # Managed: should it die all the same, its container dies with it, and the worker is started anew.
        container.spawn_managed_thread(moving, identifier="moving")
        if house.settings.worker_port:
            looking = Surroundings(house, subscriptions(classes[name])).watch
            container.spawn_managed_thread(partial(looking, stop), identifier="surroundings")
    log().info("worker ready", services=list(houses))
    ready()
    _serve_health(list(houses.values()), containers)
    while not stop.is_set() and not any(container._died.ready() for container in containers):
        stop.wait(0.2)
    died = [container for container in containers if container._died.ready()]
    watch.draining()
    # All at once: each has its own batches to finish.
    for draining in [eventlet.spawn(_stop, container) for container in containers if container not in died]:
        died += draining.wait()
    watch.drained()
    for house in houses.values():
        house.database.close()
        if house.tracer is not None:
            house.tracer.close()
    for lock in locks:
        if lock is not None:
            os.close(lock)
    for container in died:
        _raise_start_error(container)
    log().info("worker stopped", services=list(houses))
    return 1 if died else 0


def _pass_on(asked: list[int], stop: threading.Event) -> None:
    while not asked:
        time.sleep(0.1)
    stop.set()


def _stop(container: Any) -> list[Any]:
    """Drain one; returns it when one of its loops fails meanwhile, so that the others drain all the same."""
    try:
        container.stop()
    except Exception as error:
        log().error("drain failed", services=[container.service_name], exc_info=error)
        return [container] if container._died.ready() else []
    return []


def _raise_start_error(container: Any) -> None:
    """A container that died of what only the operator can mend says so in one line."""
    try:
        container._died.wait()
    except StartError:
        raise
    except Exception as error:
        log().error("worker died", services=[container.service_name], exc_info=error)


def _declare(houses: Mapping[str, House[Any]], classes: Mapping[str, type], stop: threading.Event) -> None:
    """Make every queue before the first relay publishes."""
    url = next(iter(houses.values())).settings.broker_url.get_secret_value()
    if not url:
        raise StartError("WENZHENG_BROKER_URL is empty; `wenzheng run` and `wenzheng up` start a private node")
    # Started again after a death, it has to wait for a broker that died with it.
    again = RESTART_PATIENCE_S if os.environ.get("WENZHENG_RESTARTED") else 0
    for name, house in houses.items():
        settings = house.settings
        # Each with the user of its own: it may make nobody else's.
        own = settings.broker_url.get_secret_value()

        def declare(own: str = own, name: str = name, partitions: int = settings.partitions) -> None:
            if stop.is_set():
                return
            try:
                declare_all(own, subscriptions(classes[name]), [], partitions)
            except Transient as error:
                raise StartError(
                    f"the broker cannot be reached ({error}); check that it runs, and WENZHENG_BROKER_URL",
                    Exit.BROKER_AWAY,
                ) from None

        patiently(declare, max(settings.start_wait_s, again), name, sleep=stop.wait)


def _require_port(settings: ServiceSettings) -> None:
    """Say that a port is taken before any work is begun."""
    if settings.worker_port:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, settings.worker_port))
            except OSError as error:
                raise StartError(
                    f"port {settings.worker_port} cannot be used ({error.strerror}); choose another with"
                    " WENZHENG_WORKER_PORT",
                    Exit.TAKEN,
                ) from None


def _only_worker(house: House[Any]) -> int | None:
    """On SQLite a service has one worker: two would relay the same outbox twice."""
    if not house.database.sqlite:
        return None
    path = house.settings.data_folder / f"{house.service}-worker.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}", Exit.FOLDER) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StartError(
            f"a worker of {house.service} already runs on the data folder {path.parent}", Exit.TAKEN
        ) from None
    return handle


def _serve_health(houses: Sequence[House[Any]], containers: Sequence[Any]) -> None:
    """Health and metrics on a port of their own, where one is set."""
    settings = houses[0].settings
    if settings.worker_port:
        loops = [extension for c in containers for extension in c.extensions if isinstance(extension, Looping)]
        try:
            serve_health(houses, loops, settings.host, settings.worker_port)
        except OSError as error:
            raise StartError(f"port {settings.worker_port} cannot be used: {error.strerror}", Exit.TAKEN) from None
