"""A case as it is told to others, and the line each step leaves in its history."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from services.chassis.delivery import Work
from services.contracts.envelope import Text
from services.contracts.intake import PetitionState
from services.contracts.routing import Assessment, CaseEvent, CaseLink, CaseState, Reply
from services.contracts.shared import Origin, UnitRef
from services.routing import store
from services.routing.domain.cases import line_of
from services.routing.models import Case, HistoryEntry

E = TypeVar("E", bound=CaseEvent)


def unit_of(case: Case) -> UnitRef | None:
    """The responsible unit, by the name it had when the case was sent to it."""
    if case.unit_id is None or case.unit_name is None:
        return None
    return UnitRef(id=case.unit_id, name=msgspec.convert(case.unit_name, Text))


def petition_of(case: Case) -> PetitionState:
    """The petition as intake last told it."""
    return msgspec.convert(case.petition, PetitionState)


def assessment_of(case: Case) -> Assessment:
    """The judgement as it stands."""
    return msgspec.convert(case.assessment, Assessment)


def reply_of(case: Case) -> Reply | None:
    """The reply, once it went out."""
    return None if case.reply is None else msgspec.convert(case.reply, Reply)


def joined_of(case: Case) -> list[CaseLink]:
    """The cases that follow this one."""
    return msgspec.convert(case.joined or [], list[CaseLink])


def lead_of(case: Case) -> CaseLink | None:
    """The case that this one follows."""
    if case.lead_id is None or case.lead_number is None or case.joined_at is None:
        return None
    return CaseLink(petition_id=case.lead_id, number=case.lead_number, since=case.joined_at)


def state_of(case: Case) -> CaseState:
    """Routing's full public state of the case."""
    values: Any = {"state": case.state, "audience": case.audience, "kind": case.kind}
    return CaseState(
        **values,
        assessment=assessment_of(case),
        unit=unit_of(case),
        unit_line=line_of(case.unit_line),
        dispatched_at=case.dispatched_at,
        accepted_at=case.accepted_at,
        due_at=case.due_at,
        hops=case.hops,
        reply=reply_of(case),
        closed_at=case.closed_at,
        lead=lead_of(case),
        joined=joined_of(case),
    )


def tell(work: Work, case: Case, event: type[E], **values: Any) -> None:
    """Emit a state event of the case.

    Args:
        work: the unit of work.
        case: the case, already changed.
        event: the event's class.
        values: its own fields.
    """
    work.emit(
        case,
        event(
            petition_id=case.petition_id,
            number=case.number,
            origin=msgspec.convert(case.origin, Origin),
            sealed=case.sealed,
            case=state_of(case),
            **values,
        ),
    )


def note(
    work: Work,
    case: Case,
    step: str,
    actor: str,
    reason: str = "",
    *,
    unit: UnitRef | None = None,
    quiet: bool = False,
) -> None:
    """Write a step into the history and raise the case's version.

    Args:
        work: the unit of work.
        case: the case.
        step: code of the step.
        actor: "rule", "petitioner" or a staff id.
        reason: why.
        unit: the unit it is about.
        quiet: nothing on the case changed that somebody may be typing at: the version stays.
    """
    case.steps = (case.steps or 0) + 1
    if not quiet:
        case.version = case.steps
    store.loading.add_history(
        work,
        HistoryEntry(
            petition_id=case.petition_id,
            position=case.steps,
            at=work.now,
            step=step,
            actor=actor,
            unit_id=unit.id if unit else None,
            unit_name=msgspec.to_builtins(unit.name) if unit else None,
            reason=reason,
        ),
    )
