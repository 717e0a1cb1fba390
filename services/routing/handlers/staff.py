"""Staff accounts: made, changed, revoked; sessions opened and ended; wrong passwords counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.contracts.routing import StaffChanged
from services.routing import store
from services.routing.domain.cases import ALL_ROLES
from services.routing.models import Account, StaffSession

MIN_PASSWORD = 10
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


def add_account(
    work: Work, account_id: str, name: str, unit_id: str | None, roles: Sequence[str], password_hash: str
) -> Account:
    """Make an account, or change name, unit and roles of one that is there; a revoked one is active again.

    Raises:
        Refusal: ``wrong_account_id``, ``unknown_role``, ``unknown_unit``, ``unit_needed``.
    """
    if not _ID.fullmatch(account_id):
        raise Refusal(
            "wrong_account_id",
            "An account id has 2 to 64 small letters, digits, dots and dashes.",
            field="id",
        )
    unknown = [role for role in roles if role not in ALL_ROLES]
    if unknown or not roles:
        raise Refusal(
            "unknown_role", "Give at least one of the roles %(roles)s.", field="roles", roles=", ".join(ALL_ROLES)
        )
    if unit_id is not None and unit_id not in store.directory.read(work.session).unit_by_id:
        raise Refusal("unknown_unit", "The directory has no such unit.", field="unit")
    if unit_id is None and set(roles) & {"officer", "unit_head", "checker"}:
        raise Refusal("unit_needed", "Officers, checkers and unit heads belong to a unit: name it.", field="unit")
    row = store.staff.take(work, account_id)
    if row is None:
        row = Account(id=account_id, name=name, password_hash=password_hash, created_at=work.now, sequence=0)
        row.roles = []
        store.staff.add(work, row)
    row.name, row.unit_id, row.roles, row.active = name, unit_id, list(roles), True
    row.password_hash = password_hash
    _tell(work, row)
    return row


def revoke(work: Work, account_id: str) -> Account:
    """End an account: its sessions end now, the other services drop it with the event.

    Raises:
        Refusal: ``no_such_account``.
    """
    row = _taken(work, account_id)
    row.active = False
    store.staff.end_sessions(work, account_id)
    _tell(work, row)
    return row


def announce(work: Work) -> int:
    """Tell every account once more, revoked ones too, for services that were not there when it was told.

    Returns:
        How many.
    """
    accounts = store.staff.taken(work)
    for row in accounts:
        _tell(work, row)
    return len(accounts)


def set_password(work: Work, account_id: str, password_hash: str) -> Account:
    """Give an account another password; its sessions end.

    Raises:
        Refusal: ``no_such_account``.
    """
    row = _taken(work, account_id)
    row.password_hash = password_hash
    store.staff.end_sessions(work, account_id)
    return row


def signed_in(work: Work, account_id: str, typed_hashes: Sequence[str], id_hash: str, hours: int) -> None:
    """The password was right: open a session, forget wrong tries."""
    store.staff.forget_tries(work, typed_hashes, work.now - timedelta(days=1))
    store.staff.open_session(
        work,
        StaffSession(
            id_hash=id_hash,
            account_id=account_id,
            created_at=work.now,
            seen_at=work.now,
            ends_at=work.now + timedelta(hours=hours),
        ),
    )


def tries_forgotten(work: Work, typed_hashes: Sequence[str]) -> None:
    """The password was right where no session is opened."""
    store.staff.forget_tries(work, typed_hashes, work.now - timedelta(days=1))


def failed(work: Work, typed_hash: str, most: int, lock: timedelta) -> None:
    """The password was wrong, or there is no such account: count it, and lock for a while after too many."""
    row = store.staff.take_tries(work, typed_hash)
    row.failures += 1
    row.last_at = work.now
    if row.failures >= most:
        row.failures, row.locked_until = 0, work.now + lock


def _taken(work: Work, account_id: str) -> Account:
    row = store.staff.take(work, account_id)
    if row is None:
        raise Refusal("no_such_account", "There is no such account.", field="id", status=404)
    return row


def _tell(work: Work, row: Account) -> None:
    work.emit(
        row,
        StaffChanged(
            staff_id=row.id, display_name=row.name, unit_id=row.unit_id, roles=list(row.roles), active=row.active
        ),
    )
