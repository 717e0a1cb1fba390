"""Finding the directory's words in a text, in one pass whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Endings with which an English word of the directory is still found.
_ENDINGS: Final = frozenset({"", "s", "es", "ed", "d", "e", "ing", "ion", "ions", "or", "ors", "er", "ers"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One word of the directory and what it stands for."""

    word: str
    latin: bool
    #: (what, id, weight): what is "subject", "unit", "area", "risk" or "kind".
    points: tuple[tuple[str, str, float], ...]
    #: Its matches hide shorter words inside them ("traffic police" is not "police").
    hides: bool


class WordFinder:
    """Words ready to be found: looked up by their first two characters.

    Args:
        points: folded words with what each stands for.
    """

    def __init__(self, points: Mapping[str, Sequence[tuple[str, str, float]]]) -> None:
        self._by_pair: dict[str, list[Entry]] = defaultdict(list)
        self._by_char: dict[str, Entry] = {}
        for word, targets in points.items():
            if not word:
                continue
            latin = word[0].isascii() and word[0].isalnum()
            entry = Entry(word, latin, tuple(targets), any(t[0] in ("subject", "unit") for t in targets))
            if len(word) == 1:
                self._by_char[word] = entry
            else:
                self._by_pair[word[:2]].append(entry)

    def find(self, text: str) -> dict[Entry, int]:
        """Words of the directory in a text, with how often; a word inside a longer one does not count."""
        spans: list[tuple[int, int, Entry]] = []
        pairs = self._by_pair
        for at in range(len(text) - 1):
            bucket = pairs.get(text[at : at + 2])
            if bucket is not None:
                for entry in bucket:
                    if text.startswith(entry.word, at) and (not entry.latin or _whole(text, at, len(entry.word))):
                        spans.append((at, at + len(entry.word), entry))
        for char, entry in self._by_char.items():
            at = text.find(char)
            while at >= 0:
                spans.append((at, at + 1, entry))
                at = text.find(char, at + 1)
        found: dict[Entry, int] = {}
        covers = [(start, end) for start, end, entry in spans if entry.hides]
        for start, end, entry in spans:
            if entry.hides and any(a <= start and end <= b and b - a > end - start for a, b in covers):
                continue
            found[entry] = found.get(entry, 0) + 1
        return found


def _whole(text: str, at: int, length: int) -> bool:
    """True when the Latin word at ``at`` begins a word and ends it, or ends in one of the usual endings."""
    if at and text[at - 1].isascii() and text[at - 1].isalnum():
        return False
    end = stop = at + length
    while stop < len(text) and text[stop].isascii() and text[stop].isalnum():
        stop += 1
    return text[end:stop] in _ENDINGS
