"""PgBouncer in transaction mode before a PostgreSQL server, as most sites run it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

from tests.fault.processes import Failed, until
from tests.parts import as_account, free_port
from tests.parts.postgresql import ACCOUNT


class Pooler:
    """One PgBouncer.

    Args:
        folder: empty, owned by the account of PostgreSQL.
        address: of this machine, as pods reach it.
        server: host and port of the database server.
    """

    def __init__(self, folder: Path, address: str, server: tuple[str, int]) -> None:
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if program is None:
            raise Failed("PgBouncer is not installed: run bin/ensure deploy")
        self._program, self._folder = program, folder
        self.address, self.port = address, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        host, port = server
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={host} port={port}\n"
            f"[pgbouncer]\nlisten_addr = {address}\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {folder / 'userlist.txt'}\n"
            # What docs/ops.md says, and no more.
            "pool_mode = transaction\nmax_client_conn = 500\ndefault_pool_size = 20\n"
            f"logfile = {folder / 'pgbouncer.log'}\npidfile = {folder / 'pgbouncer.pid'}\n"
        )

    def start(self, people: Path) -> None:
        """Start it with a list of users, and wait until it listens."""
        (self._folder / "userlist.txt").write_text(people.read_text(encoding="utf-8"), encoding="utf-8")
        self._process = subprocess.Popen(
            [*as_account(ACCOUNT), self._program, "-q", str(self._folder / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        until(self._listens, 20, "PgBouncer listens")

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def version(self) -> str:
        """Its version."""
        said = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=False).stdout
        return said.split()[1] if said else ""

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            log = self._folder / "pgbouncer.log"
            raise Failed(f"PgBouncer stopped: {log.read_text()[-400:] if log.exists() else 'it said nothing'}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, self.port)) == 0
