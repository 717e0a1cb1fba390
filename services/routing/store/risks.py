"""Open alerts about dangers: those whose time is up, those a member of staff is to look at, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.routing.domain.cases import COUNTY_ROLES, SEALED_ROLE, UNIT_ROLES, Viewer
from services.routing.models import Case, RiskAlert
from services.routing.store.cases import seen_by

#: Most alerts shown above the queue.
SHOWN = 20
#: Clocks of two workers may differ by so much; more means that one was set back.
SET_BACK = timedelta(minutes=2)


def take_due(work: Work, most: int) -> list[tuple[Case, RiskAlert]]:
    """Alerts whose time to be acknowledged is up, the longest first, locked with their cases.

    The case's lock is the one that every step on an alert takes first. Cases that another worker holds are passed
    over: it looks after them, or the next look finds them.
    """
    # Asked in what is the future now: the clock was set back, and the time that is left would be far too long.
    ahead = work.now + SET_BACK
    due = or_(RiskAlert.climbs_at <= work.now, and_(RiskAlert.climbs_at.is_not(None), RiskAlert.asked_at > ahead))
    query = select(Case.petition_id).join(RiskAlert, RiskAlert.petition_id == Case.petition_id)
    query = query.where(RiskAlert.state == "open", due)
    query = query.order_by(RiskAlert.climbs_at, Case.petition_id).limit(most)
    ids = work.session.scalars(query.with_for_update(skip_locked=True, of=Case)).all()
    work.preload(Case, ids)
    work.preload(RiskAlert, ids)
    found = [(work.get(Case, one), work.get(RiskAlert, one)) for one in ids]
    return [
        (case, alert)
        for case, alert in found
        # Looked at again under the lock: somebody may have acknowledged it meanwhile.
        if case is not None
        and alert is not None
        and alert.state == "open"
        and alert.climbs_at is not None
        and (alert.climbs_at <= work.now or alert.asked_at > ahead)
    ]


def alert_of(session: Session, petition_id: str) -> RiskAlert | None:
    """The alert of a petition, acknowledged or not."""
    return session.get(RiskAlert, petition_id)


def _asked(viewer: Viewer) -> ColumnElement[bool]:
    """Alerts that this member of staff may acknowledge."""
    parts: list[ColumnElement[bool]] = []
    if viewer.roles & COUNTY_ROLES:
        parts.append(Case.audience != "sealed")
    if viewer.unit_id and viewer.roles & UNIT_ROLES:
        asked = RiskAlert.asked.contains(f"/{viewer.unit_id}/", autoescape=True)
        parts.append(and_(Case.audience == "units", asked))
    if SEALED_ROLE in viewer.roles:
        parts.append(Case.audience == "sealed")
    return or_(*parts) if parts else false()


def open_for(session: Session, viewer: Viewer) -> Sequence[tuple[Case, RiskAlert]]:
    """The open alerts that this member of staff may acknowledge, the longest waiting first."""
    query = (
        select(Case, RiskAlert)
        .join(RiskAlert, RiskAlert.petition_id == Case.petition_id)
        .where(RiskAlert.state == "open", seen_by(viewer), _asked(viewer))
        .order_by(RiskAlert.raised_at, Case.petition_id)
        .limit(SHOWN)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


@dataclass(frozen=True)
class Open:
    """The open alerts of one level."""

    level: str
    open: int
    overdue: int


def counts(session: Session, now: datetime) -> list[Open]:
    """How many alerts wait to be acknowledged, and for how many the first asking's time is up."""
    late = func.count().filter(RiskAlert.late_from < now)
    query = select(RiskAlert.level, func.count(), late).where(RiskAlert.state == "open").group_by(RiskAlert.level)
    return [Open(*row) for row in session.execute(query)]
