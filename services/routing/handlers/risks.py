"""Urgent dangers: somebody on duty is asked to look, the next one where nobody did, until one acknowledges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

import msgspec

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.contracts.alerts import RiskAcknowledged, RiskRaised
from services.contracts.envelope import Text
from services.contracts.routing import RiskFinding
from services.contracts.shared import Audience, Origin, UnitRef
from services.contracts.words import RISK_NAMES, name_of
from services.routing import store
from services.routing.domain import duty
from services.routing.domain.cases import Viewer, line_of, line_text
from services.routing.domain.directory import Directory, DutyStep
from services.routing.domain.duty import Ask
from services.routing.domain.risks import URGENT
from services.routing.handlers.record import note
from services.routing.models import Case, RiskAlert

#: Who asks where no person does.
RULE = "rule"


def raise_alarm(work: Work, case: Case, findings: Iterable[RiskFinding]) -> None:
    """Ask somebody on duty to look at what is urgent, unless they know of it already.

    Args:
        work: the unit of work.
        case: the case, its audience settled.
        findings: every danger that was found; those to be watched only are left to the desk.
    """
    urgent = [one for one in findings if one.level == URGENT]
    codes = {one.code for one in urgent}
    alert = work.get(RiskAlert, case.petition_id)
    if not codes or (alert is not None and codes <= set(alert.codes)):
        return
    directory = _today(work)
    if alert is None:
        alert = RiskAlert(petition_id=case.petition_id, state="new", codes=[], asked="", sequence=0)
        work.add(alert)
    # What is added to an open one is told to who is asked already, and gives them no more time.
    anew = alert.state != "open"
    alert.evidence = [msgspec.to_builtins(one) for one in urgent]
    alert.codes, alert.level = sorted({*alert.codes, *codes}), URGENT
    if anew:
        alert.state, alert.raised_at, alert.asked = "open", work.now, ""
        alert.acknowledged_at, alert.acknowledged_by = None, None
    if anew or alert.climbs_at is None:
        # None: the whole roster was asked in vain; it is asked again from its beginning.
        _ask(work, case, alert, directory, duty.first(_roster(case, directory)))
    if anew:
        alert.late_from = alert.due_at
    _note(work, case, alert, directory, "risk_raised")
    _tell_raised(work, case, alert, directory)


def ask_anew(work: Work, case: Case) -> None:
    """Other people may see the case now: who was asked before is asked no more, others are (Art. 30)."""
    alert = work.get(RiskAlert, case.petition_id)
    if alert is None:
        return
    if case.audience != "units" or alert.state == "open":
        alert.asked = ""
    if alert.state != "open":
        return
    directory = _today(work)
    _ask(work, case, alert, directory, duty.first(_roster(case, directory)))
    _note(work, case, alert, directory, "risk_climbed")
    _tell_raised(work, case, alert, directory)


def climb(work: Work, most: int) -> int:
    """Ask the next step of the roster about what nobody acknowledged in time.

    Args:
        work: the unit of work.
        most: alerts looked at in one transaction.

    Returns:
        How many dangers somebody was asked about.
    """
    asked = 0
    for case, alert in store.risks.take_due(work, most):
        directory = _today(work)
        roster = _roster(case, directory)
        following = duty.after(roster, alert.step, alert.again)
        if following is None:
            # At the roster's end nobody is left; where there is none there may be one later.
            alert.asked_at = work.now
            alert.climbs_at = None if roster else work.now + timedelta(minutes=duty.MINUTES)
            continue
        _ask(work, case, alert, directory, following)
        _note(work, case, alert, directory, "risk_climbed")
        _tell_raised(work, case, alert, directory)
        asked += 1
    return asked


def acknowledge(work: Work, viewer: Viewer, number: str) -> tuple[Case, RiskAlert]:
    """签收: a member of staff takes note of the danger; it climbs no further.

    Raises:
        Refusal: ``no_such_case``, ``no_alert``, ``not_allowed``, ``acknowledged_already``.
    """
    case = store.cases.take(work, viewer, number)
    if case is None:
        raise Refusal("no_such_case", "There is no such case, or it is not for you to see.", status=404)
    alert = work.get(RiskAlert, case.petition_id)
    if alert is None:
        raise Refusal("no_alert", "No urgent danger was raised in this case.", status=409)
    if not duty.may_acknowledge(viewer, case.audience, line_of(alert.asked)):
        raise Refusal("not_allowed", "Your account may not take this step on this case.", status=403)
    if alert.state != "open":
        raise Refusal("acknowledged_already", "Somebody acknowledged this danger already.", status=409)
    alert.state, alert.climbs_at = "acknowledged", None
    alert.acknowledged_at, alert.acknowledged_by = work.now, viewer.id
    directory = store.directory.read(work.session)
    unit = directory.unit_by_id.get(viewer.unit_id or "")
    ref = UnitRef(id=unit.id, name=unit.name) if unit else None
    note(work, case, "risk_acknowledged", viewer.id, unit=ref, quiet=True)
    work.emit(alert, RiskAcknowledged(**_about(case, alert, directory), by=viewer.id, acknowledged_at=work.now))
    return case, alert


def names_of(codes: Iterable[str], directory: Directory) -> list[Text]:
    """Dangers by name: the directory's, else ours, else the code."""
    own: Mapping[str, Text] = {risk.code: risk.name for risk in directory.risk_words}
    return [own.get(code) or name_of(RISK_NAMES, code) for code in codes]


def _today(work: Work) -> Directory:
    return store.directory.read(work.session).on(store.directory.today(work.session, work.now))


def _roster(case: Case, directory: Directory) -> tuple[DutyStep, ...]:
    return duty.roster_of(directory, cast("Audience", case.audience))


def _ask(work: Work, case: Case, alert: RiskAlert, directory: Directory, ask: Ask) -> None:
    alert.step, alert.again, alert.unit_id = ask.step, ask.again, ask.unit
    alert.asked_at, alert.due_at = work.now, work.now + timedelta(minutes=ask.minutes)
    asked = line_of(alert.asked)
    if ask.unit is not None and ask.unit not in asked:
        alert.asked = line_text([*asked, ask.unit])
    comes = duty.after(_roster(case, directory), ask.step, ask.again)
    alert.climbs_at = alert.due_at if comes is not None or ask.unit is None else None


def _unit(alert: RiskAlert, directory: Directory) -> UnitRef | None:
    unit = directory.unit_by_id.get(alert.unit_id or "")
    return UnitRef(id=unit.id, name=unit.name) if unit else None


def _note(work: Work, case: Case, alert: RiskAlert, directory: Directory, step: str) -> None:
    note(work, case, step, RULE, unit=_unit(alert, directory), quiet=True)


def _tell_raised(work: Work, case: Case, alert: RiskAlert, directory: Directory) -> None:
    event = RiskRaised(
        **_about(case, alert, directory),
        evidence=msgspec.convert(alert.evidence, list[RiskFinding]),
        unit=_unit(alert, directory),
        due_at=alert.due_at,
        again=alert.again,
    )
    work.emit(alert, event)


def _about(case: Case, alert: RiskAlert, directory: Directory) -> dict[str, Any]:
    return {
        "petition_id": case.petition_id,
        "number": case.number,
        "origin": msgspec.convert(case.origin, Origin),
        "sealed": case.sealed,
        "audience": case.audience,
        "level": alert.level,
        "codes": alert.codes,
        "names": names_of(alert.codes, directory),
        "raised_at": alert.raised_at,
        "step": alert.step,
        "asked": line_of(alert.asked),
    }
