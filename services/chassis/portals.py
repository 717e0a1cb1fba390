"""External portals: each has a virtual host and a user of its own on the broker, and webhook secrets."""

from __future__ import annotations

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
    return found


def vhost_url(broker_url: str, vhost: str) -> str:
    """The house's own broker URL, pointed at another virtual host."""
    parts = urlsplit(broker_url)
    return urlunsplit(parts._replace(path="/" + quote(vhost, safe="")))
