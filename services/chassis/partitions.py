"""Which partitions of a queue this process consumes: shared out among the workers by PostgreSQL's advisory locks.

RabbitMQ lets one consumer of a single-active queue work, but the first worker that comes would be the active one of
every partition. Locks end with the session that holds them, so a dead worker's share is taken over by the others.
"""

from __future__ import annotations

import zlib

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from services.chassis.database import Database
from services.chassis.silence import answering

_COUNT = text(
    "select pid from pg_locks where locktype = 'advisory' and objsubid = 2 and granted"
    " and database = (select oid from pg_database where datname = current_database())"
    " and classid = :key and objid = 0 order by pid"
)


def fair_share(partitions: int, workers: int, rank: int) -> int:
    """How many partitions the worker of this rank (from 0) consumes: all are consumed, and none by two."""
    return partitions // workers + (1 if rank < partitions % workers else 0)


class Shares:
    """This process's partitions of one queue.

    Args:
        database: the service's database; on SQLite there is one worker, which has them all.
        queue: base name of the queue.
        partitions: how many there are, numbered from 1.
    """

    def __init__(self, database: Database, queue: str, partitions: int) -> None:
        self._database, self._partitions = database, partitions
        # 31 bits, since the key of a lock is a signed number.
        self._key = zlib.crc32(queue.encode()) & 0x7FFFFFFF
        self._connection: Connection | None = None
        self.held: set[int] = set()

    def balance(self) -> tuple[set[int], set[int]]:
        """Look how many workers there are and take what is free and ours.

        Returns:
            The partitions to consume now, and those to give up: the caller ends them and calls ``give_up``.

        Raises:
            DBAPIError: the database is away, and with it every lock; nothing is held any more.
        """
        every = set(range(1, self._partitions + 1))
        if self._database.sqlite:
            self.held = every
            return every, set()
        try:
            with answering():
                connection = self._connected()
                workers = list(connection.execute(_COUNT, {"key": self._key}).scalars())
                me = connection.execute(text("select pg_backend_pid()")).scalar_one()
                share = fair_share(self._partitions, len(workers), workers.index(me))
                for number in sorted(every - self.held):
                    if len(self.held) < share and self._lock("pg_try_advisory_lock", number):
                        self.held.add(number)
        except (DBAPIError, ValueError):
            self.close()
            raise
        return set(self.held), set(sorted(self.held)[share:])

    def give_up(self, number: int) -> None:
        """Let another worker have a partition that is not consumed here any more."""
        self.held.discard(number)
        if self._connection is not None:
            with answering():
                self._lock("pg_advisory_unlock", number)

    def close(self) -> None:
        """Give up everything."""
        self.held = set()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._database.drop(connection)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.direct()
            self._connection.execute(text("select pg_advisory_lock_shared(:key, 0)"), {"key": self._key})
        return self._connection

    def _lock(self, function: str, number: int) -> bool:
        assert self._connection is not None
        statement = text(f"select {function}(:key, :number)")
        return bool(self._connection.execute(statement, {"key": self._key, "number": number}).scalar_one())
