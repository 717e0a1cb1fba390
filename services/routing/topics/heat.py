"""Heat of a topic: how many people, how much support, how lately, and how much more than usual.

For a group of petitions, seen at the end of a period::

    heat = (people + support / 2) x burst

    people   sum over the petitioners of the recency of their latest petition: a person counts once
    support  sum over the petitions of recency x ln(1 + likes - dislikes), never below 0
    recency  2 ^ (-age / half-life); the half-life is a quarter of the period, between 7 and 90 days
    burst    1 + log2((busiest + 1) / (usual + 1)) / 2, between 1 and 3
    busiest  people of the busiest 14 days
    usual    people in 14 days otherwise: those outside of the busiest ones, spread over the rest of the period

So one person who files thirty times stays at one; two thousand likes weigh less than eight people; and a matter that
comes all at once is hotter than the same number spread over a year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, log2
from typing import Final

#: Days in which a burst is looked for.
BURST_DAYS: Final = 14
#: Bounds of the half-life in days.
HALF_LIFE: Final = (7.0, 90.0)
#: A burst raises heat by no more than this.
MOST_BURST: Final = 3.0
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Voice:
    """One petition as heat sees it."""

    at: datetime
    #: Key of the petitioner; None: nobody knows, it counts as a person of its own.
    petitioner: str | None = None
    likes: int = 0
    dislikes: int = 0


@dataclass(frozen=True, slots=True)
class Heat:
    """The heat with what it is made of."""

    heat: float
    people: float
    support: float
    burst: float
    #: People of the busiest fourteen days, when these begin, and what would be usual.
    busiest: int
    busiest_from: datetime
    usual: float
    half_life_days: float


def heat_of(voices: Sequence[Voice], start: datetime, end: datetime) -> Heat:
    """The heat of a group at the end of a period; the formula stands at the head of this module.

    Args:
        voices: its petitions, at least one, all within the period.
        start: where the period begins.
        end: where it ends.
    """
    days = max((end - start).total_seconds() / _DAY, 1.0)
    half_life = min(max(days / 4.0, HALF_LIFE[0]), HALF_LIFE[1])

    def recency(at: datetime) -> float:
        return float(2.0 ** (-max((end - at).total_seconds(), 0.0) / _DAY / half_life))

    latest: dict[object, float] = {}
    for number, voice in enumerate(voices):
        who: object = voice.petitioner if voice.petitioner is not None else number
        latest[who] = max(latest.get(who, 0.0), recency(voice.at))
    people = sum(latest.values())
    support = sum(recency(one.at) * log(1.0 + max(one.likes - one.dislikes, 0)) for one in voices)
    busiest, since, outside = _busiest(voices)
    usual = outside * BURST_DAYS / max(days - BURST_DAYS, BURST_DAYS)
    burst = min(max(1.0 + log2((busiest + 1.0) / (usual + 1.0)) / 2.0, 1.0), MOST_BURST)
    return Heat((people + support / 2.0) * burst, people, support, burst, busiest, since, usual, half_life)


def _busiest(voices: Sequence[Voice]) -> tuple[int, datetime, int]:
    """People of the busiest fourteen days (the latest of equals), when these begin, and the people outside of them."""
    ordered = sorted(enumerate(voices), key=lambda pair: (pair[1].at, pair[0]))
    who = [one.petitioner if one.petitioner is not None else number for number, one in ordered]
    times = [one.at for _, one in ordered]
    best, first, last = 0, 0, 0
    inside: dict[object, int] = {}
    left = 0
    for right, at in enumerate(times):
        inside[who[right]] = inside.get(who[right], 0) + 1
        while at - times[left] >= timedelta(days=BURST_DAYS):
            inside[who[left]] -= 1
            if not inside[who[left]]:
                del inside[who[left]]
            left += 1
        if len(inside) >= best:
            best, first, last = len(inside), left, right
    return best, times[first], len({*who[:first], *who[last + 1 :]})
