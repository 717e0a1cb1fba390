"""What a private RabbitMQ node keeps in its folder: its name, its ports, its password, who started it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from services.chassis.errors import StartError

LOOPBACK = "127.0.0.1"
#: Ports are looked for below the range the kernel gives to outgoing connections, so that they stay free.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Node:
    """What is kept in ``node.json``: how the node is called and how to get in."""

    name: str
    amqp_port: int
    distribution_port: int
    epmd_port: int
    user: str
    password: str


class Folder:
    """The folder of one node.

    Args:
        path: made, with its subfolders, readable by its owner alone.

    Raises:
        StartError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.pid_file = self.path / "pid"
        self.log = self.path / "log"
        self._owner = self.path / "owner"
        try:
            for name in ("", "data", "log", "home", "generated"):
                (self.path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.locked():
                if self._read() is None:
                    self._write(self._new())
        except OSError as error:
            raise StartError(f"folder {self.path} cannot be used for RabbitMQ: {error.strerror}") from None

    def node(self) -> Node:
        """What is kept now; another process may have written it."""
        node = self._read()
        if node is None:
            raise StartError(f"{self.path / 'node.json'} cannot be read: remove folder {self.path} to begin anew")
        return node

    def ports_free(self) -> Node:
        """The node, on other ports if somebody else has taken its own meanwhile."""
        node = self.node()
        if not (_free(node.amqp_port) and _free(node.distribution_port)):
            amqp, distribution, epmd = _free_ports(3)
            node = self._write(replace(node, amqp_port=amqp, distribution_port=distribution, epmd_port=epmd))
        return node

    def write_private(self, name: str, text: str) -> None:
        """Write a file that its owner alone can read."""
        path = self.path / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time starts or stops the node."""
        with (self.path / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def owner(self) -> int:
        """The living process that started the node, 0 when there is none."""
        try:
            pid = int(self._owner.read_text() or 0)
        except (FileNotFoundError, ValueError):
            return 0
        return pid if pid and Path(f"/proc/{pid}").exists() else 0

    def set_owner(self, pid: int) -> None:
        """Say who stops the node; 0: nobody."""
        self._owner.write_text(str(pid))

    def server_pid(self, mark: str) -> int:
        """The server's process id, 0 when it does not run; a stale file that names another process counts as none."""
        try:
            pid = int(self.pid_file.read_text().strip() or 0)
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return 0
        return pid if mark.encode() in command else 0

    def _read(self) -> Node | None:
        try:
            return Node(**json.loads((self.path / "node.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _write(self, node: Node) -> Node:
        self.write_private("node.json", json.dumps(asdict(node), indent=1))
        return node

    def _new(self) -> Node:
        """A node with a name of its own (the folder's hash), free ports and a new password."""
        mark = hashlib.blake2b(str(self.path).encode(), digest_size=6).hexdigest()
        amqp, distribution, epmd = _free_ports(3)
        password = secrets.token_urlsafe(24)
        return Node(f"wenzheng-{mark}@localhost", amqp, distribution, epmd, f"wenzheng-{mark}", password)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for _ in range(1000):
        port = secrets.choice(PORTS)
        if port not in found and _free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise StartError(f"no free port between {PORTS.start} and {PORTS.stop} on {LOOPBACK}")
