"""One service's database: SQLite in a folder or PostgreSQL by URL, and the watch that tells of commits."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Engine, create_engine, event, text
from sqlalchemy.engine import Connection, Dialect, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator

from services.chassis.clock import Clock, DatabaseClock, SystemClock
from services.chassis.folders import make_folder, make_private
from services.chassis.timeouts import PING_S, USUAL, Door, Timeouts, bound_waits, bounded
from services.chassis.watch import Notifier, PostgresWatch, SqliteWatch, Watch

#: How long a worker waits for another process's write on SQLite before it tries again (ms). Short, because a lock
#: wait stops the worker's whole loop (measured: 1 s of waiting was 1 s of standstill).
SQLITE_BUSY_MS = 250
#: The same where threads wait for themselves alone, as in the web role (ms).
SQLITE_PATIENT_MS = 10_000
#: How long a thread waits for a connection of a pool that is all in use (s).
POOL_WAIT_S = 3


#: A server that is gone without a word is noticed within 15 s: by the kernel, since it is the only one that can.
ALIVE = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, timezone-aware on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """The engine of one service and its two kinds of transaction.

    Args:
        url: SQLAlchemy URL, ``sqlite:///…`` or ``postgresql+psycopg2://…``.
        direct_url: URL past a transaction pooler, for LISTEN and advisory locks; the same when empty. When it is given,
            ``url`` is taken for a pooler's: nothing is set there for longer than a transaction.
        pool: connections kept open at most.
        application: name shown in ``pg_stat_activity``.
        patient: whether a thread may be blocked for long, as in the web role; False in a worker.
        timeouts: how long the server may take.
    """

    def __init__(
        self,
        url: str,
        *,
        direct_url: str = "",
        pool: int = 10,
        application: str = "wenzheng",
        patient: bool = True,
        timeouts: Timeouts = USUAL,
    ) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._direct_url = make_url(direct_url) if direct_url else self.url
        self.pooled = bool(direct_url) and not self.sqlite
        self._timeouts = timeouts
        self._door = Door()
        self._application = application
        self._patient = patient
        self._connect: Callable[..., Any] | None = None
        self._busy_ms = SQLITE_PATIENT_MS if patient else SQLITE_BUSY_MS
        # Threads of one process take turns here, in order, instead of polling SQLite's lock.
        self._turn = threading.Lock() if self.sqlite else contextlib.nullcontext()
        self.engine = self._sqlite_engine() if self.sqlite else self._postgres_engine(pool)
        event.listen(self.engine, "after_cursor_execute", _note_writes)
        self._notifier = None if self.sqlite else Notifier(self)

    def _sqlite_engine(self) -> Engine:
        path = Path(self.url.database or "")
        make_folder(path.parent)
        if self.url.database not in (None, "", ":memory:"):
            make_private(path)
        engine = create_engine(self.url, connect_args={"check_same_thread": False, "timeout": self._busy_ms / 1000})
        event.listen(engine, "connect", self._sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
        return engine

    def _sqlite_pragmas(self, connection: Any, record: Any) -> None:
        """WAL and FULL: a commit that was answered survives a power cut (SQLite documentation, pragma synchronous)."""
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={self._busy_ms}",
            "foreign_keys=ON",
            "cache_size=-4000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def _postgres_engine(self, pool: int) -> Engine:
        bound_waits()
        engine = create_engine(
            self.url,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            # Without it a page would fail on a connection that the server has closed; a worker simply tries again,
            # and is spared a round trip a transaction.
            pool_pre_ping=self._patient,
            # The rows of a batch are updated in one round trip, not in one each (measured: 2.65 -> 3.42 thousand
            # events a second). What a row that vanished would tell is not needed: they are locked when they are loaded.
            executemany_mode="values_plus_batch",
            connect_args={
                **self._connecting(self._application),
                **({} if self.pooled else {"options": self._timeouts.startup()}),
            },
        )
        if self.pooled:
            event.listen(engine, "begin", self._set_locally)
        # What lies in the pool is asked whether it is alive before it is given out; that answer comes at once or never.
        event.listen(engine, "checkout", lambda connection, *_: _bind(connection, self._timeouts.answer))
        event.listen(engine, "checkin", lambda connection, *_: _bind(connection, PING_S))
        return engine

    def _connecting(self, application: str) -> dict[str, Any]:
        return {
            "application_name": application,
            "connection_factory": bounded(self._timeouts.connect),
            "connect_timeout": max(1, round(self._timeouts.connect)),
            **ALIVE,
        }

    def _set_locally(self, connection: Connection) -> None:
        connection.exec_driver_sql(self._timeouts.local())

    def turn_away(self) -> None:
        """From now on a database that did not answer is left alone for a moment: what wants it fails at once.

        For a process of many threads; each of them would wait for the silent server in turn.
        """
        if not self.sqlite:
            event.listen(self.engine, "handle_error", self._note_silence)

    def _note_silence(self, context: ExceptionContext) -> None:
        # A connection of the pool that is dead is replaced; only a new one that fails says that nobody is there.
        if not context.is_pre_ping and (context.is_disconnect or context.connection is None):
            self._door.shut()

    def connect_by(self, connect: Callable[..., Any]) -> None:
        """Let another function connect (SQLAlchemy's event ``do_connect``): a worker's gives up in time."""
        self._connect = connect
        event.listen(self.engine, "do_connect", connect)

    @contextmanager
    def write(self, loosely: bool = False) -> Iterator[Session]:
        """A writing transaction: commits at the end, rolls back on any exception, then tells the watches.

        Args:
            loosely: True where nobody waits for what is written, and it may be lost when the server itself dies.
        """
        with self._turn, Session(self.engine, expire_on_commit=False, autoflush=False) as session, session.begin():
            with self._door.passed(self._timeouts.answer):
                info = session.connection().info
            info["wrote"] = False
            if loosely and not self.sqlite:
                session.execute(text("set local synchronous_commit = off"))
            yield session
            session.flush()
            wrote = info["wrote"]
        # A transaction that found nothing to do wakes nobody, or idle loops would wake each other for ever.
        if wrote and not loosely and self._notifier is not None:
            self._notifier.committed()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A reading transaction; takes no write lock on SQLite."""
        with self._connected() as connection:
            connection = connection.execution_options(reads_only=True)
            with Session(connection, expire_on_commit=False, autoflush=False) as session:
                yield session

    def _connected(self) -> Connection:
        with self._door.passed(self._timeouts.answer):
            return self.engine.connect()

    def direct(self, autocommit: bool = True) -> Connection:
        """A connection of its own past any pooler, for LISTEN, advisory locks, migrations. The caller closes it."""
        engine = create_engine(
            self._direct_url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT" if autocommit else "READ COMMITTED",
            connect_args=self._connecting(f"{self._application}-direct"),
        )
        # What waits for a lock or migrates is not cut off.
        event.listen(engine, "connect", lambda connection, _: _bind(connection, 0.0))
        if self._connect is not None:
            event.listen(engine, "do_connect", self._connect)
        return engine.connect()

    @staticmethod
    def drop(connection: Connection) -> None:
        """Close a connection of ``direct``, also one whose server has gone."""
        # In this order: to close alone would roll back first, which a dead server cannot.
        connection.invalidate()
        connection.close()

    def clock(self) -> Clock:
        """Database time on PostgreSQL, this machine's on SQLite."""
        return SystemClock() if self.sqlite else DatabaseClock(self._read_time)

    def _read_time(self) -> datetime:
        with self._connected() as connection:
            moment: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)

    def ping(self) -> None:
        """One round trip; raises what SQLAlchemy raises when the database is away."""
        with self.read() as session:
            session.execute(text("select 1"))

    def watch(self) -> Watch:
        """A watch of its own for one loop; see ``Watch``."""
        return SqliteWatch(self) if self.sqlite else PostgresWatch(self)

    def close(self) -> None:
        """Close every pooled connection."""
        if self._notifier is not None:
            self._notifier.close()
        self.engine.dispose()


def _bind(connection: Any, seconds: float) -> None:
    """Bound the waits of a connection; one that was lost is None."""
    if connection is not None:
        connection.bound = seconds


def _note_writes(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    """Remember on the connection that this transaction changed something."""
    if (context.isinsert or context.isupdate or context.isdelete) and cursor.rowcount != 0:
        connection.info["wrote"] = True


def _sqlite_begin(connection: Connection) -> None:
    """Writers take the lock at once, so that a transaction never fails half-way for want of it."""
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


#: SQLite's codes for what passes: busy, locked, read-only, I/O error, disk full, cannot open.
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


def is_transient(error: BaseException) -> bool:
    """True when the database is away, busy or chose us as a deadlock's victim: waiting may help."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    code = getattr(error.orig, "pgcode", None)
    if code is not None:
        # 40: serialization and deadlock, 53: resources, 55P03: lock timeout, 57: operator stop, 08: connection.
        # 25006: a standby that was not promoted yet, 58: the server's own disk.
        return bool(code.startswith(("40", "53", "57P", "08", "58")) or code in ("55P03", "25006"))
    if isinstance(error.orig, sqlite3.Error):
        return (getattr(error.orig, "sqlite_errorcode", 0) & 0xFF) in _SQLITE_AWAY
    return isinstance(error, OperationalError)
