"""The directory in its tables, and the judge compiled from it, kept per version and day."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.routing.domain.cases import OPEN
from services.routing.domain.directory import (
    Area,
    Change,
    Directory,
    DutyStep,
    Jurisdiction,
    RiskWords,
    Subject,
    Unit,
)
from services.routing.domain.judgement import Judge
from services.routing.folding import fold
from services.routing.models import AreaRow, Case, DirectoryRow, SubjectRow, UnitRow

K = TypeVar("K")
V = TypeVar("V")

#: Compiled directories by version, and judges by version and day; a few, the oldest dropped first.
_DIRECTORIES: dict[str, Directory] = {}
_JUDGES: dict[tuple[str, date], Judge] = {}
_KEPT = 4
#: The directory is asked for once per transaction.
_ASKED = "routing.directory"


def version_of(directory: Directory) -> str:
    """Hash of everything in a directory."""
    return hashlib.blake2b(msgspec.json.encode(directory), digest_size=16).hexdigest()


def read(session: Session) -> Directory:
    """The directory in force with ended units; an empty one before the first import."""
    return _read(session)[1]


def _read(session: Session) -> tuple[str, Directory]:
    asked: tuple[str, Directory] | None = session.info.get(_ASKED)
    if asked is not None:
        return asked
    version = session.scalar(select(DirectoryRow.version)) or ""
    known = _DIRECTORIES.get(version) if version else Directory()
    if known is None:
        known = _keep(_DIRECTORIES, version, _load(session))
    session.info[_ASKED] = (version, known)
    return version, known


def _load(session: Session) -> Directory:
    row = session.scalars(select(DirectoryRow)).one()
    return Directory(
        jurisdiction=msgspec.convert(row.jurisdiction, Jurisdiction),
        areas=tuple(
            msgspec.convert({"id": a.id, "name": a.name, "parent": a.parent, "words": a.words}, Area)
            for a in session.scalars(select(AreaRow).order_by(AreaRow.position))
        ),
        subjects=tuple(
            msgspec.convert({"id": s.id, "name": s.name, "parent": s.parent, "words": s.words}, Subject)
            for s in session.scalars(select(SubjectRow).order_by(SubjectRow.position))
        ),
        units=tuple(_unit(u) for u in session.scalars(select(UnitRow).order_by(UnitRow.position, UnitRow.id))),
        risk_words=tuple(msgspec.convert(row.risk_words, list[RiskWords])),
        duty=tuple(msgspec.convert(row.duty or [], list[DutyStep])),
    )


def _unit(row: UnitRow) -> Unit:
    values = {name: getattr(row, name) for name in Unit.__dataclass_fields__}
    return msgspec.convert(values, Unit)


def _keep(cache: dict[K, V], key: K, value: V) -> V:
    while len(cache) >= _KEPT:
        cache.pop(next(iter(cache)), None)
    cache[key] = value
    return value


def today(session: Session, now: datetime) -> date:
    """The day in the jurisdiction's zone."""
    return now.astimezone(ZoneInfo(read(session).jurisdiction.time_zone)).date()


def judge_on(session: Session, now: datetime) -> Judge:
    """The judge of the day; compiled once per directory version and day."""
    version, directory = _read(session)
    day = now.astimezone(ZoneInfo(directory.jurisdiction.time_zone)).date()
    judge = _JUDGES.get((version, day))
    if judge is None:
        judge = _keep(_JUDGES, (version, day), Judge(directory.on(day), fold))
    return judge


def write(work: Work, new: Directory, changed: Sequence[Change]) -> list[tuple[UnitRow, Unit]]:
    """Put a checked directory in place of the present one; ended units stay.

    Returns:
        The rows of the changed units, for their events.
    """
    session = work.session
    parts: tuple[tuple[type[AreaRow | SubjectRow], Sequence[Area | Subject]], ...]
    parts = ((AreaRow, new.areas), (SubjectRow, new.subjects))
    for model, items in parts:
        session.execute(delete(model))
        rows = [{"position": at, **_row(item)} for at, item in enumerate(items)]
        if rows:
            session.execute(insert(model), rows)
    position = {unit.id: at for at, unit in enumerate(new.units)}
    work.preload(UnitRow, [unit.id for unit in new.units] + [change.unit.id for change in changed])
    touched: list[tuple[UnitRow, Unit]] = []
    for change in changed:
        row = work.get(UnitRow, change.unit.id)
        values = _row(change.unit)
        if row is None:
            row = UnitRow(**values, position=position.get(change.unit.id, len(position)), sequence=0)
            work.add(row)
        for name, value in values.items():
            setattr(row, name, value)
        touched.append((row, change.unit))
    for unit_id, at in position.items():
        row = work.get(UnitRow, unit_id)
        if row is not None:
            row.position = at
    session.flush()
    _stamp(work, new)
    return touched


def taken(work: Work) -> list[tuple[UnitRow, Unit]]:
    """Every unit, locked."""
    units = read(work.session).units
    work.preload(UnitRow, [unit.id for unit in units])
    return [(row, unit) for unit in units if (row := work.get(UnitRow, unit.id)) is not None]


def _row(item: object) -> dict[str, Any]:
    """Column values; days stay days."""
    values: dict[str, Any] = msgspec.to_builtins(item, builtin_types=(date,))
    return values


def _stamp(work: Work, new: Directory) -> None:
    session = work.session
    row = session.get(DirectoryRow, 1)
    if row is None:
        row = DirectoryRow(id=1)
        session.add(row)
    row.jurisdiction = msgspec.to_builtins(new.jurisdiction)
    row.risk_words = [msgspec.to_builtins(risk) for risk in new.risk_words]
    row.duty = [msgspec.to_builtins(step) for step in new.duty]
    row.imported_at = work.now
    row.version = ""
    session.flush()
    # What is in the tables now, ended units included: two databases with the same rows share what is compiled.
    row.version = version_of(_load(session))
    session.flush()
    session.info.pop(_ASKED, None)


def imported_at(session: Session) -> datetime | None:
    """When the directory was last imported."""
    return session.scalar(select(DirectoryRow.imported_at))


def open_cases(session: Session, unit_ids: Sequence[str]) -> dict[str, int]:
    """How many open cases each of these units has."""
    query = select(Case.unit_id, func.count()).where(Case.unit_id.in_(unit_ids), Case.state.in_(OPEN))
    return {unit: count for unit, count in session.execute(query.group_by(Case.unit_id)) if unit is not None}
