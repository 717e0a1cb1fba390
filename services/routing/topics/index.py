"""Past petitions ready to be asked for look-alikes: found by their rarest words, never by going through all of them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.routing.domain.sameness import Commonness, Profile, Sameness, sameness

#: So many of a petition's heaviest words lead to it.
LEADS: Final = 32
#: So many of the asking petition's words are looked up.
ASKED: Final = 48
#: The newest of a word's petitions that are looked at; what stands in more tells little.
NEWEST: Final = 256
#: Petitions touched for one question, whatever the words.
TOUCHED: Final = 6_000
#: How many are weighed in full.
WEIGHED: Final = 40
#: The newest of the same petitioner that are weighed beside.
OWN: Final = 10
#: Places of the table of leads; a power of two.
_PLACES: Final = 1 << 20


class Index:
    """Petitions that were added, found again by words they share with another one.

    A petition takes about a kilobyte: its words and their weights lie in flat arrays, 12,000,000 fit where a row of
    objects would hold one.

    Args:
        common: how common words are; the weights of what is added are of that moment.
    """

    def __init__(self, common: Commonness) -> None:
        self.common = common
        self._leads: dict[int, array[int]] = {}
        self._ids: list[str] = []
        self._at: list[datetime | None] = []
        self._petitioners: list[str | None] = []
        self._by_petitioner: dict[str, array[int]] = {}
        self._keys, self._weights, self._ends = array("I"), array("f"), array("Q", [0])
        self._head_troubles, self._troubles = array("Q"), array("Q")
        self._head_keys, self._head_shares, self._head_ends = array("I"), array("f"), array("Q", [0])

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, one: Profile) -> int:
        """Keep a petition; returns the number it has here. The newest is added last."""
        number = len(self._ids)
        self._ids.append(one.id)
        self._at.append(one.at)
        self._petitioners.append(one.petitioner)
        self._keys.extend(one.weights)
        self._weights.extend(one.weights.values())
        self._ends.append(len(self._keys))
        self._head_keys.extend(one.heads)
        self._head_shares.extend(one.heads.values())
        self._head_ends.append(len(self._head_keys))
        self._head_troubles.append(one.head_troubles)
        self._troubles.append(one.troubles)
        for place, key in enumerate(one.weights):
            if place == LEADS:
                break
            _keep(self._leads, key & _PLACES - 1, number, NEWEST)
        if one.petitioner is not None:
            _keep(self._by_petitioner, one.petitioner, number, OWN)
        return number

    def profile(self, number: int) -> Profile:
        """A petition as it was added."""
        start, end = self._ends[number], self._ends[number + 1]
        head, last = self._head_ends[number], self._head_ends[number + 1]
        return Profile(
            self._ids[number],
            dict(zip(self._keys[start:end], self._weights[start:end], strict=True)),
            dict(zip(self._head_keys[head:last], self._head_shares[head:last], strict=True)),
            self._head_troubles[number],
            self._troubles[number],
            self._at[number],
            self._petitioners[number],
        )

    def candidates(self, one: Profile, most: int = WEIGHED) -> list[int]:
        """Numbers of those worth weighing: they share the rarest words, or the petitioner; the likeliest first."""
        found: dict[int, float] = {}
        looked_up = []
        for place, (key, weight) in enumerate(one.weights.items()):
            if place == ASKED:
                break
            numbers = self._leads.get(key & _PLACES - 1)
            if numbers is not None:
                looked_up.append((len(numbers), -weight, key, numbers))
        looked_up.sort(key=lambda lead: lead[:3])
        touched = 0
        for _, weight, _, numbers in looked_up:
            gain = weight * weight
            for number in numbers[-NEWEST:]:
                found[number] = found.get(number, 0.0) + gain
            touched += len(numbers)
            if touched > TOUCHED:
                break
        best = sorted(found, key=lambda number: (-found[number], -number))[:most]
        own = self._by_petitioner.get(one.petitioner) if one.petitioner is not None else None
        return list(dict.fromkeys([*best, *(reversed(own[-OWN:]) if own is not None else ())]))

    def nearest(self, one: Profile, most: int) -> list[tuple[int, Sameness]]:
        """The most alike with what it rests on, the most alike first; never the petition itself."""
        weighed = [
            (number, sameness(one, self.profile(number)))
            for number in self.candidates(one)
            if self._ids[number] != one.id
        ]
        weighed.sort(key=lambda pair: (-pair[1].score, self._ids[pair[0]]))
        return weighed[:most]


def _keep(table: dict[Any, array[int]], key: int | str, number: int, newest: int) -> None:
    numbers = table.get(key)
    if numbers is None:
        table[key] = array("I", [number])
        return
    numbers.append(number)
    if len(numbers) >= 2 * newest:
        del numbers[:-newest]


def ranked(pairs: Sequence[tuple[str, str, Sameness]]) -> list[tuple[str, str, Sameness]]:
    """Pairs by how alike they are, then by their ids: the same order on every machine."""
    return sorted(pairs, key=lambda pair: (-pair[2].score, pair[0], pair[1]))
