"""How many database connections a process holds at most: what it can use at once. docs/limits.md shows the figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from services.chassis.consume import Listener
from services.chassis.portal_link import PortalListener
from services.chassis.portals import load_portals
from services.chassis.sender import Sender
from services.chassis.settings import ServiceSettings

#: Beside the loops: a NOTIFY on its way, a probe's ping, what is measured, the reading of the clock.
SPARE: Final = 4


class Bound(NamedTuple):
    """Connections of one service in one process."""

    #: Through ``database_url``, which may be a pooler's.
    pool: int
    #: Past it: LISTEN and advisory locks.
    direct: int


def of_worker(service_class: type, settings: ServiceSettings) -> Bound:
    """What a worker needs when it is alone and has every partition.

    Each loop has one transaction open at most: one a partition of each queue, one a portal's queue, one a sender, one
    a timer, and the relay. The relay holds its lock and listens, each sender listens, and where there are partitions
    each queue's locks have a session of their own.

    Args:
        service_class: the nameko class.
        settings: of the service.
    """
    found = [e for attribute in vars(service_class).values() for e in getattr(attribute, "nameko_entrypoints", ())]
    queues = _number(found, lambda e: isinstance(e, Listener))
    senders = _number(found, lambda e: isinstance(e, Sender))
    timers = _number(found, lambda e: not isinstance(e, (Listener, PortalListener, Sender)))
    portals = 0
    if any(isinstance(e, PortalListener) for e in found):
        portals = sum(
            portal.vhost is not None for portal in load_portals(getattr(settings, "portals_file", "")).values()
        )
    pool = queues * settings.partitions + portals + senders + timers + 1 + SPARE
    direct = 2 + senders + (queues if settings.partitions > 1 else 0)
    return Bound(settings.database_pool or pool, direct)


def _number(found: list[Any], is_one: Callable[[Any], bool]) -> int:
    return sum(map(is_one, found))
