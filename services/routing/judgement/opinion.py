"""What the judgement says of a petition: a label with its confidence, or that it does not know, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.contracts.routing import Reason

#: Codes of reasons for abstaining.
NO_TEXT: Final = "no_text"
UNKNOWN_TEXT: Final = "unknown_text"
LOW_CONFIDENCE: Final = "low_confidence"
#: Runs that speak for the label, or for the next one instead.
FOR: Final = "word"
AGAINST: Final = "word_against"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A past petition that is near, with where it went."""

    id: str
    title: str
    label: str
    #: 0 … 1.
    nearness: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was found of one petition, and why."""

    #: The likeliest label; None when nothing can be said at all.
    label: str | None
    #: How probable it is, 0 … 1.
    confidence: float
    #: A person decides.
    abstains: bool
    reasons: tuple[Reason, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    #: The likeliest labels with their probabilities, the first one included.
    ranked: tuple[tuple[str, float], ...] = ()
