"""What a text must hold before a pattern can match it: most patterns need not be tried on most texts.

A search of the dangers' six hundred alternatives, one after the other at each character, took 4 ms a petition; asked
first which of them can match at all, it takes 1 ms and finds the same.
"""

from __future__ import annotations

import re
import re._constants as signs  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]  # no public name since sre_parse is deprecated
from collections.abc import Iterator, Sequence, Set
from functools import reduce
from typing import Any, Final

#: Of a set of signs that a place may hold, so many at most are worth asking for.
_MOST: Final = 200
#: A single character stands in a text more often than a pair of them: so much more.
_SINGLE: Final = 6
#: Sets asked for, of one pattern.
_SETS: Final = 3

_FLAGS: Final = re.compile(r"\(\?[a-zA-Z-]+[:)]")

#: Runs of one or two characters of which one must stand in the text.
Needles = frozenset[str]


def runs_of(text: str) -> set[str]:
    """The characters of a text and its pairs of neighbours."""
    return {*text, *map(str.__add__, text, text[1:])}


def needles(pattern: str) -> tuple[Needles, ...]:
    """Sets of runs: a text that holds none of one of them does not match; none when nothing is known.

    Args:
        pattern: a regular expression without flags.
    """
    found = sorted(_of_sequence(parser.parse(pattern)), key=_weight)
    return tuple(found[:_SETS])


class Alternatives:
    """Alternatives of one pattern, found as ``"|".join(alternatives)`` finds them, but only those that can match.

    Args:
        alternatives: regular expressions without groups that are referred to.

    Raises:
        ValueError: one matches nothing at all, which could be found without end, or has flags.
    """

    def __init__(self, alternatives: Sequence[str]) -> None:
        for one in alternatives:
            if not parser.parse(one).getwidth()[0] or _FLAGS.search(one):
                raise ValueError(f"neither nothing at all nor flags are looked for: {one}")
        self.patterns = tuple(alternatives)
        self._all = [(needles(one), re.compile(one)) for one in alternatives]

    def find(self, text: str, runs: Set[str]) -> Iterator[re.Match[str]]:
        """Every match, the leftmost first; ``runs``: those of the text."""
        alive = self._alive(runs)
        # Of those that begin at one place the first alternative counts: min keeps it.
        coming = [(match, one) for one in alive if (match := one.search(text)) is not None]
        while coming:
            first, _ = min(coming, key=lambda pair: pair[0].start())
            yield first
            end = first.end()
            coming = [
                (match, one)
                for last, one in coming
                if (match := last if last.start() >= end else one.search(text, end)) is not None
            ]

    def _alive(self, runs: Set[str]) -> list[re.Pattern[str]]:
        found = []
        for needed, one in self._all:
            # Not any(): this is asked six hundred times a text.
            for some in needed:
                if runs.isdisjoint(some):
                    break
            else:
                found.append(one)
        return found


def _weight(some: Needles) -> int:
    return sum(_SINGLE if len(run) == 1 else 1 for run in some)


def _of_sequence(items: Any) -> list[Needles]:
    """Every set that is known of a sequence of parsed parts."""
    found: list[Needles] = []
    literals: list[str] = []
    for kind, value in [*items, (None, None)]:
        if kind is signs.LITERAL:
            literals.append(chr(value))
            continue
        found += _of_literals("".join(literals))
        literals.clear()
        if kind is signs.IN:
            found += _of_set(value)
        elif kind is signs.SUBPATTERN:
            found += _of_sequence(value[3])
        elif kind is signs.BRANCH:
            found += _of_branches(value[1])
        elif kind in (signs.MAX_REPEAT, signs.MIN_REPEAT) and value[0] >= 1:
            found += _of_sequence(value[2])
    return found


def _of_literals(text: str) -> list[Needles]:
    if len(text) < 2:
        return [frozenset(text)] if text else []
    return [frozenset({text[at : at + 2]}) for at in range(len(text) - 1)]


def _of_set(members: Any) -> list[Needles]:
    if all(kind is signs.LITERAL for kind, _ in members) and len(members) <= _MOST:
        return [frozenset(chr(value) for _, value in members)]
    return []


def _of_branches(branches: Any) -> list[Needles]:
    """One set for all branches: the lightest of each."""
    each = [_of_sequence(branch) for branch in branches]
    if not all(each):
        return []
    return [reduce(frozenset.union, (min(sets, key=_weight) for sets in each))]
