"""External portals: each has a virtual host and a user of its own on the broker, and webhook secrets."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
import yaml

from services.chassis.errors import StartError

#: In a portal's virtual host: the exchange it publishes to, the queue we read, the queue it reads.
EXCHANGE = "house"
FILED = "filed"
ANSWERS = "answers"


class Portal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One portal as the operator's portals file names it."""

    id: str
    name: str
    #: Standard Webhooks secrets (``whsec_…``), newest first; two while one is being replaced.
    webhook_secrets: list[str] = []
    #: Where it takes signed updates when it has no AMQP; https://….
    webhook_url: str | None = None
    #: Virtual host on our broker; None when the portal has no AMQP.
    vhost: str | None = None
    #: The user that messages must carry in ``user_id``; the broker refuses a forged one.
    user: str | None = None
    #: Only used to set up a private node; on a cluster the broker holds it.
    password: str | None = None


def load_portals(path: str) -> dict[str, Portal]:
    """Read the portals file (YAML, ``portals: [...]``); none when ``path`` is empty.

    Raises:
        StartError: the file cannot be read or a field is wrong.
    """
    if not path:
        return {}
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        portals = msgspec.convert(data.get("portals", []), list[Portal])
    except OSError as error:
        raise StartError(f"portals file {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, msgspec.ValidationError, AttributeError) as error:
        raise StartError(f"portals file {path}: {str(error).splitlines()[0]}") from None
    found = {portal.id: portal for portal in portals}
    if len(found) != len(portals):
        raise StartError(f"portals file {path}: two portals share an id")
    for portal in portals:
        if portal.webhook_url is not None:
            _check(portal.webhook_url, portal.webhook_secrets, f"portals file {path}: portal {portal.id}")
    return found


def _check(url: str, secrets: list[str], where: str) -> None:
    """Refuse a webhook address that could never be used; the address itself is not repeated, it may hold a key."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise StartError(f"{where}: webhook_url must be https://host/path")
    if parts.username is not None or parts.fragment:
        raise StartError(f"{where}: webhook_url must name no user and no fragment")
    if not secrets:
        raise StartError(f"{where}: webhook_url needs webhook_secrets, which updates are signed with")
    try:
        signs = bool(base64.b64decode(secrets[0].removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        signs = False
    if not signs:
        raise StartError(f"{where}: webhook_secrets: the first one must be whsec_ and base64")


def vhost_url(broker_url: str, vhost: str) -> str:
    """The house's own broker URL, pointed at another virtual host."""
    parts = urlsplit(broker_url)
    return urlunsplit(parts._replace(path="/" + quote(vhost, safe="")))
