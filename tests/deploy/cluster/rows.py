"""Steps of the run: how one is declared, what it has in hand while it runs, what comes out."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.cluster.ground import RELEASE, Ground
from tests.deploy.cluster.house import Filing
from tests.deploy.cluster.mails import twice
from tests.fault import oracle
from tests.fault.cluster import SERVICES

#: Deployments of the house, as their label says.
COMPONENTS = tuple(f"{service}-{role}" for service in SERVICES for role in ("web", "worker"))
#: Exit code of a container that was killed with signal 9.
KILLED = 137
#: Of one that was asked to end while it waited (docs/limits.md).
ENDED_WAITING = 143


@dataclass
class Books:
    """The ledger of one step: what was filed, and where it is found again."""

    acknowledged: int = 0
    #: In intake's database; in a case of routing; told to the petitioner; found by the search.
    stored: int = 0
    cases: int = 0
    told: int = 0
    found: int = 0
    #: Mails that the mail server took.
    mails: int = 0
    lost: int = 0
    doubled: int = 0
    #: Answers to the filing clients by status, and those that no documentation speaks of.
    statuses: dict[str, int] = field(default_factory=dict)
    undocumented: int = 0
    #: Deliveries that the broker repeated, events out of order, events whose predecessor was not seen.
    redelivered: int = 0
    stale: int = 0
    gaps: int = 0
    duplicates: int = 0
    #: Events that the workers say they handled: without these the zeros above would mean nothing.
    handled: int = 0
    parked: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    slowest_ms: float = 0.0
    #: From the last petition until every book agreed.
    settled_s: float = 0.0


@dataclass
class Result:
    """What came out of a step."""

    name: str
    title: str
    verdict: str = "passed"
    seconds: float = 0.0
    #: Processes that wanted a core at the end, on average of a minute; the machine may have others to serve.
    load: float = 0.0
    books: Books | None = None
    problems: list[str] = field(default_factory=list)
    #: Figures and words that explain it.
    notes: list[str] = field(default_factory=list)
    #: A table of its own: what was done, what was seen.
    rows: list[dict[str, str]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        found = asdict(self)
        found["seconds"] = round(self.seconds, 1)
        return found


class Run:
    """What a step has in hand.

    Args:
        ground: everything that runs.
        result: filled as the step goes on.
        positions: how far each log was read.
        say: shows what is being done.
    """

    def __init__(self, ground: Ground, result: Result, positions: dict[Path, int], say: Callable[[str], None]) -> None:
        self.ground, self.result, self._positions, self.phase = ground, result, positions, say
        self.kube, self.house, self.pods = ground.kube, ground.house, ground.pods

    def require(self, good: object, otherwise: str) -> None:
        """Note a failure and go on."""
        if not good:
            self.result.problems.append(otherwise)

    def note(self, text: str) -> None:
        """Words that explain the result."""
        self.result.notes.append(text)

    def row(self, **cells: object) -> None:
        """A line of the step's own table."""
        self.result.rows.append({name: str(value) for name, value in cells.items()})

    @contextmanager
    def load(
        self, petitions: int | None = None, rate: float | None = None, *,
        killing: bool = False, redelivery: bool = False, quiet: bool = False, waiting: bool = False,
        settle_s: float = 120,
    ) -> Iterator[Filing]:  # fmt: skip
        """Petitions are filed while the body runs, and until there are enough; then all books are compared.

        Args:
            petitions: how many at least.
            rate: a second.
            killing: containers are killed on purpose: their requests may break, their events come again.
            redelivery: events may be delivered again.
            quiet: the body files by itself.
            waiting: pods may be asked to end while they wait for a migration.
            settle_s: how long the house may take to bring its books together.
        """
        chosen = self.ground.chosen
        wanted = chosen.petitions if petitions is None else petitions
        rate = chosen.rate if rate is None else rate
        filing = Filing(self.house, f"{self.result.name}-{uuid.uuid4().hex[:6]}", rate, wanted * 3)
        before, again, begun = self.pods.counts(), self.ground.servers.rabbit.redelivered(), time.monotonic()
        if not quiet:
            filing.start()
        try:
            yield filing
            if (missing := wanted - len(filing.numbers)) > 0:
                self.phase(f"filing {missing} more")
                filing.rate = max(rate, 40.0)
                filing.wait_for(wanted, 180)
        finally:
            filing.stop()
        self.phase(f"{len(filing.numbers)} acknowledged, waiting until every book agrees")
        self._compare(filing, settle_s)
        found = self.pods.counts() - before
        books = self.result.books
        assert books is not None
        books.redelivered += self.ground.servers.rabbit.redelivered() - again
        books.stale += found["events_stale"]
        books.gaps += found["events_gap"]
        books.duplicates += found["events_duplicate"]
        books.handled += found["events_handled"]
        # Routing, notify and search handle each petition; a killed pod takes its last seconds of counting along.
        self.require(books.handled >= books.acknowledged, f"the workers count only {books.handled} events")
        codes = {0} | ({KILLED} if killing else set()) | ({ENDED_WAITING} if waiting else set())
        self._judge(filing, books, begun, killing=killing, redelivery=redelivery or killing)
        self._judge_endings(begun, codes)

    def _compare(self, filing: Filing, seconds: float) -> None:
        begun = time.monotonic()
        books, wrong = oracle.settle(self.house, filing, seconds)
        mine = self.result.books = self.result.books or Books()
        wanted = filing.numbers.keys()
        mine.settled_s = max(mine.settled_s, round(time.monotonic() - begun, 1))
        mine.acknowledged += len(wanted)
        mine.stored += len(wanted & books.intake.keys())
        mine.cases += len(wanted & books.routing.keys())
        told = {key[0] for key, states in books.told.items() if key[1:] == ("received", "citizen") and states}
        mine.told += len(wanted & told)
        indexed = {petition for petition, row in books.search.items() if row[1] == row[2]}
        mine.found += len(wanted & indexed)
        mails, again = twice(self.ground.servers.mail, filing)
        mine.mails += mails
        mine.lost += len(wanted - books.intake.keys()) + len(wanted - books.routing.keys() | wanted - indexed)
        mine.doubled += oracle.doubled(filing, books) + len(filing.changed) + again
        self.result.problems += wrong
        self.require(not again, f"{again} mails came twice")
        mine.parked = sum(self.house.parked().values())
        self.require(not mine.parked, f"{mine.parked} events are parked: {self.house.parked()}")

    def _judge(self, filing: Filing, books: Books, begun: float, *, killing: bool, redelivery: bool) -> None:
        statuses = Counter(books.statuses) + Counter(filing.statuses)
        books.statuses = dict(sorted(statuses.items()))
        took = sorted(answer.seconds * 1000 for answer in filing.answers if answer.status == 201) or [0.0]
        books.p50_ms = max(books.p50_ms, round(took[len(took) // 2], 1))
        books.p95_ms = max(books.p95_ms, round(took[int(len(took) * 0.95)], 1))
        books.slowest_ms = max(books.slowest_ms, round(took[-1], 1))
        wrong = filing.undocumented()
        if killing:
            # What was in the hands of a web pod that dies: the ingress says so, the client repeats under its key.
            broken = {name: wrong.pop(name) for name in ("502", "broken") if name in wrong}
            if broken:
                self.note(f"requests in the hands of a killed pod, repeated under their key: {broken}")
        books.undocumented += sum(wrong.values())
        self.require(not wrong, f"answers that no page of the documentation speaks of: {wrong}")
        self.require(books.lost == 0, f"{books.lost} petitions are lost")
        self.require(books.doubled == 0, f"{books.doubled} effects came twice")
        self.require(books.gaps == 0, f"{books.gaps} events came without their predecessor")
        self.require(killing or books.stale == 0, f"{books.stale} events came after a later one of their petition")
        self.require(redelivery or books.redelivered == 0, f"{books.redelivered} events were delivered again")

    def _judge_endings(self, begun: float, good: set[int]) -> None:
        codes = Counter(
            (ending.component, ending.code)
            for ending in self.pods.since(begun)
            if ending.component in COMPONENTS and ending.code not in good
        )
        for (component, code), count in sorted(codes.items()):
            self.require(False, f"{count} containers of {component} ended with exit code {code}")
        self.read_logs()

    def read_logs(self) -> None:
        """Note tracebacks and personal data in what the pods wrote since the last look."""
        self.result.problems += self.pods.wrong_words(self._positions)

    # ── what steps have in common ───────────────────────────────────────────────────────────────
    def deployment(self, component: str) -> str:
        """The name of a Deployment."""
        return f"{RELEASE}-{component}"

    def rolled_out(self, *components: str) -> float:
        """Wait until these (all otherwise) have what they want; the seconds it took."""
        return self.kube.rolled_out([self.deployment(one) for one in components or COMPONENTS])

    def tags(self) -> dict[str, str]:
        """The tag that the pods of each service run."""
        found: dict[str, set[str]] = {}
        for document in self.kube.pods(f"app.kubernetes.io/instance={RELEASE}"):
            component = document["metadata"]["labels"].get("app.kubernetes.io/component", "")
            if component in COMPONENTS and "deletionTimestamp" not in document["metadata"]:
                image = document["spec"]["containers"][0]["image"]
                found.setdefault(component.rpartition("-")[0], set()).add(image.rpartition(":")[2])
        return {service: "+".join(sorted(tags)) for service, tags in sorted(found.items())}


#: A step's function.
Step = Callable[[Run], None]


@dataclass(frozen=True)
class Declared:
    """A step of the run."""

    name: str
    title: str
    run: Step


STEPS: dict[str, Declared] = {}


def step(name: str, title: str) -> Callable[[Step], Step]:
    """Declare a function as a step; they run in the order in which they are declared."""

    def declare(function: Step) -> Step:
        STEPS[name] = Declared(name, title, function)
        return function

    return declare
