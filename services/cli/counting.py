"""The figures of `wenzheng queues`: from the broker by AMQP and its management side, from the databases the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from amqp.exceptions import NotFound
from sqlalchemy import func, literal, select

from services.chassis.broker import AWAY, connect
from services.chassis.delivery import inbox, outbox
from services.chassis.errors import StartError, Transient
from services.chassis.house import House
from services.chassis.management import Manager
from services.chassis.portals import FILED, vhost_url
from services.chassis.sender_rows import Sendable
from services.chassis.topology import Subscription, parked_queue, retry_queue, work_queues
from services.cli.registry import part
from services.cli.topology import account, broker_url, listens_to_portals, manager, portals_of, subscriptions_of

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


@dataclass(frozen=True)
class _Count:
    ready: int
    unacked: int | None
    consumers: int


class Counter:
    """Counts again and again.

    Args:
        houses: the installed services with their databases.
    """

    def __init__(self, houses: Mapping[str, House[Any]]) -> None:
        self._houses = houses
        self._manager: Manager | None = manager()
        #: Why some figures are missing.
        self.hints: list[str] = []

    def depths(self) -> list[Depth]:
        """Every queue of the installed services.

        Raises:
            Transient: the broker cannot be reached.
            StartError: no broker runs.
        """
        self.hints = []
        seen = _Broker(self._manager, self.hints)
        found = []
        for service, house in self._houses.items():
            url = broker_url(service)
            lately = rates(house)
            for subscription in subscriptions_of(service):
                found.append(self._depth(seen, url, house, subscription, lately))
            for portal in portals_of(service).values() if listens_to_portals(service) else ():
                counts = seen.counts(vhost_url(url, portal.vhost or ""), [FILED, parked_queue(FILED)])
                found.append(_portal_depth(service, f"{FILED}@{portal.id}", counts))
        if any(row.oldest_s is None and (row.ready or row.unacked) for row in found):
            self.hints.append("oldest: the publisher's outbox is not at hand here, or it forgets what it published")
        return found

    def _depth(
        self, seen: _Broker, url: str, house: House[Any], subscription: Subscription, lately: Mapping[str, int]
    ) -> Depth:
        base, settings = subscription.queue, house.settings
        work = work_queues(subscription, settings.partitions)
        rungs = [retry_queue(base, seconds) for seconds in settings.retry_ladder]
        counts = seen.counts(url, [*work, *rungs, parked_queue(base)])
        there = [counts[name] for name in work if name in counts]
        if not there:
            return Depth(house.service, base)
        unacked = None if any(one.unacked is None for one in there) else sum(one.unacked or 0 for one in there)
        ready = sum(one.ready for one in there)
        oldest, at_least = self._oldest(subscription, ready + (unacked or 0))
        return Depth(
            house.service,
            base,
            ready=ready,
            unacked=unacked,
            retry=sum(counts[name].ready for name in rungs if name in counts),
            parked=counts[parked_queue(base)].ready if parked_queue(base) in counts else 0,
            oldest_s=oldest,
            oldest_at_least=at_least,
            rate=sum(number for queue, number in lately.items() if _belongs(queue, base)) / RATE_S,
            # One consumer a partition: the least of them says whether somebody is missing.
            consumers=min(one.consumers for one in there),
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
            publisher = self._houses.get(source.partition(".")[0])
            if publisher is None:
                return None, False
            now = publisher.clock.now()
            newest.append(_newest(publisher, source, routing_keys, min(waiting, DEEPEST)))
        found = sorted((moment for one in newest for moment in one), reverse=True)[: min(waiting, DEEPEST)]
        if not found or now is None:
            return None, False
        # Fewer rows than events: the outbox has forgotten the oldest, or some came back from a rung.
        return max((now - found[-1]).total_seconds(), 0.0), waiting > len(found)


def _newest(house: House[Any], source: str, keys: Sequence[str], number: int) -> list[datetime]:
    query = select(outbox.c.published_at).where(
        outbox.c.published_at.is_not(None), outbox.c.source == source, outbox.c.routing_key.in_(keys)
    )
    with house.database.read() as session:
        return list(session.scalars(query.order_by(outbox.c.position.desc()).limit(number)))


def _belongs(name: str, base: str) -> bool:
    return name == base or re.fullmatch(re.escape(base) + r"\.\d+", name) is not None


def _portal_depth(service: str, name: str, counts: Mapping[str, _Count]) -> Depth:
    filed, parked = counts.get(FILED), counts.get(parked_queue(FILED))
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


class _Broker:
    """One look at the broker: a virtual host is asked once."""

    def __init__(self, asked: Manager | None, hints: list[str]) -> None:
        self._asked, self._hints = asked, hints
        self._known: dict[str, dict[str, _Count]] = {}
        if asked is None:
            hints.append("unacked: set WENZHENG_BROKER_MANAGEMENT_URL; AMQP does not tell")

    def counts(self, url: str, names: Sequence[str]) -> dict[str, _Count]:
        """The counts of those queues that are there."""
        if self._asked is None:
            return self._by_amqp(url, names)
        vhost = account(url).vhost
        if vhost not in self._known:
            try:
                rows = self._asked.queues(vhost)
            except (Transient, StartError) as error:
                self._hints.append(f"unacked: {error}")
                self._asked = None
                return self._by_amqp(url, names)
            self._known[vhost] = {row["name"]: _count(row) for row in rows}
        return {name: self._known[vhost][name] for name in names if name in self._known[vhost]}

    def _by_amqp(self, url: str, names: Sequence[str]) -> dict[str, _Count]:
        connection = connect(url, "wenzheng-queues")
        found = {}
        try:
            for name in names:
                channel = connection.channel()
                try:
                    answer = channel.queue_declare(queue=name, passive=True)
                except NotFound:
                    # Never made; the broker closed the channel for asking.
                    continue
                channel.close()
                found[name] = _Count(answer.message_count, None, answer.consumer_count)
            return found
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        finally:
            connection.release()


def _count(row: Mapping[str, Any]) -> _Count:
    # A queue that has just been made, or whose node is down, has no figures yet.
    unacked = row.get("messages_unacknowledged")
    return _Count(row.get("messages_ready") or 0, unacked, row.get("consumers") or 0)


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
