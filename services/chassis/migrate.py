"""Alembic for every service: brings its database up to date, and says whether it is."""

from __future__ import annotations

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
from services.chassis.errors import StartError

#: Two processes that migrate at once take turns behind this PostgreSQL advisory lock.
LOCK = 7_031_977


def _config(package: str) -> Config:
    folder = Path(__file__).resolve().parents[1] / package.rpartition(".")[2] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def migrate(database: Database, package: str) -> None:
    """Bring the database up to the newest revision; nothing happens when it is there already.

    Args:
        database: the service's database.
        package: import name of the service, for example ``services.intake``.

    Raises:
        StartError: the database cannot be used, is another service's, or a newer release made it.
    """
    config = _config(package)
    with _reached(database), database.engine.connect() as connection:
        connection.execution_options(reads_only=False)
        with connection.begin():
            if not database.sqlite:
                connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError:
                # A revision that is in no file here: another service's, or one of a release to come.
                _require_own(database, connection, package)
                have = MigrationContext.configure(connection).get_current_revision()
                raise StartError(
                    f"the database of {package.rpartition('.')[2]} is at revision {have}, which this release does not "
                    "know: a newer one made it"
                ) from None
            _require_own(database, connection, package)


def _require_own(database: Database, connection: Connection, package: str) -> None:
    """Refuse a database that another service has made its own: both would write the same outbox and revision."""
    tables: MetaData = import_module(f"{package}.models").Base.metadata
    if set(tables.tables) - set(sa.inspect(connection).get_table_names()):
        name = package.rpartition(".")[2]
        where = database.url.render_as_string(hide_password=True)
        raise StartError(
            f"the database {where} holds the tables of another service; give {name} one of its own with "
            f"WENZHENG_{name.upper()}_DATABASE_URL"
        )


@contextmanager
def _reached(database: Database) -> Iterator[None]:
    """Say in one line which database cannot be used and why, without its password."""
    try:
        yield
    except DBAPIError as error:
        where = database.url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0]
        raise StartError(f"the database {where} cannot be used: {reason}") from None


def revision(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with _reached(database), database.engine.connect().execution_options(reads_only=True) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current(database: Database, package: str) -> None:
    """Refuse to start on a database of another version.

    Raises:
        StartError: with the command that mends it.
    """
    head = ScriptDirectory.from_config(_config(package)).get_current_head()
    have = revision(database)
    if have != head:
        name = package.rpartition(".")[2]
        raise StartError(
            f"the database of {name} is at revision {have or 'none'}, needed is {head}: wenzheng migrate {name}"
        )
    with _reached(database), database.engine.connect().execution_options(reads_only=True) as connection:
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
