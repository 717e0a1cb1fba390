"""Where an event goes that could not be handled: up the retry ladder, or to the parked queue with its reason."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import amqp

from services.chassis import broker, topology, wire
from services.chassis.delivery import Verdict
from services.chassis.errors import Hold, Transient
from services.chassis.house import House
from services.chassis.telemetry import log

#: So many parked within ``PARK_WINDOW_S`` and the consumer holds for ``HOLD_S``: a bad release must not park all.
PARK_LIMIT = 100
PARK_WINDOW_S = 600.0
HOLD_S = 60.0
#: Header with the user who sent a message: the broker lets nobody set another's ``user_id``, us neither.
SENT_BY = "x-sent-by"


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

    def settle(self, failed: Sequence[tuple[amqp.Message, Verdict]], connection: Any) -> None:
        """Publish each to its rung of the ladder or to the parked queue.

        Args:
            failed: messages and what became of them.
            connection: the loop's connection; a channel of its own is opened for this.

        Raises:
            Transient: the broker did not take one; none may be acknowledged.
        """
        publisher = broker.Publisher(connection)
        out: list[tuple[amqp.Message, str, str]] = []
        parked: list[tuple[str, str]] = []
        retried: list[str] = []
        now = self._house.clock.now()
        for index, (message, verdict) in enumerate(failed):
            attempt = self.attempt(message)
            if verdict.kind == "retry" and attempt < len(self._ladder):
                seconds = self._ladder[attempt]
                topology.declare_retry(publisher.channel, self._queue, seconds)
                again = _again(message, verdict, index, attempt + 1, now, self._parked_route[0])
                out.append((again, *topology.retry_route(self._queue, seconds)))
                retried.append(verdict.code)
            else:
                code = verdict.code if verdict.kind == "park" else f"attempts_used_up:{verdict.code}"
                again = _again(
                    message, Verdict("park", code, verdict.detail), index, attempt, now, self._parked_route[0]
                )
                out.append((again, *self._parked_route))
                parked.append((str(again.properties["message_id"]), code))
        outcome = publisher.publish(out)
        publisher.channel.close()
        if any(word != "ok" for word in outcome.values()):
            raise Transient("the broker did not take a retried or parked event")
        self._count(retried, parked)

    def _count(self, retried: Sequence[str], parked: Sequence[tuple[str, str]]) -> None:
        for code in retried:
            self._house.metrics.count("events_retried", queue=self._queue, code=code)
        for event_id, code in parked:
            self._house.metrics.count("events_parked", queue=self._queue, code=code)
            self._log.warning("event parked", queue=self._queue, event_id=event_id, code=code)
            self._parked.append(time.monotonic())


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


def _again(message: amqp.Message, verdict: Verdict, index: int, attempt: int, now: datetime, back: str) -> amqp.Message:
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
        "x-exchange": str(headers.get("x-exchange") or message.delivery_info.get("exchange", ""))[:128],
        "x-routing-key": str(headers.get("x-routing-key") or message.delivery_info.get("routing_key", ""))[:128],
    }
    if sender := sender_of(message, back):
        kept[SENT_BY] = sender
    properties = {k: v for k, v in message.properties.items() if k in ("content_type", "content_encoding")}
    # A message without an id of its own still needs one for its confirm.
    message_id = message.properties.get("message_id") or f"unnamed-{index}-{message.delivery_tag}"
    return amqp.Message(
        message.body, delivery_mode=2, message_id=str(message_id)[:64], application_headers=kept, **properties
    )
