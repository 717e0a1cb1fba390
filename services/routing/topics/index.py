"""Past petitions ready to be asked for look-alikes: found by their rarest words, never by going through all of them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from heapq import nlargest
from itertools import islice
from typing import Any, Final

from services.routing.domain.sameness import TEXT, Commonness, Profile, Sameness, sameness

#: So many of a petition's heaviest words lead to it, and so many of its title's.
LEADS: Final = (96, 32)
#: So many of the asking petition's words are looked up, and so many of its title's.
ASKED: Final = (128, 32)
#: The newest of a word's petitions that are looked at; what stands in more tells little.
NEWEST: Final = 256
#: Petitions touched for one question, whatever the words.
TOUCHED: Final = 6_000
#: How many are weighed in full.
WEIGHED: Final = 60
#: The newest of the same petitioner that are weighed beside.
OWN: Final = 10
#: Places of the table of leads; a power of two.
_PLACES: Final = 1 << 20


class Index:
    """Petitions that were added, found again by words they share with another one.

    A petition takes about two kilobytes: its words and their weights lie in flat arrays.

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
        self._places, self._place_ends = array("I"), array("Q", [0])
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
        self._places.extend(sorted(one.head_places))
        self._place_ends.append(len(self._places))
        for key in _leads(one, *LEADS):
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
            frozenset(self._places[self._place_ends[number] : self._place_ends[number + 1]]),
            self._at[number],
            self._petitioners[number],
        )

    def candidates(self, one: Profile, most: int = WEIGHED) -> list[int]:
        """Numbers of those worth weighing: they share the rarest words, or the petitioner; the likeliest first."""
        found: dict[int, float] = {}
        looked_up = []
        for key, gain in _leads(one, *ASKED).items():
            numbers = self._leads.get(key & _PLACES - 1)
            if numbers is not None:
                looked_up.append((len(numbers), -gain, key, numbers))
        looked_up.sort(key=lambda lead: lead[:3])
        touched, get = 0, found.get
        for _, less, _, numbers in looked_up:
            newest = numbers[-NEWEST:]
            for number in newest:
                found[number] = get(number, 0.0) - less
            touched += len(newest)
            if touched > TOUCHED:
                break
        best = [number for _, number in nlargest(most, zip(found.values(), found.keys(), strict=True))]
        own = self._by_petitioner.get(one.petitioner) if one.petitioner is not None else None
        return list(dict.fromkeys([*best, *(reversed(own[-OWN:]) if own is not None else ())]))

    def nearest(self, one: Profile, most: int, known: Sequence[Profile] | None = None) -> list[tuple[int, Sameness]]:
        """The most alike with what it rests on, the most alike first; never the petition itself.

        Args:
            one: whose look-alikes are asked for.
            most: how many are told.
            known: the profiles of all that was added, where they are at hand; spares making them anew.
        """
        weighed = [
            (number, sameness(one, known[number] if known is not None else self.profile(number)))
            for number in self.candidates(one)
            if self._ids[number] != one.id
        ]
        weighed.sort(key=lambda pair: (-pair[1].score, self._ids[pair[0]]))
        return weighed[:most]


def _leads(one: Profile, heavy: int, heads: int) -> dict[int, float]:
    """The words by which a petition is found, with what each adds to the likeness of whoever shares it."""
    leads = {key: TEXT * weight * weight for key, weight in islice(one.weights.items(), heavy)}
    for key, share in sorted(one.heads.items(), key=lambda pair: (-pair[1], pair[0]))[:heads]:
        leads[key] = leads.get(key, 0.0) + (1.0 - TEXT) * share
    return leads


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
