"""File petitions: the row, the contact apart from it and their events, in one transaction, each exactly once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

import msgspec

from services.chassis.delivery import Sequenced, Work
from services.chassis.errors import Refusal
from services.chassis.ids import uuid7
from services.contracts.intake import ContactSupplied, PetitionState, PetitionSubmitted, ReportSubmitted
from services.contracts.shared import Kind, Origin
from services.intake import store
from services.intake.domain.petition import Filing, petitioner_key
from services.intake.domain.receipt import SERIALS, make_code, make_number
from services.intake.models import Petition

#: Purposes of the house's keys.
CODE_KEY = "query-code"
PETITIONER_KEY = "petitioner"
#: Reports on persons are hashed with a key of their own: nothing links a reporter to their other petitions.
SEALED_PETITIONER_KEY = "petitioner-sealed"
#: How often a filing is tried again because somebody took a number or a key in the same moment.
TRIES = 8

REUSED = "This idempotency key was used for another petition; send a new key with a new petition."


class OpenWork(Protocol):
    """Opens a unit of work in a transaction of its own (``House.work``)."""

    def __call__(self, traceparent: str | None = None) -> AbstractContextManager[Work]: ...


@dataclass(frozen=True)
class Receipt:
    """What the petitioner gets: the number, and the code that opens the status page."""

    petition_id: str
    number: str
    query_code: str
    sealed: bool
    #: Filed before under the same key or reference; nothing was written this time.
    repeated: bool = False


@dataclass(frozen=True)
class Keys:
    """The house's keys that filing needs."""

    code: bytes
    petitioner: bytes
    sealed_petitioner: bytes

    @classmethod
    def of(cls, key: Callable[[str], bytes]) -> Keys:
        """From ``House.key``."""
        return cls(key(CODE_KEY), key(PETITIONER_KEY), key(SEALED_PETITIONER_KEY))


class _Count(Sequenced):
    """Counts the events of a row that is inserted without an ORM object."""

    def __init__(self) -> None:
        self.sequence = 0


def key_hash(scope: str, key: str) -> str:
    """An idempotency key as it is kept; ``scope`` keeps form, API and entry apart."""
    return hashlib.blake2b(f"{scope}\x1f{key}".encode(), digest_size=16).hexdigest()


def file(
    filings: Sequence[Filing],
    *,
    open_work: OpenWork,
    keys: Keys,
    zone: ZoneInfo,
    look: bool = True,
    then: Callable[[Work, Sequence[Receipt | Refusal]], None] | None = None,
) -> list[Receipt | Refusal]:
    """File petitions in one transaction. A repeat gets the receipt it got before.

    Repeats are known by unique constraints. With ``look`` they and the numbers are looked up first, all together;
    without, as when a filing is most likely new, a second transaction is spent only where one turns out to be taken.

    Args:
        filings: checked petitions.
        open_work: opens the transaction; called again when somebody was faster.
        keys: the house's keys.
        zone: the jurisdiction's zone, for the day in the number.
        look: look first.
        then: writes more in the same transaction, given the results.

    Raises:
        Refusal: ``busy`` when numbers were taken ``TRIES`` times in a row.
    """
    for _ in range(TRIES):
        try:
            with open_work() as work:
                results = _file(work, filings, keys, zone, look=look)
                if then is not None:
                    then(work, results)
            return results
        except store.Taken:
            look = True
    raise Refusal("busy", "The service is busy at the moment; file again in a minute.", status=503)


def _file(work: Work, filings: Sequence[Filing], keys: Keys, zone: ZoneInfo, *, look: bool) -> list[Receipt | Refusal]:
    known: dict[object, tuple[str, str, bool, str]] = {}
    if look:
        known = _known(work, filings)
    results: list[Receipt | Refusal] = []
    petitions: list[dict[str, Any]] = []
    contacts: list[dict[str, Any]] = []
    numbers = iter(_numbers(work, len(filings), zone, look=look))
    for filing in filings:
        fingerprint = filing.fingerprint()
        names = [name for name in (filing.key, _reference(filing)) if name is not None]
        before = next((known[name] for name in names if name in known), None)
        if before is not None:
            petition_id, number, sealed, earlier = before
            # A portal's repeat changes nothing, whatever it says; a key stands for exactly one petition.
            if filing.portal is None and earlier != fingerprint:
                results.append(Refusal("idempotency_key_reused", REUSED, field="Idempotency-Key", status=409))
            else:
                code = make_code(keys.code, petition_id)
                results.append(Receipt(petition_id, number, code, sealed, repeated=True))
            continue
        work.traceparent = filing.traceparent
        receipt = Receipt(
            petition_id := uuid7(), number := next(numbers), make_code(keys.code, petition_id), filing.sealed
        )
        results.append(receipt)
        petitions.append(_petition_row(work, filing, receipt, fingerprint, keys))
        if filing.name or filing.phone or filing.mail:
            contacts.append(_contact_row(work, filing, receipt))
        for name in names:
            known[name] = (petition_id, number, filing.sealed, fingerprint)
    if petitions:
        store.insert_filed(work, petitions, contacts)
    return results


def _reference(filing: Filing) -> tuple[str, str] | None:
    return (filing.portal, filing.reference or "") if filing.portal is not None else None


def _known(work: Work, filings: Sequence[Filing]) -> dict[object, tuple[str, str, bool, str]]:
    by_key, by_reference = store.filed_before(
        work.session,
        [f.key for f in filings if f.key is not None],
        [pair for f in filings if (pair := _reference(f)) is not None],
    )
    rows: list[tuple[object, Petition]] = [*by_key.items(), *by_reference.items()]
    return {name: (row.id, row.number, row.sealed, row.fingerprint) for name, row in rows}


def _numbers(work: Work, count: int, zone: ZoneInfo, *, look: bool) -> list[str]:
    """Receipt numbers drawn at random; looked up first when one that is taken would undo many others' work."""
    day = work.now.astimezone(zone).date()
    drawn: list[str] = []
    while len(drawn) < count:
        fresh = list(dict.fromkeys(make_number(day, secrets.randbelow(SERIALS)) for _ in range(count - len(drawn))))
        taken = store.numbers_taken(work.session, fresh) if look else set()
        drawn += [number for number in fresh if number not in taken and number not in drawn]
    return drawn


def _petition_row(work: Work, filing: Filing, receipt: Receipt, fingerprint: str, keys: Keys) -> dict[str, Any]:
    count = _Count()
    submitted_at: datetime = filing.received_at or work.now
    hashed = petitioner_key(keys.sealed_petitioner if filing.sealed else keys.petitioner, filing.phone, filing.mail)
    state = PetitionState(
        kind=cast(Kind, filing.kind),
        title=filing.title,
        body=filing.body,
        submitted_at=submitted_at,
        place=filing.place,
        language=filing.language,
        petitioner_key=hashed,
        publish=filing.publish,
    )
    event_class = ReportSubmitted if filing.sealed else PetitionSubmitted
    work.emit(
        count,
        event_class(
            petition_id=receipt.petition_id,
            number=receipt.number,
            origin=Origin(channel=filing.channel, portal=filing.portal, reference=filing.reference),
            sealed=filing.sealed,
            petition=state,
        ),
    )
    return {
        "id": receipt.petition_id,
        "number": receipt.number,
        "sealed": filing.sealed,
        "kind": filing.kind,
        "title": filing.title,
        "body": filing.body,
        "place": msgspec.to_builtins(filing.place),
        "language": filing.language,
        "publish": filing.publish,
        "petitioner_key": hashed,
        "channel": filing.channel,
        "portal": filing.portal,
        "reference": filing.reference,
        "submitted_at": submitted_at,
        "filed_at": work.now,
        "entered_by": filing.entered_by,
        "key": filing.key,
        "fingerprint": fingerprint,
        "sequence": count.sequence,
    }


def _contact_row(work: Work, filing: Filing, receipt: Receipt) -> dict[str, Any]:
    count = _Count()
    work.emit(
        count,
        ContactSupplied(
            petition_id=receipt.petition_id,
            number=receipt.number,
            origin=Origin(channel=filing.channel, portal=filing.portal, reference=filing.reference),
            sealed=filing.sealed,
            language=filing.language,
            title=filing.title,
            name=filing.name,
            phone=filing.phone,
            mail=filing.mail,
            query_code=receipt.query_code,
        ),
    )
    return {
        "petition_id": receipt.petition_id,
        "name": filing.name,
        "phone": filing.phone,
        "mail": filing.mail,
        "sequence": count.sequence,
    }
