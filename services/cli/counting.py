"""The figures of `wenzheng queues`: from the broker what lies in its queues, from the databases the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, literal, select

from services.chassis.delivery import inbox, outbox
from services.chassis.house import House
from services.chassis.management import Manager
from services.chassis.portals import FILED, vhost_url
from services.chassis.sender_rows import Sendable
from services.chassis.topology import Subscription, parked_queue, partitions_of, queues_behind, retry_queue, work_queues
from services.cli.at_hand import AtHand
from services.cli.broker_counts import BrokerCounts, Count
from services.cli.partitions import mismatches, partitions_there
from services.cli.registry import part
from services.cli.topology import broker_url, listens_to_portals, manager, portals_of, subscriptions_of

#: A rate is what came in this long, per second.
RATE_S = 10.0
#: So many rows of an outbox are read at most to find the oldest event of a queue; beyond, its age is "at least".
DEEPEST = 20_000


@dataclass(frozen=True)
class Depth:
    """One queue; None is what could not be told, or a queue that was never made."""

    service: str
    queue: str
    ready: int | None = None
    unacked: int | None = None
    #: On the retry ladder.
    retry: int | None = None
    parked: int | None = None
    #: How long the oldest of ready and unacked waits (s), reckoned from the publishers' outboxes.
    oldest_s: float | None = None
    oldest_at_least: bool = False
    #: Events handled per second, lately.
    rate: float | None = None
    consumers: int | None = None


@dataclass(frozen=True)
class Backlog:
    """One service's outbox: events not published yet, how long the oldest waits (s), how many the broker refused."""

    service: str
    unpublished: int
    oldest_s: float
    #: The queue was full or down; tried again.
    refused: int
    #: No queue is bound for it: see `wenzheng unroutable`.
    unroutable: int


@dataclass(frozen=True)
class Sending:
    """Rows that a sender loop has still to bring out of the house."""

    service: str
    what: str
    pending: int
    oldest_s: float | None


class Counter:
    """Counts again and again.

    Args:
        at_hand: the installed services' databases.
    """

    def __init__(self, at_hand: AtHand) -> None:
        self._at_hand = at_hand
        self._manager: Manager | None = manager()
        #: Why some figures are missing.
        self.hints: list[str] = []
        #: What is not as it should be.
        self.warnings: list[str] = []

    def depths(self) -> list[Depth]:
        """Every queue of the installed services.

        Raises:
            Transient: the broker cannot be reached.
            StartError: no broker runs.
        """
        self.hints = []
        seen = BrokerCounts(self._manager, self.hints)
        try:
            found = [row for service in self._at_hand.names for row in self._of(service, seen)]
            self.warnings = self._partitions(seen)
        finally:
            seen.close()
        if any(row.oldest_s is None and (row.ready or row.unacked) for row in found):
            self.hints.append("oldest: the publisher's outbox is not at hand here, or it forgets what it published")
        return found

    def _of(self, service: str, seen: BrokerCounts) -> list[Depth]:
        url, lately = broker_url(service), self._at_hand.ask(service, rates)
        found = [self._depth(seen, url, service, one, lately) for one in subscriptions_of(service)]
        for portal in portals_of(service).values() if listens_to_portals(service) else ():
            vhost = vhost_url(url, portal.vhost or "")
            counts = [seen.count(vhost, queue) for queue in (FILED, parked_queue(FILED))]
            found.append(_portal_depth(service, f"{FILED}@{portal.id}", *counts))
        return found

    def _partitions(self, seen: BrokerCounts) -> list[str]:
        asked, found = {}, {}
        for service in self._at_hand.names:
            exists = partial(_exists, seen, broker_url(service))
            asked[service] = self._at_hand.settings[service].partitions
            found[service] = partitions_there([one.queue for one in subscriptions_of(service)], exists)
        return mismatches(asked, found)

    def _depth(
        self,
        seen: BrokerCounts,
        url: str,
        service: str,
        subscription: Subscription,
        lately: Mapping[str, int] | None,
    ) -> Depth:
        base, settings = subscription.queue, self._at_hand.settings[service]
        # Those of another number of partitions too: what lies there waits as well.
        there = {
            name: count for name in queues_behind(base, partial(_exists, seen, url)) if (count := seen.count(url, name))
        }
        if not there:
            return Depth(service, base)
        ready = sum(one.ready for one in there.values())
        held = [one.unacked for one in there.values() if one.unacked is not None]
        unacked = sum(held) if len(held) == len(there) else None
        rungs = [seen.count(url, retry_queue(base, seconds)) for seconds in settings.retry_ladder]
        parked = seen.count(url, parked_queue(base))
        oldest, at_least = self._oldest(subscription, ready + (unacked or 0))
        asked = [there[name] for name in work_queues(subscription, settings.partitions) if name in there]
        # Of two numbers at once one is only being emptied and has no consumer to miss.
        listened = there.values() if partitions_of(base, list(there)) else asked
        return Depth(
            service,
            base,
            ready=ready,
            unacked=unacked,
            retry=sum(rung.ready for rung in rungs if rung),
            parked=parked.ready if parked else 0,
            oldest_s=oldest,
            oldest_at_least=at_least,
            rate=None if lately is None else sum(n for queue, n in lately.items() if _belongs(queue, base)) / RATE_S,
            # One consumer a partition: the least of them says whether somebody is missing.
            consumers=min((one.consumers for one in listened), default=0),
        )

    def _oldest(self, subscription: Subscription, waiting: int) -> tuple[float | None, bool]:
        """A queue is first in, first out: the oldest of n events is the n-th newest that was published into it."""
        if not waiting:
            return None, False
        keys: dict[str, list[str]] = {}
        for cls, (_, key) in zip(subscription.types, subscription.bindings(), strict=True):
            if cls.confidential:
                # The outbox forgets them.
                return None, False
            keys.setdefault(cls.source, []).append(key)
        newest: list[list[datetime]] = []
        now = None
        for source, routing_keys in keys.items():
            name = source.partition(".")[0]
            if name not in self._at_hand.names:
                return None, False
            answer = self._at_hand.ask(name, partial(_newest, source=source, keys=routing_keys, number=waiting))
            if answer is None:
                return None, False
            now = answer[0]
            newest.append(answer[1])
        found = sorted((moment for one in newest for moment in one), reverse=True)[: min(waiting, DEEPEST)]
        if not found or now is None:
            return None, False
        # Fewer rows than events: the outbox has forgotten the oldest, or some came back from a rung.
        return max((now - found[-1]).total_seconds(), 0.0), waiting > len(found)


def _newest(house: House[Any], source: str, keys: Sequence[str], number: int) -> tuple[datetime, list[datetime]]:
    """Now, and when the last so many events were published."""
    query = select(outbox.c.published_at).where(
        outbox.c.published_at.is_not(None), outbox.c.source == source, outbox.c.routing_key.in_(keys)
    )
    newest = query.order_by(outbox.c.position.desc()).limit(min(number, DEEPEST))
    with house.database.read() as session:
        return house.clock.now(), list(session.scalars(newest))


def _exists(seen: BrokerCounts, url: str, queue: str) -> bool:
    return seen.count(url, queue) is not None


def _belongs(name: str, base: str) -> bool:
    return name == base or re.fullmatch(re.escape(base) + r"\.\d+", name) is not None


def _portal_depth(service: str, name: str, filed: Count | None, parked: Count | None) -> Depth:
    if filed is None:
        return Depth(service, name)
    return Depth(
        service,
        name,
        ready=filed.ready,
        unacked=filed.unacked,
        retry=0,
        parked=parked.ready if parked else 0,
        consumers=filed.consumers,
    )


def backlog(house: House[Any]) -> Backlog:
    """Look into one service's outbox."""
    counts = [func.count().filter(outbox.c.problem == problem) for problem in ("nack", "unroutable")]
    query = select(func.count(), func.min(outbox.c.time), *counts).where(outbox.c.published_at.is_(None))
    with house.database.read() as session:
        number, oldest, refused, unroutable = session.execute(query).one()
    return Backlog(house.service, number, _seconds(house, oldest) or 0.0, refused, unroutable)


def rates(house: House[Any]) -> dict[str, int]:
    """Events that each queue of a service has handled lately."""
    since = house.clock.now() - timedelta(seconds=RATE_S)
    query = select(inbox.c.queue, func.count()).where(inbox.c.received_at > since).group_by(inbox.c.queue)
    with house.database.read() as session:
        return {row[0]: row[1] for row in session.execute(query)}


def sendings(house: House[Any]) -> list[Sending]:
    """What the sender loops of a service have still to do: one line for each kind of row."""
    found = []
    with house.database.read() as session:
        for mapper in part(house.service, "models").Base.registry.mappers:
            model: Any = mapper.class_
            if issubclass(model, Sendable):
                open_, since = model.delivery.in_(("pending", "sending")), model.created_at
            elif hasattr(model, "indexed_version"):
                open_, since = model.version > model.indexed_version, model.changed_at
            else:
                continue
            if mapper.inherits is not None:
                # A part of a table that its base counts already.
                continue
            what = getattr(model, "sender", literal(""))
            query = select(what, func.count(), func.min(since)).where(open_).group_by(what)
            rows: list[Any] = list(session.execute(query).all()) or [("", 0, None)]
            found += [
                Sending(house.service, f"{model.__tablename__} {sender}".strip(), number, _seconds(house, oldest))
                for sender, number, oldest in rows
            ]
    return sorted(found, key=lambda row: row.what)


def _seconds(house: House[Any], then: datetime | None) -> float | None:
    return None if then is None else max((house.clock.now() - then).total_seconds(), 0.0)
