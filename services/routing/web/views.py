"""Cases and the directory as pages and API show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.orm import Session

from services.chassis.identity import Staff
from services.chassis.web import l, language, moment, pick, t, tn
from services.contracts.envelope import Text
from services.contracts.routing import Assessment, PastCase, Reason
from services.contracts.shared import Origin
from services.contracts.words import CHANNEL_NAMES, OUTCOME_NAMES, name_of
from services.routing import store
from services.routing.domain.cases import FROM, OUTCOMES, Outcome, Step, may
from services.routing.domain.directory import Directory
from services.routing.handlers.record import assessment_of, petition_of, reply_of, state_of
from services.routing.models import Case, HistoryEntry

#: Why a petition was not dispatched by rule, or was: by code of the reason.
REASONS: Final[Mapping[str, Any]] = {
    "no_match": l("None of the directory's words is in the text."),
    "place_unknown": l("The place is missing: %(detail)s is responsible for certain areas only."),
    "outside_area": l("It sounds like %(detail)s, but the place is outside of its area."),
    "two_matters": l("There may be two matters in it: %(detail)s."),
    "low_confidence": l("The words point to %(detail)s, but not clearly enough."),
    "reads_like_report_on_person": l("It reads like a report on a person: only dispatchers see it so far."),
    "learned": l("Dispatchers sent such petitions to %(detail)s."),
    "directory_differs": l("By the directory's words alone it would go to %(detail)s."),
    "sealed_door": l("Filed as a report on a person: it goes to the unit for sealed cases alone."),
    "no_sealed_unit": l("A report on a person, but the directory names no unit for sealed cases."),
}
#: What makes two petitions alike.
ALIKE: Final[Mapping[str, Any]] = {
    "text": l("same wording"),
    "same_petitioner": l("same petitioner"),
    "place": l("same place"),
    "title": l("same words in the title"),
    "other_matter": l("the titles name different troubles or places"),
}
#: Title and tone of a step in the history.
STEPS: Final[Mapping[str, tuple[Any, str]]] = {
    "submitted": (l("Filed"), "grey"),
    "assessed": (l("Judged"), "grey"),
    "dispatched": (l("Dispatched"), "blue"),
    "accepted": (l("Accepted"), "blue"),
    "objected": (l("Handed back"), "amber"),
    "replied": (l("Replied"), "green"),
    "supplemented": (l("The petitioner added something"), "purple"),
    "withdrawn": (l("Withdrawn by the petitioner"), "grey"),
    "rated": (l("Rated by the petitioner"), "green"),
    "risk_raised": (l("Danger seen, duty asked"), "red"),
    "risk_climbed": (l("Danger not acknowledged, next one asked"), "red"),
    "risk_acknowledged": (l("Danger acknowledged"), "green"),
    "joined": (l("Follows another case from now on"), "purple"),
    "leads": (l("Another case follows this one from now on"), "purple"),
    "taken_out": (l("Goes its own way again"), "purple"),
    "left": (l("A case that followed this one was taken out"), "purple"),
}


#: The step that is waited for in each state.
NEXT: Final[Mapping[str, Any]] = {
    "under_review": l("to be dispatched by"),
    "objected": l("to be dispatched by"),
    "dispatched": l("to be accepted by"),
    "accepted": l("to be answered by"),
}


@dataclass(frozen=True)
class Due:
    """A due date as a list shows it."""

    at: datetime
    #: Whole days left in the jurisdiction's zone; negative when late.
    days: int
    late: bool

    @property
    def words(self) -> str:
        """How long is left."""
        if self.late:
            late = max(1, -self.days)
            return tn("%(n)s day late", "%(n)s days late", late)
        if self.days == 0:
            return t("today")
        return tn("%(n)s day left", "%(n)s days left", self.days)

    @property
    def tone(self) -> str:
        """Red when late, amber when near."""
        return "red" if self.late else "amber" if self.days <= 3 else "grey"


def due_of(case: Case, now: datetime, zone: str) -> Due | None:
    """When the next step of a case is due."""
    if case.step_due_at is None:
        return None
    where = ZoneInfo(zone)
    days = (case.step_due_at.astimezone(where).date() - now.astimezone(where).date()).days
    return Due(case.step_due_at, days, case.step_due_at < now)


def allowed(case: Case, staff: Staff) -> list[Step]:
    """The steps this member of staff may take now. On a case that follows another one: only to take it out."""
    sealed, follows = case.audience == "sealed", case.lead_id is not None
    steps = [step for step in FROM if case.state in FROM[step] and (step == "unmerge") == follows]
    return [step for step in steps if may(step, staff, sealed=sealed, unit_id=case.unit_id)]


def outcomes(kind: str) -> Sequence[Outcome]:
    """Outcomes that suit a kind."""
    return next(options for known, options in OUTCOMES.items() if known == kind)


def words(assessment: Assessment, code: str = "word") -> list[Reason]:
    """The words that the judgement rests on, or those that spoke against it (``word_against``)."""
    return [reason for reason in assessment.reasons if reason.code == code]


def candidates(case: Case, assessment: Assessment, directory: Directory) -> list[tuple[str, str, float]]:
    """The units that a trained judgement thought of and the case is not with: id, name, share."""
    units = directory.unit_by_id
    return [
        (one.unit, pick(units[one.unit].name), one.share)
        for one in assessment.candidates
        if one.unit in units and one.unit != case.unit_id and not case.sealed
    ]


def past_cases(
    assessment: Assessment, seen: Mapping[str, Case], directory: Directory
) -> list[tuple[Case, str, PastCase]]:
    """The decided petitions that a trained judgement goes by, as far as they may be seen: case, unit, nearness."""
    units = directory.unit_by_id
    return [
        (seen[one.petition_id], pick(units[one.unit].name) if one.unit in units else one.unit, one)
        for one in assessment.past
        if one.petition_id in seen
    ]


def remarks(assessment: Assessment, directory: Directory) -> list[str]:
    """What else the judgement says; units that it names have their name in the reader's language."""
    names = {unit.name.zh: pick(unit.name) for unit in directory.units}

    def named(detail: str) -> str:
        return ("、" if language() != "en" else ", ").join(names.get(part, part) for part in detail.split("、"))

    return [str(REASONS[r.code]) % {"detail": named(r.detail)} for r in assessment.reasons if r.code in REASONS]


def sureness(confidence: float | None) -> str:
    """Confidence in a word."""
    if confidence is None:
        return ""
    return t("high") if confidence >= 0.7 else t("fair") if confidence >= 0.5 else t("low")


def timeline(session: Session, entries: Sequence[HistoryEntry]) -> list[dict[str, str]]:
    """The history as steps of a timeline, the newest first."""
    names = store.cases.names_of(session, list({entry.actor for entry in entries}))
    steps = []
    for entry in reversed(entries):
        title, tone = STEPS.get(entry.step, (entry.step, "grey"))
        unit = pick(msgspec.convert(entry.unit_name, Text)) if entry.unit_name else ""
        by_rule = entry.actor == "rule" and entry.step == "dispatched"
        who = t("by rule") if by_rule else names.get(entry.actor, "")
        text = "\n".join(part for part in (" · ".join(part for part in (unit, who) if part), entry.reason) if part)
        steps.append({"title": str(title), "at": moment(entry.at), "text": text, "tone": tone})
    return steps


def unit_name(case: Case) -> str:
    """Name of the responsible unit, "" when there is none."""
    return pick(msgspec.convert(case.unit_name, Text)) if case.unit_name else ""


def petition_facts(case: Case) -> list[tuple[str, str]]:
    """What is known of the petition beside its text."""
    petition = petition_of(case)
    origin = msgspec.convert(case.origin, Origin)
    channel = pick(name_of(CHANNEL_NAMES, origin.channel))
    came = " · ".join(part for part in (channel, origin.portal, origin.reference) if part)
    rows = [(t("Place"), petition.place.text or t("not given")), (t("Received on"), moment(petition.submitted_at))]
    rows += [(t("Came by"), came), (t("May be published"), t("yes") if petition.publish else t("no"))]
    return rows


def judged_facts(case: Case, directory: Directory) -> list[tuple[str, str]]:
    """What the judgement found the petition to be about, and where."""
    subject, area = directory.subject_by_id.get(case.subject or ""), directory.area_by_id.get(case.area or "")
    rows = [(t("Subject"), pick(subject.name))] if subject else []
    return rows + ([(t("Area"), pick(area.name))] if area else [])


def objection(case: Case, entries: Sequence[HistoryEntry]) -> dict[str, str] | None:
    """Who handed a case back and why, while it waits to be sent on again."""
    if case.state != "objected":
        return None
    last = next((entry for entry in reversed(entries) if entry.step == "objected"), None)
    if last is None:
        return None
    return {"unit": pick(msgspec.convert(last.unit_name, Text)) if last.unit_name else "", "reason": last.reason}


def case_facts(case: Case) -> list[tuple[str, str]]:
    """Where the case stands."""
    rows = [(t("Unit"), unit_name(case) or t("none yet"))]
    for label, at in (
        (t("Dispatched on"), case.dispatched_at),
        (t("Accepted on"), case.accepted_at),
        (t("Reply due"), case.due_at if case.state in ("dispatched", "accepted") else None),
        (t("Ended on"), case.closed_at),
    ):
        if at is not None:
            rows.append((label, moment(at)))
    if case.hops > 1:
        rows.append((t("Times dispatched"), str(case.hops)))
    return rows


# ── the API ──────────────────────────────────────────────────────────────────────────────────────
def row(case: Case, now: datetime) -> dict[str, Any]:
    """A case in a list of the API."""
    return {
        "petition_id": case.petition_id,
        "number": case.number,
        "title": case.title,
        "kind": case.kind,
        "state": case.state,
        "audience": case.audience,
        "version": case.version,
        "unit": {"id": case.unit_id, "name": case.unit_name} if case.unit_id else None,
        "confidence": case.confidence,
        "risks": assessment_of(case).risks,
        "hops": case.hops,
        "submitted_at": case.submitted_at,
        "due_at": case.due_at,
        "step_due_at": case.step_due_at,
        "overdue": case.step_due_at is not None and case.step_due_at < now,
    }


def whole(case: Case, entries: Sequence[HistoryEntry], staff: Staff, now: datetime) -> dict[str, Any]:
    """One case in the API. Look-alikes and past cases are left to the page, which shows what the reader may see."""
    petition = petition_of(case)
    state = msgspec.to_builtins(state_of(case))
    for named in ("look_alikes", "past"):
        state["assessment"].pop(named)
    reply = reply_of(case)
    return {
        **row(case, now),
        "body": petition.body,
        "language": petition.language,
        "place": petition.place,
        "supplements": petition.supplements,
        "rating": petition.rating,
        "publish": petition.publish,
        "origin": case.origin,
        "case": state,
        "reply": reply,
        "outcome_name": name_of(OUTCOME_NAMES, reply.outcome) if reply else None,
        "steps": allowed(case, staff),
        "outcomes": outcomes(case.kind),
        "history": [
            {
                "step": entry.step,
                "at": entry.at,
                "actor": entry.actor,
                "unit": entry.unit_id,
                "reason": entry.reason,
            }
            for entry in entries
        ],
    }
