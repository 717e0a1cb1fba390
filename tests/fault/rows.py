"""Rows of the fault table: how a row is declared, what it has in hand while it runs, and what comes out."""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fault import oracle
from tests.fault.cluster import Cluster
from tests.fault.ground import Ground
from tests.fault.ledger import Ledger
from tests.fault.processes import Failed, Process
from tests.fault.sampler import Sampler

#: Durations of a short run are the real ones divided by this.
SHORTER = 20
#: Petitions a second in a row that says nothing else: about what two cores carry, so that queues are seldom empty.
RATE = 120.0


@dataclass
class Result:
    """What came out of a row for one seed."""

    row: str
    seed: int
    title: str
    acknowledged: int = 0
    stored: int = 0
    indexed: int = 0
    notified: int = 0
    parked: int = 0
    #: Events that came to an inbox which knew them.
    duplicates_seen: int = 0
    duplicates_in_effect: int = 0
    redelivered: int = 0
    #: From the end of the fault until the house worked as before; the longest of the row.
    recovery_seconds: float = 0.0
    verdict: str = "passed"
    #: Why it failed.
    problems: list[str] = field(default_factory=list)
    #: Figures and words that explain it.
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **asdict(self),
            "recovery_seconds": round(self.recovery_seconds, 2),
            "seconds": round(self.seconds, 1),
        }


class NoSurface(Exception):
    """The product has nothing that this fault could meet; said in the result, not counted as passed."""


class House:
    """The cluster that rows share: one after another, a new one after a row that failed or spoiled it."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._cluster: Cluster | None = None

    def cluster(self) -> Cluster:
        """The running house, every process as it ran at first."""
        if self._cluster is None:
            self._cluster = Cluster(self.ground).start()
        else:
            self._cluster.mend()
        return self._cluster

    def leave(self) -> None:
        """Give it up: the next row gets another."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.stop()


class Run:
    """What a row has in hand.

    Args:
        house: where its cluster comes from.
        result: filled as the row goes on.
        full: real durations.
        rate: petitions a second.
        say: shows what it is doing.
    """

    def __init__(self, house: House, result: Result, *, full: bool, rate: float, say: Callable[[str], None]) -> None:
        self.house, self.result, self.full, self.rate, self._say = house, result, full, rate, say
        self.ground = house.ground
        self.chance = random.Random(f"{result.row}/{result.seed}")
        self.extra: list[Process] = []
        self._sampler: Sampler | None = None
        self._since: dict[str, int] = {}
        self._parked = 0
        self._ledgers: list[Ledger] = []
        self._cluster: Cluster | None = None

    # ── what a row says ─────────────────────────────────────────────────────────────────────────
    def phase(self, text: str) -> None:
        """What is being done now."""
        self._say(text)

    def require(self, good: object, otherwise: str) -> None:
        """Note a failure and go on."""
        if not good:
            self.result.problems.append(otherwise)

    def note(self, text: str) -> None:
        """A figure that explains the result."""
        self.result.notes.append(text)

    def recovered(self, seconds: float, within: float, what: str) -> None:
        """A recovery, and how long it may take."""
        self.result.recovery_seconds = max(self.result.recovery_seconds, seconds)
        self.require(seconds <= within, f"{what} took {seconds:.1f} s, may take {within:g} s")

    def seconds(self, real: float, least: float = 1.0) -> float:
        """A duration: the real one, or the shortened."""
        return real if self.full else max(least, real / SHORTER)

    def times(self, real: int, short: int) -> int:
        """How often something is done."""
        return real if self.full else short

    # ── what a row works with ───────────────────────────────────────────────────────────────────
    @property
    def cluster(self) -> Cluster:
        """The running house; from the first use on, its counters and logs belong to the row."""
        if self._cluster is None:
            self.phase("starting the house")
            self._cluster = self.house.cluster()
            self._cluster.fresh_tokens()
            self._since = {process.name: process.said() for process in self._cluster.processes}
            self._cluster.purge_parked()
            self._sampler = Sampler(lambda: [*self.cluster.workers.values(), *self.extra]).start()
        return self._cluster

    @property
    def sampler(self) -> Sampler:
        """What the workers count."""
        assert self.cluster is not None and self._sampler is not None
        return self._sampler

    def ledger(self, rate: float | None = None, most: int | None = None) -> Ledger:
        """A ledger that has begun to file, and files a tenth as fast after ``most``."""
        return self.quiet_ledger(rate, most).start()

    def quiet_ledger(self, rate: float | None = None, most: int | None = None) -> Ledger:
        """A ledger that files nothing of itself."""
        port = self.cluster.webs["intake"].port
        tag = f"r{self.result.row}s{self.result.seed}x{uuid.uuid4().hex[:6]}"
        most = most or self.times(5000, 900)
        ledger = Ledger(lambda: ("127.0.0.1", port), tag, self.result.seed, rate or self.rate, most)
        self._ledgers.append(ledger)
        return ledger

    def load(self, ledger: Ledger, real: float, least: float = 1.0) -> None:
        """Let the ledger file for a while, shortened in a short run."""
        time.sleep(self.seconds(real, least))

    def somewhere(self, least: float, most: float) -> None:
        """Wait for a while that the seed decides (s)."""
        time.sleep(self.chance.uniform(least, most))

    def balance(self, ledger: Ledger, seconds: float = 120, *, unsent: bool = False, parked: int = 0) -> None:
        """Stop filing and compare every book; ``parked`` is how many may be parked, no more and no fewer."""
        self.phase(f"{len(ledger.numbers)} acknowledged, waiting for the rest of the house")
        ledger.stop()
        begun = time.monotonic()
        books, wrong = oracle.settle(self.cluster, ledger, seconds, unsent=unsent)
        self.note(f"settled {time.monotonic() - begun:.1f} s after the last filing")
        result = self.result
        result.problems += wrong
        result.acknowledged += len(ledger.numbers)
        result.stored += len(books.intake)
        result.indexed += sum(row[1] == row[2] for row in books.search.values())
        result.notified += sum(key[1:] == ("received", "citizen") for key in books.told)
        result.duplicates_in_effect += oracle.doubled(ledger, books)
        self.require(not ledger.changed, f"{len(ledger.changed)} keys were answered with two petitions")
        self.require(result.duplicates_in_effect == 0, f"{result.duplicates_in_effect} effects came twice")
        found = self.cluster.parked()
        result.parked = sum(found.values())
        self.require(result.parked == parked, f"{result.parked} parked where {parked} should be: {found}")

    def end(self) -> None:
        """Called when the row is over: counters and logs."""
        for ledger in self._ledgers:
            try:
                ledger.stop(30)
            except Failed as problem:
                self.require(False, str(problem))
        for process in self.extra:
            process.stop()
        if self._sampler is None or self._cluster is None:
            return
        self._sampler.stop()
        self.result.redelivered = self._sampler.sum("events_redelivered")
        self.result.duplicates_seen = self._sampler.sum("events_duplicate")
        self.result.problems += oracle.in_logs(self._cluster, self._since)


#: A row's function.
Row = Callable[[Run], None]


@dataclass(frozen=True)
class Declared:
    """A row of the table."""

    name: str
    title: str
    run: Row
    #: Order in which rows run: those that need the search server come last.
    order: int = 0


ROWS: dict[str, Declared] = {}


def row(name: str, title: str, order: int = 0) -> Callable[[Row], Row]:
    """Declare a function as a row of the table."""

    def declare(function: Row) -> Row:
        ROWS[name] = Declared(name, title, function, order)
        return function

    return declare


def in_order(names: Iterable[str]) -> list[Declared]:
    """The rows as they are run."""
    return sorted((ROWS[name] for name in names), key=lambda declared: (declared.order, position(declared.name)))


def position(name: str) -> tuple[int, str]:
    """Where a row stands in the table: by its number, then its letter."""
    found = re.match(r"\d+", name)
    return (int(found.group()) if found else 0, name)
