"""Cases that are handled together 并案: who follows whom, and how they part. Used by every step that moves a case."""

from __future__ import annotations

from typing import Any

import msgspec

from services.chassis.delivery import Work
from services.contracts.routing import CaseLink, PetitionMerged, PetitionUnmerged
from services.routing import store
from services.routing.domain import clocks
from services.routing.domain.cases import OPEN
from services.routing.domain.merging import earliest, standing_from, standing_of
from services.routing.handlers.record import joined_of, note, petition_of, tell
from services.routing.models import Case

#: Who acts where no person does.
RULE = "rule"


def followers(work: Work, lead: Case) -> list[Case]:
    """The open cases that follow this one, locked; every step on it is taken on them too."""
    if not lead.joined:
        return []
    work.preload(Case, sorted(one.petition_id for one in joined_of(lead)))
    found = [work.get(Case, one.petition_id) for one in joined_of(lead)]
    return [one for one in found if one is not None and one.lead_id == lead.petition_id and one.state in OPEN]


def hurry(work: Work, lead: Case) -> None:
    """The next step on a case that others follow is due when the first of them needs it: each keeps its own clock."""
    if lead.state in OPEN and lead.joined is not None:
        lead.step_due_at = earliest(_own_step_due(work, lead), store.cases.first_step_due(work, lead))


def _own_step_due(work: Work, case: Case) -> Any:
    jurisdiction = store.directory.read(work.session).jurisdiction
    zone, promises = jurisdiction.time_zone, jurisdiction.promises
    if case.state == "accepted":
        return case.due_at
    if case.state == "dispatched" and case.dispatched_at is not None:
        return clocks.accept_due(case.dispatched_at, promises, zone)
    return clocks.dispatch_due(case.submitted_at, promises, zone)


def link_of(case: Case, work: Work) -> CaseLink:
    """This case as another one names it."""
    return CaseLink(petition_id=case.petition_id, number=case.number, since=work.now)


def join(work: Work, case: Case, lead: Case, by: str) -> None:
    """Let a case follow another one from where that stands. Whether it may was asked before; both are locked."""
    case.before_joining = standing_of(case)
    _link(work, case, lead)
    if lead.unit_id is not None:
        _go_along(work, case, lead)
    hurry(work, lead)
    note(work, case, "joined", by, lead.number)
    note(work, lead, "leads", by, case.number)
    tell(work, case, PetitionMerged, by=by, other=link_of(lead, work))
    tell(work, lead, PetitionMerged, by=by, other=link_of(case, work), leads=True)


def _link(work: Work, case: Case, lead: Case) -> None:
    case.lead_id, case.lead_number, case.joined_at = lead.petition_id, lead.number, work.now
    lead.joined = [*(lead.joined or []), msgspec.to_builtins(link_of(case, work))]


def _go_along(work: Work, case: Case, lead: Case) -> None:
    """The case is now where its lead is. What was promised its petitioner stays: no due date moves back."""
    jurisdiction = store.directory.read(work.session).jurisdiction
    zone, promises = jurisdiction.time_zone, jurisdiction.promises
    if case.unit_id != lead.unit_id:
        case.hops += 1
        case.dispatched_at = work.now
    if lead.state == "accepted" and case.state != "accepted":
        case.accepted_at = work.now
    case.state, case.unit_id, case.unit_name, case.unit_line = lead.state, lead.unit_id, lead.unit_name, lead.unit_line
    case.first_dispatched_at = case.first_dispatched_at or work.now
    started = case.accepted_at or case.first_dispatched_at
    case.due_at = earliest(case.due_at, clocks.reply_due(petition_of(case).kind, started, promises, zone))
    case.step_due_at = _own_step_due(work, case)


def release(work: Work, case: Case, lead: Case, by: str, reason: str = "") -> None:
    """Take a case out again: it stands where it stood before it joined. Both are locked."""
    former = link_of(lead, work)
    _unlink(case, lead)
    for name, value in standing_from(case.before_joining or {}).items():
        setattr(case, name, value)
    case.before_joining = None
    hurry(work, lead)
    note(work, case, "taken_out", by, _told(lead.number, reason))
    note(work, lead, "left", by, _told(case.number, reason))
    tell(work, case, PetitionUnmerged, by=by, other=former)
    tell(work, lead, PetitionUnmerged, by=by, other=link_of(case, work), leads=True)


def _unlink(case: Case, lead: Case) -> None:
    case.lead_id, case.lead_number, case.joined_at = None, None, None
    lead.joined = [one for one in lead.joined or [] if one["petition_id"] != case.petition_id]


def _told(number: str, reason: str) -> str:
    return f"{number}\n{reason}" if reason else number


def part(work: Work, case: Case) -> None:
    """Nothing is handled together with this case any more: it turned out to be a report on a person."""
    if case.lead_id is not None:
        lead = work.get(Case, case.lead_id)
        if lead is not None:
            release(work, case, lead, RULE)
    for other in followers(work, case):
        release(work, other, case, RULE)


def hand_on(work: Work, lead: Case) -> None:
    """The petitioner of the case that leads took it back: the one filed first of the others leads them now."""
    others = sorted(followers(work, lead), key=lambda one: (one.submitted_at, one.number))
    if not others:
        return
    heir, rest = others[0], others[1:]
    former = link_of(lead, work)
    for one in others:
        _unlink(one, lead)
    heir.joined, heir.before_joining = [], None
    note(work, heir, "leads" if rest else "taken_out", RULE, lead.number)
    for one in rest:
        _link(work, one, heir)
    hurry(work, heir)
    if rest:
        tell(work, heir, PetitionMerged, by=RULE, other=link_of(rest[0], work), leads=True)
    else:
        tell(work, heir, PetitionUnmerged, by=RULE, other=former)
    for one in rest:
        note(work, one, "joined", RULE, heir.number)
        tell(work, one, PetitionMerged, by=RULE, other=link_of(heir, work))
