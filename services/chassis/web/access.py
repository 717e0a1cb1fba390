"""Who is asking: staff tokens, the decorators that guard views, and the way to the sign-in and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote, urlsplit

from flask import current_app, g, redirect, request
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from services.chassis.errors import Refusal
from services.chassis.identity import Staff, StaffKeys, read_token
from services.chassis.web.context import house, is_api, own_address

if TYPE_CHECKING:
    from flask import Flask

#: The cookie that holds a staff token.
COOKIE: Final = "wz_staff"
#: Where staff sign in, renew a token that has run out, and sign out (POST).
SIGN_IN: Final = "/sign-in"
RENEW: Final = "/sign-in/renew"
SIGN_OUT: Final = "/sign-in/out"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


class SignInNeeded(Refusal):
    """Nobody is signed in, or no longer: 401. On a form the page keeps what was typed."""

    def __init__(self, code: str) -> None:
        message = (
            "Your sign-in has run out: sign in again."
            if code == "token_expired"
            else "Only staff may do this: sign in first."
        )
        super().__init__(code, message, status=401)


class Guard:
    """How one application finds out who is asking.

    Args:
        keys: where the public key of the tokens is.
        is_active: False for an account that was revoked.
        staff_of: a lookup of the application's own, in place of the token cookie.
    """

    def __init__(
        self,
        keys: StaffKeys,
        is_active: Callable[[str], bool] | None,
        staff_of: Callable[[], Staff | None] | None,
    ) -> None:
        self._keys = keys
        self._is_active = is_active
        self._staff_of = staff_of

    def ask(self) -> tuple[Staff | None, str]:
        """Who it is, or why nobody: ``sign_in_required``, ``token_expired``, ``token_invalid``, ``account_revoked``,
        ``bearer_required``."""
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            staff, problem = self._read(bearer.strip())
        elif is_api() and request.method not in SAFE_METHODS and not _csrf_header_is_good():
            # A cookie comes along whoever wrote the request; an API that writes asks for what only our client knows.
            staff, problem = None, "bearer_required"
        elif self._staff_of is not None:
            staff, problem = self._staff_of(), "sign_in_required"
        else:
            staff, problem = self._read(request.cookies.get(COOKIE, ""))
        if staff is not None and self._is_active is not None and not self._is_active(staff.id):
            return None, "account_revoked"
        return staff, problem

    def _read(self, token: str) -> tuple[Staff | None, str]:
        key = self._keys.current()
        if not token or key is None:
            return None, "sign_in_required"
        try:
            return read_token(token, key, house().clock.now()), ""
        except Refusal as refusal:
            return None, refusal.code


def _csrf_header_is_good() -> bool:
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except ValidationError:
        return False
    return True


def _asked() -> tuple[Staff | None, str]:
    found: tuple[Staff | None, str] | None = g.get("staff_asked")
    if found is None:
        guard: Guard = current_app.extensions["guard"]
        found = g.staff_asked = guard.ask()
    return found


def staff_or_none() -> Staff | None:
    """The member of staff who is asking, None for anybody else."""
    return _asked()[0]


def current_staff() -> Staff:
    """The member of staff who is asking.

    Raises:
        SignInNeeded: there is none.
    """
    staff, problem = _asked()
    if staff is None:
        raise SignInNeeded(problem)
    return staff


def local_path(target: str | None, default: str = "/") -> str:
    """``target`` when it is a path of this house, else ``default``: no ``next=`` leads to a stranger's site.

    Browsers read ``//host``, ``/\\host`` and paths with control characters as other hosts.
    """
    if not target or not target.startswith("/") or target[1:2] in {"/", "\\"} or "\\" in target:
        return default
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in target):
        return default
    try:
        parts = urlsplit(target)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else target


def sign_in_url(problem: str, target: str) -> str:
    """Where somebody is sent who may not go on: to renew what has run out, else to sign in."""
    door = RENEW if problem == "token_expired" else SIGN_IN
    return f"{door}?next={quote(local_path(target), safe='')}"


def api(view: View) -> View:
    """Mark a view as JSON API: no CSRF token, errors as problem documents, no cookie accepted for writing."""
    view.house_api = True  # type: ignore[attr-defined]
    return view


def staff_required(*roles: str) -> Callable[[View], View]:
    """Only members of staff who hold one of ``roles`` get in; any member when none is named.

    A page sends others to the sign-in and back; a form that was posted, and an API, get 401. Who is signed in
    without the role gets 403.
    """

    def guarded(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            staff, problem = _asked()
            if staff is None:
                if request.method in {"GET", "HEAD"} and not is_api():
                    return redirect(sign_in_url(problem, own_address()), 303)
                raise SignInNeeded(problem)
            if roles and not staff.has(*roles):
                raise Refusal("role_missing", "Your account has no role that may do this.", status=403)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return cast(View, checked)

    return guarded


def set_up(app: Flask, is_active: Callable[[str], bool] | None, staff_of: Callable[[], Staff | None] | None) -> None:
    """Give ``app`` its guard."""
    keys = StaffKeys(app.extensions["house"].settings)
    app.extensions["guard"] = Guard(keys, is_active, staff_of)
