"""The five ways in, used as their users do: form, API, clerk's entry, portal event, portal webhook."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import amqp
import kombu
import requests
from standardwebhooks import Webhook

from services.chassis.clock import SystemClock
from services.chassis.wire import PREFIX
from services.cli.demo.rows import Row
from services.cli.demo.running import Running

TIMEOUT_S = 30.0
_CLOCK = SystemClock()
#: Number and query code as the receipt shows them.
_SLIP = re.compile(r"<dd[^>]*>\s*([^<]+?)\s*</dd>")


class _Fields(HTMLParser):
    """The filled-in input fields of a page, as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep every named input that has a value and is not merely one of several choices."""
        field = dict(attrs)
        chosen = field.get("type") not in ("radio", "checkbox") or "checked" in field
        if tag == "input" and field.get("name") and field.get("value") is not None and chosen:
            self.values[str(field["name"])] = str(field["value"])


def fields_of(page: str) -> dict[str, str]:
    """What a page's form would send if nothing were typed."""
    parser = _Fields()
    parser.feed(page)
    return parser.values


@dataclass
class Filed:
    """What the petitioner has in hand after filing."""

    number: str
    query_code: str
    #: When the answer came, on the monotonic clock (s).
    at: float


class Refused(Exception):
    """The house did not take a petition."""


class Doors:
    """Files rows through the doors that they name; safe to use from several threads.

    Args:
        house: the running house.
        clerk: a session signed in as dispatcher, for calls, letters and visits.
    """

    def __init__(self, house: Running, clerk: requests.Session) -> None:
        self._house = house
        self._clerk = clerk
        self._clerk_lock = threading.Lock()
        self._local = threading.local()
        self._link = PortalLink(house)

    def file(self, row: Row) -> Filed:
        """File one row.

        Raises:
            Refused: with the house's own words.
        """
        if row.source == "form":
            return self._form(self._session(), "/petitions/report" if row.door == "report" else "/petitions/new", row)
        if row.source == "entry":
            sealed = {"sealed": "y"} if row.door == "report" else {}
            with self._clerk_lock:
                return self._form(self._clerk, "/entry", row, channel=row.channel, **sealed)
        if row.source == "portal_webhook":
            return self._webhook(row)
        if row.source == "portal_event":
            return self._link.file(row)
        return self._api(row)

    def close(self) -> None:
        """Close the portal's connection."""
        self._link.close()

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session

    def _api(self, row: Row) -> Filed:
        answer = self._session().post(
            f"{self._house.address}/api/petitions",
            json=_petition(row),
            headers={"Idempotency-Key": str(uuid.uuid4())},
            timeout=TIMEOUT_S,
        )
        return _receipt(answer)

    def _form(self, session: requests.Session, path: str, row: Row, **more: str) -> Filed:
        page = session.get(self._house.address + path, timeout=TIMEOUT_S)
        fields = fields_of(page.text)
        contact = row.contact or {}
        fields |= {
            "kind": row.kind,
            "title": row.title,
            "body": row.body,
            "place": str((row.place or {}).get("text", "")),
            "name": contact.get("name", ""),
            "phone": contact.get("phone", ""),
            "mail": contact.get("mail", ""),
            **more,
        }
        if row.publish:
            fields["publish"] = "y"
        answer = session.post(self._house.address + path, data=fields, timeout=TIMEOUT_S)
        slip = _SLIP.findall(answer.text)
        if not answer.ok or len(slip) < 2:
            raise Refused(f"{path} answered {answer.status_code}")
        return Filed(slip[0], slip[1], time.monotonic())

    def _webhook(self, row: Row) -> Filed:
        portal = self._house.portal
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": f"/portals/{portal.id}",
            "type": "portal.petition.filed.v1",
            "subject": row.reference,
            "time": _CLOCK.now().isoformat(),
            "datacontenttype": "application/json",
            "data": _portal_petition(row),
        }
        body = json.dumps(event, ensure_ascii=False)
        moment, message_id = _CLOCK.now(), f"msg_{uuid.uuid4().hex}"
        answer = self._session().post(
            f"{self._house.address}/portals/{portal.id}",
            data=body.encode(),
            headers={
                "content-type": "application/cloudevents+json",
                "webhook-id": message_id,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": Webhook(portal.webhook_secret).sign(message_id, moment, body),
            },
            timeout=TIMEOUT_S,
        )
        return _receipt(answer)


class PortalLink:
    """The portal's own AMQP connection: publishes its petitions and reads its answers."""

    def __init__(self, house: Running) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._connection: kombu.Connection | None = None
        self._answers: dict[str, Mapping[str, Any]] = {}

    def file(self, row: Row) -> Filed:
        """Publish one petition and wait for the answer under its reference."""
        with self._lock:
            connection = self._open()
            event_id = str(uuid.uuid4())
            headers = {
                f"{PREFIX}specversion": "1.0",
                f"{PREFIX}id": event_id,
                f"{PREFIX}source": f"/portals/{self._house.portal.id}",
                f"{PREFIX}type": "portal.petition.filed.v1",
                f"{PREFIX}subject": row.reference,
                f"{PREFIX}time": _CLOCK.now().isoformat(),
            }
            message = amqp.Message(
                json.dumps(_portal_petition(row), ensure_ascii=False).encode(),
                content_type="application/json",
                delivery_mode=2,
                message_id=event_id,
                user_id=self._house.portal.user,
                application_headers=headers,
            )
            channel: Any = connection.default_channel
            channel.basic_publish(message, exchange="house", routing_key="portal.petition.filed.v1")
            answer = self._await(connection, row.reference)
        if "number" not in answer:
            raise Refused(f"the portal's queue says {answer.get('code')}: {answer.get('field')}")
        return Filed(str(answer["number"]), str(answer["query_code"]), time.monotonic())

    def _open(self) -> kombu.Connection:
        if self._connection is None:
            self._connection = kombu.Connection(self._house.portal_url(), connect_timeout=5)
            channel: Any = self._connection.default_channel
            channel.basic_consume("answers", no_ack=True, callback=self._note)
        return self._connection

    def _note(self, message: amqp.Message) -> None:
        headers = message.properties.get("application_headers") or {}
        if headers.get(f"{PREFIX}type") in ("portal.petition.registered.v1", "portal.petition.refused.v1"):
            answer = json.loads(message.body)
            self._answers[answer["reference"]] = answer

    def _await(self, connection: kombu.Connection, reference: str) -> Mapping[str, Any]:
        deadline = time.monotonic() + TIMEOUT_S
        while reference not in self._answers:
            if time.monotonic() > deadline:
                raise Refused("no answer came into the portal's queue")
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                continue
        return self._answers.pop(reference)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            # Without ado: answers that are still coming need not be read.
            self._connection.collect()


def _petition(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "title": row.title,
        "body": row.body,
        "language": row.language,
        "place": row.place or {},
        "contact": row.contact or {},
        "publish": row.publish,
        **({"sealed": True} if row.door == "report" else {}),
    }


def _portal_petition(row: Row) -> dict[str, Any]:
    return {"reference": row.reference, **_petition(row)}


def _receipt(answer: requests.Response) -> Filed:
    at = time.monotonic()
    if answer.status_code not in (200, 201):
        raise Refused(f"{answer.status_code}: {answer.text[:200]}")
    receipt = answer.json()
    return Filed(receipt["number"], receipt["query_code"], at)
