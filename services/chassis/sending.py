"""What every sender loop does: claim a page, hand it over outside of any transaction, mark it, settle the stuck."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Generic

from sqlalchemy import ColumnElement
from sqlalchemy.exc import DBAPIError

from services.chassis import sender_rows
from services.chassis.breaker import Breaker
from services.chassis.channel import Channel, Row
from services.chassis.database import is_transient
from services.chassis.delivery import Work
from services.chassis.house import House
from services.chassis.sender_report import Report, Told, tell_waiting
from services.chassis.sender_rows import Away, Failed
from services.chassis.telemetry import log

#: Pages of one call go over the channel that was opened once, until so much time has passed (s).
CALL_S = 30.0
#: Rows of a dead sender that are settled at once.
SWEEP = 200
#: How often size and age of what waits are measured (s).
MEASURE_S = 15.0
#: Longest rest before marking is tried again (s): what was sent must not be forgotten for a busy database.
MARK_REST_S = 5.0
#: How long marking may still be tried after the worker was told to stop (s).
LAST_MARKS_S = 10.0
#: Reason of a row that was claimed and whose turn did not come.
NOT_YET = ""


class Sending(Generic[Row]):
    """One sender loop. Kept for the life of the process: it remembers which lines rest.

    Args:
        house: the service's house.
        channel: the way out.
        breaker: another one than the usual.
    """

    def __init__(self, house: House[Any], channel: Channel[Row], breaker: Breaker | None = None) -> None:
        self._house, self._channel, self._model = house, channel, channel.model
        self._breaker = Breaker() if breaker is None else breaker
        self._lease_s: float = channel.longest_s + house.settings.sender_lease_s
        self._log, self._report = log(house.service), Report(house, channel)
        self._measured = float("-inf")
        #: Until when the page in hand is ours (monotonic s).
        self._held_until = 0.0
        #: Set by the worker: True once it wants to end.
        self.stopping: Callable[[], bool] = lambda: False

    def run(self) -> int:
        """Send what is due. Returns how many rows were settled or put off; 0: there is nothing to do now."""
        self._measure()
        settled, started = 0, time.monotonic()
        if not self._anything():
            return 0
        with self._channel.open():
            while not self.stopping():
                done = self._page()
                settled += done
                if not done or time.monotonic() - started > CALL_S:
                    break
        return settled

    def close(self) -> None:
        """Give back what the channel holds open."""
        self._channel.close()

    # ── claiming ───────────────────────────────────────────────────────────────────────────────────
    def _anything(self) -> bool:
        """Looked at after every commit: the write lock is taken only when there is something to do."""
        now = self._house.clock.now()
        with self._house.database.read() as session:
            if sender_rows.anything(session, self._model, sender_rows.dead(self._model, now)):
                return True
            due = sender_rows.due(self._model, now)
            return not self._all_rest() and sender_rows.anything(session, self._model, due, *self._open_lines())

    def _all_rest(self) -> bool:
        return not self._channel.line and bool(self._breaker.resting())

    def _open_lines(self) -> list[ColumnElement[bool]]:
        resting = self._breaker.resting()
        if not self._channel.line or not resting:
            return []
        return [getattr(self._model, self._channel.line).not_in(sorted(resting))]

    def _page(self) -> int:
        """One page; returns how many rows of it were settled or put off."""
        started = time.monotonic()
        told: list[Told] = []
        with self._house.work() as work:
            self._sweep(work, told)
            rows = [] if self._all_rest() else self._claim(work)
        self._report.settled(told)
        if not rows:
            return len(told)
        return len(told) + self._mark(rows, self._hand_over(rows, started))

    def _claim(self, work: Work) -> list[Row]:
        probing, channel, now = self._breaker.probing(), self._channel, work.now
        if not channel.line:
            # One message asks whether the other side is back.
            return list(
                sender_rows.claim(work.session, self._model, 1 if probing else channel.page, now, self._lease_s)
            )
        column = getattr(self._model, channel.line)
        closed = self._breaker.resting() | probing
        where = [column.not_in(sorted(closed))] if closed else []
        rows = list(sender_rows.claim(work.session, self._model, channel.page, now, self._lease_s, *where))
        for line in sorted(probing):
            rows += sender_rows.claim(work.session, self._model, 1, now, self._lease_s, column == line)
        return rows

    def _sweep(self, work: Work, told: list[Told]) -> None:
        """Settle what dead senders left behind."""
        rows = sender_rows.left_behind(work.session, self._model, SWEEP, work.now)
        if rows:
            self._channel.lock(work, rows)
            for row in rows:
                self._settle(row, Failed("sender_died", ambiguous=True), work, told)
            # The claims that follow in this transaction must see it.
            work.session.flush()

    # ── handing over ───────────────────────────────────────────────────────────────────────────────
    def _hand_over(self, rows: Sequence[Row], claimed: float) -> dict[str, Failed | Away | None]:
        """Outcome by id. Once a line is away, or the worker wants to end, the rest comes later."""
        outcomes: dict[str, Failed | Away | None] = {}
        self._held_until = claimed + self._lease_s
        for line, group in groupby(sorted(rows, key=self._line_of), key=self._line_of):
            mine = list(group)
            together = self._together(mine, line) if self._may_go_on(rows) else dict.fromkeys(_ids(mine), Away(NOT_YET))
            if together is not None:
                outcomes |= together
                continue
            for row in mine:
                open_ = line not in self._breaker.resting() and self._may_go_on(rows)
                outcomes[row.id] = self._one(row, line) if open_ else Away(NOT_YET)
        return outcomes

    def _together(self, rows: Sequence[Row], line: str) -> Mapping[str, Failed | Away | None] | None:
        """Outcome by id of rows that go by one line at once; None when they go one by one."""
        started = time.monotonic()
        try:
            outcomes = self._channel.hand_over_all(rows)
        except Away as away:
            self._rest(line, away.code, away.seconds)
            return dict.fromkeys(_ids(rows), away)
        except Exception as error:
            self._log.error("hand-over failed", sender=self._channel.name, line=line, exc_info=error)
            outcomes = dict.fromkeys(_ids(rows), Failed("sender_failed", ambiguous=True))
        if outcomes is None:
            return None
        self._report.handed_over(rows, time.monotonic() - started, outcomes)
        return {row.id: self._noted(row, line, outcomes[row.id]) for row in rows}

    def _one(self, row: Row, line: str) -> Failed | Away | None:
        started = time.monotonic()
        outcome: Failed | None = None
        try:
            self._channel.hand_over(row)
        except Failed as failure:
            outcome = failure
        except Away as away:
            self._house.metrics.observe("send_seconds", time.monotonic() - started, sender=self._channel.name)
            self._rest(line, away.code, away.seconds)
            return away
        except Exception as error:
            ids = self._channel.ids_of(row)
            self._log.error("hand-over failed", sender=self._channel.name, row=row.id, exc_info=error, **ids)
            outcome = Failed("sender_failed", ambiguous=True)
        self._report.handed_over([row], time.monotonic() - started, {row.id: outcome})
        return self._noted(row, line, outcome)

    def _noted(self, row: Row, line: str, failure: Failed | None) -> Failed | None:
        if failure is not None and failure.pause:
            self._rest(line, failure.code, failure.seconds)
        elif self._breaker:
            self._breaker.good(line)
            self._tell_paused()
        return failure

    def _rest(self, line: str, code: str, seconds: float | None) -> None:
        wait = self._breaker.rest(line, seconds)
        self._house.metrics.count("senders_paused", sender=self._channel.name, code=code)
        self._tell_paused()
        self._log.warning("sender rests", sender=self._channel.name, line=line, code=code, seconds=wait)

    def _tell_paused(self) -> None:
        self._house.metrics.gauge("sender_paused", int(bool(self._breaker)), sender=self._channel.name)

    def _line_of(self, row: Row) -> str:
        return str(getattr(row, self._channel.line)) if self._channel.line else ""

    def _may_go_on(self, rows: Sequence[Row]) -> bool:
        """False once the worker wants to end, or when the claim would run out in the next hand-over."""
        if self.stopping():
            return False
        now = time.monotonic()
        if now + self._channel.longest_s < self._held_until:
            return True
        try:
            with self._house.database.write() as session:
                claims = sorted({row.claim for row in rows})
                sender_rows.renew(session, self._model, claims, self._house.clock.now(), self._lease_s)
        except DBAPIError as error:
            if not is_transient(error):
                raise
            # What was sent so far is marked once the database is back.
            return False
        self._held_until = now + self._lease_s
        return True

    # ── marking ────────────────────────────────────────────────────────────────────────────────────
    def _mark(self, rows: Sequence[Row], outcomes: Mapping[str, Failed | Away | None]) -> int:
        """Mark a page in one transaction; a database that is away or busy is waited for as long as we live."""
        rest, stop_at = 0.05, None
        while True:
            try:
                return self._mark_once(rows, outcomes)
            except DBAPIError as error:
                if stop_at is None and self.stopping():
                    stop_at = time.monotonic() + LAST_MARKS_S
                if not is_transient(error) or (stop_at is not None and time.monotonic() > stop_at):
                    raise
            time.sleep(rest)
            rest = min(rest * 2, MARK_REST_S)

    def _mark_once(self, rows: Sequence[Row], outcomes: Mapping[str, Failed | Away | None]) -> int:
        told: list[Told] = []
        with self._house.work() as work:
            self._channel.lock(work, rows)
            ours = sender_rows.taken(work.session, self._model, rows)
            for row in ours:
                outcome = outcomes[row.id]
                if isinstance(outcome, Away):
                    sender_rows.give_back(row, outcome.code or None)
                else:
                    self._settle(row, outcome, work, told)
        self._report.settled(told)
        if len(ours) < len(rows):
            self._log.error("marked too late", sender=self._channel.name, rows=len(rows) - len(ours))
        return len(told)

    def _settle(self, row: Row, failure: Failed | None, work: Work, told: list[Told]) -> None:
        if failure is None:
            sender_rows.sent(row, work.now)
        else:
            if failure.ambiguous and self._channel.repeats:
                failure = replace(failure, ambiguous=False)
            sender_rows.failed(row, failure, work.now, self._channel.ladder)
        if row.delivery != "pending":
            self._channel.ended(row, failure, work)
        told.append(self._report.told(row, failure))

    # ── measuring ──────────────────────────────────────────────────────────────────────────────────
    def _measure(self) -> None:
        if time.monotonic() - self._measured < MEASURE_S:
            return
        self._measured = time.monotonic()
        with self._house.database.read() as session:
            number, oldest = sender_rows.waiting(session, self._model)
        tell_waiting(self._house, self._channel.name, number, oldest)


def _ids(rows: Sequence[Any]) -> list[str]:
    return [row.id for row in rows]
