"""Many rows in one short statement: on PostgreSQL as one array a column, which costs a third of a list of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import String, Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session


def is_postgres(session: Session) -> bool:
    """Whether this session speaks to PostgreSQL."""
    return session.connection().dialect.name == "postgresql"


def insert_many(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; values go to the driver as they are.

    Args:
        session: an open writing transaction.
        table: where to.
        rows: at least one.
    """
    if not is_postgres(session):
        session.execute(insert(table), list(rows))
        return
    columns = tuple(rows[0])
    _run(session, _unnest(table, columns, ""), {name: [row[name] for row in rows] for name in columns})


def insert_new(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], returning: str) -> set[Any]:
    """Insert those rows whose primary key is not there yet. Returns the column ``returning`` of the new ones."""
    if is_postgres(session):
        columns = tuple(rows[0])
        statement = _unnest(table, columns, f"on conflict do nothing returning {returning}")
        return set(_run(session, statement, {name: [row[name] for row in rows] for name in columns}).scalars())
    # Rows beside the statement, not in it: a statement with values is compiled anew each time.
    new = sqlite.insert(table).on_conflict_do_nothing().returning(table.c[returning])
    return set(session.scalars(new, list(rows)))


def mark_published(session: Session, table: Table, positions: Sequence[int], now: datetime) -> None:
    """Mark rows of an outbox (its primary key is ``position``) as published; one array instead of 500 parameters."""
    statement = (
        f"update {table.name} set published_at = :now, problem = null, next_try = null"  # noqa: S608 - our own table
        " where position = any(cast(:positions as bigint[]))"
    )
    _run(session, text(statement), {"now": now, "positions": list(positions)})


def _run(session: Session, statement: TextClause, values: Mapping[str, Any]) -> Any:
    connection: Connection = session.connection()
    result = connection.execute(statement, values)
    # A text does not say that it writes; the watches are told of commits that wrote (database.py).
    connection.info["wrote"] = True
    return result


@lru_cache
def _unnest(table: Table, columns: tuple[str, ...], tail: str) -> TextClause:
    # Not to varchar(36): an explicit cast would cut what is too long instead of refusing it.
    types = ["text" if isinstance(table.c[c].type, String) else table.c[c].type.compile(_DIALECT) for c in columns]
    arrays = ", ".join(f"cast(:{name} as {type_}[])" for name, type_ in zip(columns, types, strict=True))
    names = ", ".join(columns)
    return text(f"insert into {table.name} ({names}) select * from unnest({arrays}) {tail}")  # noqa: S608 - our own


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
