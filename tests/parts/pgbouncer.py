"""PgBouncer in transaction mode before the PostgreSQL server of the tests, with nothing set but what it needs."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.parts import absent, as_account, folder_of, free_port, until
from tests.parts.postgresql import ACCOUNT, PostgresServer

#: Sessions with the server, for each database: fewer than a process of ours asks for at once.
SESSIONS = 4


class Bouncer:
    """One PgBouncer.

    Args:
        program: its path.
        folder: empty, owned by the account of PostgreSQL.
        server: what stands behind it.
    """

    def __init__(self, program: str, folder: Path, server: PostgresServer) -> None:
        self._program, self._folder = program, folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        behind = make_url(server.url("postgres"))
        (folder / "users.txt").write_text(f'"{behind.username}" "{behind.password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={behind.host} port={behind.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {folder / 'users.txt'}\n"
            f"pool_mode = transaction\nmax_client_conn = 500\ndefault_pool_size = {SESSIONS}\n"
            f"logfile = {folder / 'pgbouncer.log'}\n"
        )

    def url(self, direct: str) -> str:
        """A database's URL through it."""
        return make_url(direct).set(port=self.port).render_as_string(hide_password=False)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(
            [*as_account(ACCOUNT), self._program, "-q", str(self._folder / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        until(self._listens, 20, "PgBouncer did not listen")

    def stop(self) -> None:
        """End it at once: whoever is connected is cut off."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = self._folder / "pgbouncer.log"
            raise RuntimeError(f"PgBouncer stopped: {log.read_text()[-400:] if log.exists() else 'it said nothing'}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(scope="session")
def bouncer(postgres: PostgresServer) -> Iterator[Bouncer]:
    """A running PgBouncer. Who stops it starts it again."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        absent("PgBouncer", "pgbouncer")
    with folder_of(ACCOUNT, "pgbouncer") as folder:
        one = Bouncer(program, folder, postgres)
        one.start()
        yield one
        one.stop()
