"""What a portal's virtual host holds: what it hands in, what of it was parked, and the answers it reads."""

from __future__ import annotations

from typing import Any

from services.chassis.errors import Mismatch, StartError
from services.chassis.portals import ANSWERS, EXCHANGE, FILED
from services.chassis.topology.making import make, there
from services.chassis.topology.plan import (
    AGAIN,
    PARKED,
    Binding,
    Exchange,
    Plan,
    Queue,
    back_exchange,
    blank_route,
    parked_arguments,
    parked_queue,
    work_arguments,
)


def planned_portal() -> Plan:
    """Everything a portal's virtual host holds."""
    back = back_exchange(FILED)
    return Plan(
        (Exchange(EXCHANGE), Exchange(back), Exchange(ANSWERS)),
        (
            Queue(FILED, work_arguments(FILED)),
            Queue(parked_queue(FILED), parked_arguments()),
            Queue(ANSWERS, parked_arguments()),
        ),
        (
            Binding(back, parked_queue(FILED), PARKED),
            Binding(back, FILED, AGAIN),
            Binding(back, FILED, blank_route(FILED, FILED)[1]),
            Binding(ANSWERS, ANSWERS, "#"),
            Binding(EXCHANGE, FILED, "#"),
        ),
    )


def answers_route() -> tuple[str, str]:
    """(exchange, routing key) that brings an answer into the queue a portal reads."""
    return ANSWERS, ANSWERS


def declare_portal(channel: Any) -> None:
    """Make what a portal's virtual host holds; who may not make anything finds it there or is told.

    Raises:
        Mismatch: something of that name exists with other arguments.
        StartError: it is missing and this user may not make it.
    """
    # On a channel of its own: the broker closes the one that asks for what it may not.
    making = channel.connection.channel()
    try:
        make(making, planned_portal())
    except Mismatch:
        raise
    except StartError:
        if not there(channel, "exchange", ANSWERS):
            raise
    else:
        making.close()
