"""What a sender loop tells of its rows: metrics, log lines and spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis.channel import Channel
from services.chassis.house import House
from services.chassis.sender_rows import Failed
from services.chassis.telemetry import log, trace_of


@dataclass(frozen=True)
class Told:
    """What became of one row.

    Args:
        id: the row's.
        state: ``sent``, ``pending`` (tried again later), ``failed`` or ``ambiguous``.
        code: of its failure.
        ids: what else names it.
    """

    id: str
    state: str
    code: str
    ids: Mapping[str, str]


class Report:
    """Tells of the rows of one loop.

    Args:
        house: the service's house.
        channel: the way out.
    """

    def __init__(self, house: House[Any], channel: Channel[Any]) -> None:
        self._house, self._channel = house, channel
        self._log = log(house.service)

    def handed_over(self, rows: Sequence[Any], seconds: float, outcomes: Mapping[str, Failed | None]) -> None:
        """Rows went out together, or did not.

        Args:
            rows: the rows.
            seconds: how long it took.
            outcomes: None by id for what went out.
        """
        self._house.metrics.observe("send_seconds", seconds, sender=self._channel.name)
        if self._house.tracer is None:
            return
        for row in rows:
            failure = outcomes[row.id]
            ids = {"row": row.id, **self._channel.ids_of(row)}
            code = failure.code if failure is not None else ""
            self._house.tracer.handed_over(self._channel.name, _traceparent(row), seconds, ids, code)

    def told(self, row: Any, failure: Failed | None) -> Told:
        """What became of a row, as it stands now; to be told once that is committed."""
        ids = {**self._channel.ids_of(row), **trace_of(_traceparent(row))}
        return Told(row.id, row.delivery, failure.code if failure else "", ids)

    def settled(self, told: Sequence[Told]) -> None:
        """Count and log what became of rows."""
        metrics, name = self._house.metrics, self._channel.name
        metrics.count("sends_done", sum(one.state == "sent" for one in told), sender=name)
        for one in told:
            if one.state == "pending":
                metrics.count("sends_retried", sender=name, code=one.code)
            elif one.state == "ambiguous":
                metrics.count("sends_ambiguous", sender=name)
            elif one.state == "failed":
                metrics.count("sends_failed", sender=name, code=one.code)
            if one.state in ("ambiguous", "failed"):
                line = {"sender": name, "row": one.id, "code": one.code, "state": one.state, **one.ids}
                self._log.warning("message not delivered", **line)


def tell_waiting(house: House[Any], sender: str, number: int, oldest: datetime | None) -> None:
    """Set the gauges of what a loop has not sent yet."""
    age = (house.clock.now() - oldest).total_seconds() if oldest else 0.0
    house.metrics.gauge("sender_size", number, sender=sender)
    house.metrics.gauge("sender_age_seconds", max(age, 0.0), sender=sender)


def _traceparent(row: Any) -> str | None:
    """Of the event that made the row, where its table keeps it."""
    found: str | None = getattr(row, "traceparent", None)
    return found
