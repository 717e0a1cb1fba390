"""The rules of handling cases together 并案: which case may join which, and where that leaves the one that joins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, cast

from services.contracts.shared import Kind
from services.routing.domain.cases import OPEN, OUTCOMES

#: How far a case is on its way: one that is further along leads.
_RANK: Final[Mapping[str, int]] = {"under_review": 0, "objected": 0, "dispatched": 1, "accepted": 2}


class Standing(Protocol):
    """What the rules ask of a case."""

    @property
    def petition_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def sealed(self) -> bool: ...
    @property
    def audience(self) -> str: ...
    @property
    def unit_id(self) -> str | None: ...
    @property
    def lead_id(self) -> str | None: ...
    @property
    def joined(self) -> Sequence[Any] | None: ...


def merge_problem(case: Standing, lead: Standing) -> str | None:
    """Code of why a case may not join another one, None when it may.

    A case joins one that is as far along as itself or further and that still waits for its reply, so that joining
    takes nothing back that its petitioner was told. No case follows one that follows another: so nothing runs in a
    circle, and one step always reaches all.
    """
    if case.petition_id == lead.petition_id:
        return "same_case"
    if case.sealed or lead.sealed or "sealed" in (case.audience, lead.audience):
        return "sealed_case"
    if case.audience != "units" or lead.audience != "units":
        # It reads like a report on a person, and no dispatcher has sent it to a unit yet.
        return "report_on_person"
    return _not_free(case, lead) or _not_alike(case, lead)


def _not_free(case: Standing, lead: Standing) -> str | None:
    if lead.lead_id == case.petition_id:
        return "circle"
    if case.lead_id is not None:
        return "joined_already"
    if case.joined:
        return "others_joined"
    return "lead_follows" if lead.lead_id is not None else None


def _not_alike(case: Standing, lead: Standing) -> str | None:
    if case.state not in OPEN:
        return "case_ended"
    if lead.state not in OPEN:
        return "lead_ended"
    if OUTCOMES[cast("Kind", case.kind)] != OUTCOMES[cast("Kind", lead.kind)]:
        # What answers a complaint does not answer a question, and their limits are not the same.
        return "other_kind"
    ours, theirs = _RANK[case.state], _RANK[lead.state]
    if ours > theirs or (case.state == "accepted" and case.unit_id != lead.unit_id):
        return "further_along"
    return None


def unmerge_problem(case: Standing) -> str | None:
    """Code of why a case cannot be taken out again, None when it can: only before the reply."""
    if case.lead_id is None:
        return "not_joined"
    return None if case.state in OPEN else "case_ended"


#: What is kept of where a case stood, and how it is read back.
KEPT: Final = (
    "state", "audience", "unit_id", "unit_name", "unit_line", "hops", "first_dispatched_at", "dispatched_at",
    "accepted_at", "due_at", "step_due_at",
)  # fmt: skip
MOMENTS: Final = frozenset(name for name in KEPT if name.endswith("_at"))


def standing_of(case: object) -> dict[str, Any]:
    """Where a case stands, in plain JSON values."""
    values = {name: getattr(case, name) for name in KEPT}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def standing_from(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of ``standing_of``."""
    return {name: datetime.fromisoformat(v) if v and name in MOMENTS else v for name, v in kept.items()}


def earliest(*moments: datetime | None) -> datetime | None:
    """The earliest of those that are there."""
    return min((moment for moment in moments if moment is not None), default=None)
