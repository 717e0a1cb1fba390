"""Answered petitions that everybody may read: found by a title that somebody is about to file, and one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from services.chassis.errors import Refusal
from services.chassis.telemetry import log
from services.contracts.envelope import Text
from services.search import store
from services.search.domain import EVERYBODY, without_persons
from services.search.engines import Engine, EngineAway, Search
from services.search.indexing import shown_to_all
from services.search.models import PetitionView
from services.search.tokens import runs

#: How many are shown to somebody who files, at most.
MOST: Final = 5
#: Characters of a title that are looked at.
LONGEST: Final = 200


@dataclass(frozen=True)
class Answered:
    """A petition with its reply, as everybody may read it. Nothing of its text, its number or who filed it."""

    id: str
    title: str
    kind: str
    unit: Text
    reply: str
    basis: str
    outcome: str
    replied_at: datetime


def similar(session: Session, engine: Engine, title: str) -> list[Answered]:
    """Answered petitions that everybody may read and that share half of a title's words, the most alike first.

    Args:
        session: a reading transaction.
        engine: the index.
        title: what somebody is about to file.

    Raises:
        Refusal: ``search_unavailable`` while the engine is away.
    """
    terms = runs(title[:LONGEST])
    if not terms:
        return []
    try:
        found = engine.search(Search(audience=EVERYBODY, runs=terms, loose=True, limit=2 * MOST))
    except EngineAway as error:
        log("search").warning("search index cannot be read", code=error.code)
        message = "Search is not available for the moment. Try again in a minute."
        raise Refusal("search_unavailable", message, status=503) from None
    rows = store.petitions(session, [hit.petition_id for hit in found.hits])
    units = store.unit_names(session)
    # The row may know more than the index: what was sealed or taken back a moment ago is not shown.
    open_to_all = [rows[hit.petition_id] for hit in found.hits if hit.petition_id in rows]
    return [_answered(row, units) for row in open_to_all if shown_to_all(row)][:MOST]


def one(session: Session, petition_id: str) -> Answered | None:
    """One of them; None for anything that not everybody may read."""
    row = store.petitions(session, [petition_id]).get(petition_id)
    return _answered(row, store.unit_names(session)) if row is not None and shown_to_all(row) else None


def _answered(row: PetitionView, units: dict[str, Text]) -> Answered:
    named = row.unit_name or {}
    unit = units.get(row.unit_id or "") or Text(zh=named.get("zh") or "", en=named.get("en"))
    assert row.replied_at is not None
    return Answered(
        row.petition_id,
        without_persons(row.title),
        row.kind or "",
        unit,
        without_persons(row.reply),
        without_persons(row.basis),
        row.outcome or "",
        row.replied_at,
    )
