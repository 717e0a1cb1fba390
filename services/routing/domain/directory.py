"""The directory: who is responsible for what and where, with its checks and its differences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from services.contracts.envelope import Text
from services.routing.domain.clocks import LAW, Promises

#: Largest weight a word may have; 3 names the matter.
MAX_WEIGHT = 10.0


@dataclass(frozen=True)
class Area:
    """A division of the jurisdiction; ``id`` is its code (GB/T 2260 with village codes below)."""

    id: str
    name: Text
    parent: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """What a petition can be about, with the words that name it."""

    id: str
    name: Text
    parent: str | None = None
    words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lead:
    """The office in a unit that answers for petitions; no person's own contact."""

    name: str = ""
    phone: str | None = None
    mail: str | None = None


NO_LEAD = Lead()


@dataclass(frozen=True)
class Unit:
    """A unit that petitions are sent to."""

    id: str
    name: Text
    valid_from: date
    #: Last day on which it is there; None: no end is known.
    valid_to: date | None = None
    #: Where it stands.
    parent: str | None = None
    #: Who decides above it: review, disputes over competence.
    superior: str | None = None
    lead: Lead = NO_LEAD
    subjects: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    words: Mapping[str, float] = field(default_factory=dict)
    #: Reports on persons go to it and nowhere else (信访工作条例 Art. 30).
    sealed: bool = False

    def valid_on(self, day: date) -> bool:
        """True when the unit is there on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class RiskWords:
    """Words at which a petition is marked for a person's eye at once."""

    code: str
    name: Text
    words: tuple[str, ...]
    #: "watch", or "urgent": the duty roster is asked.
    level: Literal["watch", "urgent"] = "watch"


@dataclass(frozen=True)
class DutyStep:
    """A step of the duty roster 值班: who is asked about a danger, and how long before the next one is."""

    unit: str
    minutes: int


@dataclass(frozen=True)
class Jurisdiction:
    """Whose directory it is."""

    id: str
    name: Text
    adcode: str
    time_zone: str = "Asia/Shanghai"
    promises: Promises = LAW


NOBODY = Jurisdiction(id="", name=Text(zh=""), adcode="")


@dataclass(frozen=True)
class Directory:
    """Everything of one directory file, or of the tables it was imported into."""

    jurisdiction: Jurisdiction = NOBODY
    areas: tuple[Area, ...] = ()
    subjects: tuple[Subject, ...] = ()
    units: tuple[Unit, ...] = ()
    risk_words: tuple[RiskWords, ...] = ()
    #: Who is asked about an urgent danger, in this order; empty: the petition office's queue alone.
    duty: tuple[DutyStep, ...] = ()

    @cached_property
    def unit_by_id(self) -> Mapping[str, Unit]:
        """Units by id, ended ones too."""
        return {unit.id: unit for unit in self.units}

    @cached_property
    def area_by_id(self) -> Mapping[str, Area]:
        """Areas by code."""
        return {area.id: area for area in self.areas}

    @cached_property
    def subject_by_id(self) -> Mapping[str, Subject]:
        """Subjects by id."""
        return {subject.id: subject for subject in self.subjects}

    def on(self, day: date) -> Directory:
        """The directory with the units of ``day`` only."""
        return replace(self, units=tuple(unit for unit in self.units if unit.valid_on(day)))

    def line(self, unit_id: str) -> list[str]:
        """Ids of the unit's superiors, nearest first."""
        found: list[str] = []
        unit = self.unit_by_id.get(unit_id)
        while unit is not None and unit.superior and unit.superior not in found:
            found.append(unit.superior)
            unit = self.unit_by_id.get(unit.superior)
        return found

    def area_line(self, area_id: str | None) -> list[str]:
        """The area and those around it, narrowest first."""
        found: list[str] = []
        while area_id is not None and area_id in self.area_by_id and area_id not in found:
            found.append(area_id)
            area_id = self.area_by_id[area_id].parent
        return found

    def sealed_unit(self) -> Unit | None:
        """The unit for reports on persons."""
        return next((unit for unit in self.units if unit.sealed), None)


@dataclass(frozen=True)
class Problem:
    """One error of a directory file: stable code, where, and a sentence."""

    code: str
    path: str
    message: str


def check(directory: Directory) -> list[Problem]:
    """Every error in the directory as a whole: references, cycles, dates, weights."""
    found: list[Problem] = []
    found += _references(directory)
    found += _cycles("areas", "parent", "area_cycle", {a.id: a.parent for a in directory.areas})
    found += _cycles("subjects", "parent", "subject_cycle", {s.id: s.parent for s in directory.subjects})
    found += _cycles("units", "parent", "unit_cycle", {u.id: u.parent for u in directory.units})
    found += _cycles("units", "superior", "unit_cycle", {u.id: u.superior for u in directory.units})
    for unit in directory.units:
        if unit.valid_to is not None and unit.valid_to < unit.valid_from:
            found.append(Problem("wrong_dates", f"units.{unit.id}.valid_to", "ends before it begins"))
    for path, words in _word_lists(directory):
        for word, weight in words.items():
            if not 0 < weight <= MAX_WEIGHT:
                found.append(
                    Problem("wrong_weight", f"{path}.words.{word}", f"weight {weight:g} is not above 0 and at most 10")
                )
    if sum(unit.sealed for unit in directory.units) > 1:
        several = ", ".join(unit.id for unit in directory.units if unit.sealed)
        found.append(Problem("several_sealed_units", "units", f"only one unit may be sealed, here are {several}"))
    return found


def _references(directory: Directory) -> Iterator[Problem]:
    areas, subjects, units = directory.area_by_id, directory.subject_by_id, directory.unit_by_id
    if directory.jurisdiction.adcode not in areas:
        code = directory.jurisdiction.adcode
        yield Problem("unknown_area", "jurisdiction.adcode", f"there is no area {code!r}")
    for area in directory.areas:
        if area.parent is not None and area.parent not in areas:
            yield Problem("unknown_area", f"areas.{area.id}.parent", f"there is no area {area.parent!r}")
    for subject in directory.subjects:
        if subject.parent is not None and subject.parent not in subjects:
            yield Problem("unknown_subject", f"subjects.{subject.id}.parent", f"there is no subject {subject.parent!r}")
    for unit in directory.units:
        for label, value in (("parent", unit.parent), ("superior", unit.superior)):
            if value is not None and value not in units:
                yield Problem("unknown_unit", f"units.{unit.id}.{label}", f"there is no unit {value!r}")
        for value in unit.subjects:
            if value not in subjects:
                yield Problem("unknown_subject", f"units.{unit.id}.subjects", f"there is no subject {value!r}")
        for value in unit.areas:
            if value not in areas:
                yield Problem("unknown_area", f"units.{unit.id}.areas", f"there is no area {value!r}")


def _cycles(part: str, label: str, code: str, above: Mapping[str, str | None]) -> Iterator[Problem]:
    """One problem per circle, named at its smallest member so that the report does not depend on order."""
    told: set[str] = set()
    for start in sorted(above):
        path: list[str] = []
        at: str | None = start
        while at is not None and at in above and at not in path:
            path.append(at)
            at = above[at]
        if at is None or at not in path:
            continue
        circle = path[path.index(at) :]
        if told.isdisjoint(circle):
            told.update(circle)
            first = circle.index(min(circle))
            shown = [*circle[first:], *circle[:first], circle[first]]
            yield Problem(code, f"{part}.{shown[0]}.{label}", "stands above itself: " + " → ".join(shown))


def _word_lists(directory: Directory) -> Iterator[tuple[str, Mapping[str, float]]]:
    for subject in directory.subjects:
        yield f"subjects.{subject.id}", subject.words
    for unit in directory.units:
        yield f"units.{unit.id}", unit.words


@dataclass(frozen=True)
class Change:
    """What an import does to one unit."""

    #: "added", "changed" or "ended".
    what: str
    unit: Unit
    #: The fields that differ.
    fields: tuple[str, ...] = ()


FIELDS: Sequence[str] = (
    "name",
    "valid_from",
    "valid_to",
    "parent",
    "superior",
    "lead",
    "subjects",
    "areas",
    "words",
    "sealed",
)


def changes(old: Directory, new: Directory, today: date) -> list[Change]:
    """What importing ``new`` over ``old`` does to the units, in the order of the file, ended ones last.

    A unit that is left out ends: yesterday was its last day. It stays in the directory, since old cases name it.
    """
    found: list[Change] = []
    for unit in new.units:
        before = old.unit_by_id.get(unit.id)
        if before is None:
            found.append(Change("added", unit))
            continue
        differing = tuple(name for name in FIELDS if getattr(before, name) != getattr(unit, name))
        if differing:
            found.append(Change("changed", unit, differing))
    for unit in old.units:
        if unit.id not in new.unit_by_id and (unit.valid_to is None or unit.valid_to >= today):
            found.append(Change("ended", replace(unit, valid_to=today - timedelta(days=1)), ("valid_to",)))
    return found


def within(directory: Directory, area_id: str | None, wanted: Iterable[str]) -> bool:
    """True when the area lies in one of ``wanted``."""
    line = set(directory.area_line(area_id))
    return any(area in line for area in wanted)
