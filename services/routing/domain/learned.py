"""Where a trained judgement and the directory meet: what was learned decides, the directory keeps its vetoes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from services.contracts.routing import Candidate, PastCase, Reason
from services.routing.domain.directory import Directory, Unit, within
from services.routing.domain.judgement import Judgement, Sheet

#: Reasons of the directory that no model sets aside: two matters, or a report on a person, are for a dispatcher.
VETOES: Final = frozenset({"two_matters", "reads_like_report_on_person", "sealed_door", "no_sealed_unit"})
#: A unit less probable than this is no candidate.
LEAST_SHARE: Final = 0.05


class Near(Protocol):
    """A decided petition that reads alike."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def nearness(self) -> float: ...


class Opinion(Protocol):
    """What a trained judgement says of one petition; its labels are ids of units."""

    @property
    def label(self) -> str | None: ...
    @property
    def confidence(self) -> float: ...
    @property
    def abstains(self) -> bool: ...
    @property
    def reasons(self) -> Sequence[Reason]: ...
    @property
    def neighbours(self) -> Sequence[Near]: ...
    @property
    def ranked(self) -> Sequence[tuple[str, float]]: ...


class Learned(Protocol):
    """A trained judgement."""

    @property
    def id(self) -> str:
        """By which it is told from others."""

    def judge(self, title: str, body: str) -> Opinion:
        """Judge one petition."""


def with_learned(found: Judgement, sheet: Sheet, directory: Directory, learned: Learned) -> Judgement:
    """The directory's judgement and what was learned from dispatchers, made one.

    What was learned decides where it is sure of a unit of today; place chooses between units of one kind. The
    directory keeps its vetoes, and decides where nothing was learned.

    Args:
        found: the directory's judgement.
        sheet: the petition.
        directory: with the units of the day only.
        learned: the trained judgement in force.
    """
    opinion = learned.judge(sheet.title, f"{sheet.body}\n{sheet.place}".strip())
    units = directory.unit_by_id
    found = replace(
        found,
        model=learned.id,
        candidates=[
            Candidate(unit=unit, share=round(share, 2))
            for unit, share in opinion.ranked
            if unit in units and not units[unit].sealed and share >= LEAST_SHARE
        ],
        past=[
            PastCase(petition_id=near.id, unit=near.label, nearness=near.nearness)
            for near in opinion.neighbours
            if near.label in units
        ],
    )
    unit = units.get(opinion.label or "")
    if opinion.abstains or unit is None or unit.sealed or any(one.code in VETOES for one in found.reasons):
        return found
    there = _there(unit, directory, found.area)
    if there is None:
        stop = Reason(code="outside_area", detail=unit.name.zh)
        return replace(found, unit=None, confidence=round(opinion.confidence, 2), reasons=[stop, *opinion.reasons])
    reasons = [Reason(code="learned", detail=there.name.zh, weight=round(opinion.confidence, 2)), *opinion.reasons]
    if found.unit is not None and found.unit != there.id:
        reasons.append(Reason(code="directory_differs", detail=units[found.unit].name.zh))
    subject = found.subject if found.subject in there.subjects else None
    return replace(found, unit=there.id, subject=subject, confidence=round(opinion.confidence, 2), reasons=reasons)


def _there(unit: Unit, directory: Directory, area: str | None) -> Unit | None:
    """The unit itself where it is responsible there, else the one of its kind that is; None when that is not clear.

    Where no place is known the model's word stands: it has read the names of places that dispatchers went by.
    """

    def answers(one: Unit) -> bool:
        whole = not one.areas or directory.jurisdiction.adcode in one.areas
        return whole or area is None or within(directory, area, one.areas)

    if answers(unit):
        return unit
    kind = [one for one in directory.units if one.subjects == unit.subjects and not one.sealed and answers(one)]
    return kind[0] if len(kind) == 1 else None
