"""What a judgement is worth on decided petitions: F1 by label, the same on the surest, how true its confidence is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol

from services.routing.judgement.opinion import Opinion
from services.routing.judgement.training_file import Row

#: Share of petitions in ``macro_f1_at_85``: those it is surest of.
SUREST: Final = 0.85
#: Bins of equal mass in the expected calibration error.
BINS: Final = 15
#: Petitions between two words on how far it has come.
_TOLD_EVERY: Final = 200


class Judges(Protocol):
    """Whoever judges: a model, or the directory alone."""

    def judge(self, title: str, body: str) -> Opinion: ...


@dataclass(frozen=True, slots=True)
class Tried:
    """One decided petition as it was judged."""

    label: str
    said: str | None
    confidence: float
    abstains: bool


@dataclass(frozen=True, slots=True)
class OfLabel:
    """How one label fares."""

    rows: int
    said: int
    right: int

    @property
    def precision(self) -> float:
        """Share of those said that are right."""
        return self.right / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        """Share of its rows that are found."""
        return self.right / self.rows if self.rows else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        both = self.rows + self.said
        return 2 * self.right / both if both else 0.0


def try_on(
    judges: Judges, rows: Sequence[Row], say: Callable[[str, float], None] = lambda what, done: None
) -> tuple[list[Tried], float]:
    """Judge decided petitions.

    Args:
        judges: whoever judges.
        rows: the petitions, at least one.
        say: told what is being done and how much of it, 0 … 1.

    Returns:
        How each was judged, and what all of them took: processor time (s), whatever else the machine does.
    """
    # What is loaded at the first petition is no part of what one takes.
    judges.judge(rows[0].title, rows[0].body)
    tried, began = [], time.process_time()
    for number, row in enumerate(rows):
        opinion = judges.judge(row.title, row.body)
        tried.append(Tried(row.label, opinion.label, opinion.confidence, opinion.abstains))
        if number % _TOLD_EVERY == 0:
            say("judging", number / len(rows))
    return tried, time.process_time() - began


def unaided(tried: Sequence[Tried]) -> tuple[float, float | None]:
    """The share that needs no person, and how much of this is right; None where there is none of it."""
    kept = [one for one in tried if not one.abstains]
    return len(kept) / len(tried), sum(one.said == one.label for one in kept) / len(kept) if kept else None


def by_label(tried: Sequence[Tried]) -> dict[str, OfLabel]:
    """Every label that is in the rows or was said, in order."""
    rows = Counter(one.label for one in tried)
    said = Counter(one.said for one in tried if one.said is not None)
    right = Counter(one.label for one in tried if one.said == one.label)
    return {label: OfLabel(rows[label], said[label], right[label]) for label in sorted(rows | said)}


def macro_f1(tried: Sequence[Tried]) -> float:
    """Mean of the labels' F1, each label counting alike."""
    labels = by_label(tried)
    return sum(one.f1 for one in labels.values()) / len(labels) if labels else 0.0


def surest(tried: Sequence[Tried], share: float = SUREST) -> list[Tried]:
    """The share it is surest of."""
    return sorted(tried, key=lambda one: -one.confidence)[: round(share * len(tried))]


def calibration_error(tried: Sequence[Tried], bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and truth over bins of equal mass."""
    ordered = sorted(tried, key=lambda one: one.confidence)
    bounds = [round(len(ordered) * at / bins) for at in range(bins + 1)]
    parts = [ordered[start:end] for start, end in pairwise(bounds) if end > start]
    distance = sum(abs(sum(one.confidence - (one.said == one.label) for one in part)) for part in parts)
    return distance / len(ordered) if ordered else 0.0


def figures(tried: Sequence[Tried], seconds: float) -> dict[str, Any]:
    """The figures as `wenzheng judge evaluate --json` prints them.

    Args:
        tried: the rows.
        seconds: what judging them took, processor time.
    """
    return {
        "rows": len(tried),
        "macro_f1": round(macro_f1(tried), 4),
        "macro_f1_at_85": round(macro_f1(surest(tried)), 4),
        "ece": round(calibration_error(tried), 4),
        "ms_per_petition": round(seconds / len(tried) * 1e3, 3) if tried else 0.0,
        "per_class": {label: round(one.f1, 4) for label, one in by_label(tried).items()},
    }
