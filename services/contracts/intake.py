"""What intake publishes: petitions as citizens and portals filed them, contacts apart."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from services.contracts.envelope import YEARS
from services.contracts.shared import Kind, PetitionEvent, Place


class Supplement(msgspec.Struct, frozen=True, kw_only=True):
    """Something the petitioner added later."""

    text: str
    at: datetime


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """The petitioner's rating of the reply 满意度评价 (信访工作条例 Art. 21)."""

    #: Was the matter solved? None: the petitioner did not say.
    solved: bool | None
    #: 1 (very poor) … 5 (very good).
    satisfaction: int
    comment: str
    at: datetime


class PetitionState(msgspec.Struct, frozen=True, kw_only=True):
    """Intake's full public state of one petition; no name, phone or mail in it."""

    #: The kind the petitioner chose; routing may suggest another, never change it silently.
    kind: Kind
    title: str
    body: str
    submitted_at: datetime
    place: Place = Place()
    #: BCP 47 tag of the language it was written in: zh-Hans, zh-Hant, en.
    language: str = "zh-Hans"
    #: Keyed hash of the normalised contact; equal for the same petitioner, means nothing outside.
    petitioner_key: str | None = None
    #: The petitioner agrees that petition and reply may be published without personal data.
    publish: bool = False
    supplements: list[Supplement] = []
    withdrawn_at: datetime | None = None
    withdrawal_reason: str = ""
    rating: Rating | None = None

    def __post_init__(self) -> None:
        # Every clock of the case counts from it.
        if self.submitted_at.year not in YEARS:
            raise ValueError(f"submitted_at must lie between {YEARS.start} and {YEARS.stop}")


class IntakeEvent(PetitionEvent, frozen=True, kw_only=True):
    """Base of intake's state events."""

    source: ClassVar[str] = "intake"
    full_state: ClassVar[bool] = True

    petition: PetitionState


class PetitionSubmitted(IntakeEvent, frozen=True, kw_only=True):
    """A petition was filed and has its number (T1–T2)."""

    type: ClassVar[str] = "petition.submitted.v1"
    meaning: ClassVar[str] = "来件登记: a petition was filed and has a receipt number"


class ReportSubmitted(IntakeEvent, frozen=True, kw_only=True):
    """A report on a person 检举控告 was filed: its own event, so that its queue can be its own (Art. 30)."""

    type: ClassVar[str] = "report.submitted.v1"
    meaning: ClassVar[str] = "检举控告登记: a report on a person was filed; sealed from the first click"


class PetitionSupplemented(IntakeEvent, frozen=True, kw_only=True):
    """The petitioner added something; the newest is the last of ``petition.supplements``."""

    type: ClassVar[str] = "petition.supplemented.v1"
    meaning: ClassVar[str] = "补充材料: the petitioner added to the petition"


class PetitionWithdrawn(IntakeEvent, frozen=True, kw_only=True):
    """The petitioner took the petition back before the reply (T28)."""

    type: ClassVar[str] = "petition.withdrawn.v1"
    meaning: ClassVar[str] = "撤回: the petitioner withdrew the petition before a reply"


class PetitionRated(IntakeEvent, frozen=True, kw_only=True):
    """The petitioner rated the reply (T22)."""

    type: ClassVar[str] = "petition.rated.v1"
    meaning: ClassVar[str] = "评价: the petitioner rated the reply"


class ContactSupplied(PetitionEvent, frozen=True, kw_only=True):
    """How to reach the petitioner. Only notify may bind this event; it is the one with personal data."""

    type: ClassVar[str] = "contact.supplied.v1"
    #: A stream of its own, so that those who may not read it see no gap.
    source: ClassVar[str] = "intake.contacts"
    full_state: ClassVar[bool] = True
    confidential: ClassVar[bool] = True
    meaning: ClassVar[str] = "联系方式: name, phone and mail of the petitioner, for notify alone"

    #: Language to write to the petitioner in.
    language: str
    title: str
    name: str | None = None
    #: E.164.
    phone: str | None = None
    mail: str | None = None
    #: The secret query code, so that the receipt can name it; intake itself keeps a hash only.
    query_code: str | None = None


EVENTS = (
    PetitionSubmitted,
    ReportSubmitted,
    PetitionSupplemented,
    PetitionWithdrawn,
    PetitionRated,
    ContactSupplied,
)
