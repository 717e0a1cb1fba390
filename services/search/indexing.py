"""Brings the index up to the rows, a page at a time; whatever is cut short is done again and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.chassis.house import House
from services.chassis.telemetry import log
from services.search import store
from services.search.domain import NO_UNIT, month_of, number_keys, readers_of
from services.search.engines import Document, Engine, EngineAway
from services.search.models import PetitionView
from services.search.settings import Settings
from services.search.tokens import cut

#: Runs a blocking call where it holds up nobody, and returns what it returns (chassis.sender.native).
Aside = Callable[..., Any]


def at_once(function: Callable[..., Any], *args: Any) -> Any:
    """``Aside`` for commands and tests: calls it right here."""
    return function(*args)


class Indexer:
    """The one writer of the index in this process.

    Args:
        house: the service's house.
        engine: where documents go.
        aside: runs the cutting of text and, where they are native code, the engine's calls.
    """

    def __init__(self, house: House[Settings], engine: Engine, aside: Aside = at_once) -> None:
        self._house = house
        self._engine = engine
        self._aside = aside
        self._engine_aside = aside if engine.native else at_once
        self._log = log(house.service)
        #: Name of the index that the rows are known to speak of.
        self._identity: str | None = None

    def run(self) -> int:
        """Write one page of waiting rows. Returns how many rows are settled.

        Raises:
            EngineAway: the rows go on waiting; the sender loop asks again, later and later.
        """
        try:
            return self._page()
        except EngineAway as error:
            self._identity = None
            self._log.warning("search index cannot be written", code=error.code)
            raise

    def close(self) -> None:
        """Close the engine."""
        self._engine_aside(self._engine.close)

    def _page(self) -> int:
        if self._identity is None:
            self._identity = self._meet()
        with self._house.database.read() as session:
            state = store.index_state(session)
            wanted = state.identity if state else ""
            wipe = state.empty_first if state else False
            rows = store.waiting(session, self._house.settings.index_page)
        if wipe:
            self._engine_aside(self._engine.wipe)
        if wipe or wanted != self._identity:
            self._identity = None
            return 1
        if not rows:
            return 0
        documents = self._aside(documents_of, rows, self._house.settings.time_zone)
        refused = self._engine_aside(self._engine.write, documents)
        with self._house.database.write() as session:
            written = {row.petition_id: row.version for row in rows}
            store.mark(session, written, refused, self._house.clock.now())
        for petition_id, code in refused.items():
            self._log.error("document refused by the index", petition_id=petition_id, code=code)
            self._house.metrics.count("sends_failed", sender="search.index", code=code)
        return len(rows)

    def _meet(self) -> str:
        """Open the index; when it is not the one the rows speak of, or has lost some, every row waits again."""
        identity: str = self._engine_aside(self._engine.identity)
        documents = self._engine_aside(self._engine.count)
        with self._house.database.write() as session:
            again = store.follow_index(session, identity, documents)
        if again:
            self._log.info("search index is filled from the rows", rows=again)
        return identity


def documents_of(rows: Sequence[PetitionView], zone: str) -> list[Document]:
    """The documents of a page of rows; takes up to a tenth of a second a page."""
    return [document_of(row, zone) for row in rows]


def document_of(row: PetitionView, zone: str) -> Document:
    """The document of a row whose petition is known.

    Args:
        row: the row; ``submitted_at`` must be set.
        zone: IANA zone in which its month is reckoned.
    """
    assert row.submitted_at is not None
    return Document(
        petition_id=row.petition_id,
        version=row.version,
        numbers=number_keys(row.number),
        title=cut(row.title),
        body=cut(row.body),
        reply=cut(row.reply),
        supplements=cut(supplements_of(row)),
        kind=row.kind or "",
        unit=row.unit_id or NO_UNIT,
        state=row.state,
        month=month_of(row.submitted_at, zone),
        readers=readers_of(row.audience, row.unit_id, row.unit_line),
        submitted_at=row.submitted_at,
    )


def supplements_of(row: PetitionView) -> str:
    """What the petitioner added later, one piece a line."""
    return "\n".join(str(piece["text"]) for piece in row.supplements)
