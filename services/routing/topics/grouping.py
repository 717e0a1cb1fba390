"""Puts petitions together that are about one matter at one place: closest pairs first, groups only where all agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import sqrt
from typing import Final

from services.routing.domain.sameness import KEPT, Profile, sameness
from services.routing.topics.index import Index

#: Pairs below this join nothing, nor do pairs whose troubles or places differ.
JOINED: Final = 0.23
#: Two groups become one when their members are so alike on average: one go-between does not bind two matters.
AVERAGE: Final = 0.2
#: A petition is taken into a group of three and more when it is so alike to what these say together.
GATHERED: Final = 0.32
#: Petitions looked at for each group.
AROUND: Final = 200
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
        for other, how in index.nearest(asking, NEIGHBOURS, profiles):
            if how.score >= JOINED and not how.apart and other != number:
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
    _gather(members, group_of, profiles, index)
    return sorted(sorted(group) for group in members.values() if len(group) > 1)


def _gather(members: dict[int, list[int]], group_of: list[int], profiles: Sequence[Profile], index: Index) -> None:
    """Take in petitions that stand alone and say what a group says together, each into the group it is most alike to.

    One person's words may be few and meet no single other petition's, yet be among the words of all.
    """
    alone = {number for number, group in enumerate(group_of) if len(members.get(group, (number,))) == 1}
    best: dict[int, tuple[float, int]] = {}
    for group in sorted(members):
        if len(members[group]) < 3:
            continue
        together = summed([profiles[number] for number in sorted(members[group])])
        for number in index.candidates(together, AROUND):
            if number in alone:
                found = sameness(profiles[number], together)
                if found.score >= GATHERED and not found.apart and found.score > best.get(number, (0.0, 0))[0]:
                    best[number] = (found.score, group)
    for number in sorted(best):
        group = best[number][1]
        members.pop(number, None)
        members[group].append(number)
        group_of[number] = group


def summed(profiles: Sequence[Profile]) -> Profile:
    """What petitions say together: the words of all, and of troubles and places those that half of the titles name."""
    weights: dict[int, float] = defaultdict(float)
    heads: dict[int, float] = defaultdict(float)
    for one in profiles:
        for number, weight in one.weights.items():
            weights[number] += weight
        for number, share in one.heads.items():
            heads[number] += share / len(profiles)
    kept = dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:KEPT])
    length = sqrt(sum(weight * weight for weight in kept.values())) or 1.0
    half = len(profiles) / 2.0
    places = Counter(name for one in profiles for name in one.head_places)
    return Profile(
        profiles[0].id,
        {number: weight / length for number, weight in kept.items()},
        dict(heads),
        sum(1 << bit for bit in range(64) if sum(one.head_troubles >> bit & 1 for one in profiles) >= half),
        sum(1 << bit for bit in range(64) if sum(one.troubles >> bit & 1 for one in profiles) >= half / 2.0),
        frozenset(name for name, count in places.items() if count >= half),
    )
