"""What only the broker's management side tells: every queue's counts, and its own definitions."""

from __future__ import annotations

import base64
import json
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from services.chassis.errors import StartError, Transient

#: How long an answer may take (s).
TIMEOUT_S = 10.0
#: Sections of the definitions, each with its path: a user who is no administrator is refused some of them.
SECTIONS = ("vhosts", "exchanges", "queues", "bindings", "policies", "users", "permissions", "topic_permissions")


class Manager(Protocol):
    """Who can be asked: a private node, or the management API."""

    def queues(self, vhost: str) -> list[dict[str, Any]]:
        """Every queue of a virtual host: name, messages_ready, messages_unacknowledged, consumers."""

    def definitions(self) -> dict[str, Any]:
        """The broker's definitions; a section that may not be seen is absent."""


class ManagementApi:
    """RabbitMQ's HTTP API.

    Args:
        url: http(s)://user:password@host:port, with the path prefix if there is one.

    Raises:
        StartError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StartError("WENZHENG_BROKER_MANAGEMENT_URL must be http(s)://user:password@host:port")
        who = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._authorization = "Basic " + base64.b64encode(who.encode()).decode()
        self._base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))

    def queues(self, vhost: str) -> list[dict[str, Any]]:
        """Every queue of a virtual host."""
        columns = "name,messages_ready,messages_unacknowledged,consumers"
        found: list[dict[str, Any]] = self._get(f"/api/queues/{quote(vhost, safe='')}?columns={columns}")
        return found

    def definitions(self) -> dict[str, Any]:
        """The broker's definitions, as far as this user may see them."""
        found = {}
        for section in SECTIONS:
            try:
                found[section] = self._get(f"/api/{section.replace('_', '-')}")
            except _Refused:
                continue
        if not found:
            raise StartError("the management API refuses this user; it needs the tag monitoring or administrator")
        return found

    def _get(self, path: str) -> Any:
        # The scheme was checked, and the address is the operator's own.
        request = Request(self._base + path, headers={"Authorization": self._authorization})  # noqa: S310
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            if error.code in (401, 403):
                raise _Refused("the management API refuses this user or its password") from None
            raise Transient(f"management API: {error.code}") from None
        except (URLError, OSError, ValueError) as error:
            raise Transient(f"management API: {type(error).__name__}") from None


class _Refused(StartError):
    """The user may not see it."""
