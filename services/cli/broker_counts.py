"""What lies in the broker's queues, by its management side where there is one, else by AMQP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import NotFound

from services.chassis.broker import AWAY, connect, release
from services.chassis.errors import StartError, Transient
from services.chassis.management import Manager
from services.cli.topology import account


@dataclass(frozen=True)
class Count:
    """One queue; unacked is None where only AMQP was asked."""

    ready: int
    unacked: int | None
    consumers: int


class BrokerCounts:
    """One look at the broker: every queue is asked about once. To be closed.

    Args:
        asked: the management side; None: AMQP alone.
        hints: gets why figures are missing.
    """

    def __init__(self, asked: Manager | None, hints: list[str]) -> None:
        self._asked, self._hints = asked, hints
        self._told: dict[str, dict[str, Count]] = {}
        self._links: dict[str, _Link] = {}
        if asked is None:
            hints.append("unacked: set WENZHENG_BROKER_MANAGEMENT_URL; AMQP does not tell")

    def count(self, url: str, queue: str) -> Count | None:
        """What lies in a queue; None when it was never made.

        Raises:
            Transient: the broker cannot be reached.
            StartError: it refuses this user or virtual host.
        """
        told = self._by_management(account(url).vhost)
        if told is not None:
            return told.get(queue)
        if url not in self._links:
            self._links[url] = _Link(url)
        return self._links[url].count(queue)

    def close(self) -> None:
        """Give the connections back."""
        for link in self._links.values():
            link.close()

    def _by_management(self, vhost: str) -> Mapping[str, Count] | None:
        if self._asked is None:
            return None
        if vhost not in self._told:
            try:
                self._told[vhost] = {row["name"]: _count(row) for row in self._asked.queues(vhost)}
            except (Transient, StartError) as error:
                self._hints.append(f"unacked: {error}")
                self._asked = None
                return None
        return self._told[vhost]


class _Link:
    """A connection, and the one channel that is asked on as long as the broker leaves it open."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url, "wenzheng-queues")
        self._channel: Any = None
        self._known: dict[str, Count | None] = {}

    def count(self, queue: str) -> Count | None:
        if queue not in self._known:
            self._known[queue] = self._ask(queue)
        return self._known[queue]

    def _ask(self, queue: str) -> Count | None:
        try:
            if self._channel is None:
                self._channel = self._connection.channel()
            answer = self._channel.queue_declare(queue=queue, passive=True)
        except NotFound:
            # Never made; the broker closed the channel for asking.
            self._channel = None
            return None
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        return Count(answer.message_count, None, answer.consumer_count)

    def close(self) -> None:
        release(self._connection)


def _count(row: Mapping[str, Any]) -> Count:
    # A queue that has just been made, or whose node is down, has no figures yet.
    unacked = row.get("messages_unacknowledged")
    return Count(row.get("messages_ready") or 0, unacked, row.get("consumers") or 0)
