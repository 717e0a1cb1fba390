"""A link that can be cut, frozen and made slow: Debian's socat between the house and a server.

Why socat: the kernel's own delay (tc netem) is not in every kernel and needs root, Debian has no toxiproxy, and haproxy
cannot delay. Stopping socat's processes (SIGSTOP) is a half-open link: the connection stands, nothing passes. Killing
them cuts it. Stopping and going on in turn makes it slow.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading

import psutil

from tests.fault.processes import Failed, until
from tests.parts import free_port


class Link:
    """A way to a port of this machine that goes through socat.

    Args:
        target: the port it leads to.
    """

    def __init__(self, target: int) -> None:
        if shutil.which("socat") is None:
            raise Failed("socat is not installed: run bin/ensure fault")
        self.port, self._target = free_port(), target
        self._popen: subprocess.Popen[bytes] | None = None
        self._slow: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Open it."""
        self._popen = subprocess.Popen(
            ["socat", f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork", f"TCP:127.0.0.1:{self._target}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        until(self._listens, 10, "socat listens")

    def _listens(self) -> bool:
        assert self._popen is not None
        process = psutil.Process(self._popen.pid)
        return any(c.status == psutil.CONN_LISTEN for c in process.net_connections(kind="tcp"))

    def cut(self) -> None:
        """Cut every connection; a new one is let through."""
        for child in self._children():
            child.kill()

    def freeze(self) -> None:
        """Half-open: connections stand and nothing passes, nor is a new one let through."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Everything that waited passes."""
        self._signal(signal.SIGCONT)

    def slow(self, stop_s: float = 0.06, go_s: float = 0.01) -> None:
        """Hold what passes for up to ``stop_s``, again and again."""
        self._slow = threading.Event()

        def pulse(ended: threading.Event) -> None:
            while not ended.wait(go_s):
                self.freeze()
                ended.wait(stop_s)
                self.thaw()

        self._thread = threading.Thread(target=pulse, args=(self._slow,), daemon=True)
        self._thread.start()

    def quick(self) -> None:
        """As it was."""
        if self._slow is not None and self._thread is not None:
            self._slow.set()
            self._thread.join()
            self._slow = self._thread = None
            self.thaw()

    def close(self) -> None:
        """Close it with everything that goes through."""
        self.quick()
        if self._popen is not None:
            self._signal(signal.SIGKILL)
            self._popen.wait(10)
            self._popen = None

    def _signal(self, sign: signal.Signals) -> None:
        """To all of them: socat forks one process a connection, in its own process group."""
        if self._popen is not None:
            os.killpg(self._popen.pid, sign)

    def _children(self) -> list[psutil.Process]:
        assert self._popen is not None
        return psutil.Process(self._popen.pid).children(recursive=True)
