"""Puts petitions together that are about one matter at one place: closest pairs first, groups only where all agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from services.routing.domain.sameness import Profile, sameness
from services.routing.topics.index import Index

#: Pairs below this join nothing.
JOINED: Final = 0.25
#: Two groups become one when their members are so alike on average: one go-between does not bind two matters.
AVERAGE: Final = 0.2
#: Neighbours looked at of each petition.
NEIGHBOURS: Final = 24
#: Of a large group so many members speak for it, those with the most neighbours first.
SPEAKERS: Final = 10


def grouped(profiles: Sequence[Profile], index: Index) -> list[list[int]]:
    """The groups of two and more, each and all in the order of the petitions; every petition is in one at most.

    Args:
        profiles: the petitions, in the order in which they were added to the index.
        index: where their neighbours are looked up.
    """
    pairs: dict[tuple[int, int], float] = {}
    for number, asking in enumerate(profiles):
        for other, how in index.nearest(asking, NEIGHBOURS):
            if how.score >= JOINED and other != number:
                pairs[min(number, other), max(number, other)] = how.score
    neighbours: dict[int, int] = defaultdict(int)
    for pair in pairs:
        for number in pair:
            neighbours[number] += 1
    group_of = list(range(len(profiles)))
    members = {number: [number] for number in neighbours}

    def likeness(one: int, other: int) -> float:
        pair = (min(one, other), max(one, other))
        if pair not in pairs:
            pairs[pair] = sameness(profiles[one], profiles[other]).score
        return pairs[pair]

    for one, other in sorted(pairs, key=lambda pair: (-pairs[pair], pair)):
        here, there = group_of[one], group_of[other]
        if here == there:
            continue
        ours, theirs = members[here][:SPEAKERS], members[there][:SPEAKERS]
        if sum(likeness(a, b) for a in ours for b in theirs) < AVERAGE * len(ours) * len(theirs):
            continue
        here, there = min(here, there), max(here, there)
        for number in members[there]:
            group_of[number] = here
        members[here] = sorted(members[here] + members.pop(there), key=lambda number: (-neighbours[number], number))
    return sorted(sorted(group) for group in members.values() if len(group) > 1)
