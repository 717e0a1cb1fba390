"""Where an event goes that could not be handled: up the retry ladder, or to the parked queue with its reason."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import amqp

from services.chassis import broker, topology, wire
from services.chassis.errors import Hold, Transient
from services.chassis.house import House
from services.chassis.ids import uuid7
from services.chassis.telemetry import log, trace_of
from services.chassis.verdict import Verdict
from services.contracts.envelope import Rejected

#: So many parked within ``PARK_WINDOW_S`` and the consumer holds for ``HOLD_S``: a bad release must not park all.
PARK_LIMIT = 100
PARK_WINDOW_S = 600.0
HOLD_S = 60.0
#: Header with the user who sent a message: the broker lets nobody set another's ``user_id``, us neither.
SENT_BY = "x-sent-by"


class Waiting(Protocol):
    """What a loop does while it waits."""

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        ...

    def beat(self, connection: Any) -> None:
        """Keeps its connection alive."""
        ...


class Settler:
    """Publishes failed events of one queue, confirmed, and keeps count of what it parked.

    Args:
        house: the service's house.
        queue: base name of the queue, for its parked queue, logs and metrics.
        parked: exchange and routing key of the parked queue, where it is not the house's own.
    """

    def __init__(self, house: House[Any], queue: str, parked: tuple[str, str] | None = None) -> None:
        self._house, self._queue = house, queue
        self._parked_route = topology.parked_route(queue) if parked is None else parked
        self._ladder = house.settings.retry_ladder
        self._log = log(house.service)
        self._parked: list[float] = []
        self._own: Any = None
        self._publisher: broker.Publisher | None = None
        #: Of the batch in hand: what the broker has taken already, by identity.
        self._taken: dict[int, amqp.Message] = {}

    def attempt(self, message: amqp.Message) -> int:
        """How often it was tried before, 0 when its header says nothing sensible."""
        value = (message.properties.get("application_headers") or {}).get(wire.ATTEMPT, 0)
        return value if isinstance(value, int) and 0 <= value <= len(self._ladder) else 0

    def hold_when_parking_too_much(self, on_trial: bool) -> None:
        """Called before a batch.

        Args:
            on_trial: the consumer held before and has not shown yet that it can do better: one more is too many.

        Raises:
            Hold: too much was parked lately.
        """
        now = time.monotonic()
        self._parked = [at for at in self._parked if at > now - PARK_WINDOW_S]
        if len(self._parked) >= (1 if on_trial else PARK_LIMIT):
            self._parked = []
            raise Hold("too many events parked", HOLD_S)

    def settle(self, failed: Sequence[tuple[amqp.Message, Verdict]], connection: Any, loop: Waiting) -> None:
        """Publish each to its rung of the ladder or to the parked queue, and wait until the broker has it.

        An alarm of the broker is waited out: it blocks the connection that publishes, which is never the consumer's.

        Args:
            failed: messages and what became of them. After a Transient the same ones are handed in again; those that
                were taken before are left out.
            connection: the loop's connection, to be kept alive meanwhile.
            loop: the loop.

        Raises:
            Transient: the broker did not take one; none may be acknowledged.
        """
        now = self._house.clock.now()
        rest = [(message, verdict) for message, verdict in failed if id(message) not in self._taken]
        while rest:
            # Two of one id go one after the other: the broker's word on them could not be told apart.
            turn: dict[str, tuple[amqp.Message, Verdict]] = {}
            for message, verdict in rest:
                turn.setdefault(_name(message), (message, verdict))
            self._publish(turn, now, connection, loop)
            rest = [pair for pair in rest if id(pair[0]) not in self._taken]
        self._taken.clear()

    def close(self) -> None:
        """Give up the connection, if there is one."""
        if self._own is not None:
            own, self._own, self._publisher = self._own, None, None
            broker.release(own)

    def _publish(
        self, turn: Mapping[str, tuple[amqp.Message, Verdict]], now: datetime, connection: Any, loop: Waiting
    ) -> None:
        publisher = self._opened(connection)

        def beat() -> None:
            publisher.stopping = loop.stopping
            loop.beat(connection)

        publisher.beat = beat
        try:
            # A list: rungs are declared on the way, and nothing is sent at once while the publisher gathers.
            out = [self._way(publisher, *one, name, now) for name, one in turn.items()]
            outcome = publisher.publish(out)
        except broker.AWAY as error:
            self.close()
            raise Transient(f"broker: {type(error).__name__}") from error
        except BaseException:
            self.close()
            raise
        for name, (message, verdict) in turn.items():
            if outcome.get(name) == "ok":
                self._taken[id(message)] = message
                self._count(message, verdict, name)
        if any(outcome.get(name) != "ok" for name in turn):
            raise Transient("the broker did not take a retried or parked event")

    def _opened(self, connection: Any) -> broker.Publisher:
        if self._publisher is None:
            self._own = broker.beside(connection, self._blocked)
            self._publisher = broker.Publisher(self._own)
        return self._publisher

    def _blocked(self, blocked: bool) -> None:
        if self._publisher is not None:
            self._publisher.blocked = blocked

    def _rung(self, message: amqp.Message, verdict: Verdict) -> int | None:
        """Seconds that it waits for its next try; None when it is parked."""
        attempt = self.attempt(message)
        return self._ladder[attempt] if verdict.kind == "retry" and attempt < len(self._ladder) else None

    def _way(
        self, publisher: broker.Publisher, message: amqp.Message, verdict: Verdict, name: str, now: datetime
    ) -> tuple[amqp.Message, str, str]:
        """(message, exchange, routing key) of a failed event."""
        attempt, back = self.attempt(message), self._parked_route[0]
        rung = self._rung(message, verdict)
        if rung is not None:
            topology.declare_retry(publisher.channel, self._queue, rung)
            return _again(message, verdict, name, attempt + 1, now, back), *topology.retry_route(self._queue, rung)
        parked = Verdict("park", _code(verdict), verdict.detail)
        return _again(message, parked, name, attempt, now, back), *self._parked_route

    def _count(self, message: amqp.Message, verdict: Verdict, name: str) -> None:
        if self._rung(message, verdict) is not None:
            self._house.metrics.count("events_retried", queue=self._queue, code=verdict.code)
            return
        code = _code(verdict)
        self._house.metrics.count("events_parked", queue=self._queue, code=code)
        self._log.warning("event parked", queue=self._queue, event_id=name, code=code, **_ids(message))
        self._parked.append(time.monotonic())


def _code(verdict: Verdict) -> str:
    return verdict.code if verdict.kind == "park" else f"attempts_used_up:{verdict.code}"


def _ids(message: amqp.Message) -> dict[str, str]:
    """What else names it in the log, as far as it says so in a way that can be read."""
    try:
        found = wire.attributes(message.properties.get("application_headers") or {})
    except Rejected:
        return {}
    return {name: str(found[name]) for name in ("type", "subject") if name in found} | trace_of(
        found.get("traceparent")
    )


def _name(message: amqp.Message) -> str:
    """Its message id or its event's, so that log and list can be matched; one that has none still needs a name."""
    headers = message.properties.get("application_headers") or {}
    ids = [message.properties.get("message_id"), *(headers.get(f"{prefix}id") for prefix in wire.PREFIXES)]
    return next((given[:64] for given in ids if isinstance(given, str) and given), f"unnamed-{uuid7()}")


def sender_of(message: amqp.Message, back: str) -> str | None:
    """Who sent a message, as far as somebody vouches for it: the broker, or we ourselves when it comes back to us.

    Args:
        message: as it was delivered.
        back: the queue's own exchange, which its senders cannot write to.
    """
    user = message.properties.get("user_id")
    headers = message.properties.get("application_headers")
    if not user and isinstance(headers, dict) and message.delivery_info.get("exchange") == back:
        # What the broker itself brought there still has the headers that its sender gave it.
        user = None if "x-death" in headers else headers.get(SENT_BY)
    return str(user)[:128] if user else None


def _again(message: amqp.Message, verdict: Verdict, name: str, attempt: int, now: datetime, back: str) -> amqp.Message:
    """The message as it goes to the ladder or the parked queue: attributes kept, everything else dropped."""
    headers = message.properties.get("application_headers") or {}
    kept = {
        key: value
        for key, value in headers.items()
        if wire.is_attribute(key) and isinstance(value, str | int) and len(str(value)) <= 4 * wire.MAX_ATTRIBUTE
    }
    first = headers.get("x-first-failed")
    kept |= {
        wire.ATTEMPT: attempt,
        "x-code": verdict.code,
        "x-detail": verdict.detail[:200],
        "x-first-failed": first if isinstance(first, str) else now.astimezone(UTC).isoformat(),
        "x-last-failed": now.astimezone(UTC).isoformat(),
        "x-exchange": str(headers.get("x-exchange") or message.delivery_info.get("exchange", ""))[:128],
        "x-routing-key": str(headers.get("x-routing-key") or message.delivery_info.get("routing_key", ""))[:128],
    }
    if sender := sender_of(message, back):
        kept[SENT_BY] = sender
    kept_as_text = ("content_type", "content_encoding")
    properties = {k: str(v)[:100] for k, v in message.properties.items() if k in kept_as_text}
    return amqp.Message(message.body, delivery_mode=2, message_id=name, application_headers=kept, **properties)
