"""The job that learns from dispatchers' decisions: a challenger, measured beside the champion and the directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from services.chassis.errors import Refusal
from services.routing.domain.directory import Directory
from services.routing.folding import fold
from services.routing.judgement.by_directory import ByDirectory
from services.routing.judgement.figures import Tried, figures
from services.routing.judgement.fitting import fit, groups
from services.routing.judgement.model import Model, load, model_of, to_bytes
from services.routing.judgement.opinion import Opinion
from services.routing.judgement.training_file import Row

#: Decisions below which nothing is learned: of fewer, a figure would say nothing.
LEAST_ROWS: Final = 50
#: The newest share of the decisions, on which is measured and of which nothing is learned before.
MEASURED: Final = 0.2

Say = Callable[[str, float], None]


class _Judges(Protocol):
    def judge(self, title: str, body: str) -> Opinion: ...


@dataclass(frozen=True)
class Challenger:
    """A trained judgement that nobody has promoted yet."""

    id: str
    data: bytes
    rows: int
    #: ``measured_on`` rows, and the figures of ``challenger``, ``champion`` and ``directory`` there.
    report: dict[str, Any]


def challenge(
    rows: Sequence[Row],
    directory: Directory,
    champion: Model | None,
    now: datetime,
    say: Say = lambda what, done: None,
) -> Challenger:
    """Train on all decisions; measure on the newest of them what the same training knows without them.

    Args:
        rows: decisions, the oldest first; labels are ids of units.
        directory: with the units of the day only.
        champion: the model in force; it is measured on those it has not learned from.
        now: moment of the training.
        say: told what is being done and how much of it, 0 … 1.

    Raises:
        Refusal: ``too_few_decisions``.
    """
    units = directory.unit_by_id
    rows = [row for row in rows if row.label in units]
    if len(rows) < LEAST_ROWS:
        raise Refusal(
            "too_few_decisions",
            "%(rows)s decisions are too few to learn from: %(least)s are needed. Until then the directory decides.",
            rows=len(rows),
            least=LEAST_ROWS,
        )
    known, newest = _split(rows)
    measured = {"challenger": _figures(model_of(fit(known, say), now), newest)}
    measured["directory"] = _figures(ByDirectory(directory, units), newest)
    if champion is not None:
        learned_from = {past.id for past in champion.past}
        unseen = [row for row in newest if row.id not in learned_from]
        measured["champion"] = _figures(champion, unseen)
        if len(unseen) < len(newest):
            measured["challenger_on_the_same"] = _figures(model_of(fit(known), now), unseen)
    data = to_bytes(fit(rows, say), now)
    return Challenger(load(data).facts.id, data, len(rows), {"measured_on": len(newest), **measured})


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Older decisions, and the newest without those that repeat an older text."""
    at = len(rows) - max(round(len(rows) * MEASURED), 1)
    group = groups([fold(f"{row.title}\n{row.body}") for row in rows]).tolist()
    before = set(group[:at])
    return list(rows[:at]), [row for row, of in zip(rows[at:], group[at:], strict=True) if of not in before]


def _figures(judges: _Judges, rows: Sequence[Row]) -> dict[str, Any]:
    began = time.perf_counter()
    tried = []
    for row in rows:
        opinion = judges.judge(row.title, row.body)
        tried.append(Tried(row.label, opinion.label, opinion.confidence, opinion.abstains))
    found = figures(tried, time.perf_counter() - began)
    found.pop("per_class")
    kept = [one for one in tried if not one.abstains]
    found["dispatched"] = round(len(kept) / len(tried), 4) if tried else 0.0
    found["dispatched_right"] = round(sum(one.said == one.label for one in kept) / len(kept), 4) if kept else 0.0
    return found
