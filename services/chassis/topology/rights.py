"""What each service's user may do on the broker, and no more: derived from its queues and what it publishes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.chassis.portals import ANSWERS, EXCHANGE, FILED
from services.chassis.topology.plan import Subscription, exchange_of

#: A pattern that nothing matches.
NOTHING = "^$"


@dataclass(frozen=True)
class TopicRight:
    """The routing keys that a user may publish to one exchange, and bind its queues with."""

    exchange: str
    write: str
    read: str


@dataclass(frozen=True)
class Rights:
    """RabbitMQ's three patterns of one user in one virtual host, and its topic permissions."""

    configure: str
    write: str
    read: str
    topics: tuple[TopicRight, ...] = ()


def rights_of(
    service: str, subscriptions: Sequence[Subscription], sources: Iterable[str], services: Iterable[str]
) -> Rights:
    """The rights of a service in the house's virtual host.

    Its queues, and the exchanges beside them, begin with its name. It publishes to exchanges of its own name, and to
    those that belong to no single service. It reads the exchanges it subscribes to, with the very keys it binds.

    Args:
        service: its name.
        subscriptions: its queues.
        sources: every source of events that there is.
        services: names of all services.

    Raises:
        ValueError: a queue does not begin with the service's name, so that no pattern could keep it apart.
    """
    own = re.escape(f"{service}.") + ".+"
    for subscription in subscriptions:
        if not subscription.queue.startswith(f"{service}."):
            raise ValueError(f"queue {subscription.queue} must begin with {service}.")
    every = sorted(set(sources))
    mine = [exchange_of(source) for source in every if source.partition(".")[0] == service]
    shared = [exchange_of(source) for source in every if source.partition(".")[0] not in set(services)]
    bound: dict[str, set[str]] = {}
    for subscription in subscriptions:
        for exchange, key in subscription.bindings():
            bound.setdefault(exchange, set()).add(key)
    written = [*mine, *(exchange for exchange in shared if exchange in bound)]
    topics = tuple(
        TopicRight(exchange, ".*" if exchange in written else NOTHING, _any_of(map(re.escape, sorted(keys))))
        for exchange, keys in sorted(bound.items())
    )
    return Rights(
        configure=_any_of([own, *map(re.escape, mine)]),
        write=_any_of([own, *map(re.escape, written)]),
        read=_any_of([own, *map(re.escape, sorted(bound))]),
        topics=topics,
    )


def portal_rights() -> Rights:
    """The rights of a portal in its virtual host: hand in, read its answers."""
    return Rights(NOTHING, _any_of([EXCHANGE]), _any_of([ANSWERS]))


def host_rights(*, listens: bool) -> Rights:
    """The rights of a service in a portal's virtual host.

    Args:
        listens: it takes in what the portal hands in and keeps the virtual host in order; otherwise it answers only.
    """
    if not listens:
        return Rights(NOTHING, _any_of([ANSWERS]), NOTHING)
    own = [FILED, re.escape(f"{FILED}.") + ".+", ANSWERS]
    return Rights(_any_of([EXCHANGE, *own]), _any_of(own), _any_of([EXCHANGE, *own]))


def _any_of(patterns: Iterable[str]) -> str:
    return f"^({'|'.join(patterns)})$"
