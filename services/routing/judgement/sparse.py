"""Rows of few numbers among many columns, with the three products that the judgement needs; numpy has none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]
Starts = npt.NDArray[np.int64]

#: Columns multiplied as a block at a time.
_BLOCK: Final = 512
#: A column that more than one row in so many has is multiplied as part of a dense block.
_OFTEN: Final = 50
#: Numbers worked on at a time.
_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True)
class Sparse:
    """Compressed rows: those of row ``i`` are ``columns[starts[i]:starts[i + 1]]``, in order."""

    starts: Starts
    columns: Indices
    values: Floats
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Starts:
        """How many numbers each row has."""
        return np.diff(self.starts)

    def owners(self) -> npt.NDArray[np.int64]:
        """The row of each number."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def row(self, at: int) -> tuple[Indices, Floats]:
        """Columns and numbers of one row."""
        part = slice(self.starts[at], self.starts[at + 1])
        return self.columns[part], self.values[part]

    def turned(self) -> Sparse:
        """Rows and columns changed about."""
        order = np.argsort(self.columns, kind="stable")
        counts = np.bincount(self.columns, minlength=self.width)
        return Sparse(offsets(counts), self.owners()[order].astype(np.int32), self.values[order], len(self))

    def chosen(self, rows: npt.NDArray[np.int64]) -> Sparse:
        """Some of the rows."""
        places = spans(self.starts[rows], self.lengths[rows])
        return Sparse(offsets(self.lengths[rows]), self.columns[places], self.values[places], self.width)


def offsets(lengths: npt.NDArray[np.int64]) -> Starts:
    """Where rows of these lengths begin, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def spans(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The places from each start on, one after another."""
    total = int(lengths.sum())
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(total, dtype=np.int64)


def products(columns: Indices, values: Floats, turned: Sparse) -> tuple[Floats, Indices, Floats]:
    """The product of one row with every row of a matrix that is given turned, and what it is the sum of.

    Returns:
        The products; then for each number behind them, column by column, the row it belongs to and what it adds.
    """
    if not len(columns):
        return np.zeros(turned.width, np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32)
    # Pieces copied whole, not numbers picked one by one: 1.5 ms a petition instead of 2.0.
    pieces = [
        slice(*ends) for ends in zip(turned.starts[columns].tolist(), turned.starts[columns + 1].tolist(), strict=True)
    ]
    rows = np.concatenate([turned.columns[piece] for piece in pieces])
    parts = np.concatenate([turned.values[piece] for piece in pieces]) * np.repeat(values, turned.lengths[columns])
    return np.bincount(rows, parts, minlength=turned.width).astype(np.float32), rows, parts


def gram(rows: Sparse, say: Callable[[float], None] = lambda done: None) -> Floats:
    """The product of every row with every other.

    Columns that many rows have are multiplied as dense blocks, where the processor is fast; the others, which are most,
    pair by pair.

    Args:
        rows: of unit length, or any other.
        say: told how much is done, 0 … 1.
    """
    number = len(rows)
    turned = rows.turned()
    often = np.flatnonzero(turned.lengths * _OFTEN > number)
    result = np.zeros((number, number), np.float32)
    for start in range(0, len(often), _BLOCK):
        chosen = turned.chosen(often[start : start + _BLOCK])
        block = np.zeros((number, len(chosen)), np.float32)
        block[chosen.columns, chosen.owners()] = chosen.values
        result += block @ block.T
        say(0.7 * start / len(often))
    kept = np.ones(rows.width, bool)
    kept[often] = False
    _add_pairs(result, _with_columns(rows, kept), say)
    return result


def _with_columns(rows: Sparse, kept: npt.NDArray[np.bool_]) -> Sparse:
    inside = kept[rows.columns]
    counts = np.bincount(rows.owners()[inside], minlength=len(rows))
    return Sparse(offsets(counts), rows.columns[inside], rows.values[inside], rows.width)


def _add_pairs(result: Floats, rows: Sparse, say: Callable[[float], None]) -> None:
    number = len(rows)
    turned = rows.turned()
    pairs = np.bincount(rows.owners(), turned.lengths[rows.columns], minlength=number)
    start = 0
    while start < number:
        reach = np.searchsorted(np.cumsum(pairs[start:]), _AT_ONCE, side="right")
        end = start + max(1, min(int(reach), _AT_ONCE // number))
        part = rows.chosen(np.arange(start, min(end, number)))
        lengths = turned.lengths[part.columns]
        places = spans(turned.starts[part.columns], lengths)
        weights = turned.values[places] * np.repeat(part.values, lengths)
        cells = turned.columns[places] + number * np.repeat(part.owners(), lengths)
        result[start:end] += np.bincount(cells, weights, minlength=number * len(part)).reshape(-1, number)
        start = end
        say(0.7 + 0.3 * min(start / number, 1.0))
