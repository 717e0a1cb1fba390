"""`wenzheng queues`: what waits where – in the broker's queues, in the outboxes, parked."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from amqp.exceptions import NotFound
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from sqlalchemy import func, select

from services.chassis import broker, topology
from services.chassis.delivery import outbox
from services.chassis.errors import StartError, Transient
from services.chassis.house import House, open_house
from services.cli.parked import broker_url, queues
from services.cli.registry import installed, settings_of

#: Between two looks (s).
EVERY_S = 2.0


@dataclass(frozen=True)
class Depth:
    """One queue: events that wait, workers that listen, events parked; None while it was never made."""

    service: str
    queue: str
    ready: int | None
    consumers: int | None
    parked: int | None


@dataclass(frozen=True)
class Backlog:
    """One service's outbox: events not published yet, how long the oldest waits (s), how many nobody takes."""

    service: str
    unpublished: int
    oldest_s: float
    refused: int


def depths(url: str) -> list[Depth]:
    """Ask the broker for every queue of the installed services.

    Raises:
        Transient: the broker cannot be reached.
    """
    connection = broker.connect(url, "wenzheng-queues")
    try:
        found = []
        for queue, service in queues().items():
            ready, consumers = _counts(connection, queue)
            parked, _ = _counts(connection, topology.parked_queue(queue))
            found.append(Depth(service, queue, ready, consumers, parked))
        return found
    finally:
        connection.release()


def _counts(connection: Any, queue: str) -> tuple[int | None, int | None]:
    channel = connection.channel()
    try:
        answer = channel.queue_declare(queue=queue, passive=True)
    except NotFound:
        return None, None
    channel.close()
    return answer.message_count, answer.consumer_count


def backlog(house: House[Any]) -> Backlog:
    """Look into one service's outbox."""
    waiting = outbox.c.published_at.is_(None)
    refused = func.count(outbox.c.problem)
    with house.database.read() as session:
        number, oldest, problems = session.execute(
            select(func.count(), func.min(outbox.c.time), refused).where(waiting)
        ).one()
    return Backlog(house.service, number, _age(house.clock.now(), oldest), problems)


def _age(now: datetime, oldest: datetime | None) -> float:
    return max((now - oldest).total_seconds(), 0.0) if oldest else 0.0


def show(follow: bool) -> None:
    """Print the tables once, or keep them up to date until Ctrl-C.

    Raises:
        StartError: the broker cannot be reached.
    """
    houses = [open_house(name, settings_of(name)) for name in installed()]
    url = broker_url()
    console = Console() if sys.stdout.isatty() else Console(width=120)
    try:
        if not follow:
            console.print(_tables(url, houses))
            return
        with Live(_tables(url, houses), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(EVERY_S)
                live.update(_tables(url, houses), refresh=True)
    except Transient as error:
        raise StartError(f"the broker cannot be reached ({error})") from None
    except KeyboardInterrupt:
        return
    finally:
        for house in houses:
            house.database.close()


def _tables(url: str, houses: list[House[Any]]) -> Group:
    waiting = Table(title="Queues", title_justify="left", header_style="bold")
    for heading in ("service", "queue"):
        waiting.add_column(heading)
    for heading in ("ready", "consumers", "parked"):
        waiting.add_column(heading, justify="right")
    for row in depths(url):
        counts = ("-" if count is None else str(count) for count in (row.ready, row.consumers, row.parked))
        # Red: events are parked, or nobody listens.
        waiting.add_row(row.service, row.queue, *counts, style="red" if row.parked or row.consumers == 0 else "")
    out = Table(title="Outboxes", title_justify="left", header_style="bold")
    out.add_column("service")
    for heading in ("unpublished", "oldest", "refused"):
        out.add_column(heading, justify="right")
    for one in (backlog(house) for house in houses):
        cells = (str(one.unpublished), f"{one.oldest_s:.1f} s", str(one.refused))
        out.add_row(one.service, *cells, style="red" if one.refused else "")
    return Group(waiting, out)
