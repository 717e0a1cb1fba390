"""What search asks of an engine. Two keep it, tantivy and Elasticsearch, and answer alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

from services.search.domain import AudienceFilter

#: Version of the fields below and of how text is cut. Another one is another index, filled from the rows.
SCHEMA: Final = 1
#: Text fields with their weight: a match in the title says most.
TEXTS: Final[Mapping[str, float]] = {"title": 4.0, "body": 1.0, "reply": 1.0, "supplements": 1.0}
#: What one may filter by, and what is counted.
FACETS: Final = ("kind", "unit", "state", "month")
#: Exact fields; ``number`` and ``readers`` hold several values.
EXACT: Final = ("number", *FACETS, "readers")
#: Share that the weaker fields add to the score of a term that is found in several.
TIE: Final = 0.3
#: Term that every text field holds, so that both engines reckon average lengths over the same documents.
BLANK: Final = "\u2205"
#: Values of one facet that are counted at most; a county has far fewer units.
FACET_VALUES: Final = 1000
#: Hits that can be paged through.
DEEPEST: Final = 10_000

Sort = Literal["relevance", "newest"]


class EngineAway(Exception):
    """The index cannot be reached or written for the moment. ``code`` is stable and holds nothing of a petition."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Document:
    """One petition as an engine gets it; text fields are cut terms joined by spaces (tokens.cut)."""

    petition_id: str
    version: int
    numbers: Sequence[str]
    title: str
    body: str
    reply: str
    supplements: str
    kind: str
    unit: str
    state: str
    month: str
    readers: Sequence[str]
    submitted_at: datetime

    @property
    def rank(self) -> int:
        """Sorts by the moment of filing, then in an order of its own, the same on every engine."""
        spread = int.from_bytes(hashlib.blake2b(self.petition_id.encode(), digest_size=2).digest(), "big")
        return int(self.submitted_at.timestamp() * 1000) << 16 | spread

    def fields(self) -> dict[str, str | list[str]]:
        """Every field but ``rank`` by its name in the index."""
        return {
            **{name: f"{BLANK} {getattr(self, name)}" for name in TEXTS},
            **{name: getattr(self, name) for name in FACETS},
            "number": list(self.numbers),
            "readers": list(self.readers),
        }


@dataclass(frozen=True)
class Written:
    """What became of a page of documents. Those that are not named here can be found now."""

    #: Why single ones can never be written as they are, by petition id.
    refused: Mapping[str, str] = field(default_factory=dict)
    #: Why single ones could not be written this time, by petition id.
    later: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Search:
    """One question to an engine. ``audience`` has no default: nobody searches without it."""

    audience: AudienceFilter
    #: Terms by run (tokens.runs); empty: every document.
    runs: Sequence[tuple[str, ...]] = ()
    #: Key of a receipt number; then ``runs`` is not looked at.
    number: str | None = None
    #: Half of the terms are enough (domain.demanded).
    loose: bool = False
    #: Wanted value by facet.
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = 20


@dataclass(frozen=True)
class Hit:
    """One document found."""

    petition_id: str
    #: BM25; None when hits are sorted by time.
    score: float | None


@dataclass(frozen=True)
class Found:
    """The answer: a page of hits, how many there are in all, and counts by facet and value.

    A facet is counted under all filters but its own, so that its counts say what choosing another value would find.
    """

    total: int = 0
    hits: Sequence[Hit] = ()
    facets: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=lambda: dict.fromkeys(FACETS, ()))


class Engine(Protocol):
    """An index of documents. Every method may raise ``EngineAway``."""

    #: True when its calls hold up the whole process, so that a worker runs them in an OS thread; a call that
    #: waits for a socket lets others go on by itself.
    native: bool

    def identity(self) -> str:
        """The name of the index that is written to, made when absent; never the same for two indexes."""

    def count(self) -> int:
        """How many documents are in it."""

    def write(self, documents: Sequence[Document]) -> Written:
        """Write documents over their earlier versions; they can be found when this returns."""

    def wipe(self) -> None:
        """Empty the index; it has another identity afterwards."""

    def search(self, search: Search) -> Found:
        """Answer a question; an index that is not there yet answers with nothing."""

    def close(self) -> None:
        """Give back what is held open."""


def by_count(values: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Values of a facet, most frequent first, ties by value."""
    return sorted(values, key=lambda pair: (-pair[1], pair[0]))
