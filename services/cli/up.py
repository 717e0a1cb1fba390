"""Everything on one machine: a private broker, one worker process, one web process, watched over by this one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.errors import Exit, StartError
from services.chassis.folders import make_folder
from services.chassis.ports import port_refused
from services.chassis.settings import ServiceSettings, source_of
from services.cli.registry import BROKER_VARIABLE

if TYPE_CHECKING:
    from services.chassis.broker_node import BrokerNode

#: Exit codes of a process that has already said in one line what is wrong.
SAID = frozenset(Exit) - {Exit.BROKEN}
#: How long a process may take to start and to stop (s).
START_S = 90.0
STOP_S = 30.0
#: Restarts of a process that keeps dying, before we give up.
RESTARTS = 10
DEATHS_WITHIN_S = 300.0


@dataclass
class Child:
    """One process of ours that is started again when it dies."""

    name: str
    command: list[str]
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    #: When it died lately, and not before when it is started again (monotonic s).
    deaths: list[float] = field(default_factory=list)
    rest_until: float = 0.0

    def start(self) -> None:
        """Start it and wait until it says that it is ready.

        Raises:
            StartError: it ended (its own line is on standard error) or did not come up in time.
        """
        read, write = os.pipe()
        try:
            self._spawn({**self.environ, "WENZHENG_READY_FD": str(write)}, (write,))
        finally:
            os.close(write)
        try:
            self._await_ready(read)
        finally:
            os.close(read)

    def _spawn(self, environ: Mapping[str, str], handles: tuple[int, ...] = ()) -> None:
        self.process = subprocess.Popen(self.command, env=environ, pass_fds=handles, start_new_session=True)

    def look(self) -> None:
        """Start it again if it died, with growing rests, without waiting for it.

        Raises:
            StartError: it dies again and again.
        """
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.deaths = [at for at in self.deaths if now - at < DEATHS_WITHIN_S] + [now]
            if len(self.deaths) > RESTARTS:
                raise StartError(f"the {self.name} process died {len(self.deaths)} times lately; see its log")
            code, self.process = self.process.returncode, None
            self.rest_until = now + min(0.25 * 2 ** len(self.deaths), 15.0)
            print(
                f"wenzheng: the {self.name} process ended (exit {code}), starting it again", file=sys.stderr, flush=True
            )
        if self.process is None and now >= self.rest_until:
            self._spawn({**self.environ, "WENZHENG_RESTARTED": "1"})

    def _await_ready(self, read: int) -> None:
        import select

        assert self.process is not None
        deadline = time.monotonic() + START_S + float(self.environ.get("WENZHENG_START_WAIT_S") or 0)
        while time.monotonic() < deadline:
            ready, _, _ = select.select([read], [], [], 0.2)
            if ready and os.read(read, 16).startswith(b"ready"):
                return
            if self.process.poll() in SAID:
                raise StartError(code=self.process.returncode)
            if self.process.poll() is not None:
                raise StartError(f"the {self.name} process did not start (exit {self.process.returncode})")
        self.stop()
        raise StartError(f"the {self.name} process was not ready within {START_S:.0f} s")

    def stop(self) -> None:
        """Ask it to drain and end; kill it when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_children(children: Iterable[Child], on_ready: Callable[[], None], node: BrokerNode | None = None) -> int:
    """Start the processes, keep them (and the broker) running, stop them in turn on SIGINT or SIGTERM.

    Args:
        children: the processes, in the order in which they start.
        on_ready: called once all of them are ready.
        node: the private broker, where there is one.

    Returns:
        The exit code.
    """
    children = list(children)
    stopping: list[int] = []
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda number, frame: stopping.append(number))
    try:
        for child in children:
            child.start()
            if stopping:
                return 0
        on_ready()
        while not stopping:
            for child in children:
                child.look()
            if node is not None and not node.running:
                _start_again(node)
            time.sleep(0.2)
        return 0
    finally:
        # The web process first: no new petitions while the worker drains.
        for child in reversed(children):
            child.stop()


def _start_again(node: BrokerNode) -> None:
    print("wenzheng: the broker ended, starting it again", file=sys.stderr, flush=True)
    try:
        node.start()
    except StartError as error:
        # What was published is on disk or in an outbox; it goes on as soon as the broker is back.
        print(f"wenzheng: {error}", file=sys.stderr, flush=True)
        time.sleep(1)


def environment() -> dict[str, str]:
    """The environment of our processes."""
    # Each thread would get a heap of its own: search's worker grew from 67 to 261 MB with them, to 103 without.
    return {"MALLOC_ARENA_MAX": "2", **os.environ}


def python(module: str, names: Iterable[str]) -> list[str]:
    """The command of one of our processes."""
    return [sys.executable, "-m", module, *names]


def port_set_by(service: str) -> str:
    """What a service's port is set by now, for an operator who has to choose another."""
    found = source_of("port", service, dict(os.environ)) or "WENZHENG_PORT"
    return f"the file that {found} names" if found.endswith("_FILE") else found


def require_free(host: str, port: int, way_out: str) -> None:
    """Refuse a port that another program listens on.

    Args:
        host: address to listen on.
        port: 0: any.
        way_out: what sets the port here, for the operator.

    Raises:
        StartError: it is taken, or the address is not ours.
    """
    if port == 0:
        return
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise port_refused(error, host, port, way_out) from None


def prepare(arguments: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Migrate and seed, or wait and check, in a process of its own; returns the lines for the operator.

    Args:
        arguments: those of ``services.cli.prepare``.
        environ: its environment.

    Raises:
        StartError: it failed; its own line is on standard error.
    """
    with subprocess.Popen(python("services.cli.prepare", arguments), env=environ, stdout=subprocess.PIPE) as process:

        def stop(number: int, frame: object) -> None:
            # It may wait for long; as the first process of a container we are not ended by a signal of itself.
            process.terminate()

        before = signal.signal(signal.SIGTERM, stop)
        try:
            output, _ = process.communicate()
        finally:
            signal.signal(signal.SIGTERM, before)
    if process.returncode < 0:
        sys.exit(128 - process.returncode)
    if process.returncode:
        raise StartError(code=process.returncode)
    return [line for entry in output.splitlines() for line in json.loads(entry)["lines"]]


def private_broker(settings: ServiceSettings, environ: dict[str, str]) -> BrokerNode | None:
    """Start or find a private RabbitMQ node when no broker is named; its URL goes into ``environ``.

    Returns:
        The node, to be stopped by the caller; None when a broker is named.
    """
    if settings.broker_url.get_secret_value():
        return None
    from services.chassis.broker_node import start_node
    from services.chassis.portals import load_portals

    # Read before the node is started: a wrong file is said at once.
    portals = load_portals(environ.get("WENZHENG_PORTALS_FILE", ""))
    node = start_node(folder_of(settings) / "broker")
    environ[BROKER_VARIABLE] = node.amqp_url
    for portal in portals.values():
        if portal.vhost:
            node.ensure_vhost(portal.vhost)
            if portal.user and portal.password:
                # It may publish to our exchange and read its answers, nothing else.
                node.ensure_user(
                    portal.user, portal.password, portal.vhost, configure="", write="^house$", read="^answers$"
                )
    return node


def folder_of(settings: ServiceSettings) -> Path:
    """The data folder, made when it is not there.

    Raises:
        StartError: it cannot be made or written.
    """
    return make_folder(settings.data_folder, "choose another with WENZHENG_DATA_FOLDER")
