"""The owner's side: answers with a page of digests, or with the full states that are named. It keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, inspect, select, true

from services.chassis.delivery import Delivery, Handler, Sequenced, Work
from services.chassis.errors import Park
from services.contracts.compare import (
    LINES,
    STATES,
    Line,
    SnapshotListed,
    SnapshotRequested,
    SnapshotTaken,
    digest,
    pick,
)
from services.contracts.envelope import Envelope


class Uncounted(Sequenced):
    """Stands for the row of events that nobody counts: they go out with sequence 0."""

    def __init__(self) -> None:
        self.sequence = -1


@dataclass(frozen=True)
class Owned:
    """What a service owns and others keep a copy of.

    Args:
        owner: the service, which is also the ``source`` of its state events.
        model: the table, one row a subject, ``Sequenced``, with a flag ``sealed``.
        snapshot: makes the full state of a row (or of None, when there is no such subject). Takes the fields that every
            ``SnapshotTaken`` has, the subject's id and the row.
        options: loader options, for columns that are not loaded otherwise.
    """

    owner: str
    model: type[Any]
    snapshot: Callable[[dict[str, Any], str, Any], SnapshotTaken]
    options: Sequence[Any] = ()


def nothing_to_load(work: Work, envelopes: Sequence[Envelope]) -> None:
    """The loader of these queues: how many rows an event is about depends on the event."""


def of_lane(model: type[Any], sealed: bool) -> ColumnElement[bool]:
    """Rows of one lane. Written so that both databases use the partial index on what is sealed."""
    flag: ColumnElement[bool] = model.sealed == true()
    return flag if sealed else ~flag


def answering(owned: Owned) -> Handler:
    """The handler of ``SnapshotRequested`` for what a service owns."""

    def answer(delivery: Delivery[SnapshotRequested], work: Work) -> None:
        asked = delivery.event
        if asked.owner != owned.owner:
            raise Park("not_its_owner", asked.owner)
        if asked.ids:
            for one in _states(owned, asked, work):
                work.emit(Uncounted(), one)
        else:
            work.emit(Uncounted(), _page(owned, asked, work))

    return answer


def _page(owned: Owned, asked: SnapshotRequested, work: Work) -> SnapshotListed:
    model, key = owned.model, inspect(owned.model).primary_key[0]
    limit = max(1, min(asked.limit, LINES))
    behind = (key > asked.after, of_lane(model, asked.sealed))
    lines: list[Line]
    try:
        if asked.fields:
            query = select(model).options(*owned.options).where(*behind).order_by(key).limit(limit + 1)
            lines = [_line(owned, asked, row) for row in work.session.scalars(query)]
        else:
            pairs = select(key, model.sequence).where(*behind).order_by(key).limit(limit + 1)
            lines = [Line(id=id_, sequence=sequence) for id_, sequence in work.session.execute(pairs)]
    except AttributeError as error:
        # A newer asker wants what this release does not have.
        raise Park("unknown_field", str(error.name)) from None
    total = work.session.scalar(select(func.count()).select_from(model).where(*behind)) if asked.count else None
    return SnapshotListed(
        run_id=asked.run_id,
        owner=asked.owner,
        asker=asked.asker,
        sealed=asked.sealed,
        after=asked.after,
        lines=lines[:limit],
        more=len(lines) > limit,
        total=total,
    )


def _line(owned: Owned, asked: SnapshotRequested, row: Any) -> Line:
    taken = _taken(owned, asked, inspect(row).identity[0], row)
    return Line(id=taken.subject, sequence=taken.sequence, digest=digest(pick(taken, asked.fields)))


def _states(owned: Owned, asked: SnapshotRequested, work: Work) -> list[SnapshotTaken]:
    """Each answer goes by the lane of what it is about, whichever lane it was asked in."""
    key = inspect(owned.model).primary_key[0]
    wanted = list(dict.fromkeys(asked.ids))[:STATES]
    query = select(owned.model).options(*owned.options).where(key.in_(wanted))
    rows = {inspect(row).identity[0]: row for row in work.session.scalars(query)}
    return [_taken(owned, asked, id_, rows.get(id_)) for id_ in wanted]


def _taken(owned: Owned, asked: SnapshotRequested, id_: str, row: Any) -> SnapshotTaken:
    head = {"run_id": asked.run_id, "owner": owned.owner, "asker": asked.asker}
    sealed, sequence = (asked.sealed, 0) if row is None else (row.sealed, row.sequence)
    return owned.snapshot({**head, "sealed": sealed, "sequence": sequence}, id_, row)
