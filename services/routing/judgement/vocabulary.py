"""Which runs of signs count and how much (TF-IDF), and petitions as rows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.routing.judgement.grams import TITLE, Counts, Keys, of_three, runs, signs
from services.routing.judgement.sparse import Floats, Sparse, offsets

#: A run that fewer petitions have teaches nothing about others.
LEAST_PETITIONS: Final = 2
#: A run of three signs counts so much of what its rarity says: most of it is said by the pairs in it.
THREES: Final = 0.6
#: Share of the title in a petition's length; the rest is that of everything.
TITLE_SHARE: Final = 0.25


@dataclass(frozen=True)
class Text:
    """A petition as runs: those anywhere in it and those of its title."""

    anywhere: tuple[Keys, Counts]
    title: tuple[Keys, Counts]


def text_of(title: str, body: str) -> Text:
    """Cut one petition."""
    cut = signs(title)
    return Text(runs(f"{cut}\n{signs(body)}"), runs(cut))


@dataclass(frozen=True)
class Vocabulary:
    """The runs that count, in order, with the weight of each; ``unknown`` is that of all others."""

    keys: Keys
    weights: Floats
    unknown: float

    def row(self, text: Text) -> tuple[npt.NDArray[np.int32], Floats]:
        """Columns and numbers of one petition, at most of length 1: runs that do not count make it shorter."""
        parts = [
            self._part(*text.anywhere, np.uint64(0), 1.0 - TITLE_SHARE),
            self._part(*text.title, TITLE, TITLE_SHARE),
        ]
        columns = np.concatenate([part[0] for part in parts])
        return columns.astype(np.int32), np.concatenate([part[1] for part in parts])

    def _part(self, keys: Keys, counts: Counts, space: np.uint64, share: float) -> tuple[npt.NDArray[np.int64], Floats]:
        if not len(keys) or not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        wanted = keys | space
        places = np.searchsorted(self.keys, wanted)
        places[places == len(self.keys)] = 0
        known = self.keys[places] == wanted
        values = (1.0 + np.log(counts)) * np.where(known, self.weights[places], self.unknown * _lengths_tell(keys))
        length = float(np.sqrt(np.dot(values, values)))
        return places[known], (values[known] * (np.sqrt(share) / length)).astype(np.float32)


def _lengths_tell(keys: Keys) -> Floats:
    """How much runs count for their length."""
    return np.where(of_three(keys), THREES, 1.0).astype(np.float32)


def learn(texts: Sequence[Text]) -> Vocabulary:
    """The vocabulary of decided petitions."""
    every = np.concatenate([part for text in texts for part in (text.anywhere[0], text.title[0] | TITLE)])
    keys, petitions = np.unique(every, return_counts=True)
    # Of next to nothing everything is kept.
    kept = petitions >= min(LEAST_PETITIONS, petitions.max(initial=0))
    keys, petitions = keys[kept], petitions[kept]
    weights = (np.log((1.0 + len(texts)) / (1.0 + petitions)) + 1.0) * _lengths_tell(keys)
    return Vocabulary(keys, weights.astype(np.float32), float(np.log((1.0 + len(texts)) / 2.0) + 1.0))


def rows_of(vocabulary: Vocabulary, texts: Sequence[Text], say: Callable[[float], None] = lambda done: None) -> Sparse:
    """Petitions as rows."""
    columns, values = [], []
    for at, text in enumerate(texts):
        row = vocabulary.row(text)
        columns.append(row[0])
        values.append(row[1])
        if at % 500 == 0:
            say(at / len(texts))
    starts = offsets(np.array([len(row) for row in columns], np.int64))
    return Sparse(starts, np.concatenate(columns), np.concatenate(values), len(vocabulary.keys))
