"""Dangers as pages and API show them: tags, the banner above a case, the list above the queue, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.chassis.identity import Staff
from services.chassis.web import house, moment, pick, t, tn
from services.contracts.routing import Assessment, RiskFinding
from services.routing import store
from services.routing.domain import duty
from services.routing.domain.cases import Viewer, line_of
from services.routing.domain.directory import Directory
from services.routing.domain.risks import URGENT, levels
from services.routing.handlers import risks
from services.routing.models import Case, RiskAlert


def tags(assessment: Assessment, directory: Directory) -> list[tuple[str, str]]:
    """Dangers by name with the tone of their tag, the urgent ones first."""
    level = levels(assessment.risk_findings)
    # A case of an older release has codes alone.
    codes = sorted(assessment.risks, key=lambda code: level.get(code, URGENT) != URGENT)
    names = risks.names_of(codes, directory)
    return [
        (pick(name), "red" if level.get(code, URGENT) == URGENT else "amber")
        for code, name in zip(codes, names, strict=True)
    ]


@dataclass(frozen=True)
class Evidence:
    """A kind of danger and the clauses that tell of it, as the case page shows them."""

    name: str
    urgent: bool
    #: What stands before the words, the words, and what stands behind them.
    clauses: list[tuple[str, str, str]]


def evidence(findings: Sequence[RiskFinding], directory: Directory) -> list[Evidence]:
    """What was found by kind and level, each clause cut at the words."""
    kinds: dict[tuple[str, bool], Evidence] = {}
    for one, name in zip(findings, risks.names_of((f.code for f in findings), directory), strict=True):
        urgent = one.level == URGENT
        kind = kinds.setdefault((one.code, urgent), Evidence(pick(name), urgent, []))
        before, word, after = one.clause.partition(one.word)
        kind.clauses.append((before, word, after) if word else ("", one.word, ""))
    return list(kinds.values())


@dataclass(frozen=True)
class Alert:
    """An alert as the desk shows it."""

    number: str
    title: str
    names: list[str]
    is_open: bool
    #: This member of staff may acknowledge it.
    mine: bool
    late: bool
    due_at: datetime
    #: Who is asked now; "" when nobody by name.
    unit: str
    waits: str
    #: Who acknowledged it, and when.
    by: str
    at: datetime | None


def _alert(case: Case, alert: RiskAlert, staff: Viewer, directory: Directory, by: str, now: datetime) -> Alert:
    unit = directory.unit_by_id.get(alert.unit_id or "")
    minutes = max(0, int((now - alert.raised_at).total_seconds() // 60))
    is_open = alert.state == "open"
    return Alert(
        number=case.number,
        title=case.title,
        names=[pick(name) for name in risks.names_of(alert.codes, directory)],
        is_open=is_open,
        mine=is_open and duty.may_acknowledge(staff, case.audience, line_of(alert.asked)),
        late=is_open and alert.late_from < now,
        due_at=alert.due_at,
        unit=pick(unit.name) if unit else "",
        waits=tn("waiting for %(n)s minute", "waiting for %(n)s minutes", minutes) if minutes else t("seen just now"),
        by=by,
        at=alert.acknowledged_at,
    )


def alert_of(session: Session, case: Case, staff: Viewer, directory: Directory, now: datetime) -> Alert | None:
    """The alert of a case, for its page."""
    row = store.risks.alert_of(session, case.petition_id)
    if row is None:
        return None
    by = row.acknowledged_by or ""
    return _alert(case, row, staff, directory, store.cases.names_of(session, [by]).get(by, by) if by else "", now)


def open_alerts(session: Session, staff: Viewer, directory: Directory, now: datetime) -> list[Alert]:
    """The alerts that this member of staff is to acknowledge, for the top of the queue."""
    return [_alert(case, row, staff, directory, "", now) for case, row in store.risks.open_for(session, staff)]


def told(session: Session, case: Case, staff: Staff) -> dict[str, Any] | None:
    """The alert of a case in the API."""
    row = store.risks.alert_of(session, case.petition_id)
    if row is None:
        return None
    return {
        "state": row.state,
        "level": row.level,
        "codes": row.codes,
        "evidence": msgspec.convert(row.evidence, list[RiskFinding]),
        "raised_at": row.raised_at,
        "step": row.step,
        "again": row.again,
        "unit": row.unit_id,
        "asked": line_of(row.asked),
        "due_at": row.due_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": row.acknowledged_by,
        "may_acknowledge": row.state == "open" and duty.may_acknowledge(staff, case.audience, line_of(row.asked)),
    }


def acknowledge(work: Work, staff: Viewer, number: str) -> Case:
    """Acknowledge, and measure how long that took."""
    case, alert = risks.acknowledge(work, staff, number)
    seconds = (work.now - alert.raised_at).total_seconds()
    house().metrics.observe("risk_acknowledged_seconds", max(0.0, seconds), level=alert.level)
    return case


def banner(alert: Alert) -> str:
    """Who is asked and by when, or who took note, in a sentence."""
    if not alert.is_open:
        return t("Acknowledged by %(who)s on %(at)s", who=alert.by, at=moment(alert.at) if alert.at else "")
    if alert.unit:
        return t("%(unit)s is asked to acknowledge by %(at)s", unit=alert.unit, at=moment(alert.due_at))
    return t("To be acknowledged by %(at)s", at=moment(alert.due_at))
