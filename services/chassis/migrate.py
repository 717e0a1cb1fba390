"""Alembic for every service: brings its database up to date, and says whether it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command, context, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError

from services.chassis.database import Database, UtcDateTime
from services.chassis.delivery import metadata as delivery_metadata
from services.chassis.errors import Exit, StartError
from services.chassis.starting import database_trouble, reaching
from services.chassis.telemetry import log

#: Two processes that migrate at once take turns behind this PostgreSQL advisory lock.
LOCK = 7_031_977
#: How long a migration waits for a table's lock (ms), rests (s), and how often it tries again.
LOCK_WAIT_MS = 3000
LOCK_REST_S = 2.0
LOCK_TRIES = 20
#: PostgreSQL's lock_not_available.
LOCK_TIMEOUT = "55P03"


def _config(package: str) -> Config:
    folder = Path(__file__).resolve().parents[1] / package.rpartition(".")[2] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def migrate(database: Database, package: str) -> str | None:
    """Bring the database up to the newest revision; nothing happens when it is there already.

    One transaction on a connection past any pooler: a migration that fails half-way leaves nothing done, and two at
    once take turns. It has no time-out of its own, since an index over ten million rows takes minutes; but for a
    table's lock it waits only briefly and tries again, because everybody else would queue behind it.

    Args:
        database: the service's database.
        package: import name of the service, for example ``services.intake``.

    Returns:
        The revision the database is at.

    Raises:
        StartError: the database cannot be used, is another service's, a newer release made it, the migration failed.
    """
    for last in (*(False,) * LOCK_TRIES, True):
        try:
            return _migrate(database, package)
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) == LOCK_TIMEOUT and not last:
                log(package.rpartition(".")[2]).warning("migration waits for a lock that others hold")
                time.sleep(LOCK_REST_S)
                continue
            if getattr(error.orig, "pgcode", None) is None and (error.connection_invalidated or database.sqlite):
                raise database_trouble(database, error) from None
            name = package.rpartition(".")[2]
            reason = " ".join(str(error.orig).split())
            raise StartError(
                f"the migration of {name} failed: {reason}; nothing was changed: mend it and run `wenzheng migrate "
                f"{name}` again",
                Exit.MIGRATION_FAILED,
            ) from None
    raise AssertionError("the last try returns or raises")


def _migrate(database: Database, package: str) -> str | None:
    config = _config(package)
    with _opened(database) as connection, connection.begin():
        if not database.sqlite:
            connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
            connection.execute(sa.text(f"set local lock_timeout = {LOCK_WAIT_MS}"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            # A revision that is in no file here: another service's, or one of a release to come.
            _require_own(database, connection, package)
            have = MigrationContext.configure(connection).get_current_revision()
            _require_serves(have, package)
            return have
        _require_own(database, connection, package)
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _opened(database: Database) -> Iterator[Connection]:
    """A connection past any pooler, with the server's own time-outs."""
    if database.sqlite:
        with reaching(database):
            connection = database.engine.connect()
    else:
        with reaching(database):
            connection = database.direct(autocommit=False)
    try:
        yield connection
    finally:
        connection.close()


def _require_own(database: Database, connection: Connection, package: str) -> None:
    """Refuse a database that another service has made its own: both would write the same outbox and revision."""
    tables: MetaData = import_module(f"{package}.models").Base.metadata
    if set(tables.tables) - set(sa.inspect(connection).get_table_names()):
        name = package.rpartition(".")[2]
        where = database.url.render_as_string(hide_password=True)
        raise StartError(
            f"the database {where} holds the tables of another service; give {name} one of its own with "
            f"WENZHENG_{name.upper()}_DATABASE_URL",
            Exit.SCHEMA_FOREIGN,
        )


def _require_serves(have: str | None, package: str) -> None:
    """Refuse a database of a newer release, unless its revision says that it serves this release too.

    While a cluster is upgraded or rolled back, old code meets new tables. A revision that only adds says so in its
    name: ``0007_from_0005`` serves code that needs 0005 or a later one.
    """
    head = _head(package)
    serves_from = (have or "").partition("_from_")[2]
    if serves_from and (have or "") > head >= serves_from:
        return
    name = package.rpartition(".")[2]
    raise StartError(
        f"the database of {name} is at revision {have}, which this release (revision {head}) does not know: a newer "
        f"one made it; run that release, or restore a backup of the database",
        Exit.SCHEMA_NEW,
    )


def _head(package: str) -> str:
    head = ScriptDirectory.from_config(_config(package)).get_current_head()
    if head is None:
        raise AssertionError(f"{package} has no migrations")
    return head.partition("_from_")[0]


def revision(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with reaching(database), database.engine.connect().execution_options(reads_only=True) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current(database: Database, package: str) -> None:
    """Refuse to start on a database that does not serve this release.

    Raises:
        StartError: with the command that mends it.
    """
    have = revision(database)
    scripts = ScriptDirectory.from_config(_config(package))
    if have is not None and have not in {script.revision for script in scripts.walk_revisions()}:
        # Another service's revisions are unknown here too: whose it is comes before how old it is.
        _look_whose(database, package)
        _require_serves(have, package)
    elif have != scripts.get_current_head():
        name = package.rpartition(".")[2]
        raise StartError(
            f"the database of {name} is at revision {have or 'none'}, needed is {scripts.get_current_head()}: "
            f"`wenzheng migrate {name}` brings it there",
            Exit.SCHEMA_OLD,
        )
    else:
        _look_whose(database, package)


def _look_whose(database: Database, package: str) -> None:
    with reaching(database), database.engine.connect().execution_options(reads_only=True) as connection:
        _require_own(database, connection, package)


def run_env(metadata: MetaData) -> None:
    """The whole of a service's ``migrations/env.py``."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise StartError("migrations are run by: wenzheng migrate")
    # Both databases take DDL back, so that a failed migration leaves nothing half done.
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def differences(database: Database, package: str, metadata: MetaData) -> list[Any]:
    """What Alembic would still change to reach ``metadata`` and the delivery tables; empty when they agree."""
    both = MetaData()
    for source in (metadata, delivery_metadata):
        for table in source.tables.values():
            table.to_metadata(both)
    with database.engine.connect().execution_options(reads_only=True) as connection:
        return list(compare_metadata(_comparing(connection), both))


def _comparing(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(
        connection, opts={"include_name": lambda name, kind, parents: name != "alembic_version"}
    )


def create_delivery_tables() -> None:
    """Outbox and inbox as of the first release; called by every service's first migration, never changed."""
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("routing_key", sa.String(100), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("cause", sa.String(36)),
        sa.Column("traceparent", sa.String(55)),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("published_at", UtcDateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(40)),
        sa.Column("next_try", UtcDateTime()),
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["position"],
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "inbox",
        sa.Column("queue", sa.String(80), primary_key=True),
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
    )
    op.create_index("inbox_received_at", "inbox", ["received_at"])


def drop_delivery_tables() -> None:
    """Undo ``create_delivery_tables``."""
    op.drop_table("inbox")
    op.drop_table("outbox")


def create_due_index() -> None:
    """The index that the relay reads pages by; called by one migration of each service, never changed.

    The older ``outbox_unpublished`` stays: workers of the release before read by it, and it tells the oldest row.
    """
    op.create_index(
        "outbox_due",
        "outbox",
        ["problem", "next_try", "position"],
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )


def drop_due_index() -> None:
    """Undo ``create_due_index``."""
    op.drop_index("outbox_due", "outbox")
