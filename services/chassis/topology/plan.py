"""What the broker holds for a service: the names, arguments and bindings of exchanges and queues.

Beside each queue ``q`` stands an exchange ``q.back`` that nobody but its service may write to. It leads to the parked
queue, to the rungs of the retry ladder, back to the queue, and, with blanks, into each of its partitions. Shared ones
would not do: RabbitMQ before 4 checks topic permissions on the routing key alone, so that a ``CC`` header carries an
event into another service's queue; and whoever makes a queue that dead-letters through the default exchange may write
into every queue of the house.

What safety rests on is an argument of the queue, never a policy that an operator might change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import amqp

from services.chassis.wire import PREFIX
from services.contracts.envelope import Event

#: Delays of the retry ladder (s) unless the settings name others.
LADDER = (5, 30, 120, 600, 3600)
#: Deliveries after which RabbitMQ itself dead-letters an event to the parked queue (a crash loop's last resort).
DELIVERY_LIMIT = 20
#: As good as none, and said in a way that RabbitMQ 3.10 to 4.x take: looking at parked events must never drop one,
#: and without it 4.x drops what was looked at 20 times.
NO_DELIVERY_LIMIT = 1_000_000_000
#: Keys of a queue's ``back`` exchange: to the parked queue; back to the work queue, past all other subscribers.
PARKED, AGAIN = "parked", "again"
#: How the name of such an exchange ends, and how the key of a blank begins.
BACK, BLANK = ".back", "blank."
#: RabbitMQ's exchange that deals messages out by the hash of a header, and the plugin that brings it.
HASHED = "x-consistent-hash"
HASH_PLUGIN = "rabbitmq_consistent_hash_exchange"
#: Partitions of one queue at most.
MOST_PARTITIONS = 64


def exchange_of(source: str) -> str:
    """The exchange of one publisher."""
    return f"wz.{source}"


def parked_queue(queue: str) -> str:
    """Where a queue's hopeless events go; partitions share the one of their base name."""
    return f"{queue}.parked"


def retry_queue(queue: str, seconds: int) -> str:
    """Where an event waits ``seconds`` for its next try."""
    return f"{queue}.retry.{seconds}s"


def back_exchange(queue: str) -> str:
    """The exchange of a queue's own ways: parked, retried, sent back."""
    return f"{queue}{BACK}"


def parked_route(queue: str) -> tuple[str, str]:
    """(exchange, routing key) that brings an event into a queue's parked queue."""
    return back_exchange(queue), PARKED


def retry_route(queue: str, seconds: int) -> tuple[str, str]:
    """(exchange, routing key) that brings an event back after ``seconds``; see ``declare_retry``."""
    return back_exchange(queue), f"{seconds}s"


def again_route(queue: str) -> tuple[str, str]:
    """(exchange, routing key) that brings an event back into a queue at once, into its right partition."""
    return back_exchange(queue), AGAIN


def blank_route(base: str, queue: str) -> tuple[str, str]:
    """(exchange, routing key) that brings a blank into one of the queues behind a name; see ``chassis.leaving``."""
    return back_exchange(base), f"{BLANK}{queue}"


def is_blank(message: amqp.Message) -> bool:
    """Whether a message came by a blank's route: nobody but the queue's own service may write there."""
    info = message.delivery_info
    return str(info.get("exchange", "")).endswith(BACK) and str(info.get("routing_key", "")).startswith(BLANK)


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


@dataclass(frozen=True)
class Exchange:
    """An exchange and what it is declared with."""

    name: str
    type: str = "topic"
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """A queue and what it is declared with."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Binding:
    """From an exchange to a queue or another exchange."""

    source: str
    destination: str
    key: str
    #: "queue" or "exchange".
    kind: str = "queue"


@dataclass(frozen=True)
class Plan:
    """Exchanges, queues and bindings, in the order in which they are made."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


def work_queues(subscription: Subscription, partitions: int) -> list[str]:
    """The queues behind a subscription: the one of its name, or one per partition."""
    if partitions == 1:
        return [subscription.queue]
    return [f"{subscription.queue}.{number}" for number in range(1, partitions + 1)]


def planned(subscription: Subscription, partitions: int = 1) -> Plan:
    """Everything a subscription needs of its own; what it is bound to is its publishers'."""
    base = subscription.queue
    work = work_queues(subscription, partitions)
    back = back_exchange(base)
    queues = [*(Queue(name, work_arguments(base)) for name in work), Queue(parked_queue(base), parked_arguments())]
    ways = [Binding(back, parked_queue(base), PARKED)]
    ways += [Binding(exchange, name, key) for name in work for exchange, key in [blank_route(base, name)]]
    into = [*subscription.bindings(), (back, AGAIN)]
    if partitions == 1:
        bindings = [*ways, *(Binding(exchange, base, key) for exchange, key in into)]
        return Plan((Exchange(back),), tuple(queues), tuple(bindings))
    hashed = Exchange(base, HASHED, {"hash-header": f"{PREFIX}subject"})
    # The number is a weight: the same for each, so each gets its share of the subjects.
    bindings = [*ways, *(Binding(base, name, "1") for name in work)]
    bindings += [Binding(exchange, base, key, "exchange") for exchange, key in into]
    return Plan((Exchange(back), hashed), tuple(queues), tuple(bindings))


def planned_rung(queue: str, seconds: int) -> Plan:
    """One rung of a queue's retry ladder."""
    exchange, key = retry_route(queue, seconds)
    name = retry_queue(queue, seconds)
    return Plan((), (Queue(name, retry_arguments(queue, seconds)),), (Binding(exchange, name, key),))


def work_arguments(base: str) -> dict[str, Any]:
    """What a work queue is declared with."""
    return {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": back_exchange(base),
        "x-dead-letter-routing-key": PARKED,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def parked_arguments() -> dict[str, Any]:
    """What a parked queue is declared with: it never drops anything by itself."""
    return {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT, "x-overflow": "reject-publish"}


def retry_arguments(base: str, seconds: int) -> dict[str, Any]:
    """What the queue of a rung is declared with."""
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": seconds * 1000,
        "x-delivery-limit": NO_DELIVERY_LIMIT,
        # A key of its own, not the one an event came with: back to this queue, to no other.
        "x-dead-letter-exchange": back_exchange(base),
        "x-dead-letter-routing-key": AGAIN,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
