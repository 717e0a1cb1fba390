"""Staff accounts, their sessions and the count of wrong passwords."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.routing.models import Account, SignInTries, StaffSession


def any_account(session: Session) -> bool:
    """True when there is an account."""
    return session.scalar(select(Account.id).limit(1)) is not None


def account(session: Session, account_id: str) -> Account | None:
    """One account."""
    return session.get(Account, account_id)


def accounts(session: Session) -> Sequence[Account]:
    """Every account, by id."""
    return session.scalars(select(Account).order_by(Account.id)).all()


def take(work: Work, account_id: str) -> Account | None:
    """One account, locked."""
    return work.get(Account, account_id)


def taken(work: Work) -> list[Account]:
    """Every account, locked, by id."""
    ids = work.session.scalars(select(Account.id).order_by(Account.id)).all()
    work.preload(Account, list(ids))
    return [row for id_ in ids if (row := work.get(Account, id_)) is not None]


def add(work: Work, row: Account) -> None:
    """Keep a new account."""
    work.add(row)


def session_of(session: Session, id_hash: str) -> tuple[StaffSession, Account] | None:
    """A session with its account."""
    query = select(StaffSession, Account).join(Account, Account.id == StaffSession.account_id)
    row = session.execute(query.where(StaffSession.id_hash == id_hash)).first()
    return None if row is None else (row[0], row[1])


def open_session(work: Work, row: StaffSession) -> None:
    """Keep a new session; those that have ended go."""
    work.session.execute(delete(StaffSession).where(StaffSession.ends_at < work.now))
    work.session.add(row)


def touch_session(work: Work, id_hash: str) -> None:
    """Note that a session was used."""
    row = work.session.get(StaffSession, id_hash)
    if row is not None:
        row.seen_at = work.now


def end_session(work: Work, id_hash: str) -> None:
    """End one session."""
    work.session.execute(delete(StaffSession).where(StaffSession.id_hash == id_hash))


def end_sessions(work: Work, account_id: str) -> None:
    """End every session of an account."""
    work.session.execute(delete(StaffSession).where(StaffSession.account_id == account_id))


def sessions(session: Session) -> int:
    """How many sessions there are."""
    return session.scalar(select(func.count()).select_from(StaffSession)) or 0


def tries(session: Session, typed_hash: str) -> SignInTries | None:
    """Wrong passwords in a row for what was typed."""
    return session.get(SignInTries, typed_hash)


def take_tries(work: Work, typed_hash: str) -> SignInTries:
    """The count for what was typed, locked; made when there is none."""
    row = work.get(SignInTries, typed_hash)
    if row is None:
        row = SignInTries(typed_hash=typed_hash, failures=0, last_at=work.now)
        work.add(row)
    return row


def forget_tries(work: Work, typed_hashes: Sequence[str], before: datetime) -> None:
    """Forget the counts after a sign-in, and counts nobody added to since ``before``."""
    old = (SignInTries.last_at < before) | SignInTries.typed_hash.in_(typed_hashes)
    work.session.execute(delete(SignInTries).where(old))
