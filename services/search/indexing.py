"""Brings the index up to the rows, a page at a time; whatever is cut short is done again and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.chassis.house import House
from services.chassis.sender_report import tell_waiting
from services.chassis.sending import MEASURE_S
from services.chassis.telemetry import log, trace_of
from services.search import store
from services.search.domain import NO_UNIT, is_public, month_of, number_keys, readers_of
from services.search.engines import Document, Engine, EngineAway, Written
from services.search.models import PetitionView
from services.search.settings import Settings
from services.search.tokens import cut

#: Name of the loop, for metrics.
SENDER: Final = "search.index"
#: A row that the engine cannot take is tried so often, then marked with the reason; it is tried again when it changes.
MOST_TRIES: Final = 8
#: Rests between those tries, doubled each time (s).
FIRST_REST_S, LONGEST_REST_S = 5.0, 60.0
#: With so many resting rows it is the engine that is ill.
MOST_RESTING: Final = 1000
#: Codes of a server that has too much to do.
BUSY: Final = frozenset({"elasticsearch_busy"})

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
        #: Rows that the engine could not take, with their tries and until when they rest (monotonic s).
        self._later: dict[str, tuple[int, float]] = {}
        self._measured = float("-inf")

    def run(self) -> int:
        """Write one page of waiting rows. Returns how many rows are settled.

        Raises:
            EngineAway: the rows go on waiting; the sender loop asks again, later and later.
        """
        try:
            self._measure()
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
            rows = store.waiting(session, self._house.settings.index_page, self._resting())
        if wipe:
            self._engine_aside(self._engine.wipe)
        if wipe or wanted != self._identity:
            self._identity = None
            return 1
        if not rows:
            return 0
        documents = self._aside(documents_of, rows, self._house.settings.time_zone)
        started = time.monotonic()
        written: Written = self._engine_aside(self._engine.write, documents)
        seconds = time.monotonic() - started
        self._house.metrics.observe("send_seconds", seconds, sender=SENDER)
        refused = dict(written.refused) | self._given_up(written.later)
        done = {row.petition_id: row.version for row in rows if row.petition_id not in self._later}
        with self._house.database.write() as session:
            store.mark(session, done, refused, self._house.clock.now())
        self._tell(rows, len(done), refused, written.later)
        if self._house.tracer is not None:
            for row in rows:
                code = refused.get(row.petition_id) or written.later.get(row.petition_id, "")
                ids = {"petition_id": row.petition_id}
                self._house.tracer.handed_over(SENDER, row.traceparent, seconds, ids, code)
        if not done or len(self._later) > MOST_RESTING:
            raise EngineAway(next(iter(written.later.values()), "engine_takes_nothing"))
        return len(done)

    def _resting(self) -> list[str]:
        now = time.monotonic()
        return [petition_id for petition_id, (_, until) in self._later.items() if until > now]

    def _given_up(self, later: Mapping[str, str]) -> dict[str, str]:
        """Let rows rest that could not be written; returns those that were tried often enough, with the reason."""
        now, given_up = time.monotonic(), {}
        tried = {petition_id: self._later.pop(petition_id, (0, 0.0))[0] for petition_id in later}
        # What the engine took, or what has changed since, begins anew.
        self._later = {key: rest for key, rest in self._later.items() if rest[1] > now}
        for petition_id, code in later.items():
            # A busy server says nothing about the document.
            tries = tried[petition_id] + (0 if code in BUSY else 1)
            if tries >= MOST_TRIES:
                given_up[petition_id] = code
            else:
                self._later[petition_id] = (tries, now + min(FIRST_REST_S * 2**tries, LONGEST_REST_S))
        return given_up

    def _tell(
        self, rows: Sequence[PetitionView], done: int, refused: Mapping[str, str], later: Mapping[str, str]
    ) -> None:
        metrics = self._house.metrics
        traces = {row.petition_id: trace_of(row.traceparent) for row in rows if row.petition_id in refused}
        metrics.count("sends_done", done - len(refused), sender=SENDER)
        for petition_id, code in refused.items():
            self._log.error("document refused by the index", petition_id=petition_id, code=code, **traces[petition_id])
            metrics.count("sends_failed", sender=SENDER, code=code)
        for petition_id, code in later.items():
            if petition_id not in refused:
                metrics.count("sends_retried", sender=SENDER, code=code)

    def _measure(self) -> None:
        if time.monotonic() - self._measured < MEASURE_S:
            return
        self._measured = time.monotonic()
        with self._house.database.read() as session:
            number, oldest = store.backlog(session)
        tell_waiting(self._house, SENDER, number, oldest)

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
        readers=readers_of(row.audience, row.unit_id, row.unit_line, public=shown_to_all(row)),
        submitted_at=row.submitted_at,
    )


def shown_to_all(row: PetitionView) -> bool:
    """True when everybody may read title and reply of a petition."""
    return is_public(agreed=row.publish, sealed=row.sealed, audience=row.audience, state=row.state, reply=row.reply)


def supplements_of(row: PetitionView) -> str:
    """What the petitioner added later, one piece a line."""
    return "\n".join(str(piece["text"]) for piece in row.supplements)
