"""The only SQL of intake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Table, case, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from services.chassis.delivery import Work
from services.chassis.pairs import pairs_in
from services.contracts.envelope import Envelope
from services.contracts.routing import StaffChanged
from services.contracts.shared import PetitionEvent
from services.intake.models import Account, Contact, ContactView, FilingQuota, Petition, Step

_PETITIONS = cast(Table, Petition.__table__)
_CONTACTS = cast(Table, Contact.__table__)
#: Built once: filing is the hot path, and two plain inserts are what it costs at least.
_INSERT_PETITION = insert(_PETITIONS)
_INSERT_CONTACT = insert(_CONTACTS)
#: Marks the details of a step that a comparison with routing put in again.
RESTORED = "restored"


class Taken(Exception):
    """A number, an idempotency key or a portal's reference is taken already."""


def insert_filed(work: Work, petitions: Sequence[dict[str, Any]], contacts: Sequence[dict[str, Any]]) -> None:
    """Write new petitions and their contacts.

    Raises:
        Taken: one of them breaks a unique constraint; the transaction must be given up.
    """
    try:
        work.session.execute(_INSERT_PETITION, _one_or_many(petitions))
        if contacts:
            work.session.execute(_INSERT_CONTACT, _one_or_many(contacts))
    except IntegrityError:
        # No chaining: the driver's message quotes what was to be written.
        raise Taken from None


def _one_or_many(rows: Sequence[dict[str, Any]]) -> Any:
    return rows[0] if len(rows) == 1 else rows


def filed_before(
    session: Session, keys: Iterable[str], references: Iterable[tuple[str, str]]
) -> tuple[dict[str, Petition], dict[tuple[str, str], Petition]]:
    """Petitions filed under these idempotency keys and under these (portal, reference)."""
    by_key: dict[str, Petition] = {}
    by_reference: dict[tuple[str, str], Petition] = {}
    wanted = list(keys)
    if wanted:
        for row in session.scalars(select(Petition).where(Petition.key.in_(wanted))):
            by_key[row.key or ""] = row
    pairs = list(references)
    if pairs:
        query = select(Petition).where(pairs_in(Petition.portal, Petition.reference, pairs))
        for row in session.scalars(query):
            by_reference[row.portal or "", row.reference or ""] = row
    return by_key, by_reference


def numbers_taken(session: Session, numbers: Sequence[str]) -> set[str]:
    """Which of these receipt numbers are in use."""
    return set(session.scalars(select(Petition.number).where(Petition.number.in_(numbers))))


def petition_by_number(session: Session, number: str, *, whole: bool = False) -> Petition | None:
    """The petition of a receipt number; with its text when ``whole``."""
    query = select(Petition).where(Petition.number == number)
    return session.scalar(query.options(undefer(Petition.body)) if whole else query)


def petition_by_id(session: Session, petition_id: str) -> Petition | None:
    """The petition with its text."""
    return session.scalar(select(Petition).where(Petition.id == petition_id).options(undefer(Petition.body)))


def contact_of(session: Session, petition_id: str) -> Contact | None:
    """How to reach the petitioner; None when nothing was given."""
    return session.get(Contact, petition_id)


def steps_of(session: Session, petition_id: str) -> Sequence[Step]:
    """The way of a petition, oldest first."""
    query = select(Step).where(Step.petition_id == petition_id).order_by(Step.at, Step.sequence)
    steps = session.scalars(query).all()
    told = {(step.code, step.at) for step in steps if RESTORED not in step.details}
    # The event of a step that was put in again may have come after all.
    return [step for step in steps if RESTORED not in step.details or (step.code, step.at) not in told]


def contact_views(session: Session, page: int, size: int, *, sealed: bool) -> tuple[Sequence[ContactView], int]:
    """Who looked at contacts, newest first, and how many looks there are.

    Args:
        session: a reading session.
        page: 1, 2, …
        size: rows of a page.
        sealed: looks at sealed reports too.
    """
    shown = select(ContactView) if sealed else select(ContactView).where(ContactView.sealed.is_(False))
    total = session.scalar(select(func.count()).select_from(shown.subquery())) or 0
    rows = session.scalars(shown.order_by(ContactView.at.desc(), ContactView.id).limit(size).offset((page - 1) * size))
    return rows.all(), total


def is_revoked(session: Session, staff_id: str) -> bool:
    """Whether an account is known to be revoked. An unknown one is not: its news may still be on the way."""
    return session.scalar(select(Account.active).where(Account.id == staff_id)) is False


def load_progress(work: Work, envelopes: Sequence[Envelope]) -> None:
    """Load what a batch of other services' events is about: petitions and accounts."""
    work.preload(Petition, [e.data.petition_id for e in envelopes if isinstance(e.data, PetitionEvent)])
    work.preload(Account, [e.data.staff_id for e in envelopes if isinstance(e.data, StaffChanged)])


def take_tokens(session: Session, client: str, now_ns: int, cost_ns: int, room_ns: int | None) -> int:
    """Take tokens out of a client's bucket, in one statement that no other process can come between.

    Args:
        session: of the transaction.
        client: key of the bucket; one that is not there is full.
        now_ns: the present moment, ns since 1970.
        cost_ns: how long what is taken needs to come back.
        room_ns: how far the bucket may be from full before; None: however far.

    Returns:
        0; or, when there was not one token left and nothing was taken, in how many ns the next comes back.
    """
    insert_ = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert_(FilingQuota).values(client=client, full_at=now_ns + cost_ns)
    before = case((FilingQuota.full_at > now_ns, FilingQuota.full_at), else_=now_ns)
    taken = statement.on_conflict_do_update(
        index_elements=[FilingQuota.client],
        set_={"full_at": before + cost_ns},
        where=None if room_ns is None else FilingQuota.full_at - now_ns <= room_ns,
    ).returning(FilingQuota.full_at)
    if session.execute(taken).first() is not None:
        return 0
    full_at = session.scalar(select(FilingQuota.full_at).where(FilingQuota.client == client))
    return max(1, (full_at or now_ns) - now_ns - (room_ns or 0))


def forget_full_buckets(session: Session, now_ns: int) -> None:
    """Remove the buckets that are full again: they say the same as none."""
    session.execute(delete(FilingQuota).where(FilingQuota.full_at < now_ns))
