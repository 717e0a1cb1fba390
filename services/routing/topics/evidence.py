"""What two petitions have in common, in words a person can check: the phrases that stand in both."""

from __future__ import annotations

import re
from typing import Final

from services.routing.domain.sameness import READ, STOCK, Commonness, Sheet, key, words
from services.routing.topics.naming import PLACES

#: Phrases told of a pair, at most, and the least length of a Chinese one.
MOST: Final = 5
SHORTEST: Final = 3
_RUN: Final = re.compile(r"[a-z0-9]+|[^\W\d_a-z]+")


def shared_phrases(one: Sheet, other: Sheet, common: Commonness) -> tuple[list[str], list[str]]:
    """The heaviest phrases that stand in both petitions: those that name places, and the others."""
    text, there = _text(one), _text(other)
    found: dict[str, float] = {}
    for run in _RUN.findall(text):
        start = 0
        while start < len(run):
            end = start
            while end < len(run) and run[start : end + 1] in there:
                end += 1
            phrase = run[start:end]
            if len(phrase) >= SHORTEST or (phrase == run and run.isascii() and len(run) > 1):
                if phrase not in found:
                    found[phrase] = sum(common.weight(number) for number in {key(word) for word in words(phrase)})
                start = end
            else:
                start += 1
    best = sorted((phrase for phrase in found if found[phrase] > 0.0), key=lambda phrase: (-found[phrase], phrase))
    told: list[str] = []
    for phrase in best:
        if len(told) < MOST and not any(phrase in other for other in told):
            told.append(phrase)
    places = [phrase for phrase in told if PLACES.search(phrase)]
    return places, [phrase for phrase in told if phrase not in places]


def _text(sheet: Sheet) -> str:
    return STOCK.sub(" ", f"{sheet.title}\n{sheet.place}\n{sheet.body[:READ]}")
