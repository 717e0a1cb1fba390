"""A database that comes back is used at once, whoever is the first to ask and however that one fares."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from services.chassis.database import Database
from services.chassis.errors import Transient
from services.chassis.timeouts import REST_S
from tests.parts import until
from tests.parts.postgresql import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_database: str) -> Iterator[Database]:
    one = Database(postgres_database, pool=1, patient=True)
    one.turn_away()
    yield one
    one.close()


def write(database: Database) -> None:
    with database.write() as session:
        session.execute(text("create temporary table if not exists door (one integer)"))


def away(database: Database, postgres: PostgresServer) -> None:
    """Let it be met without its server, and bring that back."""
    write(database)
    postgres.stop(signal.SIGQUIT)
    try:
        for _ in range(2):
            with pytest.raises((OperationalError, Transient)):
                write(database)
        with pytest.raises(Transient):
            write(database)
    finally:
        postgres.start()
    time.sleep(REST_S)


@pytest.mark.parametrize("first", [lambda one: one.clock().now(), Database.ping, write], ids=["clock", "read", "write"])
def test_whoever_finds_it_back_lets_the_others_in(
    database: Database, postgres: PostgresServer, first: Callable[[Database], object]
) -> None:
    away(database, postgres)
    first(database)
    write(database)


def test_one_that_goes_ahead_and_fails_for_another_reason_leaves_the_next_try_to_others(
    database: Database, postgres: PostgresServer
) -> None:
    away(database, postgres)

    def no_connection(*_: object) -> None:
        raise LookupError

    take, database.engine.pool.connect = database.engine.pool.connect, no_connection  # type: ignore[method-assign, assignment]
    with pytest.raises(LookupError):
        write(database)
    database.engine.pool.connect = take  # type: ignore[method-assign]

    def written() -> bool:
        try:
            write(database)
        except Transient:
            return False
        return True

    until(written, 2 * REST_S, "the next one is let in")
