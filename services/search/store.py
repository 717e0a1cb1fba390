"""The only SQL of search: loading batches, the rows that wait for the index, names, accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from services.chassis.bulk import insert_new
from services.chassis.delivery import Work
from services.contracts.envelope import Envelope, Text
from services.contracts.routing import StaffChanged, UnitChanged
from services.contracts.shared import PetitionEvent
from services.search.models import Account, IndexState, PetitionView, Unit

_WAITS = (PetitionView.version > PetitionView.indexed_version, PetitionView.submitted_at.is_not(None))


def load(work: Work, envelopes: Sequence[Envelope]) -> None:
    """Load the rows of a batch with one statement a table."""
    subjects: dict[type, list[str]] = {PetitionView: [], Unit: [], Account: []}
    for envelope in envelopes:
        if isinstance(envelope.data, PetitionEvent):
            subjects[PetitionView].append(envelope.subject)
        elif isinstance(envelope.data, UnitChanged):
            subjects[Unit].append(envelope.subject)
        elif isinstance(envelope.data, StaffChanged):
            subjects[Account].append(envelope.subject)
    work.preload(PetitionView, subjects[PetitionView])
    work.preload(Unit, subjects[Unit])
    work.preload(Account, subjects[Account])


def waiting(session: Session, limit: int, leave: Collection[str] = ()) -> Sequence[PetitionView]:
    """Rows whose document is older than they are, longest waiting first; those of ``leave`` not yet."""
    query = select(PetitionView).where(*_WAITS).order_by(PetitionView.changed_at).limit(limit)
    if leave:
        query = query.where(PetitionView.petition_id.not_in(sorted(leave)))
    return session.scalars(query).all()


def backlog(session: Session) -> tuple[int, datetime | None]:
    """How many rows wait, and since when the oldest does."""
    count, since = session.execute(select(func.count(), func.min(PetitionView.changed_at)).where(*_WAITS)).one()
    return int(count), since


def mark(session: Session, written: Mapping[str, int], problems: Mapping[str, str], now: datetime) -> None:
    """Note the versions that are in the index; a row that changed meanwhile goes on waiting.

    Args:
        session: an open writing transaction.
        written: version by petition id, as it was read when the document was made.
        problems: code by petition id where the engine refused the document.
        now: the moment the engine made them searchable.
    """
    if not written:
        return
    # Core, not ORM: one statement for the page, and never back to an older version.
    table = PetitionView.__table__
    session.connection().execute(
        update(table)  # type: ignore[arg-type]
        .where(table.c.petition_id == bindparam("row"), table.c.indexed_version < bindparam("upto"))
        .values(indexed_version=bindparam("upto"), indexed_at=bindparam("at"), index_problem=bindparam("problem")),
        [
            {"row": key, "upto": version, "at": None if key in problems else now, "problem": problems.get(key)}
            for key, version in written.items()
        ],
    )


def index_state(session: Session) -> IndexState | None:
    """Which index the rows speak of; None before the first page."""
    return session.get(IndexState, 1)


def _made_index_state(session: Session) -> IndexState:
    """That row; made when it is not there, which two workers may want to do at the same moment."""
    state = index_state(session)
    if state is None:
        row = {"id": 1, "identity": "", "empty_first": False}
        insert_new(session, cast(Table, IndexState.__table__), [row], "id")
        state = index_state(session)
    assert state is not None
    return state


def follow_index(session: Session, identity: str, documents: int) -> int:
    """Make sure that the rows speak of this index; every row waits again when they do not.

    Args:
        session: an open writing transaction.
        identity: the engine's name for the index it has open.
        documents: how many documents are in it; fewer than were written means that some were lost.

    Returns:
        How many rows wait again.
    """
    state = _made_index_state(session)
    lost = state.identity == identity and documents < indexed(session)
    if state.identity == identity and not lost:
        return 0
    state.identity, state.empty_first = identity, False
    return wait_again(session)


def wait_again(session: Session) -> int:
    """Every row waits for the index again. Returns how many."""
    statement = update(PetitionView).where(PetitionView.indexed_version > 0).values(indexed_version=0)
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return result.rowcount


def ask_for_rebuild(session: Session, *, empty_first: bool) -> int:
    """Let the worker write every row again, on request into an emptied index. Returns how many rows there are."""
    state = _made_index_state(session)
    state.empty_first = empty_first
    wait_again(session)
    return session.scalar(select(func.count()).select_from(PetitionView)) or 0


def indexed(session: Session) -> int:
    """How many rows are in the index, in whatever version."""
    query = select(func.count()).where(PetitionView.indexed_version > 0, PetitionView.index_problem.is_(None))
    return session.scalar(query) or 0


@dataclass(frozen=True)
class Tally:
    """How far the index is behind the rows."""

    rows: int
    waiting: int
    refused: int
    waiting_since: datetime | None


def tally(session: Session) -> Tally:
    """Count rows, those that wait and those the engine refused."""
    rows = session.scalar(select(func.count()).select_from(PetitionView)) or 0
    count, since = backlog(session)
    refused = session.scalar(select(func.count()).where(PetitionView.index_problem.is_not(None))) or 0
    return Tally(rows, count, refused, since)


def petitions(session: Session, ids: Iterable[str]) -> dict[str, PetitionView]:
    """Rows by petition id."""
    rows = session.scalars(select(PetitionView).where(PetitionView.petition_id.in_(list(ids))))
    return {row.petition_id: row for row in rows}


def unit_names(session: Session) -> dict[str, Text]:
    """Names of all units, also those that have ended: past petitions name them."""
    rows = session.execute(select(Unit.id, Unit.name_zh, Unit.name_en))
    return {id_: Text(zh=zh, en=en) for id_, zh, en in rows}


def is_active(session: Session, staff_id: str) -> bool:
    """False when the account was revoked, or when no event has told of it."""
    return session.scalar(select(Account.active).where(Account.id == staff_id)) is True


def knows_unit(session: Session, unit_id: str) -> bool:
    """True for a unit of the directory, and for one that a petition names before the directory has told of it."""
    if session.scalar(select(Unit.id).where(Unit.id == unit_id)) is not None:
        return True
    named = select(PetitionView.petition_id).where(PetitionView.unit_id == unit_id).limit(1)
    return session.scalar(named) is not None
