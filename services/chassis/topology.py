"""What the broker holds: the names of exchanges and queues, and how they are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import PreconditionFailed

from services.chassis.broker import connect
from services.chassis.errors import StartError
from services.contracts.envelope import Event

#: Delays of the retry ladder (s); research: NServiceBus and reliability.md, topology.
LADDER = (5, 30, 120, 600, 3600)
#: Deliveries after which RabbitMQ itself dead-letters an event to the parked queue (a crash loop's last resort).
DELIVERY_LIMIT = 20


def exchange_of(source: str) -> str:
    """The exchange of one publisher."""
    return f"wz.{source}"


def parked_queue(queue: str) -> str:
    """Where a queue's hopeless events go."""
    return f"{queue}.parked"


def parked_route(queue: str) -> tuple[str, str]:
    """(exchange, routing key) that brings an event into a queue's parked queue."""
    return "", parked_queue(queue)


def retry_exchange(seconds: int) -> str:
    """The exchange (and queue) that holds events for ``seconds`` and returns them to the queue named by their key."""
    return f"wz.retry.{seconds}s"


@dataclass(frozen=True)
class Subscription:
    """A queue and what is bound to it."""

    queue: str
    types: tuple[type[Event], ...]
    lane: str = ""

    def bindings(self) -> list[tuple[str, str]]:
        """(exchange, routing key) pairs."""
        suffix = f".{self.lane}" if self.lane else ""
        return [(exchange_of(cls.source), f"{cls.type}{suffix}") for cls in self.types]


def work_queues(subscription: Subscription, partitions: int) -> list[str]:
    """The queues behind a subscription: the one of its name, or one per partition."""
    if partitions == 1:
        return [subscription.queue]
    return [f"{subscription.queue}.{number}" for number in range(1, partitions + 1)]


def declare(channel: Any, subscription: Subscription, partitions: int = 1) -> None:
    """Make a queue, its parked queue and its bindings; nothing happens when they are there.

    Args:
        channel: an open channel.
        subscription: what to make.
        partitions: queues to split it into by subject; only 1 so far.

    Raises:
        StartError: a queue of that name exists with other arguments.
    """
    parked = parked_queue(subscription.queue)
    try:
        channel.queue_declare(queue=parked, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.queue_declare(
            queue=subscription.queue,
            durable=True,
            auto_delete=False,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": DELIVERY_LIMIT,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": parked,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
        )
        for exchange, key in subscription.bindings():
            declare_exchange(channel, exchange)
            channel.queue_bind(queue=subscription.queue, exchange=exchange, routing_key=key)
    except PreconditionFailed as error:
        raise StartError(f"queue {subscription.queue} exists with other arguments: {error.reply_text}") from None


def declare_exchange(channel: Any, exchange: str) -> None:
    """Make a publisher's durable topic exchange."""
    channel.exchange_declare(exchange=exchange, type="topic", durable=True, auto_delete=False)


def declare_all(
    url: str, subscriptions: Iterable[Subscription], sources: Iterable[str], partitions: int = 1
) -> None:
    """Make every queue and exchange before anything is published, so that no event comes before its queue."""
    connection = connect(url, "wenzheng-topology")
    try:
        channel = connection.channel()
        for source in sources:
            declare_exchange(channel, exchange_of(source))
        for subscription in subscriptions:
            declare(channel, subscription, partitions)
    finally:
        connection.release()


def declare_retry(channel: Any, seconds: int) -> None:
    """Make one rung of the retry ladder: an event waits there, then goes back to the queue its key names."""
    name = retry_exchange(seconds)
    channel.exchange_declare(exchange=name, type="topic", durable=True, auto_delete=False)
    channel.queue_declare(
        queue=name,
        durable=True,
        auto_delete=False,
        arguments={
            "x-queue-type": "quorum",
            "x-message-ttl": seconds * 1000,
            # The default exchange and the key it came with: back to the one queue that sent it, to no other.
            "x-dead-letter-exchange": "",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    channel.queue_bind(queue=name, exchange=name, routing_key="#")
