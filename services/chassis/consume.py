"""The consumer: ``@listens(queue, Event, …)``, a nameko entrypoint that gets events in batches."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import amqp
from eventlet.event import Event as GreenEvent
from nameko.extensions import Entrypoint

from services.chassis import broker, delivery, topology, wire
from services.chassis.database import is_transient
from services.chassis.delivery import DONE, Delivery, Handler, Loader, Verdict
from services.chassis.errors import Transient
from services.chassis.house import House
from services.chassis.loop import ConsumeLoop
from services.chassis.provider import house_of
from services.chassis.telemetry import log
from services.chassis.topology import Subscription
from services.contracts.envelope import Event, Registry, Rejected

#: So many parked within ``PARK_WINDOW_S`` and the consumer holds for ``HOLD_S``: a bad release must not park all.
PARK_LIMIT = 100
PARK_WINDOW_S = 600.0
HOLD_S = 60.0


class Batch:
    """Events of one queue that are handled in one transaction.

    Args:
        queue: the queue they came from.
        deliveries: the events, in the order of the queue.
    """

    def __init__(self, queue: str, deliveries: Sequence[Delivery[Any]]) -> None:
        self.queue = queue
        self.deliveries = deliveries
        #: What became of each delivery; filled by ``apply``.
        self.verdicts: list[Verdict] = [DONE] * len(deliveries)
        self.counts = delivery.Counts()

    def apply(self, house: House[Any], handlers: Mapping[type[Event], Handler], load: Loader) -> None:
        """Handle all of them in one transaction; if that fails, one by one, so that none holds up the rest.

        Args:
            house: the service's house.
            handlers: one function per event type.
            load: loads the rows of the batch.

        Raises:
            Transient: the database is away; nothing was changed.
        """
        try:
            self._transaction(house, self.deliveries, handlers, load)
            return
        except Exception as error:
            _raise_if_away(error)
            if len(self.deliveries) == 1:
                self.verdicts[0] = self._judge(house, self.deliveries[0], error)
                return
        for index, one in enumerate(self.deliveries):
            try:
                self._transaction(house, [one], handlers, load)
            except Exception as error:
                _raise_if_away(error)
                self.verdicts[index] = self._judge(house, one, error)

    def _transaction(
        self,
        house: House[Any],
        deliveries: Sequence[Delivery[Any]],
        handlers: Mapping[type[Event], Handler],
        load: Loader,
    ) -> None:
        with house.database.write() as session:
            counts = delivery.apply(session, self.queue, deliveries, handlers, load, house.clock.now())
        self.counts.stale += counts.stale
        self.counts.gaps += counts.gaps
        self.counts.duplicates += counts.duplicates

    def _judge(self, house: House[Any], one: Delivery[Any], error: Exception) -> Verdict:
        verdict = delivery.verdict_of(error)
        if verdict.code == "handler_failed":
            log(house.service).error(
                "handler failed", queue=self.queue, event_id=one.envelope.id, type=one.envelope.type, exc_info=error
            )
        return verdict


def _raise_if_away(error: Exception) -> None:
    if isinstance(error, Transient):
        raise error
    if is_transient(error):
        raise Transient(f"database: {type(error).__name__}") from error


class Listener(Entrypoint):  # type: ignore[misc]
    """Entrypoint behind ``listens``; see there."""

    def __init__(self, queue: str, *types: type[Event], lane: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.subscription = Subscription(queue, types, lane)

    def setup(self) -> None:
        """Called by nameko before start."""
        self._house = house_of(self.container)
        settings = self._house.settings
        self._registry = Registry(*self.subscription.types)
        self._log = log(self._house.service)
        self._parked: list[float] = []
        self._held_until = 0.0
        self._loop = ConsumeLoop(
            settings.broker_url.get_secret_value(),
            self.subscription.queue,
            self.subscription.queue,
            batch=settings.batch_size,
            linger_s=settings.batch_linger_ms / 1000,
            declare=lambda channel: topology.declare(channel, self.subscription),
            handle=self._handle,
        )

    def start(self) -> None:
        """Start the loop on its own greenlet."""
        self._thread = self.container.spawn_managed_thread(self._loop.run, identifier=self.subscription.queue)

    def stop(self) -> None:
        """Finish the batch in hand, give the rest back."""
        self._loop.stop()
        self._thread.wait()

    def _handle(self, messages: Sequence[amqp.Message], connection: Any) -> None:
        """Read, handle and settle a batch; returns when every message may be acknowledged."""
        self._hold_when_parking_too_much()
        metrics, queue = self._house.metrics, self.subscription.queue
        good: list[Delivery[Any]] = []
        origin: list[amqp.Message] = []
        settle: list[tuple[amqp.Message, Verdict]] = []
        for message in messages:
            try:
                envelope = wire.read(message, self._registry)
            except Rejected as error:
                settle.append((message, Verdict("park", error.code, _located(error))))
                continue
            except Exception as error:
                # One message that cannot even be read must not end the process, nor hold up its neighbours.
                self._log.error("event unreadable", queue=queue, exc_info=error)
                settle.append((message, Verdict("park", "unreadable", type(error).__name__)))
                continue
            good.append(Delivery(envelope, _attempt(message), bool(message.delivery_info.get("redelivered"))))
            origin.append(message)
        if good:
            started = time.monotonic()
            batch = self._call(Batch(queue, good))
            self._count(batch, time.monotonic() - started)
            settle += [(origin[i], v) for i, v in enumerate(batch.verdicts) if v.kind != "done"]
        if settle:
            self._settle(settle, connection)
        metrics.count("events_redelivered", sum(d.redelivered for d in good), queue=queue)

    def _call(self, batch: Batch) -> Batch:
        """Run the service's method on the batch in a nameko worker and wait for it."""
        finished = GreenEvent()

        def result(worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            finished.send(exc_info)
            # The outcome is ours to settle; nameko would only log the exception with its arguments.
            return result, None

        self.container.spawn_worker(self, (batch,), {}, context_data={}, handle_result=result)
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
        done = sum(v.kind == "done" for v in batch.verdicts) - batch.counts.duplicates
        metrics.count("events_handled", max(done, 0), queue=queue)
        metrics.count("events_duplicate", batch.counts.duplicates, queue=queue)
        metrics.count("events_stale", batch.counts.stale, queue=queue)
        metrics.count("events_gap", batch.counts.gaps, queue=queue)
        metrics.observe("batch_size", len(batch.deliveries), queue=queue)
        metrics.observe("batch_seconds", seconds, queue=queue)
        lag = (self._house.clock.now() - batch.deliveries[-1].envelope.time).total_seconds()
        metrics.observe("event_lag_seconds", max(lag, 0.0), queue=queue)

    def _settle(self, settle: Sequence[tuple[amqp.Message, Verdict]], connection: Any) -> None:
        """Publish each failed event to its rung of the ladder or to the parked queue, confirmed."""
        queue = self.subscription.queue
        publisher = broker.Publisher(connection)
        out: list[tuple[amqp.Message, str, str]] = []
        now = self._house.clock.now()
        for index, (message, verdict) in enumerate(settle):
            attempt = _attempt(message)
            kind = verdict.kind
            if kind == "retry" and attempt < len(topology.LADDER):
                seconds = topology.LADDER[attempt]
                topology.declare_retry(publisher.channel, seconds)
                out.append((_again(message, verdict, index, attempt + 1, now), topology.retry_exchange(seconds), queue))
                self._house.metrics.count("events_retried", queue=queue, code=verdict.code)
            else:
                code = verdict.code if kind == "park" else f"attempts_used_up:{verdict.code}"
                parked = Verdict("park", code, verdict.detail)
                out.append((_again(message, parked, index, attempt, now), "", topology.parked_queue(queue)))
                self._house.metrics.count("events_parked", queue=queue, code=verdict.code)
                self._parked.append(time.monotonic())
                self._log.warning(
                    "event parked", queue=queue, event_id=_short(message.properties.get("message_id")), code=code
                )
        outcome = publisher.publish(out)
        publisher.channel.close()
        if any(word != "ok" for word in outcome.values()):
            raise Transient("the broker did not take a retried or parked event")

    def _hold_when_parking_too_much(self) -> None:
        now = time.monotonic()
        self._parked = [at for at in self._parked if at > now - PARK_WINDOW_S]
        if len(self._parked) >= PARK_LIMIT:
            self._log.error("too many events parked, consumer holds", queue=self.subscription.queue, seconds=HOLD_S)
            self._held_until, self._parked = now + HOLD_S, []
        if now < self._held_until:
            raise Transient("too many events parked")


def _attempt(message: amqp.Message) -> int:
    value = (message.properties.get("application_headers") or {}).get(wire.ATTEMPT, 0)
    return value if isinstance(value, int) and 0 <= value <= len(topology.LADDER) else 0


def _located(error: Rejected) -> str:
    return f"{error.field}: {error}" if error.field else str(error)


def _short(value: Any) -> str:
    return str(value)[:64]


def _again(message: amqp.Message, verdict: Verdict, index: int, attempt: int, now: datetime) -> amqp.Message:
    """The message as it goes to the ladder or the parked queue: attributes kept, everything else dropped."""
    headers = message.properties.get("application_headers") or {}
    kept = {
        key: value
        for key, value in headers.items()
        if isinstance(key, str) and key.startswith(wire.PREFIXES) and isinstance(value, str | int)
    }
    first = headers.get("x-first-failed")
    kept |= {
        wire.ATTEMPT: attempt,
        "x-code": verdict.code,
        "x-detail": verdict.detail[:200],
        "x-first-failed": first if isinstance(first, str) else now.astimezone(UTC).isoformat(),
        "x-last-failed": now.astimezone(UTC).isoformat(),
        "x-exchange": headers.get("x-exchange") or message.delivery_info.get("exchange", ""),
        "x-routing-key": headers.get("x-routing-key") or message.delivery_info.get("routing_key", ""),
    }
    properties = {k: v for k, v in message.properties.items() if k in ("content_type", "content_encoding")}
    # A message without an id of its own still needs one for its confirm.
    message_id = message.properties.get("message_id") or f"unnamed-{index}-{message.delivery_tag}"
    return amqp.Message(
        message.body, delivery_mode=2, message_id=str(message_id)[:64], application_headers=kept, **properties
    )


#: ``@listens("queue", EventA, EventB, lane="")`` on a service method that takes one ``Batch``.
#: The queue is made and bound at start; the method is called with up to ``batch_size`` events at once.
listens = Listener.decorator
