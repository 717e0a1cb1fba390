"""Moves events out of partitions that are no more and out of a queue that has to be made anew, each confirmed."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

import amqp

from services.chassis import wire
from services.chassis.broker import AWAY, Publisher, connect, release
from services.chassis.errors import StartError, Transient
from services.chassis.telemetry import log
from services.chassis.topology.making import declare, declare_exchange, make, strays, there
from services.chassis.topology.plan import (
    Exchange,
    Plan,
    Queue,
    Subscription,
    again_route,
    back_exchange,
    is_blank,
    parked_arguments,
    parked_queue,
    parked_route,
    planned,
    planned_rung,
    retry_route,
    work_queues,
)

#: Headers of ours that tell an event's history, beside its attributes.
HISTORY = frozenset(
    {wire.ATTEMPT, "x-code", "x-detail", "x-first-failed", "x-last-failed", "x-exchange", "x-routing-key", "x-sent-by"}
)
#: Messages in hand at most.
PAGE = 200
#: A queue that brings nothing for so long is empty, or another worker still reads it (s).
IDLE_S = 1.0
#: Between two looks at queues that another worker still reads (s).
EVERY_S = 5.0
#: Between two looks whether there are such queues at all (s).
QUIET_S = 60.0


def move(connection: Any, queue: str, route: tuple[str, str]) -> int:
    """Move what a queue holds now, as far as nobody else has it in hand.

    Args:
        connection: an open connection.
        queue: where from.
        route: exchange and routing key of where to.

    Returns:
        How many events went.

    Raises:
        Transient: the broker did not take one; that one stays where it was.
    """
    channel: Any = connection.channel()
    buffer: list[amqp.Message] = []
    # No more than that: a way that led back here would never end.
    moved, waiting = 0, channel.queue_declare(queue=queue, passive=True).message_count
    channel.basic_qos(0, PAGE, False)
    channel.basic_consume(queue, no_ack=False, callback=buffer.append, consumer_tag="wenzheng-moving")
    publisher = Publisher(connection)
    while moved < waiting:
        while len(buffer) < min(PAGE, waiting - moved):
            try:
                connection.drain_events(timeout=IDLE_S)
            except TimeoutError:
                break
        if not buffer:
            break
        page, buffer[:] = list(buffer), []
        _publish(publisher, page, route)
        channel.basic_ack(page[-1].delivery_tag, multiple=True)
        moved += len(page)
    channel.basic_cancel("wenzheng-moving")
    # What came meanwhile goes back with the channel.
    channel.close()
    publisher.channel.close()
    return moved


def _publish(publisher: Publisher, page: Sequence[amqp.Message], route: tuple[str, str]) -> None:
    copies = [copy(message) for message in page if not is_blank(message)]
    outcome = publisher.publish((one, *route) for one in copies)
    if any(outcome.get(str(one.properties["message_id"])) != "ok" for one in copies):
        raise Transient(f"the broker did not take an event for {route[1]} of {route[0]}")


def copy(message: amqp.Message) -> amqp.Message:
    """A message as it may be published once more: what the broker added is left out."""
    headers = message.properties.get("application_headers") or {}
    kept = {k: v for k, v in headers.items() if k.startswith(wire.PREFIXES) or k in HISTORY}
    more = {k: v for k, v in message.properties.items() if k in ("content_type", "content_encoding")}
    # A confirm is told apart by it; one that has none keeps none of its neighbours' either.
    message_id = str(message.properties.get("message_id") or f"unnamed-{message.delivery_tag}")[:64]
    return amqp.Message(message.body, delivery_mode=2, message_id=message_id, application_headers=kept, **more)


def _delete(channel: Any, queue: str) -> bool:
    """Delete a queue that nothing flows into, once it is empty and nobody reads it; quorum queues cannot check it."""
    found = channel.queue_declare(queue=queue, passive=True)
    if found.message_count or found.consumer_count:
        return False
    channel.queue_delete(queue)
    return True


def empty_strays(url: str, subscription: Subscription, partitions: int) -> list[str]:
    """Move what lies in queues of another number of partitions into those of today; delete them once they are empty.

    Returns:
        Those that are still there: another worker reads them.

    Raises:
        Transient: the broker is away, or did not take one.
    """
    connection = connect(url, "wenzheng-moving")
    try:
        channel = connection.channel()
        # Once more: a worker of before that connects again has everything flow as it was.
        declare(channel, subscription, partitions)
        last = True
        for queue in reversed(strays(channel, subscription, partitions)):
            moved = move(connection, queue, again_route(subscription.queue))
            if moved:
                log(_service_of(subscription)).info("events moved", queue=queue, to=subscription.queue, events=moved)
            # From the end and without a gap: that is how they are found again.
            last = last and _delete(channel, queue)
        return strays(channel, subscription, partitions)
    except AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        release(connection)


def keep_emptying(url: str, subscriptions: Sequence[Subscription], partitions: int, stop: threading.Event) -> None:
    """Empty strays, again and again: workers of before may still read them, or come back. Runs beside the consumers.

    Args:
        url: broker URL of the service that the subscriptions belong to.
        subscriptions: all of one service.
        partitions: how many there are now.
        stop: ends it.
    """
    if not subscriptions:
        return
    wait = 0.0
    while not stop.wait(wait):
        wait = QUIET_S
        try:
            for one in _with_strays(url, subscriptions, partitions):
                empty_strays(url, one, partitions)
                wait = EVERY_S
        except (Transient, StartError) as error:
            log(_service_of(subscriptions[0])).warning("queues of before wait", reason=str(error))
        except Exception as error:
            # Whatever lies there must not end the one who looks after it, and not be forgotten either.
            log(_service_of(subscriptions[0])).error("queues of before cannot be emptied", exc_info=error)


def _with_strays(url: str, subscriptions: Sequence[Subscription], partitions: int) -> list[Subscription]:
    connection = connect(url, "wenzheng-moving")
    try:
        channel = connection.channel()
        return [one for one in subscriptions if strays(channel, one, partitions)]
    except AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        release(connection)


def _service_of(subscription: Subscription) -> str:
    """Queues are named by their service first."""
    return subscription.queue.partition(".")[0]


def remake(url: str, subscription: Subscription, partitions: int, queue: str) -> int:
    """Make one of a subscription's queues anew with today's arguments and keep what is in it.

    Events wait meanwhile in ``<queue>.aside``. It may be broken off at any point and run again; an event that comes
    twice through it is known to the inbox.

    Args:
        url: broker URL.
        subscription: whose queue it is.
        partitions: into how many it is split.
        queue: a work queue, a partition, the parked queue or a rung.

    Returns:
        How many events were kept.

    Raises:
        StartError: somebody still reads the queue, or it is none of this subscription's.
        Transient: the broker is away, or did not take an event; nothing is lost.
    """
    plan, route = _part(subscription, partitions, queue)
    aside = f"{queue}.aside"
    ways = [b for b in plan.bindings if b.destination == queue and b.kind == "queue"]
    connection = connect(url, "wenzheng-remake")
    try:
        channel = connection.channel()
        for exchange, _ in subscription.bindings():
            declare_exchange(channel, exchange)
        make(channel, Plan((Exchange(back_exchange(subscription.queue)),), (Queue(aside, parked_arguments()),), ()))
        channel.queue_bind(queue=aside, exchange=back_exchange(subscription.queue), routing_key=aside)
        if there(channel, "queue", queue):
            if channel.queue_declare(queue=queue, passive=True).consumer_count:
                raise StartError(f"queue {queue} is still read: stop the workers of its service first")
            for way in ways:
                channel.queue_bind(queue=aside, exchange=way.source, routing_key=way.key)
                channel.queue_unbind(queue=queue, exchange=way.source, routing_key=way.key)
            move(connection, queue, (back_exchange(subscription.queue), aside))
            if not _delete(channel, queue):
                raise Transient(f"queue {queue} is not empty yet")
        make(channel, plan)
        for way in ways:
            channel.queue_unbind(queue=aside, exchange=way.source, routing_key=way.key)
        kept = move(connection, aside, route)
        if not _delete(channel, aside):
            raise Transient(f"queue {aside} is not empty yet")
        return kept
    except AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        release(connection)


def _part(subscription: Subscription, partitions: int, queue: str) -> tuple[Plan, tuple[str, str]]:
    """What makes one queue with its bindings, and the way into it."""
    base = subscription.queue
    rung = re.fullmatch(re.escape(base) + r"\.retry\.(\d+)s", queue)
    if rung:
        return planned_rung(base, int(rung[1])), retry_route(base, int(rung[1]))
    if queue == parked_queue(base):
        return planned(subscription, partitions), parked_route(base)
    if queue in work_queues(subscription, partitions):
        return planned(subscription, partitions), again_route(base)
    raise StartError(f"queue {queue} is none of {base} with {partitions} partitions")
