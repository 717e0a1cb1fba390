"""One comparison of one service's copies, driven from a command: its database only, the worker does the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, inspect, select, update
from sqlalchemy.orm import Session

from services.chassis.delivery import Work, outbox
from services.chassis.house import House
from services.chassis.ids import uuid7
from services.chassis.reconcile.asker import Followed
from services.chassis.reconcile.outcome import Difference, Progress
from services.chassis.reconcile.owner import Uncounted
from services.chassis.reconcile.tables import differences, runs, streams
from services.contracts.compare import STATES, SnapshotRequested

#: Full states that are asked for at once, and waited for, before more are.
WINDOW = 2 * STATES
#: What is still to come after a repair is waited for so long (s).
STILL_TO_COME_S = 15.0
#: A note of a repair that goes on after it.
TO_COME = "to_come"
#: Comparisons are forgotten after this; what differed was in the command's output.
KEEP = timedelta(days=30)


class Run:
    """A comparison.

    Args:
        house: the asker's house.
        followed: its copies.
        repair: put right what can be.
        after: only subjects behind this id.
        grace: how long what does not agree may be on its way before it counts, in seconds.
        page: lines asked for at once.
    """

    def __init__(
        self,
        house: House[Any],
        followed: Sequence[Followed],
        *,
        repair: bool,
        after: str = "",
        grace: float = 60.0,
        page: int = 300,
    ) -> None:
        self.id = uuid7()
        self._house, self._followed = house, tuple(followed)
        self._repair, self._after, self._page = repair, after, page
        self._grace = timedelta(seconds=grace)
        self._heard: tuple[int, ...] = ()
        self._heard_at = time.monotonic()

    def begin(self) -> None:
        """Write the comparison down and ask each owner for its first pages."""
        with self._house.work() as work:
            _forget_old(work.session, work.now)
            row = {"id": self.id, "started_at": work.now, "repair": self._repair}
            work.session.execute(insert(runs), [row])
            for one in self._followed:
                for sealed in (False, True):
                    values = {
                        "run_id": self.id,
                        "owner": one.owner,
                        "sealed": sealed,
                        "after": self._after,
                        "page": self._page,
                        "compared": 0,
                        "pages": 0,
                    }
                    work.session.execute(insert(streams), [values])
                    asked = one.request(
                        self.id,
                        sealed=sealed,
                        fields=list(one.fields),
                        after=self._after,
                        limit=self._page,
                        count=True,
                    )
                    work.emit(Uncounted(), asked)
        self._heard_at = time.monotonic()

    def step(self) -> Progress:
        """Look how far it is, and ask for the full state of what has not agreed for longer than the grace."""
        if self._due():
            with self._house.work() as work:
                for one in self._followed:
                    self._drop_caught_up(one, work)
                    self._ask(one, work)
                    self._look_again(one, work)
        return self._progress()

    def end(self) -> None:
        """Nobody waits for it any more: owners are asked for nothing further."""
        with self._house.database.write() as session:
            now = self._house.clock.now()
            session.execute(update(runs).where(runs.c.id == self.id, runs.c.ended_at.is_(None)).values(ended_at=now))
            # A request that no queue takes would else stay in the outbox, and count as lost, for ever.
            session.execute(delete(outbox).where(*self._unpublished()))

    def found(self, limit: int | None = None) -> list[Difference]:
        """What differs, by owner and id."""
        query = (
            select(differences)
            .where(differences.c.run_id == self.id, differences.c.state == "differs")
            .order_by(differences.c.owner, differences.c.subject)
            .limit(limit)
        )
        with self._house.database.read() as session:
            return [
                Difference(r.owner, r.subject, r.kind, r.sequence, r.seen, r.repaired_at is not None, r.note)
                for r in session.execute(query)
            ]

    def unsent(self) -> dict[str, str]:
        """Owners to whom the asker's own worker could not publish a request: why by owner, "" when it never tried."""
        query = select(outbox.c.routing_key, outbox.c.problem).where(*self._unpublished())
        with self._house.database.read() as session:
            rows = session.execute(query).all()
        stem = f"{SnapshotRequested.type}."
        return {row.routing_key.removeprefix(stem).partition(".")[0]: row.problem or "" for row in rows}

    def _unpublished(self) -> tuple[Any, ...]:
        return outbox.c.published_at.is_(None), outbox.c.type == SnapshotRequested.type, outbox.c.subject == self.id

    # ── what a step does ────────────────────────────────────────────────────────────────────────────

    def _due(self) -> bool:
        open_ = differences.c.state.in_(["suspected", "asked"]) | (differences.c.note == TO_COME)
        with self._house.database.read() as session:
            query = select(differences.c.subject).where(differences.c.run_id == self.id, open_).limit(1)
            return session.scalar(query) is not None

    def _which(self, one: Followed, state: str) -> tuple[Any, ...]:
        return (differences.c.run_id == self.id, differences.c.owner == one.owner, differences.c.state == state)

    def _drop_caught_up(self, one: Followed, work: Work) -> None:
        """What was on its way has come."""
        behind = (*self._which(one, "suspected"), differences.c.kind.in_(["missing", "behind"]))
        noted = {
            row.subject: row.sequence
            for row in work.session.execute(
                select(differences).where(*behind).order_by(differences.c.found_at).limit(2 * STATES)
            )
        }
        seen = {id_: one.seen(row) for id_, row in self._rows(one, list(noted), work).items()}
        come = [id_ for id_, sequence in noted.items() if seen.get(id_, 0) >= sequence]
        if come:
            work.session.execute(delete(differences).where(*behind, differences.c.subject.in_(come)))

    def _ask(self, one: Followed, work: Work) -> None:
        """Ask for the full state of what should have come by now, never for more at once than a window."""
        asked = work.session.scalar(select(func.count()).select_from(differences).where(*self._which(one, "asked")))
        room = WINDOW - (asked or 0)
        if room < STATES:
            return
        old = (*self._which(one, "suspected"), differences.c.found_at <= work.now - self._grace)
        for sealed in (False, True):
            query = (
                select(differences.c.subject)
                .where(*old, differences.c.sealed == sealed)
                .order_by(differences.c.subject)
                .limit(STATES)
            )
            ids = list(work.session.scalars(query))
            if ids:
                work.session.execute(
                    update(differences)
                    .where(*self._which(one, "suspected"), differences.c.subject.in_(ids))
                    .values(state="asked")
                )
                work.emit(Uncounted(), one.request(self.id, sealed=sealed, ids=ids))

    def _look_again(self, one: Followed, work: Work) -> None:
        """A repair that went on by other ways may be complete now."""
        to_come = (*self._which(one, "differs"), differences.c.note == TO_COME)
        noted = {
            row.subject: row for row in work.session.execute(select(differences).where(*to_come).limit(2 * STATES))
        }
        for id_, row in self._rows(one, list(noted), work).items():
            if one.seen(row) >= noted[id_].sequence and one.sound(row):
                work.session.execute(
                    update(differences)
                    .where(*to_come, differences.c.subject == id_)
                    .values(repaired_at=work.now, note="")
                )

    @staticmethod
    def _rows(one: Followed, ids: Sequence[str], work: Work) -> dict[str, Any]:
        if not ids:
            return {}
        key = inspect(one.model).primary_key[0]
        rows = work.session.scalars(select(one.model).where(key.in_(ids)))
        return {inspect(row).identity[0]: row for row in rows}

    def _progress(self) -> Progress:
        with self._house.database.read() as session:
            pages = session.execute(select(streams).where(streams.c.run_id == self.id)).all()
            by_state = {
                (owner, state, note): (number, repaired)
                for owner, state, note, number, repaired in session.execute(
                    select(
                        differences.c.owner,
                        differences.c.state,
                        differences.c.note == TO_COME,
                        func.count(),
                        func.count(differences.c.repaired_at),
                    )
                    .where(differences.c.run_id == self.id)
                    .group_by(differences.c.owner, differences.c.state, differences.c.note == TO_COME)
                )
            }
        compared = sum(row.compared for row in pages)
        count = {
            state: sum(n for (_, s, _), (n, _) in by_state.items() if s == state)
            for state in ("suspected", "asked", "differs")
        }
        to_come = sum(n for (_, _, note), (n, _) in by_state.items() if note)
        waiting = {row.owner for row in pages if row.finished_at is None}
        waiting |= {owner for owner, state, _ in by_state if state == "asked"}
        silent = self._silence((compared, sum(row.pages for row in pages), *sorted(count.values()), to_come))
        if to_come and not waiting and not count["suspected"] and silent > STILL_TO_COME_S:
            self._give_up_on_what_is_to_come()
            return self._progress()
        total = None if any(row.total is None for row in pages) else sum(row.total for row in pages)
        return Progress(
            compared=compared,
            total=total,
            suspected=count["suspected"],
            asked=count["asked"],
            differ=count["differs"],
            repaired=sum(repaired for _, repaired in by_state.values()),
            done=not waiting and not count["suspected"] and not to_come,
            waiting_for=tuple(sorted(waiting)),
            silent_s=silent if waiting else 0.0,
        )

    def _silence(self, heard: tuple[int, ...]) -> float:
        now = time.monotonic()
        if heard != self._heard:
            self._heard, self._heard_at = heard, now
        return now - self._heard_at

    def _give_up_on_what_is_to_come(self) -> None:
        with self._house.database.write() as session:
            session.execute(
                update(differences)
                .where(differences.c.run_id == self.id, differences.c.note == TO_COME)
                .values(note="nothing_came")
            )


def _forget_old(session: Session, now: datetime) -> None:
    old = select(runs.c.id).where(runs.c.started_at < now - KEEP)
    for table in (differences, streams):
        session.execute(delete(table).where(table.c.run_id.in_(old)))
    session.execute(delete(runs).where(runs.c.started_at < now - KEEP))
