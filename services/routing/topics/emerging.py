"""Emerging topics: groups that more people speak of in these days than their usual would bring by chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from typing import Final

from services.routing.topics.heat import Voice

#: Days that are looked at.
WINDOW_DAYS: Final = 7
#: Fewer people than this are no topic, however unusual.
LEAST_PEOPLE: Final = 3
#: People in the window that a topic nobody has spoken of before is allowed: half a person.
UNKNOWN_USUAL: Final = 0.5
#: How likely chance may be, over all the groups together.
CHANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Group:
    """A topic: its stable id and its petitions."""

    id: str
    voices: Sequence[Voice]


@dataclass(frozen=True, slots=True)
class Emerging:
    """A topic that comes up, with what it rests on."""

    id: str
    #: People in the window, and how many would be usual.
    people: int
    usual: float
    #: How likely so many are by chance, when the usual holds.
    chance: float
    #: The first petition of the window.
    since: datetime


def emerging(groups: Iterable[Group], usual: Mapping[str, float], now: datetime) -> list[Emerging]:
    """The groups that come up, the least likely by chance first.

    People are counted, not petitions: one person who files ten times raises nothing. Arrivals of a topic in its usual
    state are taken as Poisson's; the level is divided by the number of groups, so that watching more of them does not
    bring more false alarms.

    Args:
        groups: the topics with their petitions; what is later than ``now`` is not looked at.
        usual: people a day by topic id, from before the window; see ``usual_of``.
        now: the end of the window.
    """
    since = now - timedelta(days=WINDOW_DAYS)
    every = list(groups)
    level = CHANCE / max(len(every), 1)
    found = []
    for group in every:
        recent = [one for one in group.voices if since < one.at <= now]
        people = _people(recent)
        if people < LEAST_PEOPLE:
            continue
        expected = max(usual.get(group.id, 0.0) * WINDOW_DAYS, UNKNOWN_USUAL)
        chance = at_least(people, expected)
        if chance <= level:
            found.append(Emerging(group.id, people, expected, chance, min(one.at for one in recent)))
    return sorted(found, key=lambda one: (one.chance, -one.people, one.id))


def usual_of(groups: Iterable[Group], start: datetime, now: datetime) -> dict[str, float]:
    """People a day by topic before the window; a person counts once in each window's length.

    Args:
        groups: the topics with their petitions.
        start: since when petitions are known.
        now: the end of the window that ``emerging`` will look at.
    """
    end = now - timedelta(days=WINDOW_DAYS)
    days = max((end - start).total_seconds() / 86_400, float(WINDOW_DAYS))
    rates = {}
    for group in groups:
        before = [one for one in group.voices if start <= one.at <= end]
        spans = {(_who(n, one), (end - one.at).days // WINDOW_DAYS) for n, one in enumerate(before)}
        rates[group.id] = len(spans) / days
    return rates


def at_least(people: int, expected: float) -> float:
    """How likely Poisson's distribution brings so many or more."""
    if people <= 0:
        return 1.0
    # Summed from the tail's own end: one minus the rest would lose what is small.
    term = exp(-expected + people * log(expected) - sum(log(n) for n in range(2, people + 1)))
    total, number = 0.0, people
    while term > total * 1e-12 or number <= expected:
        total += term
        number += 1
        term *= expected / number
    return min(total, 1.0)


def _people(voices: Sequence[Voice]) -> int:
    return len({_who(number, one) for number, one in enumerate(voices)})


def _who(number: int, voice: Voice) -> object:
    return voice.petitioner if voice.petitioner is not None else number
