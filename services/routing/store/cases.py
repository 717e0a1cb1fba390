"""Cases for the desk: who may see which, queues, one case with its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.orm import Session, load_only

from services.chassis.delivery import Work
from services.routing.domain.cases import COUNTY_ROLES, OPEN, SEALED_ROLE, UNIT_ROLES, Viewer
from services.routing.models import Account, Case, HistoryEntry, RiskAlert

PAGE = 25


def seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Which cases this member of staff may see. The one place where the desk's audience is decided.

    Sealed cases: sealed-case officers alone. Others: dispatchers and supervisors all of them; staff of a unit
    those of their unit and of the units below it, and those whose danger their unit was asked to look at.
    """
    allowed: list[ColumnElement[bool]] = []
    if viewer.roles & COUNTY_ROLES:
        allowed.append(Case.audience.in_(["dispatchers", "units"]))
    if viewer.unit_id and viewer.roles & UNIT_ROLES:
        own = or_(Case.unit_id == viewer.unit_id, Case.unit_line.contains(f"/{viewer.unit_id}/", autoescape=True))
        asked = select(RiskAlert.petition_id).where(RiskAlert.asked.contains(f"/{viewer.unit_id}/", autoescape=True))
        allowed.append(and_(Case.audience == "units", or_(own, Case.petition_id.in_(asked))))
    if SEALED_ROLE in viewer.roles:
        allowed.append(Case.audience == "sealed")
    return or_(*allowed) if allowed else false()


def waiting_for(viewer: Viewer) -> ColumnElement[bool]:
    """The cases that wait for this member of staff: the queue ``mine``."""
    waiting: list[ColumnElement[bool]] = []
    if "supervisor" in viewer.roles:
        waiting.append(Case.state.in_(OPEN))
    if "dispatcher" in viewer.roles:
        waiting.append(Case.state.in_(["under_review", "objected"]))
    if viewer.unit_id and viewer.roles & UNIT_ROLES:
        waiting.append(and_(Case.unit_id == viewer.unit_id, Case.state.in_(["dispatched", "accepted"])))
    if SEALED_ROLE in viewer.roles:
        waiting.append(and_(Case.audience == "sealed", Case.state.in_(OPEN)))
    # Who works on a case works on those that follow it: they wait for nobody of their own.
    return and_(seen_by(viewer), Case.lead_id.is_(None), or_(*waiting)) if waiting else false()


@dataclass(frozen=True)
class Asked:
    """What a list is filtered by."""

    queue: str = "mine"
    state: str = ""
    kind: str = ""
    unit: str = ""
    words: str = ""
    page: int = 1


@dataclass(frozen=True)
class Found:
    """One page of a list."""

    cases: Sequence[Case]
    total: int
    page: int
    pages: int


def _where(viewer: Viewer, asked: Asked) -> ColumnElement[bool]:
    parts = [waiting_for(viewer) if asked.queue == "mine" else seen_by(viewer)]
    for column, value in ((Case.state, asked.state), (Case.kind, asked.kind), (Case.unit_id, asked.unit)):
        if value:
            parts.append(column == value)
    if asked.words:
        found = or_(Case.number == asked.words.upper(), Case.title.contains(asked.words, autoescape=True))
        parts.append(found)
    return and_(*parts)


def page_of(session: Session, viewer: Viewer, asked: Asked, now: datetime) -> Found:
    """One page: overdue first, then those with a danger, then by due date."""
    where = _where(viewer, asked)
    total = session.scalar(select(func.count()).select_from(Case).where(where)) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(1, asked.page), pages)
    late = case((Case.step_due_at < now, 0), (Case.step_due_at.is_(None), 2), else_=1)
    query = (
        select(Case)
        .options(
            load_only(
                Case.petition_id,
                Case.number,
                Case.title,
                Case.kind,
                Case.state,
                Case.audience,
                Case.version,
                Case.risky,
                Case.confidence,
                Case.assessment,
                Case.unit_id,
                Case.unit_name,
                Case.hops,
                Case.submitted_at,
                Case.due_at,
                Case.step_due_at,
                Case.lead_number,
                Case.joined,
            )
        )
        .where(where)
        .order_by(late, Case.risky.desc(), Case.step_due_at, Case.submitted_at.desc(), Case.petition_id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Found(session.scalars(query).all(), total, page, pages)


@dataclass(frozen=True)
class Counts:
    """The figures above the queue."""

    mine: int
    overdue: int
    risky: int
    all: int


def counts(session: Session, viewer: Viewer, now: datetime) -> Counts:
    """How many wait for this member of staff, how many of these are late or dangerous; how many can be seen."""
    mine = waiting_for(viewer)
    row = session.execute(
        select(
            func.count(case((mine, 1))),
            func.count(case((and_(mine, Case.step_due_at < now), 1))),
            func.count(case((and_(mine, Case.risky.is_(True)), 1))),
            func.count(),
        ).where(seen_by(viewer))
    ).one()
    return Counts(*row)


def by_state(session: Session, viewer: Viewer, asked: Asked) -> dict[str, int]:
    """How many of the asked queue are in each state."""
    where = _where(viewer, Asked(queue=asked.queue))
    query = select(Case.state, func.count()).where(where).group_by(Case.state)
    return {row[0]: row[1] for row in session.execute(query)}


@dataclass(frozen=True)
class Clock:
    """The cases of one state whose next step is awaited."""

    state: str
    running: int
    overdue: int
    #: When the step was due that is longest overdue, or will be next.
    first_due: datetime | None


def clocks(session: Session, now: datetime) -> list[Clock]:
    """Every open state: how many cases are in it, how many are late, read from the index ``case_state`` alone."""
    due = Case.step_due_at
    query = select(Case.state, func.count(due), func.count(due).filter(due < now), func.min(due))
    rows = session.execute(query.where(Case.state.in_(OPEN)).group_by(Case.state)).all()
    found = {row[0]: Clock(*row) for row in rows}
    return [found.get(state, Clock(state, 0, 0, None)) for state in OPEN]


def find(session: Session, viewer: Viewer, number: str) -> Case | None:
    """The case with this number, if this member of staff may see it."""
    return session.scalars(select(Case).where(Case.number == number, seen_by(viewer))).first()


def take(work: Work, viewer: Viewer, number: str) -> Case | None:
    """As ``find``, locked for a step together with the cases that follow it, by one statement in key order.

    One that joined in the very moment is not locked: see ``is_whole``.
    """
    query = select(Case.petition_id, Case.joined).where(Case.number == number, seen_by(viewer))
    found = work.session.execute(query).first()
    if found is None:
        return None
    work.preload(Case, [found[0], *(link["petition_id"] for link in found[1] or ())])
    return work.get(Case, found[0])


def is_whole(work: Work, case: Case) -> bool:
    """True when all that follow a case were locked with it. To lock one later might wait for who waits for us."""
    return all(work.holds(Case, link["petition_id"]) for link in case.joined or ())


def take_two(work: Work, viewer: Viewer, number: str, other: str) -> tuple[Case | None, Case | None]:
    """Two cases by their numbers, locked by one statement in key order; None for one that is not to be seen."""
    query = select(Case.number, Case.petition_id).where(Case.number.in_([number, other]), seen_by(viewer))
    found = {row[0]: row[1] for row in work.session.execute(query)}
    work.preload(Case, found.values())
    one, two = (work.get(Case, found[key]) if key in found else None for key in (number, other))
    return one, two


def take_with_lead(work: Work, viewer: Viewer, number: str) -> tuple[Case | None, Case | None]:
    """A case and the one it follows, both locked."""
    lead_number = work.session.scalar(select(Case.lead_number).where(Case.number == number, seen_by(viewer)))
    if lead_number is None:
        return take(work, viewer, number), None
    case, lead = take_two(work, viewer, number, lead_number)
    return case, lead if case is not None and lead is not None and case.lead_id == lead.petition_id else None


def first_step_due(work: Work, lead: Case) -> datetime | None:
    """When the first of the cases that follow this one needs its next step. None of them is locked for it."""
    ids = [link["petition_id"] for link in lead.joined or ()]
    if not ids:
        return None
    work.session.flush()
    query = select(func.min(Case.step_due_at)).where(Case.petition_id.in_(ids), Case.lead_id == lead.petition_id)
    return work.session.scalar(query)


def visible_titles(session: Session, viewer: Viewer, petition_ids: Sequence[str]) -> dict[str, Case]:
    """Those of the petitions that this member of staff may see, for the lists of look-alikes and past cases.

    A case that was sealed since it was named in a judgement, or since a model learned from it, is in neither, whoever
    looks: the pages that have these lists are of cases that are not sealed.
    """
    query = (
        select(Case)
        .options(
            load_only(
                Case.number,
                Case.title,
                Case.state,
                Case.submitted_at,
                Case.unit_name,
                Case.petition,
                Case.kind,
                Case.sealed,
                Case.audience,
                Case.unit_id,
                Case.lead_id,
                Case.lead_number,
                Case.joined,
                Case.hops,
            )
        )
        .where(Case.petition_id.in_(petition_ids), seen_by(viewer), Case.audience != "sealed")
    )
    return {one.petition_id: one for one in session.scalars(query)}


def history(session: Session, petition_id: str) -> Sequence[HistoryEntry]:
    """The steps of a case, oldest first."""
    return session.scalars(
        select(HistoryEntry).where(HistoryEntry.petition_id == petition_id).order_by(HistoryEntry.position)
    ).all()


def last_step(session: Session, petition_id: str) -> int:
    """The number of the newest step that the history holds of a petition; 0 without any."""
    query = select(func.max(HistoryEntry.position)).where(HistoryEntry.petition_id == petition_id)
    return session.scalar(query) or 0


def names_of(session: Session, staff_ids: Sequence[str]) -> dict[str, str]:
    """Names of members of staff by their ids."""
    query = select(Account.id, Account.name).where(Account.id.in_(staff_ids))
    return {row[0]: row[1] for row in session.execute(query)}
