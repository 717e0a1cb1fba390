"""Makes the topology on the broker, looks for what another number of partitions left, and explains refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from amqp.exceptions import AccessRefused, AMQPError, InvalidCommand, NotFound, PreconditionFailed

from services.chassis.broker import AWAY, connect
from services.chassis.errors import Mismatch, StartError, Transient
from services.chassis.topology.plan import (
    HASH_PLUGIN,
    HASHED,
    MOST_PARTITIONS,
    Binding,
    Exchange,
    Plan,
    Queue,
    Subscription,
    again_route,
    exchange_of,
    planned,
    planned_rung,
)


def declare(channel: Any, subscription: Subscription, partitions: int = 1) -> None:
    """Make a subscription's queues and bindings; nothing happens when they are there.

    What another number of partitions left is unbound; ``strays`` names the queues that may still hold events.

    Args:
        channel: an open channel.
        subscription: what to make.
        partitions: queues to split it into by subject.

    Raises:
        Mismatch: a queue or exchange of that name exists with other arguments.
        StartError: this user may not make it, or the broker lacks the exchange type that partitions need.
    """
    wanted = planned(subscription, partitions)
    for exchange in dict.fromkeys(name for name, _ in subscription.bindings()):
        declare_exchange(channel, exchange)
    if partitions == 1 and there(channel, "exchange", subscription.queue):
        # Until now the partitions' exchange brought the events; both do until it goes, the inbox notices.
        make(channel, wanted)
        channel.exchange_delete(subscription.queue)
        return
    make(channel, wanted)
    _unbind_what_was(channel, subscription, partitions)


def strays(channel: Any, subscription: Subscription, partitions: int) -> list[str]:
    """Queues of another number of partitions that are still there: nothing flows into them any more."""
    base = subscription.queue
    found = [base] if partitions > 1 and there(channel, "queue", base) else []
    return found + _left_over(channel, base, partitions)


def declare_exchange(channel: Any, exchange: str) -> None:
    """Make a publisher's durable topic exchange; looked for first, since its publisher alone may make it.

    Raises:
        StartError: it is missing and this user may not make it.
    """
    if not there(channel, "exchange", exchange):
        _made(exchange, "exchange", partial(_make_exchange, channel, Exchange(exchange)))


def declare_retry(channel: Any, queue: str, seconds: int) -> None:
    """Make one rung of a queue's retry ladder: an event waits there, then goes back to the queue.

    Args:
        channel: an open channel.
        queue: base name of the queue.
        seconds: how long it waits.

    Raises:
        Mismatch: it exists with other arguments.
    """
    make(channel, planned_rung(queue, seconds))


def declare_all(url: str, subscriptions: Iterable[Subscription], sources: Iterable[str], partitions: int = 1) -> None:
    """Make every queue and exchange before anything is published, so that no event comes before its queue.

    Raises:
        Transient: the broker is away.
        StartError: something on the broker is not as it must be; the line says what, and what to do.
    """
    connection = connect(url, "wenzheng-topology")
    try:
        channel = connection.channel()
        for source in sources:
            declare_exchange(channel, exchange_of(source))
        for subscription in subscriptions:
            declare(channel, subscription, partitions)
    except AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        connection.release()


def unlike(channel: Any, subscription: Subscription, partitions: int) -> list[str]:
    """A subscription's queues that are on the broker with other arguments; those that are missing are made."""
    found = []
    for queue in planned(subscription, partitions).queues:
        # On a channel of its own: the broker closes the one that asks for what cannot be.
        asking = channel.connection.channel()
        try:
            _make_queue(asking, queue)
        except PreconditionFailed:
            found.append(queue.name)
        else:
            asking.close()
    return found


def make(channel: Any, plan: Plan) -> None:
    """Make exchanges, queues and bindings.

    Raises:
        Mismatch: something of that name exists with other arguments.
        StartError: this user may not make it, or the broker does not know its type.
    """
    for exchange in plan.exchanges:
        _made(exchange.name, "exchange", partial(_make_exchange, channel, exchange))
    for queue in plan.queues:
        _made(queue.name, "queue", partial(_make_queue, channel, queue))
    for binding in plan.bindings:
        _made(binding.destination, binding.kind, partial(_bind, channel, binding))


def _make_exchange(channel: Any, exchange: Exchange) -> None:
    channel.exchange_declare(
        exchange=exchange.name,
        type=exchange.type,
        durable=True,
        auto_delete=False,
        arguments=dict(exchange.arguments) or None,
    )


def _make_queue(channel: Any, queue: Queue) -> None:
    channel.queue_declare(queue=queue.name, durable=True, auto_delete=False, arguments=dict(queue.arguments))


def _bind(channel: Any, binding: Binding) -> None:
    if binding.kind == "exchange":
        channel.exchange_bind(destination=binding.destination, source=binding.source, routing_key=binding.key)
    else:
        channel.queue_bind(queue=binding.destination, exchange=binding.source, routing_key=binding.key)


def there(channel: Any, kind: str, name: str) -> bool:
    """Whether a queue or exchange is there; asked on a channel of its own: the broker closes one that asks in vain."""
    asking = channel.connection.channel()
    try:
        if kind == "queue":
            asking.queue_declare(queue=name, passive=True)
        else:
            asking.exchange_declare(exchange=name, type="topic", passive=True, durable=True, auto_delete=False)
    except NotFound:
        return False
    asking.close()
    return True


def queues_behind(queue: str, exists: Callable[[str], bool]) -> list[str]:
    """The queues behind a name that are on the broker, whatever their number: the plain one, then the partitions.

    Args:
        queue: the base name.
        exists: whether a queue is there; partitions are numbered without a gap.
    """
    found = [queue] if exists(queue) else []
    for number in range(1, MOST_PARTITIONS + 1):
        name = f"{queue}.{number}"
        if not exists(name):
            break
        found.append(name)
    return found


def partitions_of(queue: str, found: Sequence[str]) -> int | None:
    """The number that ``queues_behind`` queues make up; None for two at once, as while workers change it."""
    return None if queue in found and len(found) > 1 else len(found)


def _left_over(channel: Any, base: str, partitions: int) -> list[str]:
    """Partitions that a greater number made; they are numbered without a gap, and deleted from the end."""
    found = []
    for number in range(1 if partitions == 1 else partitions + 1, MOST_PARTITIONS + 1):
        name = f"{base}.{number}"
        if not there(channel, "queue", name):
            break
        found.append(name)
    return found


def _unbind_what_was(channel: Any, subscription: Subscription, partitions: int) -> None:
    """Let nothing more flow to where another number of partitions had it flow.

    Only once the new way is there: an event may then come twice, which the inbox notices, and never not at all.
    """
    base = subscription.queue
    if partitions == 1:
        return
    for name in _left_over(channel, base, partitions):
        channel.queue_unbind(queue=name, exchange=base, routing_key="1")
    if there(channel, "queue", base):
        for exchange, key in [*subscription.bindings(), again_route(base)]:
            channel.queue_unbind(queue=base, exchange=exchange, routing_key=key)


def _made(name: str, kind: str, make: Callable[[], None]) -> None:
    """Make something; what the broker says against it becomes a line for the operator."""
    try:
        make()
    except PreconditionFailed as error:
        remedy = (
            f"run `wenzheng topology remake {name}`, which keeps what is in it"
            if kind == "queue"
            else "delete it on the broker; the next start makes it"
        )
        raise Mismatch(
            f"{kind} {name} is on the broker with other arguments than this release declares: "
            f"{difference(str(error.reply_text))}. Stop the workers of its service and {remedy}"
        ) from None
    except AccessRefused as error:
        raise StartError(
            f"{kind} {name} is missing or may not be used by this broker user ({_said(error)}); import what "
            "`wenzheng topology` writes, see docs/guides/operators.md"
        ) from None
    except InvalidCommand as error:
        if "exchange type" not in str(error.reply_text or ""):
            raise
        raise StartError(
            f"the broker has no exchange type {HASHED}, which WENZHENG_PARTITIONS above 1 needs; "
            f"run `rabbitmq-plugins enable {HASH_PLUGIN}` on it, or set WENZHENG_PARTITIONS=1"
        ) from None


def difference(reply: str) -> str:
    """RabbitMQ's "inequivalent arg" in a few words; its own words when they are of another kind."""
    found = re.search(r"inequivalent arg '([^']*)'.*received (.*) but current is (.*)", reply)
    if found is None:
        return reply.removeprefix("PRECONDITION_FAILED - ")
    argument, ours, theirs = found.groups()
    return f"{argument} must be {_value(ours)} and is {_value(theirs)}"


def _value(text: str) -> str:
    """``the value '20' of type 'signedint'`` → ``20``."""
    found = re.search(r"'([^']*)'", text)
    return text.strip() if found is None else (found.group(1) or "empty")


def _said(error: AMQPError) -> str:
    return str(error.reply_text).removeprefix("ACCESS_REFUSED - ")[:120]
