"""What the house on the cluster brings along: RabbitMQ, PostgreSQL behind PgBouncer, Elasticsearch, a mail server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg2

from tests.deploy.cluster.pooler import Pooler
from tests.deploy.cluster.rabbitmq import RabbitServer
from tests.fault.processes import Failed
from tests.parts import folder_of, postgresql
from tests.parts.elastic import ACCOUNT as ELASTIC_ACCOUNT
from tests.parts.elastic import ElasticServer
from tests.parts.mail import MailServer
from tests.parts.postgresql import PostgresServer


class Servers:
    """The servers of one run, on one address of this machine.

    Args:
        folder: for what they write.
        address: as pods reach this machine.
        keep: folder in which the operator of docs/ops.md keeps passwords and URLs.
    """

    def __init__(self, folder: Path, address: str, keep: Path) -> None:
        self._stack = ExitStack()
        self.address, self.keep = address, keep
        programs = postgresql.programs()
        if programs is None:
            raise Failed("PostgreSQL is not installed: run bin/ensure deploy")
        self.rabbit = RabbitServer(folder / "rabbitmq", address)
        self._stack.callback(self.rabbit.stop)
        home = self._stack.enter_context(folder_of(postgresql.ACCOUNT, "deploy-postgres"))
        self.postgres = PostgresServer(programs, home, address)
        self._stack.callback(self.postgres.stop)
        home = self._stack.enter_context(folder_of(ELASTIC_ACCOUNT, "deploy-elastic"))
        self.elastic = ElasticServer(home, address)
        self._stack.callback(self.elastic.stop)
        home = self._stack.enter_context(folder_of(postgresql.ACCOUNT, "deploy-pooler"))
        self.pooler = Pooler(home, address, (address, self.postgres.port))
        self._stack.callback(self.pooler.stop)
        self.mail = MailServer(address)

    def start(self) -> None:
        """Start all but the pooler, which needs its list of users first."""
        with ThreadPoolExecutor(3) as together:
            for started in [together.submit(one.start) for one in (self.rabbit, self.postgres, self.elastic)]:
                started.result()
        self.mail.start()
        self._stack.callback(self.mail.stop)

    def stop(self) -> None:
        """Stop all of them."""
        self._stack.close()

    # ── what the operator kept of each service ──────────────────────────────────────────────────
    def kept(self, name: str) -> str:
        """One of the files that docs/ops.md has made."""
        return (self.keep / name).read_text(encoding="utf-8").strip()

    def passwords(self) -> list[str]:
        """Every password and key."""
        names = [path.name for path in self.keep.iterdir() if path.name.endswith(("-password", "secret-key"))]
        return [self.kept(name) for name in sorted(names)]

    def connect(self, service: str) -> psycopg2.extensions.connection:
        """A connection to a service's database, past everything, as the administrator."""
        return psycopg2.connect(self.admin_url(f"wenzheng_{service}"), connect_timeout=5)

    def admin_url(self, database: str) -> str:
        """The URL of a database for the administrator, as libpq takes it."""
        return self.postgres.url(database).replace("+psycopg2", "")

    def connections(self) -> dict[str, int]:
        """Connections that each database has at this moment."""
        connection = psycopg2.connect(self.admin_url("postgres"), connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute("select datname, count(*) from pg_stat_activity where datname is not null group by 1")
                return {
                    name.removeprefix("wenzheng_"): int(count)
                    for name, count in cursor.fetchall()
                    if name.startswith("wenzheng_")
                }
        finally:
            connection.close()

    def versions(self) -> dict[str, str]:
        """What runs."""
        connection = psycopg2.connect(self.admin_url("postgres"), connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute("show server_version")
                (found,) = cursor.fetchone() or ("",)
        finally:
            connection.close()
        from tests.parts.elastic import VERSION

        return {
            "RabbitMQ": self.rabbit.version(), "PostgreSQL": str(found).split()[0],
            "PgBouncer": self.pooler.version(), "Elasticsearch": VERSION,
        }  # fmt: skip
