"""Take in what portals file over AMQP and write the answers that a sender loop brings to their own queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.chassis.ids import uuid7
from services.contracts.portals import PortalAnswer, PortalPetitionRefused, PortalPetitionRegistered
from services.intake.domain.petition import Filing
from services.intake.domain.receipt import make_code
from services.intake.handlers.filing import Keys, OpenWork, Receipt, file
from services.intake.models import PortalReply


@dataclass(frozen=True)
class Refused:
    """A portal's message that cannot be filed: which portal, its reference as far as known, and why."""

    portal: str
    reference: str
    code: str
    field: str
    detail: str


def take_portal(
    messages: Sequence[Filing | Refused], *, open_work: OpenWork, keys: Keys, zone: ZoneInfo
) -> list[Receipt | Refusal]:
    """File what can be filed and write an answer for each message, in one transaction.

    A repeated reference files nothing and is answered as it was the first time.
    """
    filings = [message for message in messages if isinstance(message, Filing)]

    def answers(work: Work, results: Sequence[Receipt | Refusal]) -> None:
        for filing, result in zip(filings, results, strict=True):
            work.add(_answer(work, filing, result))
        for refused in messages:
            if isinstance(refused, Refused):
                work.add(
                    PortalReply(
                        id=uuid7(),
                        portal=refused.portal,
                        reference=refused.reference[:100],
                        code=refused.code,
                        field=refused.field[:100],
                        detail=refused.detail,
                        created_at=work.now,
                    )
                )

    return file(filings, open_work=open_work, keys=keys, zone=zone, then=answers)


def _answer(work: Work, filing: Filing, result: Receipt | Refusal) -> PortalReply:
    reply = PortalReply(
        id=uuid7(),
        portal=filing.portal or "",
        reference=filing.reference or "",
        traceparent=filing.traceparent,
        created_at=work.now,
    )
    if isinstance(result, Refusal):
        reply.code, reply.field, reply.detail = result.code, result.field, str(result)
    else:
        reply.petition_id, reply.number = result.petition_id, result.number
    return reply


def answer_event(reply: PortalReply, code_key: bytes, status_url: str) -> PortalAnswer:
    """The event that a row of answers stands for. The query code is made anew here and stored nowhere.

    Args:
        reply: the row.
        code_key: the house's key for query codes.
        status_url: address of the petition's status page.
    """
    if reply.petition_id is None:
        return PortalPetitionRefused(
            portal=reply.portal,
            reference=reply.reference,
            code=reply.code or "refused",
            field=reply.field,
            detail=reply.detail,
        )
    return PortalPetitionRegistered(
        portal=reply.portal,
        reference=reply.reference,
        petition_id=reply.petition_id,
        number=reply.number or "",
        query_code=make_code(code_key, reply.petition_id),
        status_url=status_url,
    )
