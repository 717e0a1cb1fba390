"""Servers and processes of one bench: a private broker, a private PostgreSQL, workers that can be frozen."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import amqp
import psutil
import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812

from tests.house import ROOT
from tests.parts import folder_of
from tests.parts.postgresql import ACCOUNT, PostgresServer

#: What `psycopg2` and `asyncpg` read; SQLAlchemy's spelling names the driver.
DRIVER = "+psycopg2"


@dataclass
class Servers:
    """A running broker and a running PostgreSQL."""

    broker: str
    postgres: PostgresServer
    folder: Path
    broker_pid: int
    postgres_pid: int

    def database(self, like: str = "") -> str:
        """SQLAlchemy URL of a fresh database; with ``like`` a copy of the one of that URL."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        template = f" template {like.rpartition('/')[2]}" if like else ""
        self.postgres.execute(f"create database {name}{template}")
        return self.postgres.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, so that no later round pays for it."""
        self.postgres.execute(f"drop database {url.rpartition('/')[2]} with (force)")

    def connect(self) -> amqp.Connection:
        """A connection to the broker."""
        return connect(self.broker)


def connect(url: str) -> amqp.Connection:
    """A plain connection to the broker of that URL."""
    scheme, _, rest = url.partition("://")
    assert scheme in ("amqp", "pyamqp"), scheme
    user, _, place = rest.rpartition("@")
    name, _, password = user.partition(":")
    host, _, vhost = place.partition("/")
    connection = amqp.Connection(
        host, userid=name, password=password, virtual_host=vhost.replace("%2F", "/").replace("%2f", "/") or "/"
    )
    connection.connect()
    return connection


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """A broker and a PostgreSQL of our own, as durable as in production; stopped and removed at the end."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert programs, "PostgreSQL is not installed: run bin/ensure test"
    with tempfile.TemporaryDirectory() as name, folder_of(ACCOUNT, "postgres") as data:
        node = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.run_node", str(Path(name) / "broker")],
            cwd=ROOT,
            env=clean(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert node.stdout is not None
        server = PostgresServer(programs[-1].parent, data)
        try:
            url = node.stdout.readline().strip()
            assert url, "the broker did not start"
            server.start()
            yield Servers(url, server, Path(name), _beam(), _postmaster(server.port))
        finally:
            server.stop()
            node.send_signal(signal.SIGTERM)
            node.wait(60)


def _beam() -> int:
    mine = {child.pid for child in psutil.Process().children(recursive=True)}
    found = [
        process
        for process in psutil.process_iter(["name", "create_time", "pid"])
        if str(process.info["name"]).startswith("beam")
    ]
    ours = [process for process in found if process.pid in mine] or found
    return int(max(ours, key=lambda process: process.info["create_time"]).pid)


def _postmaster(port: int) -> int:
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and f"-cport={port}" in (process.info["cmdline"] or ()):
            return int(process.pid)
    raise RuntimeError("the PostgreSQL server is not among the processes")


def clean(**more: str) -> dict[str, str]:
    """The environment without settings of ours that would steer a bench."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WENZHENG_", "TOY_", "BENCH_"))}
    return kept | more


def postgres(url: str) -> PgConnection:
    """A plain autocommit connection to the database of that SQLAlchemy URL."""
    connection = psycopg2.connect(url.replace(DRIVER, "", 1))
    connection.autocommit = True
    return connection


class Worker:
    """A process group that says ``ready``, can be frozen and let go, and ends on SIGTERM.

    Args:
        command: arguments after the interpreter.
        environ: variables beside the clean environment.
    """

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        # What it says is of interest only when it fails; and nobody would read a pipe while it works.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker
        read, self._write = os.pipe()
        self._ready = os.fdopen(read, "rb")
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=clean(**environ),
            stdout=self._write,
            stderr=self._said,
            start_new_session=True,
        )

    def ready(self) -> Worker:
        """Wait until it has said so."""
        os.close(self._write)
        for line in self._ready:
            if line.strip() == b"ready":
                # Whatever else it prints must not block it.
                threading.Thread(target=self._ready.read, daemon=True).start()
                return self
        self._said.seek(0)
        words = self._said.read().decode(errors="replace")[-2000:]
        raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}:\n{words}")

    def freeze(self) -> None:
        """Stop the whole group where it is."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def resident_mb(self) -> float:
        """Resident memory of the process, in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def stop(self, seconds: float = 30) -> None:
        """Ask it to end; kill the group when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.go_on()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextlib.contextmanager
def running(command: list[str], environ: Mapping[str, str]) -> Iterator[Worker]:
    """A worker that is ready; stopped at the end."""
    worker = Worker(command, environ)
    try:
        yield worker.ready()
    finally:
        worker.stop()


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its living children have used, in seconds."""
    total = 0.0
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def wait_for(done: Callable[[], bool], seconds: float, what: str, every: float = 0.05) -> float:
    """Ask ``done()`` until it is true; returns when that was (monotonic s).

    Raises:
        TimeoutError: it did not come true.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds:.0f} s")
        time.sleep(every)
    return time.monotonic()


def part(times: list[float], share: float) -> float:
    """The value below which ``share`` of all lie."""
    ordered = sorted(times)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
