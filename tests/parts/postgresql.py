"""A PostgreSQL server for the whole run, a fresh database for each test."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests.parts import absent, as_account, folder_of, free_port, until

ACCOUNT = "postgres"
USER = "wenzheng"


class PostgresServer:
    """One server in a folder of its own, on the loopback, as durable as in production (fsync on).

    Args:
        programs: folder of initdb and postgres.
        folder: empty, owned by the account that will run the server.
        address: of this machine; pods of a cluster cannot reach the loopback.
    """

    def __init__(self, programs: Path, folder: Path, address: str = "127.0.0.1") -> None:
        self._programs = programs
        self._data = folder / "data"
        self._log = folder / "server.log"
        self._password = secrets.token_urlsafe(16)
        self.address, self.port = address, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        word = folder / "password"
        word.write_text(self._password)
        word.chmod(0o644)
        self._run("initdb", f"--pgdata={self._data}", f"--username={USER}", f"--pwfile={word}", "--auth=scram-sha-256",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        word.unlink()
        if address != "127.0.0.1":
            with (self._data / "pg_hba.conf").open("a") as allowed:
                allowed.write("host all all all scram-sha-256\n")

    def start(self) -> None:
        """Start it (again, on the same port) and wait until it answers."""
        options = {
            "listen_addresses": self.address, "port": self.port, "unix_socket_directories": "",
            "shared_buffers": "64MB", "max_connections": 200,
        }  # fmt: skip
        settings = [f"-c{name}={value}" for name, value in options.items()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*as_account(ACCOUNT), self._programs / "postgres", "-D", self._data, *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", env=_environment(),
            )  # fmt: skip
        until(self._answers, 60, "PostgreSQL did not answer")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is a fast shutdown, SIGQUIT an immediate one, SIGKILL a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While inside it is there and answers nothing: its kernel acknowledges, its processes stand still."""
        assert self._process is not None
        top = psutil.Process(self._process.pid)
        every = [top, *top.children(recursive=True)]
        for one in every:
            one.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in every:
                one.send_signal(signal.SIGCONT)

    def url(self, database: str) -> str:
        """SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg2://{USER}:{self._password}@{self.address}:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run one statement as administrator."""
        connection = self._connect()
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def _connect(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=self.address, port=self.port, user=USER, password=self._password, dbname="postgres", connect_timeout=5
        )

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL stopped: {self._log.read_text(errors='replace')[-500:]}")
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [*as_account(ACCOUNT), str(self._programs / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_environment())
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


def _environment() -> dict[str, str]:
    """Ours without what would steer PostgreSQL's programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def programs() -> Path | None:
    """Folder of the newest installed server's programs; None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server. Who stops it starts it again."""
    found = programs()
    if found is None:
        absent("PostgreSQL", "postgresql")
    with folder_of(ACCOUNT, "postgres") as folder:
        server = PostgresServer(found, folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres.execute(f"create database {name}")
    yield postgres.url(name)
    postgres.execute(f"drop database {name} with (force)")
