"""Tells one loop of commits in its database, from whatever process: SQLite by its version, PostgreSQL by LISTEN."""

from __future__ import annotations

import select
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import psycopg2
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

if TYPE_CHECKING:
    from services.chassis.database import Database

#: How often a SQLite watch looks for commits of others (s); one look costs 5 µs.
SQLITE_WATCH_S = 0.01
#: NOTIFY is sent at most this often (s): one in each transaction halves commits per second (measured).
NOTIFY_EVERY_S = 0.02
#: Channel of LISTEN and NOTIFY.
CHANNEL = "wenzheng_commit"


class Watch(Protocol):
    """Waits for commits in one database, from whatever process. A hint, never the truth: callers poll too."""

    def wait(self, timeout: float) -> bool:
        """Block until somebody committed or ``timeout`` seconds passed; True when there was a commit."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class SqliteWatch(Watch):
    """Reads ``PRAGMA data_version``: it changes whenever another connection commits."""

    def __init__(self, database: Database) -> None:
        self._path = database.url.database or ""
        self._connection: sqlite3.Connection | None = None
        self._version = 0

    def _look(self) -> int:
        if self._connection is None:
            # A bare connection: it holds no lock and never sees its own commits.
            self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=1)
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while True:
            try:
                version = self._look()
            except sqlite3.Error:
                # A hint that cannot be had: the caller polls as well.
                self.close()
                time.sleep(timeout)
                return False
            if version != self._version:
                self._version = version
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(SQLITE_WATCH_S, left))

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


class PostgresWatch(Watch):
    """LISTENs on a direct connection; a lost one is opened anew, meanwhile ``wait`` just waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    def _listen(self) -> Any:
        if self._connection is None:
            self._connection = self._database.direct()
            self._connection.execute(text(f"LISTEN {CHANNEL}"))
        return self._connection.connection.driver_connection

    def wait(self, timeout: float) -> bool:
        try:
            raw = self._listen()
            if raw.notifies or select.select([raw], [], [], timeout)[0]:
                raw.poll()
                heard = bool(raw.notifies)
                raw.notifies.clear()
                return heard
        except (DBAPIError, OSError, psycopg2.Error):
            self.close()
            time.sleep(timeout)
        return False

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._database.drop(connection)


class Notifier:
    """Sends NOTIFY after commits, at most every 20 ms, from a thread of its own so that nobody waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def committed(self) -> None:
        """Somebody committed: a NOTIFY goes out within 20 ms."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
                    self._thread.start()
        self._due.set()

    def _run(self) -> None:
        while not self._closed:
            self._due.wait()
            self._due.clear()
            if self._closed:
                return
            try:
                with self._database.engine.connect() as connection:
                    connection.execute(text(f"NOTIFY {CHANNEL}"))
                    connection.commit()
            except SQLAlchemyError:
                # A hint was lost; every watcher polls as well, and the next commit sends another.
                time.sleep(1)
            time.sleep(NOTIFY_EVERY_S)

    def close(self) -> None:
        self._closed = True
        self._due.set()
