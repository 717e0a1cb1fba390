"""The dispatcher's two steps on cases about one matter: let one join another, and take it out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.routing import store
from services.routing.domain import cases
from services.routing.domain.cases import Viewer
from services.routing.domain.merging import merge_problem, unmerge_problem
from services.routing.handlers.desk import NO_SUCH_CASE, Target, allowed, refuse_reason, unchanged
from services.routing.handlers.together import join, release
from services.routing.models import Case

#: What is said for each code of ``merge_problem`` and ``unmerge_problem``.
_PROBLEMS: Final[Mapping[str, str]] = {
    "same_case": "A case cannot join itself: name another one.",
    "sealed_case": "Sealed cases are never handled together with others.",
    "report_on_person": "One of the two reads like a report on a person: send it to a unit first, if it is none.",
    "circle": "%(lead)s follows this case already: take it out first.",
    "joined_already": "This case follows another one already: take it out first.",
    "others_joined": "Other cases follow this one: let %(lead)s join it instead.",
    "lead_follows": "%(lead)s follows %(leading)s itself: join that one.",
    "case_ended": "The case is answered or ended: that cannot be changed any more.",
    "lead_ended": "%(lead)s is answered or ended: a case joins only one that still waits for its reply.",
    "other_kind": "The two are of different kinds, which are answered in different ways.",
    "further_along": "This case is further along than %(lead)s, or accepted by another unit: let %(lead)s join it.",
    "not_joined": "This case follows no other.",
}


def merge(work: Work, viewer: Viewer, target: Target, into: str) -> Case:
    """并案: let a case follow another one about the same matter, up to the reply that answers both.

    Args:
        work: the unit of work.
        viewer: the dispatcher.
        target: the case that joins.
        into: receipt number of the case that leads.

    Raises:
        Refusal: ``no_such_case``, ``not_allowed``, ``case_changed`` or a code of ``domain.merging.merge_problem``.
    """
    case, lead = store.cases.take_two(work, viewer, target.number, into.strip().upper())
    if case is None:
        raise Refusal("no_such_case", NO_SUCH_CASE, status=404)
    if lead is None:
        raise Refusal("no_such_lead", "There is no such case, or it is not for you to see.", field="into", status=422)
    unchanged(case, target)
    allowed("merge", case, viewer, sealed=False)
    problem = merge_problem(case, lead)
    if problem is not None:
        values = {"lead": lead.number, "leading": lead.lead_number or ""}
        raise Refusal(problem, _PROBLEMS[problem], field="into", status=409, **values)
    join(work, case, lead, viewer.id)
    return case


def unmerge(work: Work, viewer: Viewer, target: Target, reason: str) -> Case:
    """撤销并案: take a case out again before the reply; it stands where it stood before it joined.

    Raises:
        Refusal: ``no_such_case``, ``not_allowed``, ``case_changed``, ``not_joined``, ``case_ended``,
            ``reason_too_short``, ``reason_too_long``.
    """
    case, lead = store.cases.take_with_lead(work, viewer, target.number)
    if case is None:
        raise Refusal("no_such_case", NO_SUCH_CASE, status=404)
    unchanged(case, target)
    allowed("unmerge", case, viewer, sealed=False)
    problem = unmerge_problem(case)
    if problem is not None or lead is None:
        code = problem or "not_joined"
        raise Refusal(code, _PROBLEMS[code], status=409)
    reason = cases.tidy(reason)
    refuse_reason(reason)
    release(work, case, lead, viewer.id, reason)
    return case
