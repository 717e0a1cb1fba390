"""Events by which routing calls for somebody: dangers in a petition 风险预警 and hot topics that come up 热点预警."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from services.contracts.envelope import Event, Text
from services.contracts.routing import RiskFinding
from services.contracts.shared import Audience, PetitionEvent, UnitRef


class RiskEvent(PetitionEvent, frozen=True, kw_only=True):
    """Base of what is told of the open danger of a petition; counted on its own, beside the case's events."""

    source: ClassVar[str] = "routing.risks"
    full_state: ClassVar[bool] = True

    #: Who may see the petition. ``sealed``: sealed-case officers alone, whichever lane the event travels in.
    audience: Audience
    #: "urgent"; a plain string, as a list that may grow.
    level: str
    #: The kinds of danger, for example ``gas``, with their names in the same order.
    codes: list[str]
    names: list[Text]
    raised_at: datetime
    #: Step of the duty roster, 1 for the first; 0: no unit of a roster is asked.
    step: int = 1
    #: Ids of every unit that was asked so far.
    asked: list[str] = msgspec.field(default_factory=list)


class RiskRaised(RiskEvent, frozen=True, kw_only=True):
    """A danger was seen and somebody on duty is asked to look, or nobody did in time and the next one is (T33)."""

    type: ClassVar[str] = "risk.raised.v1"
    meaning: ClassVar[str] = "风险预警: a danger was seen, or climbed: who is asked to acknowledge it, and by when"

    #: The words that say so.
    evidence: list[RiskFinding] = msgspec.field(default_factory=list)
    #: The unit on duty; None: the petition office's own queue, or the sealed-case officers'.
    unit: UnitRef | None = None
    #: By when it must be acknowledged, else the next step of the roster is asked.
    due_at: datetime
    #: How often the last step was asked again.
    again: int = 0


class RiskAcknowledged(RiskEvent, frozen=True, kw_only=True):
    """A member of staff took note of the danger; it climbs no further."""

    type: ClassVar[str] = "risk.acknowledged.v1"
    meaning: ClassVar[str] = "风险签收: a member of staff took note of the danger"

    by: str
    acknowledged_at: datetime


class TopicEmerging(Event, frozen=True, kw_only=True):
    """More people than usual speak of one matter at one place in these days; told once for each burst.

    Made of petitions that are neither sealed nor read like a report on a person.
    """

    type: ClassVar[str] = "topic.emerging.v1"
    source: ClassVar[str] = "routing"
    meaning: ClassVar[str] = "热点预警: more people than usual speak of one matter in these days"

    topic_id: str
    #: The title that says best what all of them say.
    name: str
    #: As its petitions name it; "" where they name none.
    place: str = ""
    #: Petitions and people in all the days that were looked at.
    size: int
    people: int
    #: People of the last seven days, and how many would be usual.
    recent: int
    usual: float
    #: The first petition of the last seven days.
    since: datetime
    heat: float
    #: 1 … 3: the busiest days against the usual ones.
    burst: float
    #: Numbers of its petitions, the newest first; of many the newest fifty.
    numbers: list[str]

    @property
    def subject(self) -> str:
        return self.topic_id


EVENTS = (RiskRaised, RiskAcknowledged, TopicEmerging)
