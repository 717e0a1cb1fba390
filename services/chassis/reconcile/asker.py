"""The asker's side in its worker: compares pages with its copy, and settles what differs by the full state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, inspect, select, update

from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.reconcile.owner import Uncounted, of_lane
from services.chassis.reconcile.tables import differences, runs, streams
from services.contracts.compare import Line, SnapshotListed, SnapshotRequested, SnapshotTaken, digest, pick
from services.contracts.envelope import Envelope, Event

#: Brings the copy to a full state by the code that ordinary events go through. Returns "" when that is all there
#: is to do, else a stable code: what is still to come, or why nothing can be done.
Apply = Callable[[Delivery[Any], Work], str]

#: What a repair can put right; of the others the owner itself has lost something.
REPAIRABLE = frozenset({"missing", "behind", "different"})


@dataclass(frozen=True)
class Followed:
    """What a service keeps of another one's state.

    Args:
        asker: the service that keeps it.
        owner: the ``source`` of the state events.
        model: the table, one row a subject, ``Follows``, with a flag ``sealed``.
        fields: what of the state is kept, as ``pick`` names it; none: sequences alone are compared.
        values: the same values from a row; None when they cannot be told from this row.
        sound: whether the rest of the row agrees with these values.
        options: loader options, for columns that are not loaded otherwise.
    """

    asker: str
    owner: str
    model: type[Any]
    fields: tuple[str, ...] = ()
    values: Callable[[Any], Sequence[Any] | None] = lambda row: None
    sound: Callable[[Any], bool] = lambda row: True
    options: Sequence[Any] = ()

    def seen(self, row: Any) -> int:
        """The sequence up to which a row has followed; 0 when it has heard nothing."""
        return 0 if row is None else int((row.seen or {}).get(self.owner, 0))

    def agrees(self, row: Any, digest_of_owner: str, *, sealed: bool) -> bool:
        """Whether a row of the owner's sequence says what the owner says."""
        if (sealed and not row.sealed) or not self.sound(row):
            return False
        if not self.fields:
            return True
        values = self.values(row)
        return values is None or digest(values) == digest_of_owner

    def request(self, run_id: str, *, sealed: bool, **asked: Any) -> SnapshotRequested:
        """A request to the owner."""
        return SnapshotRequested(run_id=run_id, owner=self.owner, asker=self.asker, sealed=sealed, **asked)


def comparing(followed: Sequence[Followed]) -> Handler:
    """The handler of ``SnapshotListed``: notes what differs and asks for the next page."""
    by_owner = {one.owner: one for one in followed}

    def compare(delivery: Delivery[SnapshotListed], work: Work) -> None:
        listed = delivery.event
        stream = _open_stream(listed, work)
        # An answer that was overtaken, or to a comparison that nobody waits for, is of no use.
        if stream is None or listed.owner not in by_owner:
            return
        one = by_owner[listed.owner]
        upto = listed.lines[-1].id if listed.more and listed.lines else None
        rows, cut = _rows(one, listed, upto, 2 * stream.page, work)
        lines = {line.id: line for line in listed.lines if cut is None or line.id <= cut}
        found = [
            {
                "run_id": listed.run_id,
                "owner": listed.owner,
                "subject": subject,
                "sealed": listed.sealed,
                "kind": kind,
                "sequence": sequence,
                "seen": seen,
                "state": "suspected",
                "found_at": work.now,
                "note": "",
            }
            for subject, kind, sequence, seen in _suspects(one, lines, rows, sealed=listed.sealed)
        ]
        _note(found, work)
        after = cut or upto
        _go_on(one, listed, stream, after, len(lines), work)

    return compare


def _note(found: list[dict[str, Any]], work: Work) -> None:
    """Write suspects down, one a subject and owner."""
    if not found:
        return
    # A row that stands in the wrong lane is unknown in one stream and different in the other, which knows better.
    mine = (differences.c.run_id == found[0]["run_id"], differences.c.owner == found[0]["owner"])
    subjects = [one["subject"] for one in found]
    before = set(work.session.scalars(select(differences.c.subject).where(*mine, differences.c.subject.in_(subjects))))
    better = [one["subject"] for one in found if one["subject"] in before and one["kind"] != "unknown"]
    if better:
        work.session.execute(delete(differences).where(*mine, differences.c.subject.in_(better)))
    new = [one for one in found if one["subject"] not in before or one["kind"] != "unknown"]
    if new:
        work.session.execute(insert(differences), new)


def _open_stream(listed: SnapshotListed, work: Work) -> Any:
    query = (
        select(streams)
        .join(runs, runs.c.id == streams.c.run_id)
        .where(
            streams.c.run_id == listed.run_id,
            streams.c.owner == listed.owner,
            streams.c.sealed == listed.sealed,
            streams.c.after == listed.after,
            streams.c.finished_at.is_(None),
            runs.c.ended_at.is_(None),
        )
    )
    return work.session.execute(query).first()


def _rows(
    one: Followed, listed: SnapshotListed, upto: str | None, most: int, work: Work
) -> tuple[dict[str, Any], str | None]:
    """The copy's rows of a page: those that it names and those that lie between. When these are too many for one
    transaction, the id up to which they were read."""
    key = inspect(one.model).primary_key[0]
    query = select(one.model).options(*one.options).where(key > listed.after, of_lane(one.model, listed.sealed))
    if upto is not None:
        query = query.where(key <= upto)
    rows = {inspect(row).identity[0]: row for row in work.session.scalars(query.order_by(key).limit(most))}
    cut = list(rows)[-1] if len(rows) == most else None
    # A row may stand in the other lane here, by mistake or because it was sealed later.
    elsewhere = [line.id for line in listed.lines if line.id not in rows and (cut is None or line.id <= cut)]
    if elsewhere:
        more = select(one.model).options(*one.options).where(key.in_(elsewhere))
        rows |= {inspect(row).identity[0]: row for row in work.session.scalars(more)}
    return rows, cut


def _suspects(
    one: Followed, lines: Mapping[str, Line], rows: Mapping[str, Any], *, sealed: bool
) -> Iterator[tuple[str, str, int, int]]:
    """(subject, kind, the owner's sequence, the one seen) of what does not agree."""
    for id_, line in lines.items():
        row = rows.get(id_)
        seen = one.seen(row)
        if seen != line.sequence:
            yield id_, _kind(seen, line.sequence), line.sequence, seen
        elif row is not None and not one.agrees(row, line.digest, sealed=sealed):
            yield id_, "different", line.sequence, seen
    for id_ in rows.keys() - lines.keys():
        if seen := one.seen(rows[id_]):
            yield id_, "unknown", 0, seen


def _kind(seen: int, sequence: int) -> str:
    if seen > sequence:
        return "ahead" if sequence else "unknown"
    return "behind" if seen else "missing"


def _go_on(one: Followed, listed: SnapshotListed, stream: Any, after: str | None, compared: int, work: Work) -> None:
    values: dict[str, Any] = {"compared": stream.compared + compared, "pages": stream.pages + 1}
    if listed.total is not None:
        values["total"] = listed.total
    if after is None:
        values["finished_at"] = work.now
    else:
        values["after"] = after
        asked = one.request(
            listed.run_id, sealed=listed.sealed, fields=list(one.fields), after=after, limit=stream.page
        )
        work.emit(Uncounted(), asked)
    which = (streams.c.run_id == listed.run_id, streams.c.owner == listed.owner, streams.c.sealed == listed.sealed)
    work.session.execute(update(streams).where(*which).values(**values))


def settling(followed: Mapping[Followed, Apply] | Sequence[tuple[Followed, Apply]]) -> Handler:
    """The handler of a full state: says for good whether the copy differs, and repairs it where that is wanted."""
    pairs = list(followed.items()) if isinstance(followed, Mapping) else list(followed)
    by_owner = {one.owner: (one, apply) for one, apply in pairs}

    def settle(delivery: Delivery[SnapshotTaken], work: Work) -> None:
        taken = delivery.event
        if taken.owner not in by_owner:
            return
        one, apply = by_owner[taken.owner]
        which = (
            differences.c.run_id == taken.run_id,
            differences.c.owner == taken.owner,
            differences.c.subject == taken.subject,
        )
        query = select(differences, runs.c.repair).join(runs, runs.c.id == differences.c.run_id)
        noted = work.session.execute(query.where(*which, differences.c.state == "asked")).first()
        if noted is None:
            return
        row = _locked(one, taken.subject, work)
        kind = _verdict(one, taken, row, noted.sequence)
        if kind is None:
            work.session.execute(delete(differences).where(*which))
            return
        values: dict[str, Any] = {"state": "differs", "kind": kind, "sequence": taken.sequence}
        if noted.repair and kind in REPAIRABLE:
            values |= _repair(one, row, apply, delivery, work)
        work.session.execute(update(differences).where(*which).values(**values))

    return settle


def told_again(delivery: Delivery[Any], event: Event, id_: str = "") -> Envelope:
    """A full state as the event of its owner that it makes up for, to go through the handler of such events.

    Args:
        delivery: brought the state.
        event: what the owner would have told.
        id_: id of the event; that of the delivery when empty.
    """
    was, taken = delivery.envelope, delivery.event
    return Envelope(
        id=id_ or was.id,
        source=taken.owner,
        type=was.type,
        subject=taken.subject,
        time=was.time,
        sequence=taken.sequence,
        data=event,
        traceparent=was.traceparent,
    )


def _locked(one: Followed, subject: str, work: Work) -> Any:
    """The row, locked; past the unit of work, which would remember that there was none."""
    key = inspect(one.model).primary_key[0]
    query = select(one.model).options(*one.options).where(key == subject)
    return work.session.scalar(query.with_for_update())


def _verdict(one: Followed, taken: SnapshotTaken, row: Any, noted: int) -> str | None:
    """The kind of difference, None when there is none (any more)."""
    seen = one.seen(row)
    if taken.sequence == seen:
        agrees = not seen or one.agrees(row, digest(pick(taken, one.fields)), sealed=taken.sealed)
        return None if agrees else "different"
    if taken.sequence > seen and (seen >= noted or not noted):
        # The copy has caught up with what was noted; what is newer still is on its way.
        return None
    return _kind(seen, taken.sequence)


def _repair(one: Followed, row: Any, apply: Apply, delivery: Delivery[SnapshotTaken], work: Work) -> dict[str, Any]:
    taken = delivery.event
    before = None if row is None else row.seen
    if row is not None:
        # So that the ordinary handler takes the state as the next one.
        row.seen = {**(before or {}), one.owner: taken.sequence - 1}
    note = apply(delivery, work)
    if note:
        if row is not None and one.seen(row) < taken.sequence:
            row.seen = before
        return {"note": note}
    work.session.flush()
    row = _locked(one, taken.subject, work)
    right = one.seen(row) == taken.sequence and one.agrees(row, digest(pick(taken, one.fields)), sealed=taken.sealed)
    return {"repaired_at": work.now} if right else {"note": "not_repairable"}
