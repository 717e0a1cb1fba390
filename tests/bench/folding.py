"""Folds of decided petitions for a fair trial: every label in each, texts told twice all on one side."""

from __future__ import annotations

import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence

#: Characters of a shingle, and the share of them by which two texts are one told twice.
SHINGLE, SAME = 6, 0.4
#: A shingle that more texts have is a phrase and tells nothing.
PHRASE = 30


def families(texts: Sequence[str]) -> list[int]:
    """The number of the family of near-duplicates that each text belongs to."""
    above = list(range(len(texts)))

    def top(at: int) -> int:
        while above[at] != at:
            at = above[at]
        return at

    shingles = [_shingles(text) for text in texts]
    having: dict[int, list[int]] = defaultdict(list)
    for at, one in enumerate(shingles):
        for shingle in one:
            having[shingle].append(at)
    for at, one in enumerate(shingles):
        shared = Counter(other for s in one if len(having[s]) <= PHRASE for other in having[s] if other < at)
        for other, _ in shared.most_common(5):
            both = len(one & shingles[other])
            if both >= SAME * (len(one) + len(shingles[other]) - both) and top(at) != top(other):
                above[top(at)] = top(other)
    return [top(at) for at in range(len(texts))]


def _shingles(text: str) -> set[int]:
    letters = "".join(char for char in text if char.isalnum())
    return {zlib.crc32(letters[at : at + SHINGLE].encode()) for at in range(max(1, len(letters) - SHINGLE + 1))}


def folds(labels: Sequence[str], family: Sequence[int], number: int, seed: int) -> list[int]:
    """The fold of each petition: families whole, labels spread evenly, another draw for each seed."""
    draw = random.Random(seed)
    members: dict[int, list[int]] = defaultdict(list)
    for at, one in enumerate(family):
        members[one].append(at)
    order = sorted(members)
    draw.shuffle(order)
    order.sort(key=lambda one: -len(members[one]))
    filled: Counter[tuple[int, str]] = Counter()
    fold = [0] * len(labels)
    for one in order:
        label = labels[members[one][0]]
        least = min(filled[at, label] for at in range(number))
        chosen = draw.choice([at for at in range(number) if filled[at, label] == least])
        for at in members[one]:
            fold[at] = chosen
            filled[chosen, labels[at]] += 1
    return fold
