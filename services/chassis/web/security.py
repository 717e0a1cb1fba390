"""What guards every answer: headers, cookies, CSRF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import current_app, request
from flask_wtf.csrf import CSRFProtect

from services.chassis.web.access import SIGN_OUT
from services.chassis.web.context import from_own_pages, is_api, over_https

if TYPE_CHECKING:
    from flask import Flask, Response

#: Nothing inline, nothing from elsewhere, no frames (CSP Level 3).
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: Sent with every answer. Addresses of pages may hold numbers of things, so none is told to another site.
HEADERS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
_HSTS: Final = "max-age=31536000"


def add_headers(response: Response) -> None:
    """Add what a view has not set itself; dynamic answers are not stored anywhere."""
    headers = response.headers
    present = {name.lower() for name, _ in headers}
    # At once: asking and setting one by one was half the cost of these headers.
    headers.extend([pair for pair in HEADERS if pair[0].lower() not in present])
    if over_https():
        headers["Strict-Transport-Security"] = _HSTS


def protect() -> None:
    """Ask a form for its token, before its view runs.

    Signing out may be asked for by the page of any service, whose token another service cannot read: there the
    browser's word that it is one of our own pages does.
    """
    if not request.endpoint or is_api():
        return
    if request.method == "POST" and request.path == SIGN_OUT and from_own_pages():
        return
    csrf: CSRFProtect = current_app.extensions["csrf"]
    csrf.protect()


def set_up(app: Flask) -> None:
    """Configure cookies and CSRF of ``app``."""
    house = app.extensions["house"]
    app.secret_key = house.key("cookies")
    app.config.update(
        # A name of its own: the services share an origin, and each may have a key of its own.
        SESSION_COOKIE_NAME=f"wz_{house.service}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=house.settings.public_url.startswith("https:"),
        # The token lives as long as the browser's session: a form may lie open for a whole day.
        WTF_CSRF_TIME_LIMIT=None,
        # Some readers' browsers send no Referer; the token alone suffices.
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_I18N_ENABLED=False,
    )
    CSRFProtect(app)
