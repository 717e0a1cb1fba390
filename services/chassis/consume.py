"""The consumer: ``@listens(queue, Event, …)``, a nameko entrypoint that gets events in batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import amqp
from eventlet.event import Event as GreenEvent
from nameko.extensions import Entrypoint
from sqlalchemy.exc import SQLAlchemyError

from services.chassis import topology, wire
from services.chassis.batch import Batch
from services.chassis.delivery import Delivery
from services.chassis.errors import Transient
from services.chassis.loop import ALONE_AFTER, ConsumeLoop
from services.chassis.partitions import Shares
from services.chassis.provider import house_of
from services.chassis.settle import Settler
from services.chassis.suspects import begin_alone, can_write, end_alone
from services.chassis.telemetry import log
from services.chassis.topology import Subscription
from services.chassis.verdict import Verdict
from services.contracts.envelope import Event, Registry, Rejected

__all__ = ["Batch", "Listener", "listens"]

#: So often a worker began to handle an event alone and did not outlive it: then it is parked unhandled.
DEADLY_AFTER = 3
#: How often workers look whether partitions are to be shared out anew (s).
BALANCE_S = 1.0


class Listener(Entrypoint):  # type: ignore[misc]
    """Entrypoint behind ``listens``; see there."""

    def __init__(self, queue: str, *types: type[Event], lane: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.subscription = Subscription(queue, types, lane)

    def setup(self) -> None:
        """Called by nameko before start."""
        self._house = house_of(self.container)
        self._log = log(self._house.service)
        self._registry = Registry(*self.subscription.types)
        self._partitions = self._house.settings.partitions
        self._stopping = False
        self._running: dict[int, tuple[_Intake, Any]] = {}

    @property
    def loops(self) -> list[ConsumeLoop]:
        """The loops that run now: one, or one per partition that this process has."""
        return [intake.loop for intake, _ in self._running.values()]

    def start(self) -> None:
        """Start the loop on its own greenlet; with partitions, whatever share of them is ours."""
        self._keeper: Any = None
        if self._partitions == 1:
            self._start_loop(1)
        else:
            self._keeper = self.container.spawn_managed_thread(self._keep_share, identifier="partitions")

    def stop(self) -> None:
        """Take nothing more, finish what was fetched."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.wait()
        self._end(list(self._running))

    def _keep_share(self) -> None:
        """Consume our share of the partitions, and share out anew when workers come and go."""
        shares = Shares(self._house.database, self.subscription.queue, self._partitions)
        while not self._stopping:
            try:
                ours, surplus = shares.balance()
            except (SQLAlchemyError, ValueError) as error:
                # The locks went with the session. The broker still lets one consumer alone work on each partition.
                self._log.warning("partitions wait", queue=self.subscription.queue, reason=type(error).__name__)
                ours, surplus = set(), set()
            for number in sorted(ours - surplus - set(self._running)):
                self._start_loop(number)
            self._end([number for number in self._running if number in surplus or number not in ours])
            try:
                for number in surplus:
                    shares.give_up(number)
            except SQLAlchemyError as error:
                # Gone with the session, while what was fetched was finished; the next look takes up what is free.
                self._log.warning("partitions wait", queue=self.subscription.queue, reason=type(error).__name__)
                shares.close()
            self._house.metrics.gauge("partitions_held", len(self._running), queue=self.subscription.queue)
            deadline = time.monotonic() + BALANCE_S
            while not self._stopping and time.monotonic() < deadline:
                time.sleep(0.05)
        self._end(list(self._running))
        shares.close()

    def _start_loop(self, number: int) -> None:
        house, settings = self._house, self._house.settings
        queue = topology.work_queues(self.subscription, self._partitions)[number - 1]
        intake = _Intake(self, queue)
        loop = intake.loop = ConsumeLoop(
            settings.broker_url.get_secret_value(),
            queue,
            queue,
            batch=settings.batch_size,
            linger_s=settings.batch_linger_ms / 1000,
            declare=lambda channel: topology.declare(channel, self.subscription, self._partitions),
            handle=intake.handle,
            probe=partial(can_write, house.database),
            notice=partial(self._notice, queue),
            service=house.service,
            blanks=topology.blank_route(self.subscription.queue, queue),
        )
        thread = self.container.spawn_managed_thread(loop.run, identifier=queue)
        self._running[number] = (intake, thread)

    def _end(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._running[number][0].loop.stop()
        for number in numbers:
            intake, thread = self._running.pop(number)
            thread.wait()
            intake.close()

    def _notice(self, queue: str, state: str) -> None:
        metrics = self._house.metrics
        metrics.gauge("consumer_paused", int(state == "paused"), queue=queue)
        metrics.gauge("consumer_held", int(state == "held"), queue=queue)
        if state == "paused":
            metrics.count("events_paused", queue=queue)


class _Intake:
    """Reads, handles and settles what one loop brings."""

    #: Set once it is made: it needs what stands here.
    loop: ConsumeLoop

    def __init__(self, listener: Listener, queue: str) -> None:
        self._listener, self._queue = listener, queue
        self._container = listener.container
        self._house, self._registry, self._log = listener._house, listener._registry, listener._log
        self._settler = Settler(self._house, listener.subscription.queue)

    def handle(self, messages: Sequence[amqp.Message], connection: Any) -> None:
        """Returns when every message may be acknowledged.

        Raises:
            Transient: a dependency is away.
            Hold: too much was parked.
        """
        self._settler.hold_when_parking_too_much(self.loop.on_trial)
        metrics, queue = self._house.metrics, self._queue
        metrics.gauge("consumer_in_hand", len(messages), queue=queue)
        good: list[Delivery[Any]] = []
        origin: list[amqp.Message] = []
        failed: list[tuple[amqp.Message, Verdict]] = []
        for message in messages:
            one = self._read(message)
            if isinstance(one, Verdict):
                failed.append((message, one))
            else:
                good.append(one)
                origin.append(message)
        if good:
            verdicts = self._handle_events(good, origin, connection)
            failed += [(origin[i], v) for i, v in enumerate(verdicts) if v.kind != "done"]
        if failed:
            self._settler.settle(failed, connection, self.loop)
        metrics.count("events_redelivered", sum(d.redelivered for d in good), queue=queue)
        metrics.gauge("consumer_in_hand", 0, queue=queue)

    def close(self) -> None:
        """Give up what is open."""
        self._settler.close()

    def _handle_events(
        self, good: Sequence[Delivery[Any]], origin: Sequence[amqp.Message], connection: Any
    ) -> Sequence[Verdict]:
        """What became of each event. One that was delivered often is watched: it may end the worker."""
        # Known to the inbox by the base name: an event may come back into another partition.
        queue, database = self._listener.subscription.queue, self._house.database
        suspect = good[0].envelope.id if len(good) == 1 and wire.deliveries(origin[0]) >= ALONE_AFTER else ""
        if suspect:
            try:
                begun = begin_alone(database, queue, suspect, self._house.clock.now())
            except SQLAlchemyError as error:
                raise Transient(f"database: {type(error).__name__}") from error
            if begun >= DEADLY_AFTER:
                return [Verdict("park", "ends_the_worker", f"{begun} workers did not outlive it")]
        started = time.monotonic()
        try:
            batch = self._call(Batch(queue, good), connection)
        finally:
            if suspect:
                self._outlived(suspect)
        self._count(batch, time.monotonic() - started)
        verdicts = [verdict for verdict in batch.verdicts if verdict is not None]
        if len(verdicts) != len(good):
            # A service method that did not apply its batch must not lose it.
            raise Transient("the listener left events unsettled")
        return verdicts

    def _outlived(self, event_id: str) -> None:
        try:
            end_alone(self._house.database, self._listener.subscription.queue, event_id)
        except SQLAlchemyError as error:
            # The note stays and counts once; it takes several to condemn an event.
            self._log.warning("note of a suspect event stays", event_id=event_id, reason=type(error).__name__)

    def _read(self, message: amqp.Message) -> Delivery[Any] | Verdict:
        try:
            envelope = wire.read(message, self._registry)
        except Rejected as error:
            return Verdict("park", error.code, f"{error.field}: {error}" if error.field else str(error))
        except Exception as error:
            # One message that cannot even be read must not end the process, nor hold up its neighbours.
            self._log.error("event unreadable", queue=self._queue, exc_info=error)
            return Verdict("park", "unreadable", type(error).__name__)
        return Delivery(envelope, self._settler.attempt(message), bool(message.delivery_info.get("redelivered")))

    def _call(self, batch: Batch, connection: Any) -> Batch:
        """Run the service's method on the batch in a nameko worker and wait for it."""
        finished = GreenEvent()

        def result(worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            finished.send(exc_info)
            # The outcome is ours to settle; nameko would only log the exception with its arguments.
            return result, None

        self._container.spawn_worker(self._listener, (batch,), {}, context_data={}, handle_result=result)
        finished.wait(timeout=1.0)
        while not finished.ready():
            self.loop.beat(connection)
            finished.wait(timeout=1.0)
        # Asked once more: a wait that times out in the very turn of the answer returns nothing.
        exc_info = finished.wait()
        if exc_info is not None:
            error = exc_info[1]
            if isinstance(error, Transient):
                raise error
            self._log.error("listener failed", queue=batch.queue, exc_info=error)
            raise Transient(f"listener failed: {type(error).__name__}") from error
        return batch

    def _count(self, batch: Batch, seconds: float) -> None:
        metrics, queue = self._house.metrics, batch.queue
        done = sum(v is not None and v.kind == "done" for v in batch.verdicts) - batch.counts.duplicates
        metrics.count("events_handled", max(done, 0), queue=queue)
        metrics.count("events_duplicate", batch.counts.duplicates, queue=queue)
        metrics.count("events_stale", batch.counts.stale, queue=queue)
        metrics.count("events_gap", batch.counts.gaps, queue=queue)
        metrics.observe("batch_size", len(batch.deliveries), queue=queue)
        metrics.observe("batch_seconds", seconds, queue=queue)
        now = self._house.clock.now()
        for type_, at in {d.envelope.type: d.envelope.time for d in reversed(batch.deliveries)}.items():
            # The oldest of each type in the batch: one observation a type, not one an event.
            metrics.observe("event_lag_seconds", max((now - at).total_seconds(), 0.0), queue=queue, type=type_)
            metrics.observe("handler_seconds", seconds / len(batch.deliveries), queue=queue, type=type_)


#: ``@listens("queue", EventA, EventB, lane="")`` on a service method that takes one ``Batch``.
#: The queue is made and bound at start; the method is called with up to ``batch_size`` events at once.
listens = Listener.decorator
