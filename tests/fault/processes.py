"""One process of the house: a service in a role, started, asked, stopped and killed from outside."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
#: Put before a command: the kernel kills it when we are killed, so that nothing of a run is left behind.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
#: How long a process may take to come up on a busy machine (s).
START_S = 60.0


class Failed(Exception):
    """Something that had to come true did not: the row fails with this sentence."""


def until(ask: Callable[[], object], seconds: float, what: str, every: float = 0.1) -> float:
    """Ask again and again until the answer is true; the seconds it took.

    Raises:
        Failed: it did not come true in time.
    """
    begun = time.monotonic()
    while not ask():
        if time.monotonic() - begun > seconds:
            raise Failed(f"not within {seconds:g} s: {what}")
        time.sleep(every)
    return time.monotonic() - begun


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (negative: by that signal) and how long it took (s)."""

    code: int
    seconds: float


class Process:
    """A service in one role.

    Args:
        service: its name.
        role: ``web`` or ``worker``.
        environ: its environment.
        port: of its pages, or of its health and metrics.
        log: file that it writes to.
        tree: checkout it runs from.
    """

    def __init__(
        self, service: str, role: str, environ: Mapping[str, str], port: int, log: Path, tree: Path = ROOT
    ) -> None:
        self.service, self.role, self.port, self.log = service, role, port, log
        self.tree = tree
        self._environ = dict(environ)
        self._popen: subprocess.Popen[bytes] | None = None
        #: Where in the log the present process begins.
        self.begun = 0

    @property
    def name(self) -> str:
        """As it is called in messages."""
        return f"{self.service} {self.role}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._popen is not None and self._popen.poll() is None

    def start(self, **environ: str) -> None:
        """Start it, without waiting until it is ready; ``environ`` is for this time alone."""
        assert not self.alive, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self.begun = log.tell()
            self._popen = subprocess.Popen(
                [*DIES_WITH_US, sys.executable, "-m", "services.cli.main", "run", self.service, "--role", self.role],
                env={**self._environ, **environ},
                cwd=self.tree,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self, seconds: float = START_S) -> float:
        """Wait until it says so; the seconds it took.

        Raises:
            Failed: it ended, or was not ready in time.
        """
        return until(self._is_ready, seconds, f"{self.name} is ready")

    def _is_ready(self) -> bool:
        if not self.alive:
            assert self._popen is not None
            raise Failed(f"{self.name} ended with {self._popen.returncode} at its start: {self.words()[-400:]}")
        return self.ask("/readyz") == 200

    def ask(self, path: str, seconds: float = 5) -> int:
        """The status of a page of it, 0 when it does not answer."""
        return self.get(path, seconds)[0]

    def get(self, path: str, seconds: float = 5) -> tuple[int, str]:
        """Status and text of a page of it; (0, "") when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def count(self, metric: str) -> float:
        """The sum of one metric over its labels; nan when it does not answer."""
        status, text = self.get("/metrics")
        if status != 200:
            return float("nan")
        found = re.findall(rf"^{metric}(?:{{[^}}]*}})? ([0-9.e+-]+)$", text, re.MULTILINE)
        return sum(map(float, found))

    def kill(self) -> None:
        """Kill -9."""
        assert self._popen is not None
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait(10)

    def killed(self, seconds: float) -> bool:
        """Wait until it was killed by itself at its kill point; False when it was not."""
        assert self._popen is not None
        try:
            return self._popen.wait(seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def stop(self, seconds: float = 40) -> Ended:
        """SIGTERM, and how it ended; killed when it does not go in time."""
        if self._popen is None:
            return Ended(0, 0.0)
        begun = time.monotonic()
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        return Ended(self._popen.returncode, time.monotonic() - begun)

    def wait(self, seconds: float) -> Ended | None:
        """How it ended of itself, None when it goes on."""
        assert self._popen is not None
        begun = time.monotonic()
        try:
            return Ended(self._popen.wait(seconds), time.monotonic() - begun)
        except subprocess.TimeoutExpired:
            return None

    def memory(self) -> int:
        """Resident memory (bytes)."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def words(self, position: int | None = None) -> str:
        """What it wrote since ``position``; since its last start when left out."""
        with self.log.open("rb") as log:
            log.seek(self.begun if position is None else position)
            return log.read().decode("utf-8", "replace")

    def said(self) -> int:
        """How much it has written until now (bytes)."""
        return os.path.getsize(self.log) if self.log.exists() else 0
