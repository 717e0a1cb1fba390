"""What a view may ask of the running application: its house, its reader's address as a key, its navigation."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

import structlog
from flask import current_app, g, has_request_context, request

from services.chassis.house import House
from services.contracts.envelope import Text


class Nav(NamedTuple):
    """An entry of the navigation.

    Args:
        path: where it leads.
        label: its English text, which is the msgid; or its name in both languages, where the entry is shown by
            applications whose catalogues do not know it.
        roles: who sees it: everybody when empty, any member of staff for ``{"*"}``.
    """

    path: str
    label: str | Text
    roles: frozenset[str] = frozenset()


def house() -> House[Any]:
    """The house of the running application."""
    return cast("House[Any]", current_app.extensions["house"])


def traceparent() -> str | None:
    """The W3C ``traceparent`` of this request, to be carried by the events it causes."""
    return cast("str | None", g.get("traceparent")) if has_request_context() else None


def about(**ids: str) -> None:
    """Say what this request is about, for its line in the log and its span: ids, never what somebody wrote."""
    g.about = {**g.get("about", {}), **ids}
    structlog.contextvars.bind_contextvars(**ids)


def client_key() -> str:
    """A keyed hash of the client's address: tells callers apart for rate limits and names nobody."""
    key = house().key("client address")
    return hashlib.blake2b((request.remote_addr or "").encode(), key=key, digest_size=12).hexdigest()


def over_https() -> bool:
    """True when the reader came by https, here or at the proxy that the public address names."""
    return request.is_secure or house().settings.public_url.startswith("https:")


def own_path() -> str:
    """Path of this request, quoted as it travels."""
    return quote(request.path, safe="/:@!$&'()*+,;=~")


def own_address() -> str:
    """Path and query of this request, quoted as they travel."""
    query = request.query_string.decode("ascii", "replace")
    return f"{own_path()}?{query}" if query else own_path()


def is_api() -> bool:
    """True when the view of this request was marked with ``api``."""
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "house_api", False))


def from_own_pages() -> bool:
    """True when the browser says that one of our own pages sent this request.

    Browsers set these headers themselves, no page can forge them (Fetch Metadata; RFC 6454 §7). Only the host is
    compared, since a proxy may have taken the TLS off.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    sender = request.headers.get("Origin") or request.headers.get("Referer")
    return bool(sender) and urlsplit(cast(str, sender)).netloc == request.host
