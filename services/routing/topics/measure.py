"""Measures how long one petition takes against a million: a file's words are mixed until there are so many."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from time import perf_counter, process_time
from typing import Final

from services.routing.domain.sameness import Profile, profile
from services.routing.folding import fold
from services.routing.topics.index import Index
from services.routing.topics.petition_file import Row

#: Petitions that are timed.
TIMED: Final = 400
#: What is mixed is mixed the same every time.
_SEED: Final = 20


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds a petition, from its texts to its five look-alikes."""

    past: int
    timed: int
    mean_ms: float
    p99_ms: float
    most_ms: float
    #: Processor time alone: what a machine that is busy with other things still tells truly.
    cpu_ms: float


def time_against(rows: Sequence[Row], index: Index, profiles: Sequence[Profile], size: int) -> Timing:
    """Grow the index to a size, then time petitions of the file, folding and cutting into words included.

    A past petition that is made up has half of its words from one petition of the file, half from another, so that
    every word's list is as long as in a real board of that size and every question meets many near ones.

    Args:
        rows: the petitions of the file.
        index: where they are; it is grown.
        profiles: their profiles.
        size: how many past petitions there are in the end.
    """
    chance = random.Random(_SEED)  # noqa: S311 - no secret, the same mixture each time
    halves = [(list(one.weights.items())[::2], list(one.weights.items())[1::2], one) for one in profiles]
    for number in range(len(index), size):
        (first, _, one), (_, second, _) = chance.choice(halves), chance.choice(halves)
        # The heaviest of both come first, as in a petition that somebody wrote.
        mixed = dict(chain.from_iterable(zip(first, second, strict=False)))
        index.add(Profile(f"mixed {number}", mixed, one.heads, one.head_troubles, one.troubles, one.head_places))
    chosen = [rows[chance.randrange(len(rows))] for _ in range(TIMED)]
    times, cpu = [], process_time()
    for row in chosen:
        begun = perf_counter()
        sheet = replace(row.sheet, title=fold(row.sheet.title), body=fold(row.sheet.body))
        index.nearest(profile(sheet, index.common), 5)
        times.append((perf_counter() - begun) * 1000.0)
    cpu = (process_time() - cpu) * 1000.0 / len(times)
    times.sort()
    return Timing(len(index), len(times), sum(times) / len(times), times[int(0.99 * len(times))], times[-1], cpu)
