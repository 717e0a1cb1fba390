"""The three ways out of notify: mail, portals' queues, portals' webhooks; what is repeated, what is given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

import msgspec
from standardwebhooks.webhooks import Webhook

from services.chassis import sender_rows
from services.chassis.channel import Channel
from services.chassis.delivery import Work
from services.chassis.house import House
from services.chassis.portal_out import Outgoing
from services.chassis.portals import Portal
from services.chassis.sender_rows import Away, Failed
from services.chassis.sending import Sending
from services.chassis.webhook_out import Answer, Doubtful, Unreachable, WebhookOut
from services.contracts.envelope import CONTENT_TYPE, SPEC_VERSION, Event
from services.contracts.portals import PortalPetitionUpdated
from services.contracts.registry import PORTAL_EVENTS
from services.notify import handlers, store
from services.notify.channels import Mail, Mailer, SmtpServer
from services.notify.domain import CODE_MARK
from services.notify.models import Correspondence, MailMessage, Message, PortalNote, WebhookNote
from services.notify.settings import Settings, portals_of

#: Content type of a CloudEvent in structured mode (CloudEvents JSON format 1.0.2 §3).
STRUCTURED: Final = "application/cloudevents+json; charset=utf-8"
#: Largest webhook body (bytes); a reply is far smaller.
LARGEST_POST: Final = 256 * 1024
#: Waits between tries of a webhook (s): half a day and more, since a portal may be down over night.
WEBHOOK_LADDER: Final = (*sender_rows.LADDER, 21_600, 43_200)

M = TypeVar("M", bound=Message)


class Outlet(Protocol):
    """Publishes into a portal's own queue (``portal_out.PortalOut``)."""

    def publish(self, portal: Portal, outgoing: Sequence[Outgoing]) -> Mapping[str, Failed | None]: ...
    def close(self) -> None: ...


class _Messages(Channel[M]):
    """What the three have in common: an ended message is told of in the house.

    Args:
        house: the service's house.
    """

    def __init__(self, house: House[Settings]) -> None:
        self._house, self._settings = house, house.settings
        self._portals = portals_of(house.settings)

    def ids_of(self, row: M) -> Mapping[str, str]:
        return {"topic_id" if row.occasion == "topic" else "petition_id": row.petition_id}

    def lock(self, work: Work, rows: Sequence[M]) -> None:
        store.lock_correspondence(work, rows)

    def ended(self, row: M, failure: Failed | None, work: Work) -> None:
        code = ""
        if failure is None:
            row.secret = None
        else:
            code = "ambiguous" if failure.ambiguous else "permanent" if failure.permanent else "attempts_used_up"
        if row.occasion == "topic":
            # It is about no petition, whose story would tell of it.
            return
        petition = work.get(Correspondence, row.petition_id)
        if petition is None:
            raise LookupError("a message without its correspondence")
        handlers.announce(row, petition, work, code)

    def _portal_of(self, row: M) -> Portal:
        portal = self._portals.get(row.address)
        if portal is None:
            raise Failed("unknown_portal", permanent=True)
        return portal


class Mails(_Messages[MailMessage]):
    """Mail by SMTP over one connection a call. 4xx: later; 5xx: never; cut after the text: a person decides."""

    name = "notify.mail"
    model = MailMessage

    def __init__(self, house: House[Settings]) -> None:
        super().__init__(house)
        self._url = house.settings.smtp_url.get_secret_value()
        # Connecting, EHLO, STARTTLS, login, MAIL, RCPT, DATA and the text each wait for one answer.
        self.longest_s = 9.0 * house.settings.smtp_timeout_s
        self._mailer: Mailer | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        if not self._url:
            # They were written while there was a mail server: now they stay in the local mailbox.
            yield
            return
        own = self._settings
        server = SmtpServer(self._url, own.mail_from, own.smtp_timeout_s, own.smtp_ca_file or None)
        with Mailer(server) as self._mailer:
            yield

    def hand_over(self, row: MailMessage) -> None:
        if self._url and self._mailer is not None:
            body = row.body.replace(CODE_MARK, row.secret) if row.secret else row.body
            self._mailer.send(Mail(row.id, row.address, row.language, row.subject, body, row.created_at))

    def ended(self, row: MailMessage, failure: Failed | None, work: Work) -> None:
        if not self._url and failure is None:
            row.channel = "mailbox"
        super().ended(row, failure, work)


class PortalNotes(_Messages[PortalNote]):
    """Updates into portals' own queues. The event's id tells a repeat: what is in doubt is published again."""

    name = "notify.portals"
    model = PortalNote
    page = 200
    repeats = True
    line = "address"

    def __init__(self, house: House[Settings], out: Outlet) -> None:
        super().__init__(house)
        self._out = out

    def hand_over_all(self, rows: Sequence[PortalNote]) -> Mapping[str, Failed | None]:
        try:
            portal = self._portal_of(rows[0])
        except Failed as failure:
            return dict.fromkeys((row.id for row in rows), failure)
        outgoing = [Outgoing(row.id, _event_of(row), row.created_at, row.traceparent) for row in rows]
        return self._out.publish(portal, outgoing)

    def close(self) -> None:
        self._out.close()


class WebhookNotes(_Messages[WebhookNote]):
    """Updates posted to portals that have no queue.

    The webhook's id tells a repeat. Time-outs, cut connections, 408, 429 and 5xx are tried again, other answers but 2xx
    never; a portal that cannot be reached at all costs no attempt.
    """

    name = "notify.webhooks"
    model = WebhookNote
    repeats = True
    line = "address"
    ladder = WEBHOOK_LADDER

    def __init__(self, house: House[Settings]) -> None:
        super().__init__(house)
        settings = house.settings
        self._out = WebhookOut(
            allow_http=settings.webhook_allow_http,
            allow_private=settings.webhook_allow_private,
            total_s=settings.webhook_timeout_s,
        )
        # Looking a name up is not cut short.
        self.longest_s = settings.webhook_timeout_s + 30

    def hand_over(self, row: WebhookNote) -> None:
        portal = self._portal_of(row)
        if portal.webhook_url is None or not portal.webhook_secrets:
            raise Failed("portal_has_no_webhook", permanent=True)
        body = structured(row)
        if len(body) > LARGEST_POST:
            raise Failed("webhook_too_large", permanent=True)
        now = self._house.clock.now()
        headers = {
            "Content-Type": STRUCTURED,
            "User-Agent": "wenzheng",
            "webhook-id": row.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(portal.webhook_secrets[0]).sign(row.id, now, body.decode()),
        }
        try:
            answer = self._out.post(portal.webhook_url, body, headers, now)
        except Unreachable as error:
            if error.code == "webhook_needs_https":
                raise Failed(error.code, permanent=True) from None
            raise Away(error.code) from None
        except Doubtful as error:
            raise Failed(error.code, ambiguous=True, pause=True) from None
        verdict = _verdict(answer)
        if verdict is not None:
            raise verdict


def _verdict(answer: Answer) -> Failed | None:
    """What a portal's answer means for the message."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if status in (408, 429) or status >= 500:
        return Failed(f"webhook_{status}", pause=True, seconds=answer.retry_after)
    return Failed(f"webhook_{status}", permanent=True)


def structured(row: Message) -> bytes:
    """A portal's update as a CloudEvent in structured mode; the same bytes at each try."""
    event = _event_of(row)
    envelope: dict[str, Any] = {
        "specversion": SPEC_VERSION,
        "id": row.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": row.created_at,
        "datacontenttype": CONTENT_TYPE,
        "data": msgspec.Raw(row.body.encode()),
    }
    if row.traceparent:
        envelope["traceparent"] = row.traceparent
    return msgspec.json.encode(envelope)


def _event_of(row: Message) -> Event:
    return PORTAL_EVENTS.decode(PortalPetitionUpdated.type, row.body.encode())


def mails(house: House[Settings]) -> Sending[MailMessage]:
    """The loop that mails."""
    return Sending(house, Mails(house))


def portal_notes(house: House[Settings], out: Outlet) -> Sending[PortalNote]:
    """The loop that publishes into portals' queues."""
    return Sending(house, PortalNotes(house, out))


def webhooks(house: House[Settings]) -> Sending[WebhookNote]:
    """The loop that posts to portals."""
    return Sending(house, WebhookNotes(house))


def send_again(house: House[Settings], message_id: str) -> str | None:
    """Put a failed or ambiguous message back into the queue.

    Returns:
        None when that was done, else a stable code: ``no_such_message``, ``not_failed`` or ``no_sender``.
    """
    with house.work() as work:
        row = work.get(Message, message_id)
        if row is None:
            return "no_such_message"
        if row.delivery not in ("failed", "ambiguous"):
            return "not_failed"
        if not row.sender:
            return "no_sender"
        sender_rows.again(row)
        return None
