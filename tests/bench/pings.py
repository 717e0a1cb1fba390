"""The events of the hop: how they look on the wire, how a queue is filled with them, how answers are counted."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import amqp

#: Where the toy service listens and answers.
EXCHANGE, KEY, ANSWERS = "wz.toy", "toy.ping.v1", "wz.toy.answers"
#: Unconfirmed messages while a queue is filled.
WINDOW = 1000
#: Events of one ball in a round: a quarter of all makes a row, the others change one.
EVENTS_PER_BALL = 4


def new_id() -> str:
    """A UUIDv7 (RFC 9562): ids that grow with time, as every publisher of ours makes them."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


def ping(ball: str, *, wish: str = "", sequence: int = 1) -> amqp.Message:
    """One event as CloudEvents 1.0 in AMQP binary mode; the id stands in the body too, for peers that read no more."""
    event_id = new_id()
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": "toy",
        "type": KEY,
        "subject": ball,
        "time": datetime.now(UTC).isoformat(),
        "sequence": sequence,
    }
    return amqp.Message(
        json.dumps({"ball": ball, "wish": wish, "id": event_id}).encode(),
        content_type="application/json",
        delivery_mode=2,
        message_id=event_id,
        application_headers={f"cloudEvents:{name}": value for name, value in attributes.items()},
    )


def balls(number: int, prefix: str) -> Iterable[str]:
    """Subjects of ``number`` events; those of one ball lie far apart, so that nothing waits for a row's lock."""
    different = max(number // EVENTS_PER_BALL, 1)
    return (f"{prefix}{index % different}" for index in range(number))


class Filler:
    """Publishes with pipelined confirms on a channel of its own.

    Args:
        connection: nobody else may use it meanwhile.
    """

    def __init__(self, connection: amqp.Connection) -> None:
        self._connection = connection
        self.channel: Any = connection.channel()
        self.channel.confirm_select()
        self._sent = self._open = 0
        self._tags: set[int] = set()
        self.channel.events["basic_ack"].add(self._confirmed)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        self._tags = {open_ for open_ in self._tags if open_ > tag} if multiple else self._tags - {tag}

    def fill(self, messages: Iterable[amqp.Message], exchange: str, key: str) -> int:
        """Publish all and wait for the broker's word; returns how many."""
        number = 0
        for message in messages:
            self._sent += 1
            number += 1
            self._tags.add(self._sent)
            self.channel.basic_publish(message, exchange=exchange, routing_key=key)
            if len(self._tags) >= WINDOW:
                while len(self._tags) > WINDOW // 2:
                    self._connection.drain_events(timeout=60)
        while self._tags:
            self._connection.drain_events(timeout=60)
        return number


def waiting(channel: Any, queue: str) -> int:
    """Messages ready in a queue."""
    return int(channel.queue_declare(queue=queue, passive=True).message_count)


def answers_queue(channel: Any, exchange: str, queue: str, *, declare_exchange: bool = True) -> None:
    """A quorum queue that keeps every answer of one contender."""
    if declare_exchange:
        channel.exchange_declare(exchange=exchange, type="topic", durable=True, auto_delete=False)
    channel.queue_declare(queue=queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(queue=queue, exchange=exchange, routing_key="#")


def all_there(channel: Any, queue: str, number: int) -> Callable[[], bool]:
    """Asks whether so many messages are ready in a queue."""
    return lambda: waiting(channel, queue) >= number
