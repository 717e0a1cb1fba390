"""The first clocks of a case: until when it is sent on, accepted and answered, by law and local promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.contracts.shared import Kind


@dataclass(frozen=True)
class Promises:
    """Limits in calendar days. The defaults are the law's; a jurisdiction may promise less, never more."""

    #: The petition office sends a petition on (信访工作条例 Art. 22).
    dispatch: int = 15
    #: The unit that got it tells whether it accepts (Art. 23 ¶3).
    accept: int = 15
    #: The unit answers, from acceptance (Art. 34).
    reply: int = 60
    #: Inquiries 咨询 are answered sooner, by local promise; the law names no figure.
    inquiry: int = 15
    #: Suggestions 建议 are studied and answered (Art. 29); the figure is a local promise.
    suggestion: int = 30


#: The law's own figures, above which no promise may go.
LAW = Promises()


def end_of_day(trigger: datetime, days: int, zone: str) -> datetime:
    """The end of the last day of a limit, in the jurisdiction's zone.

    Days are calendar days 日 and count from the day after the trigger.

    Args:
        trigger: the moment that starts the clock, timezone-aware.
        days: length of the limit.
        zone: IANA name of the jurisdiction's zone.

    Returns:
        The last second of that day, in UTC.
    """
    where = ZoneInfo(zone)
    last = trigger.astimezone(where).date() + timedelta(days=days)
    return datetime.combine(last, time(23, 59, 59), where).astimezone(UTC)


def reply_days(kind: Kind, promises: Promises) -> int:
    """How many days the unit has for the reply."""
    if kind == "inquiry":
        return promises.inquiry
    if kind == "suggestion":
        return promises.suggestion
    return promises.reply


def dispatch_due(submitted_at: datetime, promises: Promises, zone: str) -> datetime:
    """Until when the petition office sends it to a unit."""
    return end_of_day(submitted_at, promises.dispatch, zone)


def accept_due(dispatched_at: datetime, promises: Promises, zone: str) -> datetime:
    """Until when the unit accepts it or hands it back."""
    return end_of_day(dispatched_at, promises.accept, zone)


def reply_due(kind: Kind, started_at: datetime, promises: Promises, zone: str) -> datetime:
    """Until when the reply is due.

    Args:
        kind: the petitioner's kind.
        started_at: acceptance; before it the first dispatch, as if it had been accepted at once, so that
            going from unit to unit never gives more time.
        promises: the jurisdiction's limits.
        zone: its IANA zone.
    """
    return end_of_day(started_at, reply_days(kind, promises), zone)
