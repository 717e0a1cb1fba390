"""Events of one queue that are handled in one transaction, and if that fails, one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from eventlet.support import greenlets
from eventlet.timeout import Timeout
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from services.chassis import delivery
from services.chassis.database import is_transient
from services.chassis.delivery import Delivery, Handler, Loader
from services.chassis.errors import Transient
from services.chassis.house import House
from services.chassis.hub_watch import Cut, cuttable
from services.chassis.suspects import can_write
from services.chassis.telemetry import ids_of, log
from services.chassis.verdict import DONE, Verdict, verdict_of
from services.contracts.envelope import Event

#: A database that does not take the smallest write for so long is away (s).
SILENT_S = 2.0
#: How often a batch is begun when others hold what it needs; after that the database counts as away.
LOCK_TRIES = 3
#: PostgreSQL: serialization failure, deadlock (we are the victim), lock timeout.
_LOST_A_LOCK = frozenset({"40001", "40P01", "55P03"})


class Batch:
    """Events of one queue that are handled in one transaction.

    Args:
        queue: the queue they came from.
        deliveries: the events, in the order of the queue.
    """

    def __init__(self, queue: str, deliveries: Sequence[Delivery[Any]]) -> None:
        self.queue = queue
        self.deliveries = deliveries
        #: What became of each delivery; None until ``apply`` has said so.
        self.verdicts: list[Verdict | None] = [None] * len(deliveries)
        self.counts = delivery.Counts()

    def apply(self, house: House[Any], handlers: Mapping[type[Event], Handler], load: Loader) -> None:
        """Handle all of them in one transaction; if that fails, one by one, so that none holds up the rest.

        Args:
            house: the service's house.
            handlers: one function per event type.
            load: loads the rows of the batch.

        Raises:
            Transient: the database is away; nothing was changed, or only the events before.
        """
        try:
            self._tried(house, partial(self._transaction, house, self.deliveries, handlers, load))
            self.verdicts = [DONE] * len(self.deliveries)
            return
        except Exception as error:
            _raise_if_away(error, house)
            if len(self.deliveries) == 1:
                self.verdicts[0] = self._judge(house, self.deliveries[0], error)
                return
        for index, one in enumerate(self.deliveries):
            # A turn for everybody else: several that compute without a pause would add up to a silent connection.
            time.sleep(0)
            try:
                self._tried(house, partial(self._transaction, house, [one], handlers, load))
                self.verdicts[index] = DONE
            except Exception as error:
                _raise_if_away(error, house)
                self.verdicts[index] = self._judge(house, one, error)

    def _tried(self, house: House[Any], transaction: Callable[[], None]) -> None:
        """One transaction; who lost a lock to others begins anew: the database is there, nothing need be given back."""
        for _ in range(LOCK_TRIES - 1):
            try:
                return transaction()
            except DBAPIError as error:
                if not _lost_a_lock(error):
                    raise
                log(house.service).warning("batch begins anew", queue=self.queue, reason=type(error.orig).__name__)
        return transaction()

    def _transaction(
        self,
        house: House[Any],
        deliveries: Sequence[Delivery[Any]],
        handlers: Mapping[type[Event], Handler],
        load: Loader,
    ) -> None:
        # Before the transaction: the clock may have to ask the database, by a connection of its own.
        now = house.clock.now()
        recording = house.tracer.recording() if house.tracer is not None else None
        with _cut_after(house.settings.batch_deadline_s), house.database.write() as session:
            counts = cuttable(delivery.apply, session, self.queue, deliveries, handlers, load, now, recording)
        if recording is not None:
            recording.committed(self.queue)
        self.counts.stale += counts.stale
        self.counts.gaps += counts.gaps
        self.counts.duplicates += counts.duplicates

    def _judge(self, house: House[Any], one: Delivery[Any], error: Exception) -> Verdict:
        verdict = verdict_of(error)
        if isinstance(error, Cut):
            verdict = Verdict("retry", "timed_out", str(error))
            house.metrics.count("watchdog_cut", queue=self.queue)
        if verdict.code in ("handler_failed", "timed_out"):
            log(house.service).error(
                "handler failed", queue=self.queue, code=verdict.code, exc_info=error, **ids_of(one.envelope)
            )
        if house.tracer is not None:
            house.tracer.failed(one.envelope, self.queue, verdict.code)
        return verdict


@contextmanager
def _cut_after(seconds: float) -> Iterator[None]:
    """Cut what runs inside when it takes longer; whatever it raises comes out as an ordinary exception.

    Raises:
        Cut: it took too long, or raised what is no ``Exception`` (eventlet.Timeout is none: nameko would never answer).
    """
    timer = Timeout(seconds, Cut("the handler took too long"))
    try:
        yield
    except (greenlets.GreenletExit, SystemExit, KeyboardInterrupt):
        raise
    except Cut:
        raise
    except BaseException as error:
        # A cut in the midst of a statement breaks the connection, and its rollback then fails for that.
        if not timer.pending:
            raise Cut("the handler took too long") from error
        if not isinstance(error, Exception):
            raise Cut(f"the handler raised {type(error).__name__}") from error
        raise
    finally:
        timer.cancel()


def _lost_a_lock(error: DBAPIError) -> bool:
    return not error.connection_invalidated and getattr(error.orig, "pgcode", None) in _LOST_A_LOCK


def _raise_if_away(error: Exception, house: House[Any]) -> None:
    """Tell what the database does from what the events do.

    Raises:
        Transient: the database is away, or says nothing any more.
    """
    if isinstance(error, Transient):
        raise error
    if is_transient(error):
        raise Transient(f"database: {type(error).__name__}") from error
    if isinstance(error, Cut):
        # Was it the handler that hung, or a database whose host is gone without a word?
        try:
            with Timeout(SILENT_S, Transient("the database does not answer")):
                can_write(house.database)
        except SQLAlchemyError as silent:
            raise Transient(f"database: {type(silent).__name__}") from silent
