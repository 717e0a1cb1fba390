"""Parked events: what lies in ``<queue>.parked``, why, and the way back or out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import amqp
from amqp.exceptions import NotFound

from services.chassis import broker, topology, wire
from services.chassis.errors import Transient

#: Parked events that are read at most in one go; they are held meanwhile.
MOST = 10_000


@dataclass(frozen=True)
class Parked:
    """One parked event, without what is in it."""

    queue: str
    event_id: str
    type: str
    subject: str
    #: Why it was parked, and the detail of it.
    code: str
    detail: str
    attempts: int
    first_failed: str
    last_failed: str
    #: Bytes of the body.
    size: int
    body: bytes


#: Chooses events.
Wanted = Callable[[Parked], bool]


def look(url: str, queue: str) -> list[Parked]:
    """The parked events of a queue, oldest first; they stay where they are.

    Args:
        url: broker URL.
        queue: the work queue's name.

    Raises:
        Transient: the broker cannot be reached.
    """
    with _held(url, queue) as (_, _, messages):
        return [_parked(queue, message) for message in messages]


def replay(url: str, queue: str, wanted: Wanted) -> list[Parked]:
    """Send parked events back to their queue, with all attempts before them. Returns those that went.

    An event that was handled after all changes nothing: its id is in the inbox.

    Raises:
        Transient: the broker cannot be reached, or did not take one; that one stays parked.
    """
    gone: list[Parked] = []
    with _held(url, queue) as (connection, channel, messages):
        publisher = broker.Publisher(connection)
        for message in messages:
            parked = _parked(queue, message)
            if not wanted(parked):
                continue
            again = _fresh(message)
            outcome = publisher.publish([(again, "", queue)])
            if outcome.get(str(again.properties["message_id"])) != "ok":
                raise Transient(f"queue {queue} did not take {parked.event_id}; it stays parked")
            channel.basic_ack(message.delivery_tag)
            gone.append(parked)
    return gone


def discard(url: str, queue: str, wanted: Wanted) -> list[Parked]:
    """Drop parked events for good. Returns them.

    Raises:
        Transient: the broker cannot be reached.
    """
    gone: list[Parked] = []
    with _held(url, queue) as (_, channel, messages):
        for message in messages:
            parked = _parked(queue, message)
            if wanted(parked):
                channel.basic_ack(message.delivery_tag)
                gone.append(parked)
    return gone


@contextmanager
def _held(url: str, queue: str) -> Iterator[tuple[Any, Any, list[amqp.Message]]]:
    """Hold the parked messages of a queue; what is not acknowledged goes back when the channel closes."""
    connection = broker.connect(url, "wenzheng-parked")
    try:
        channel: Any = connection.channel()
        try:
            waiting = channel.queue_declare(queue=topology.parked_queue(queue), passive=True).message_count
        except NotFound:
            # Its worker never ran: nothing was ever parked. The broker closes the channel for asking.
            channel, waiting = connection.channel(), 0
        messages: list[amqp.Message] = []
        while len(messages) < min(waiting, MOST):
            message = channel.basic_get(topology.parked_queue(queue), no_ack=False)
            if message is None:
                break
            messages.append(message)
        yield connection, channel, messages
        channel.close()
    except broker.AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        connection.release()


def _parked(queue: str, message: amqp.Message) -> Parked:
    headers = message.properties.get("application_headers") or {}
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()

    def attribute(name: str) -> str:
        return next((str(headers[prefix + name]) for prefix in wire.PREFIXES if prefix + name in headers), "")

    attempt = headers.get(wire.ATTEMPT, 0)
    return Parked(
        queue=queue,
        event_id=attribute("id") or str(message.properties.get("message_id", "")),
        type=attribute("type"),
        subject=attribute("subject"),
        # Without a code of ours it was the broker that gave up: it was delivered too often.
        code=str(headers.get("x-code", "delivery_limit")),
        detail=str(headers.get("x-detail", "")),
        attempts=attempt if isinstance(attempt, int) else 0,
        first_failed=str(headers.get("x-first-failed", "")),
        last_failed=str(headers.get("x-last-failed", "")),
        size=len(body),
        body=body,
    )


def _fresh(message: amqp.Message) -> amqp.Message:
    """The event as it was before it failed."""
    headers = message.properties.get("application_headers") or {}
    kept = {key: value for key, value in headers.items() if isinstance(key, str) and key.startswith(wire.PREFIXES)}
    more = {k: v for k, v in message.properties.items() if k in ("content_type", "content_encoding")}
    message_id = str(message.properties.get("message_id") or f"unnamed-{message.delivery_tag}")[:64]
    return amqp.Message(message.body, delivery_mode=2, message_id=message_id, application_headers=kept, **more)
