"""What all rows of one run stand on: a private broker, a database server, and a search server when one is asked for."""

from __future__ import annotations

import shutil
import signal
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path

from tests.parts import as_account, folder_of, postgresql
from tests.parts.broker import Broker
from tests.parts.elastic import ACCOUNT as ELASTIC_ACCOUNT
from tests.parts.elastic import ElasticServer
from tests.parts.postgresql import PostgresServer

__all__ = ["Ground", "as_account"]


class Ground:
    """The servers of one run, each started when it is first asked for."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="wenzheng-fault-"))
        self._broker: Broker | None = None
        self._postgres: PostgresServer | None = None
        self._elastic: ElasticServer | None = None

    @property
    def broker(self) -> Broker:
        """The private RabbitMQ node."""
        if self._broker is None:
            self._broker = Broker(self.folder / "broker")
        return self._broker

    @property
    def postgres(self) -> PostgresServer:
        """The PostgreSQL server."""
        if self._postgres is None:
            programs = postgresql.programs()
            if programs is None:
                raise RuntimeError("PostgreSQL is not installed: run bin/ensure fault")
            folder = self._stack.enter_context(folder_of(postgresql.ACCOUNT, "fault-postgres"))
            self._postgres = PostgresServer(programs, folder)
            self._postgres.start()
        return self._postgres

    @property
    def elastic(self) -> ElasticServer:
        """The Elasticsearch server."""
        if self._elastic is None:
            folder = self._stack.enter_context(folder_of(ELASTIC_ACCOUNT, "fault-elastic"))
            self._elastic = ElasticServer(folder)
            self._elastic.start()
        return self._elastic

    def rest_elastic(self) -> None:
        """Stop the search server: the rows that need it are done, and its memory is wanted elsewhere."""
        if self._elastic is not None:
            self._elastic.stop()
            self._elastic = None

    def database(self) -> str:
        """Make a database; its name."""
        name = f"fault_{uuid.uuid4().hex[:12]}"
        self.postgres.execute(f"create database {name}")
        return name

    def close(self) -> None:
        """Stop every server and remove what was kept."""
        if self._elastic is not None:
            self._elastic.stop(signal.SIGKILL)
        if self._postgres is not None:
            self._postgres.stop()
        if self._broker is not None:
            self._broker.start()
            self._broker.stop()
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)
