"""Parked events: what lies in ``<queue>.parked``, why, and the way back or out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import amqp
from amqp.exceptions import NotFound

from services.chassis import broker, topology, wire
from services.chassis.errors import Transient
from services.chassis.settle import SENT_BY, sender_of

#: Events that are settled, and written down, at a time.
ROUND = 200
#: Seconds that what was given back may take to lie in its queue again.
BACK_S = 2.0


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
    #: UTC, ISO 8601; empty when nobody wrote it down.
    first_failed: str
    last_failed: str
    #: Bytes of the body.
    size: int
    #: Empty unless it was asked for.
    body: bytes = b""


@dataclass(frozen=True)
class Shelf:
    """Where parked events lie.

    Args:
        name: how it is called for people.
        url: broker URL with the virtual host, with a user who may read it.
        queue: base name of the queue there.
    """

    name: str
    url: str
    queue: str


#: Chooses events.
Wanted = Callable[[Parked], bool]
#: Told of each event that was looked at: how many there are.
Seen = Callable[[int], None]
#: Writes down what is about to be done to some events; only then it is done.
WriteDown = Callable[[list[Parked]], None]


def look(shelf: Shelf, wanted: Wanted, seen: Seen = lambda total: None, *, bodies: bool = False) -> list[Parked]:
    """The parked events of a shelf, oldest first; they stay where they are.

    Args:
        shelf: where.
        wanted: which of them.
        seen: called for each.
        bodies: keep what is in them.

    Raises:
        Transient: the broker cannot be reached.
    """
    with _open(shelf) as (_, channel):
        kept, found = 0, []
        for one, _ in _held(shelf, channel, seen, bodies=bodies):
            kept += 1
            if wanted(one):
                found.append(one)
        _give_back(shelf, channel, kept)
        return found


def replay(shelf: Shelf, wanted: Wanted, write_down: WriteDown, seen: Seen = lambda total: None) -> int:
    """Send parked events back to their queue, with all attempts before them. Returns how many went.

    An event that was handled after all changes nothing: its id is in the inbox.

    Raises:
        Transient: the broker cannot be reached, or did not take one; that one stays parked.
    """
    with _open(shelf) as (connection, channel):
        publisher = broker.Publisher(connection)

        def send(some: list[tuple[Parked, amqp.Message]]) -> None:
            marked = [(_fresh(message, shelf.queue), message) for _, message in some]
            outcome = publisher.publish((fresh, *topology.again_route(shelf.queue)) for fresh, _ in marked)
            for fresh, message in marked:
                if outcome.get(str(fresh.properties["message_id"])) != "ok":
                    raise Transient(f"{shelf.queue} did not take an event; it stays parked")
                channel.basic_ack(message.delivery_tag)

        return _settle(shelf, channel, wanted, write_down, seen, send)


def discard(shelf: Shelf, wanted: Wanted, write_down: WriteDown, seen: Seen = lambda total: None) -> int:
    """Drop parked events for good. Returns how many.

    Raises:
        Transient: the broker cannot be reached.
    """
    with _open(shelf) as (_, channel):

        def drop(some: list[tuple[Parked, amqp.Message]]) -> None:
            for _, message in some:
                channel.basic_ack(message.delivery_tag)

        return _settle(shelf, channel, wanted, write_down, seen, drop)


def _settle(
    shelf: Shelf,
    channel: Any,
    wanted: Wanted,
    write_down: WriteDown,
    seen: Seen,
    act: Callable[[list[tuple[Parked, amqp.Message]]], None],
) -> int:
    done, kept, some = 0, 0, []
    for one, message in _held(shelf, channel, seen):
        if not wanted(one):
            kept += 1
            continue
        some.append((one, message))
        if len(some) == ROUND:
            write_down([parked for parked, _ in some])
            act(some)
            done, some = done + len(some), []
    if some:
        write_down([parked for parked, _ in some])
        act(some)
    _give_back(shelf, channel, kept)
    return done + len(some)


@contextmanager
def _open(shelf: Shelf) -> Iterator[tuple[Any, Any]]:
    """A connection and a channel; what is held and not acknowledged goes back when the channel closes."""
    connection = broker.connect(shelf.url, "wenzheng-parked")
    try:
        channel: Any = connection.channel()
        yield connection, channel
        if channel.is_open:
            channel.close()
    except broker.AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        broker.release(connection)


def _held(shelf: Shelf, channel: Any, seen: Seen, *, bodies: bool = False) -> Iterator[tuple[Parked, amqp.Message]]:
    """Each message that lies there now. Those that went by stay held, or the same would come again."""
    queue = topology.parked_queue(shelf.queue)
    try:
        waiting = channel.queue_declare(queue=queue, passive=True).message_count
    except NotFound:
        # Its worker never ran: nothing was ever parked.
        return
    for _ in range(waiting):
        message = channel.basic_get(queue, no_ack=False)
        if message is None:
            return
        seen(waiting)
        yield _parked(shelf.name, message, bodies=bodies), message


def _give_back(shelf: Shelf, channel: Any, kept: int) -> None:
    """Give back what was looked at and kept, and see it there: whoever looks next would find the shelf empty.

    The broker answers before its queue has the messages again (seen on a machine without a free core).
    """
    if not kept:
        return
    channel.basic_recover(requeue=True)
    deadline = time.monotonic() + BACK_S
    while channel.queue_declare(queue=topology.parked_queue(shelf.queue), passive=True).message_count < kept:
        # Somebody else may hold or settle some of them by now.
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _parked(name: str, message: amqp.Message, *, bodies: bool) -> Parked:
    headers = message.properties.get("application_headers") or {}
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()

    def attribute(name: str) -> str:
        return next((str(headers[prefix + name]) for prefix in wire.PREFIXES if prefix + name in headers), "")

    attempt = headers.get(wire.ATTEMPT, 0)
    return Parked(
        queue=name,
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
        body=body if bodies else b"",
    )


def _fresh(message: amqp.Message, queue: str) -> amqp.Message:
    """The event as it was before it failed."""
    headers = message.properties.get("application_headers") or {}
    kept = {key: value for key, value in headers.items() if isinstance(key, str) and key.startswith(wire.PREFIXES)}
    if sender := sender_of(message, topology.back_exchange(queue)):
        kept[SENT_BY] = sender
    more = {k: v for k, v in message.properties.items() if k in ("content_type", "content_encoding")}
    message_id = str(message.properties.get("message_id") or f"unnamed-{message.delivery_tag}")[:64]
    return amqp.Message(message.body, delivery_mode=2, message_id=message_id, application_headers=kept, **more)
