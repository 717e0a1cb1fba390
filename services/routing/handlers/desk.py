"""The steps staff take on a case: dispatch, accept, hand back, reply. Each checks who, from which state and what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.contracts.routing import AssignmentObjected, PetitionAccepted, Reply, ReplyIssued
from services.contracts.shared import Kind
from services.routing import store
from services.routing.domain import cases, clocks
from services.routing.domain.cases import Outcome, Step, Viewer
from services.routing.handlers.petitions import send_all
from services.routing.handlers.record import note, petition_of, tell, unit_of
from services.routing.handlers.together import followers, hurry
from services.routing.models import Case

NO_SUCH_CASE: Final = "There is no such case, or it is not for you to see."


class Target(NamedTuple):
    """The case a step is meant for, as the member of staff saw it."""

    number: str
    #: Version that was on the screen; None from a script that does not care.
    version: int | None = None


#: What was wrong with a text, as it is told.
_PROBLEMS: Final[Mapping[str, tuple[str, int]]] = {
    "reply_too_short": (
        "The reply is too short: write at least %(limit)s characters that answer the petition.",
        cases.MIN_REPLY,
    ),
    "reply_too_long": ("The reply is too long: at most %(limit)s characters.", cases.MAX_TEXT),
    "wrong_outcome": ("This outcome does not suit the kind of the petition: choose one of those offered.", 0),
    "reason_too_short": ("Give a reason of at least %(limit)s characters.", cases.MIN_REASON),
    "reason_too_long": ("The reason is too long: at most %(limit)s characters.", cases.MAX_REASON),
    "basis_too_long": ("The basis is too long: at most %(limit)s characters.", cases.MAX_BASIS),
}


def dispatch(work: Work, viewer: Viewer, target: Target, unit_id: str, reason: str) -> Case:
    """交办: send a case to a unit by hand, or to another one before it was accepted.

    Raises:
        Refusal: ``no_such_case``, ``not_allowed``, ``case_changed``, ``wrong_state``, ``unknown_unit``,
            ``same_unit``, ``sealed_unit_only``, ``others_follow``, ``follows_another``, ``reason_too_short``.
    """
    case = _taken(work, viewer, target, "dispatch")
    directory = store.directory.read(work.session).on(store.directory.today(work.session, work.now))
    unit = directory.unit_by_id.get(unit_id)
    if unit is None:
        raise Refusal("unknown_unit", "There is no such unit today: choose one from the list.", field="unit")
    if unit.id == case.unit_id:
        raise Refusal("same_unit", "The case is with this unit already: choose another one.", field="unit")
    if case.sealed and not unit.sealed:
        raise Refusal("sealed_unit_only", "A report on a person goes only to the unit for sealed cases.", field="unit")
    if unit.sealed and case.joined:
        message = (
            "Other cases follow this one, and nothing is handled together with a sealed case: take them out first."
        )
        raise Refusal("others_follow", message, field="unit", status=409)
    reason = cases.tidy(reason)
    if case.state != "under_review" or reason:
        # A first dispatch speaks for itself; taking a case from a unit needs its reason.
        _refuse(cases.reason_problem(reason), "reason")
    send_all(work, case, directory, unit, by=viewer.id, reason=reason)
    return case


def accept(work: Work, viewer: Viewer, target: Target) -> Case:
    """受理: the unit accepts; from now on the reply is due (信访工作条例 Art. 23, 34).

    Raises:
        Refusal: ``no_such_case``, ``not_allowed``, ``case_changed``, ``wrong_state``.
    """
    case = _taken(work, viewer, target, "accept")
    jurisdiction = store.directory.read(work.session).jurisdiction
    for one in (case, *followers(work, case)):
        one.state, one.accepted_at = "accepted", work.now
        kind: Kind = petition_of(one).kind
        one.due_at = clocks.reply_due(kind, work.now, jurisdiction.promises, jurisdiction.time_zone)
        one.step_due_at = one.due_at
        note(work, one, "accepted", viewer.id, unit=unit_of(one))
        tell(work, one, PetitionAccepted, by=viewer.id)
    hurry(work, case)
    return case


def hand_back(work: Work, viewer: Viewer, target: Target, reason: str) -> Case:
    """异议退回: the unit says that the matter is not its own, with the reason (Art. 23 ¶3).

    Raises:
        Refusal: ``no_such_case``, ``not_allowed``, ``case_changed``, ``wrong_state``, ``reason_too_short``.
    """
    case = _taken(work, viewer, target, "objection")
    reason = cases.tidy(reason)
    _refuse(cases.reason_problem(reason), "reason")
    unit = unit_of(case)
    if unit is None:
        raise Refusal("wrong_state", "The case is with no unit.", status=409)
    jurisdiction = store.directory.read(work.session).jurisdiction
    for one in (case, *followers(work, case)):
        one.state, one.unit_id, one.unit_name, one.unit_line = "objected", None, None, ""
        one.step_due_at = clocks.dispatch_due(one.submitted_at, jurisdiction.promises, jurisdiction.time_zone)
        note(work, one, "objected", viewer.id, reason, unit=unit)
        tell(work, one, AssignmentObjected, by=viewer.id, unit=unit, reason=reason)
    hurry(work, case)
    return case


def reply(work: Work, viewer: Viewer, target: Target, text: str, outcome: Outcome, basis: str) -> Case:
    """答复: the unit answers; the reply goes out, to the petitioner of each case that follows this one as well.

    Raises:
        Refusal: ``no_such_case``, ``not_allowed``, ``case_changed``, ``wrong_state``, ``reply_too_short``,
            ``reply_too_long``, ``wrong_outcome``.
    """
    case = _taken(work, viewer, target, "reply")
    text, basis = cases.tidy(text), cases.tidy(basis)
    problem = cases.reply_problem(petition_of(case).kind, text, outcome)
    _refuse(problem, "outcome" if problem == "wrong_outcome" else "text")
    if len(basis) > cases.MAX_BASIS:
        _refuse("basis_too_long", "basis")
    unit = unit_of(case)
    if unit is None:
        raise Refusal("wrong_state", "The case is with no unit.", status=409)
    answer = Reply(text=text, outcome=outcome, unit=unit, issued_at=work.now, basis=basis)
    for one in (case, *followers(work, case)):
        one.reply = msgspec.to_builtins(answer)
        one.state, one.step_due_at = "replied", None
        note(work, one, "replied", viewer.id, unit=unit)
        tell(work, one, ReplyIssued, by=viewer.id)
    return case


def _taken(work: Work, viewer: Viewer, target: Target, step: Step) -> Case:
    """The case locked for a step, or the reason why this member of staff cannot take it now."""
    case = store.cases.take(work, viewer, target.number)
    if case is None:
        raise Refusal("no_such_case", NO_SUCH_CASE, status=404)
    unchanged(case, target if store.cases.is_whole(work, case) else target._replace(version=-1))
    allowed(step, case, viewer, sealed=case.audience == "sealed")
    if case.state not in cases.FROM[step]:
        raise Refusal("wrong_state", "This step is not possible in the present state of the case.", status=409)
    if case.lead_id is not None:
        message = "This case follows %(lead)s: take the step there, and it is taken here too."
        raise Refusal("follows_another", message, status=409, lead=case.lead_number or "")
    return case


def allowed(step: Step, case: Case, viewer: Viewer, *, sealed: bool) -> None:
    """Refuse a step that this account may not take (``not_allowed``)."""
    if not cases.may(step, viewer, sealed=sealed, unit_id=case.unit_id):
        raise Refusal("not_allowed", "Your account may not take this step on this case.", status=403)


def unchanged(case: Case, target: Target) -> None:
    """Refuse a step that was meant for an older version of the case (``case_changed``)."""
    if target.version is not None and target.version != case.version:
        raise Refusal(
            "case_changed",
            "The case was changed by somebody else meanwhile: look at it again, then repeat your step.",
            status=409,
        )


def refuse_reason(reason: str) -> None:
    """Refuse a reason that says too little or too much."""
    _refuse(cases.reason_problem(reason), "reason")


def _refuse(problem: str | None, field: str) -> None:
    if problem is not None:
        message, limit = _PROBLEMS[problem]
        raise Refusal(problem, message, field=field, limit=limit)
