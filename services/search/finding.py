"""Answers a question of a member of staff: the engine finds, the rows are shown, what matched is marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.errors import Refusal
from services.chassis.telemetry import log
from services.search import domain, highlights, store
from services.search.engines import FACETS, Engine, EngineAway, Found, Search
from services.search.indexing import supplements_of
from services.search.models import PetitionView
from services.search.questions import Question
from services.search.tokens import runs


@dataclass(frozen=True)
class Marked:
    """What matched in one petition: HTML, escaped, with ``<mark>`` only."""

    title: str
    body: str
    #: None where nothing matched.
    reply: str | None
    supplements: str | None


@dataclass(frozen=True)
class Card:
    """One petition found."""

    row: PetitionView
    score: float | None
    marked: Marked


@dataclass(frozen=True)
class Answer:
    """What was found."""

    total: int
    cards: Sequence[Card]
    facets: Mapping[str, Sequence[tuple[str, int]]]


def find(session: Session, engine: Engine, staff: domain.Reader, question: Question) -> Answer:
    """Find what ``staff`` may find.

    Args:
        session: a reading transaction.
        engine: the index.
        staff: who asks; the audience filter is made from it here and nowhere else.
        question: what is asked.

    Raises:
        Refusal: ``search_unavailable`` while the engine is away.
    """
    audience = domain.audience_of(staff)
    terms = runs(question.text)
    found = _ask(engine, audience, question, terms)
    rows = store.petitions(session, [hit.petition_id for hit in found.hits])
    words = frozenset(term for run in terms for term in run)
    cards = []
    for hit in found.hits:
        row = rows.get(hit.petition_id)
        # The row may know more than the index: what was sealed a moment ago is not shown.
        if row is not None and audience.allows(domain.readers_of(row.audience, row.unit_id, row.unit_line)):
            cards.append(Card(row, hit.score, _mark(row, words)))
    return Answer(found.total, cards, found.facets)


def _ask(
    engine: Engine, audience: domain.AudienceFilter, question: Question, terms: Sequence[tuple[str, ...]]
) -> Found:
    def ask(number: str | None) -> Found:
        return engine.search(
            Search(
                audience=audience,
                runs=terms,
                number=number,
                filters=question.filters,
                sort=question.sort,
                offset=question.offset,
                limit=question.size,
            )
        )

    try:
        number = domain.number_asked(question.text)
        if number is not None and (found := ask(number)).total:
            return found
        if question.text and not terms:
            # Nothing but punctuation: that matches nothing, not everything.
            return Found(facets=dict.fromkeys(FACETS, ()))
        return ask(None)
    except EngineAway as error:
        log("search").warning("search index cannot be read", code=error.code)
        raise Refusal(
            "search_unavailable", "Search is not available for the moment. Try again in a minute.", status=503
        ) from None


def _mark(row: PetitionView, words: frozenset[str]) -> Marked:
    added = supplements_of(row)
    return Marked(
        highlights.marked(row.title, words),
        highlights.snippet(row.body, words),
        highlights.snippet(row.reply, words) if highlights.matches(row.reply, words) else None,
        highlights.snippet(added, words) if highlights.matches(added, words) else None,
    )
