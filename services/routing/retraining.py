"""The job that learns from dispatchers' decisions: a challenger, measured beside the champion and the directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.chassis.errors import Refusal
from services.routing.domain.directory import Directory
from services.routing.folding import fold
from services.routing.judgement.by_directory import ByDirectory
from services.routing.judgement.figures import Judges, figures, try_on, unaided
from services.routing.judgement.fitting import fit, groups
from services.routing.judgement.model import Model, load, model_of, to_bytes
from services.routing.judgement.training_file import Row

#: Decisions below which nothing is learned: of fewer, a figure would say nothing.
LEAST_ROWS: Final = 50
#: The newest share of the decisions, on which is measured and of which nothing is learned before.
MEASURED: Final = 0.2

Say = Callable[[str, float], None]


@dataclass(frozen=True)
class Challenger:
    """A trained judgement that nobody has promoted yet."""

    id: str
    data: bytes
    rows: int
    #: ``measured_on`` rows, and the figures of ``challenger`` and ``directory`` there; ``beside``: the model in force,
    #: with the figures of ``champion`` on those that it has not learned from and, where these are fewer, of
    #: ``challenger_on_the_same``. Where nothing could be measured the figures are left out.
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
    without = model_of(fit(known, say), now)
    report: dict[str, Any] = {"measured_on": len(newest), **_figures("challenger", without, newest)}
    report |= _figures("directory", ByDirectory(directory, units), newest)
    if champion is not None:
        learned_from = {past.id for past in champion.past}
        unseen = [row for row in newest if row.id not in learned_from]
        report |= {"beside": champion.facts.id, **_figures("champion", champion, unseen)}
        if len(unseen) < len(newest):
            report |= _figures("challenger_on_the_same", without, unseen)
    data = to_bytes(fit(rows, say), now)
    return Challenger(load(data).facts.id, data, len(rows), report)


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Older decisions, and the newest without those that repeat an older text."""
    at = len(rows) - max(round(len(rows) * MEASURED), 1)
    group = groups([fold(f"{row.title}\n{row.body}") for row in rows]).tolist()
    before = set(group[:at])
    return list(rows[:at]), [row for row, of in zip(rows[at:], group[at:], strict=True) if of not in before]


def _figures(whose: str, judges: Judges, rows: Sequence[Row]) -> dict[str, Any]:
    """What somebody's judgement is worth on these rows, under the name of who judges; nothing without rows."""
    if not rows:
        return {}
    tried, seconds = try_on(judges, rows)
    found = figures(tried, seconds)
    found.pop("per_class")
    alone, right = unaided(tried)
    found["dispatched"] = round(alone, 4)
    if right is not None:
        found["dispatched_right"] = round(right, 4)
    return {whose: found}
