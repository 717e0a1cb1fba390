"""What routing publishes: the judgement, the case on its way, units and staff."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import msgspec

from services.contracts.envelope import Event, Text
from services.contracts.shared import Audience, Kind, PetitionEvent, UnitRef


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was judged so: a stable code and what it rests on."""

    #: "word", "place", "subject", "no_match", "two_matters", "by_hand", "risk_word" …
    code: str
    #: The evidence: the word found, the area's name.
    detail: str = ""
    #: Share of the score, where there is one.
    weight: float = 0.0


class LookAlike(msgspec.Struct, frozen=True, kw_only=True):
    """A past petition about the same matter."""

    petition_id: str
    number: str
    #: 0 … 1.
    score: float
    #: "same_petitioner", "text", "title", "place"; "other_matter" speaks against it.
    reasons: list[str] = []


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that a trained judgement thought of."""

    unit: str
    #: How probable it is that the petition is its, 0 … 1.
    share: float


class PastCase(msgspec.Struct, frozen=True, kw_only=True):
    """A decided petition that reads alike, and the unit it was decided for."""

    petition_id: str
    unit: str
    #: 0 … 1.
    nearness: float


class RiskFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A danger that the text tells of, and the words that say so."""

    #: For example ``gas``, ``self_harm``.
    code: str
    #: "urgent": danger now; "watch": a danger that may come.
    level: str
    #: The words found.
    word: str = ""
    #: The clause around them; long numbers are left out.
    clause: str = ""


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The judgement 研判 of a petition."""

    #: The kind that the text suggests; None when it agrees with nothing or the petitioner's own.
    suggested_kind: Kind | None = None
    subject: str | None = None
    #: 0 … 1; None when nothing was judged.
    confidence: float | None = None
    reasons: list[Reason] = []
    #: Codes of dangers seen, for example ``gas``, ``self_harm``.
    risks: list[str] = []
    look_alikes: list[LookAlike] = []
    #: Id of the trained judgement that was asked; None when there was none.
    model: str | None = None
    #: The units it thought of, the likeliest first.
    candidates: list[Candidate] = []
    #: Decided petitions that it goes by, the nearest first.
    past: list[PastCase] = []
    #: The dangers of ``risks`` with their level and evidence, the urgent ones first.
    risk_findings: list[RiskFinding] = []


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The formal reply 答复."""

    text: str
    #: 支持 / 解释 / 不予支持 (Art. 32), answered for inquiries, adopted for suggestions.
    #: A plain string, as a list that will grow: a reader shows a word it does not know as it is.
    outcome: str
    unit: UnitRef
    issued_at: datetime
    #: Laws and rules it rests on.
    basis: str = ""


class CaseLink(msgspec.Struct, frozen=True, kw_only=True):
    """Another case that this one is handled together with 并案."""

    petition_id: str
    number: str
    #: When the two were joined.
    since: datetime


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """Routing's full public state of one case."""

    #: One of ``State`` or, from a newer publisher, one that is not known yet.
    state: str
    #: Who may see it.
    audience: Audience
    kind: Kind
    assessment: Assessment = Assessment()
    #: The responsible unit, once there is one.
    unit: UnitRef | None = None
    #: Ids of the unit's superiors, nearest first, as of the dispatch.
    unit_line: list[str] = []
    dispatched_at: datetime | None = None
    accepted_at: datetime | None = None
    #: The present due date of the reply, end of that day in the jurisdiction's zone.
    due_at: datetime | None = None
    #: How often it went from unit to unit.
    hops: int = 0
    reply: Reply | None = None
    closed_at: datetime | None = None
    #: The case that this one follows step by step, up to the reply. Its own clock goes on.
    lead: CaseLink | None = None
    #: The cases that follow this one.
    joined: list[CaseLink] = []


class CaseEvent(PetitionEvent, frozen=True, kw_only=True):
    """Base of the case's state events."""

    source: ClassVar[str] = "routing"
    full_state: ClassVar[bool] = True

    case: CaseState


class PetitionAssessed(CaseEvent, frozen=True, kw_only=True):
    """Kind, audience, risk and look-alikes are judged (T3)."""

    type: ClassVar[str] = "petition.assessed.v1"
    meaning: ClassVar[str] = "研判: kind, audience, risk and look-alikes are judged"


class PetitionDispatched(CaseEvent, frozen=True, kw_only=True):
    """The petition went to a responsible unit, by rule or by hand (T9, T12)."""

    type: ClassVar[str] = "petition.dispatched.v1"
    meaning: ClassVar[str] = "交办: sent to the responsible unit with its due date"

    #: "rule" or the staff id of the dispatcher.
    by: str


class PetitionAccepted(CaseEvent, frozen=True, kw_only=True):
    """The unit accepted the petition 受理 (T10)."""

    type: ClassVar[str] = "petition.accepted.v1"
    meaning: ClassVar[str] = "受理: the unit accepted the petition"

    by: str


class AssignmentObjected(CaseEvent, frozen=True, kw_only=True):
    """The unit handed the petition back as not its own, with a reason (T11, Art. 23)."""

    type: ClassVar[str] = "assignment.objected.v1"
    meaning: ClassVar[str] = "异议退回: the unit handed the petition back with a reason"

    by: str
    #: The unit that objects; ``case.unit`` is empty again.
    unit: UnitRef
    reason: str


class PetitionMerged(CaseEvent, frozen=True, kw_only=True):
    """Two cases about one matter are handled together from now on; told of both (T4)."""

    type: ClassVar[str] = "petition.merged.v1"
    meaning: ClassVar[str] = "并案: handled together with another case about the same matter"

    #: Staff id of the dispatcher, or "rule" where the case that led was withdrawn and another one leads now.
    by: str
    #: The other of the two.
    other: CaseLink
    #: This is the case that leads.
    leads: bool = False


class PetitionUnmerged(CaseEvent, frozen=True, kw_only=True):
    """The two are handled apart again, each where it stands now; told of both."""

    type: ClassVar[str] = "petition.unmerged.v1"
    meaning: ClassVar[str] = "撤销并案: handled on its own again"

    #: Staff id of the dispatcher, or "rule".
    by: str
    #: The other of the two.
    other: CaseLink
    #: This is the case that led.
    leads: bool = False


class ReplyIssued(CaseEvent, frozen=True, kw_only=True):
    """The reply went out (T19); ``case.reply`` holds it."""

    type: ClassVar[str] = "reply.issued.v1"
    meaning: ClassVar[str] = "答复: the formal reply was issued"

    by: str


class PetitionClosed(CaseEvent, frozen=True, kw_only=True):
    """The case ended (T22, T28)."""

    type: ClassVar[str] = "petition.closed.v1"
    meaning: ClassVar[str] = "办结: the case ended"

    #: "rated", "rating_lapsed", "withdrawn"; more may come.
    reason: str


class UnitChanged(Event, frozen=True, kw_only=True):
    """A unit of the directory was added, changed or ended."""

    type: ClassVar[str] = "unit.changed.v1"
    source: ClassVar[str] = "routing.directory"
    full_state: ClassVar[bool] = True
    meaning: ClassVar[str] = "机构变更: a unit was added, changed or ended"

    unit_id: str
    name: Text
    parent: str | None
    valid_from: date
    valid_to: date | None = None
    #: Where messages to the unit go (an office address, not a person's).
    mail: str | None = None
    phone: str | None = None

    @property
    def subject(self) -> str:
        return self.unit_id


class StaffChanged(Event, frozen=True, kw_only=True):
    """A staff account was made, changed or revoked. No password, no personal contact in it."""

    type: ClassVar[str] = "staff.changed.v1"
    source: ClassVar[str] = "routing.staff"
    full_state: ClassVar[bool] = True
    meaning: ClassVar[str] = "人员变更: a staff account was made, changed or revoked"

    staff_id: str
    display_name: str
    unit_id: str | None
    roles: list[str]
    active: bool

    @property
    def subject(self) -> str:
        return self.staff_id


EVENTS = (
    PetitionAssessed,
    PetitionDispatched,
    PetitionAccepted,
    AssignmentObjected,
    PetitionMerged,
    PetitionUnmerged,
    ReplyIssued,
    PetitionClosed,
    UnitChanged,
    StaffChanged,
)
