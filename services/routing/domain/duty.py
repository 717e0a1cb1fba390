"""The duty roster 值班: who is asked about an urgent danger, how long they have, and who comes after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from services.contracts.shared import Audience
from services.routing.domain.cases import COUNTY_ROLES, SEALED_ROLE, UNIT_ROLES, Viewer
from services.routing.domain.directory import Directory, DutyStep, Problem

#: Most steps of a roster, and longest time that a step may have (min).
MAX_STEPS: Final = 10
MAX_MINUTES: Final = 1440
#: Where no roster says it: the petition office's own queue, and the unit for sealed cases (min).
MINUTES: Final = 30
#: So often the last step is asked again, at its own interval.
REPEATS: Final = 12


@dataclass(frozen=True)
class Ask:
    """One asking: which step of the roster, how often it was asked again, who, and how long they have."""

    #: 1 for the first; 0: there is no roster.
    step: int
    again: int
    #: None: nobody by name; the petition office, or the sealed-case officers, see it in their queue.
    unit: str | None
    minutes: int


def roster_of(directory: Directory, audience: Audience) -> tuple[DutyStep, ...]:
    """Who is asked about a danger in a petition of this audience.

    A sealed petition's danger is for the unit for sealed cases alone (信访工作条例 Art. 30); what only dispatchers may
    see so far, since it reads like a report on a person, is for them alone too.

    Args:
        directory: with the units of the day only.
        audience: who may see the petition.
    """
    if audience == "sealed":
        unit = directory.sealed_unit()
        return (DutyStep(unit.id, MINUTES),) if unit is not None else ()
    if audience == "dispatchers":
        return ()
    return tuple(step for step in directory.duty if step.unit in directory.unit_by_id)


def first(roster: tuple[DutyStep, ...]) -> Ask:
    """Who is asked at once."""
    return Ask(1, 0, roster[0].unit, roster[0].minutes) if roster else Ask(0, 0, None, MINUTES)


def after(roster: tuple[DutyStep, ...], step: int, again: int) -> Ask | None:
    """Who is asked when nobody acknowledged in time; None: nobody any more.

    Args:
        roster: as it is now; it may have changed since the last asking.
        step: the step that was asked; 0: none, since there was no roster.
        again: how often that one was asked again.
    """
    if not roster:
        return None
    if step < len(roster):
        return Ask(step + 1, 0, roster[step].unit, roster[step].minutes)
    if again >= REPEATS:
        return None
    return Ask(len(roster), again + 1, roster[-1].unit, roster[-1].minutes)


def may_acknowledge(viewer: Viewer, audience: str, asked: Iterable[str]) -> bool:
    """True for staff of a unit that was asked, dispatchers and supervisors; of a sealed case its officers alone."""
    if audience == "sealed":
        return SEALED_ROLE in viewer.roles
    if viewer.roles & COUNTY_ROLES:
        return True
    return audience == "units" and viewer.unit_id in set(asked) and bool(viewer.roles & UNIT_ROLES)


def check_duty(directory: Directory) -> Iterator[Problem]:
    """Every error of the roster that needs the rest of the directory to be seen."""
    asked: set[str] = set()
    for number, step in enumerate(directory.duty, start=1):
        path = f"duty[{number}].unit"
        unit = directory.unit_by_id.get(step.unit)
        if unit is None:
            yield Problem("unknown_unit", path, f"there is no unit {step.unit!r}")
        elif unit.sealed:
            yield Problem(
                "sealed_unit", path, f"{step.unit!r} is the unit for sealed cases, which is asked of those alone"
            )
        if step.unit in asked:
            yield Problem("duplicate_id", path, f"{step.unit!r} is there twice")
        asked.add(step.unit)
