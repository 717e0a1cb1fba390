"""The door: checks passwords, opens sessions, signs tokens. Slow hashing is done outside of any transaction."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from flask import Response, current_app, request

from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.identity import TOKEN_TTL, SigningKey, Staff, sign_token
from services.chassis.passwords import password_matches
from services.chassis.web import RateLimit, client_key, traceparent
from services.chassis.web.access import COOKIE as TOKEN_COOKIE
from services.chassis.web.context import over_https
from services.routing import store
from services.routing.handlers import staff as cases
from services.routing.settings import Settings

SESSION_COOKIE: Final = "wz_session"
#: A session's last use is written at most this often.
TOUCH: Final = timedelta(minutes=1)
#: Passwords longer than this are refused unhashed.
MAX_PASSWORD: Final = 256
#: Wrong tries that lock an account for everybody, as a multiple of those that lock it for one address.
FOR_ALL: Final = 10
#: The same for an unknown account, a revoked one and a wrong password.
WRONG: Final = "The account or the password is not right. Check both and try again."


@dataclass(frozen=True)
class Door:
    """Sign-in of one house."""

    house: House[Settings]
    key: SigningKey
    limit: RateLimit

    def is_active(self, staff_id: str) -> bool:
        """False for an account that was revoked."""
        with self.house.database.read() as session:
            row = store.staff.account(session, staff_id)
        return row is not None and row.active

    def staff_of_session(self) -> Staff | None:
        """Who the session cookie of this request stands for."""
        cookie = request.cookies.get(SESSION_COOKIE, "")
        if not cookie:
            return None
        id_hash = self._hash("staff session", cookie)
        now = self.house.clock.now()
        with self.house.database.read() as session:
            found = store.staff.session_of(session, id_hash)
        if found is None:
            return None
        row, account = found
        idle = timedelta(minutes=self.house.settings.session_idle_minutes)
        if not account.active or row.ends_at <= now or row.seen_at + idle <= now:
            return None
        if row.seen_at + TOUCH <= now:
            with self.house.work() as work:
                store.staff.touch_session(work, id_hash)
        return account.staff()

    def check(self, account_id: str, password: str) -> Staff:
        """The member of staff whose account and password these are.

        Raises:
            Refusal: ``too_many_requests``, ``account_locked`` (429) or ``wrong_credentials`` (401).
        """
        self.limit.check(client_key())
        settings = self.house.settings
        here, anywhere = self.typed_hashes(account_id)
        now = self.house.clock.now()
        with self.house.database.read() as session:
            for typed in (here, anywhere):
                tries = store.staff.tries(session, typed)
                if tries is not None and tries.locked_until is not None and tries.locked_until > now:
                    raise _locked(tries.locked_until, now)
            # No account has such a name, and PostgreSQL would not even look for it.
            account = store.staff.account(session, account_id.strip().lower().replace("\0", ""))
        usable = account is not None and account.active
        given = password if len(password) <= MAX_PASSWORD else ""
        if not password_matches(account.password_hash if account is not None and usable else "", given):
            lock = timedelta(minutes=settings.sign_in_lock_minutes)
            with self.house.work() as work:
                cases.failed(work, here, settings.sign_in_tries, lock)
                cases.failed(work, anywhere, settings.sign_in_tries * FOR_ALL, lock)
            raise Refusal("wrong_credentials", WRONG, status=401)
        return cast("Staff", account.staff() if account else None)

    def open_session(self, staff: Staff, response: Response) -> None:
        """Open a session and give its cookies to the browser."""
        secret = secrets.token_urlsafe(32)
        hours = self.house.settings.session_hours
        with self.house.work(traceparent()) as work:
            id_hash = self._hash("staff session", secret)
            cases.signed_in(work, staff.id, self.typed_hashes(staff.id), id_hash, hours)
        response.set_cookie(
            SESSION_COOKIE, secret, max_age=hours * 3600, httponly=True, samesite="Lax", secure=over_https()
        )
        self.give_token(staff, response)

    def give_token(self, staff: Staff, response: Response) -> None:
        """Give the browser a fresh token, which the other services read. It outlives its validity, to be renewed."""
        response.set_cookie(TOKEN_COOKIE, self.token(staff)[0], httponly=True, samesite="Lax", secure=over_https())

    def token(self, staff: Staff) -> tuple[str, datetime]:
        """A token and when it ends."""
        now = self.house.clock.now()
        return sign_token(staff, self.key, now), now + TOKEN_TTL

    def close_session(self, response: Response) -> None:
        """Sign out."""
        cookie = request.cookies.get(SESSION_COOKIE, "")
        if cookie:
            with self.house.work() as work:
                store.staff.end_session(work, self._hash("staff session", cookie))
        for name in (SESSION_COOKIE, TOKEN_COOKIE):
            response.delete_cookie(name, httponly=True, samesite="Lax", secure=over_https())

    def typed_hashes(self, typed: str) -> tuple[str, str]:
        """Keyed hashes of what was typed as account: from this address, and from any.

        A typed password in the wrong field is not kept. Counted by address first, a stranger who types wrong
        passwords shuts out themselves and not the member of staff.
        """
        name = typed.strip().lower()[:200]
        return self._hash("sign-in tries", f"{client_key()} {name}"), self._hash("sign-in tries", name)

    def _hash(self, purpose: str, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self.house.key(purpose), digest_size=32).hexdigest()


def _locked(until: datetime, now: datetime) -> Refusal:
    seconds = max(1, int((until - now).total_seconds()))
    return Refusal(
        "account_locked",
        "Too many wrong tries for this account: wait %(minutes)s minutes, then try again.",
        status=429,
        minutes=-(-seconds // 60),
        seconds=seconds,
    )


def door() -> Door:
    """The door of the running application."""
    return cast("Door", current_app.extensions["door"])
