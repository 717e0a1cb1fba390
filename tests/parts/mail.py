"""A real SMTP server that keeps what it is handed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.parts import free_port, until


@dataclass(frozen=True)
class Received:
    """One message as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def text(self) -> str:
        """The plain text of the message."""
        body = self.message.get_body(("plain",))
        return "" if body is None else str(body.get_content())


class MailServer:
    """An SMTP server.

    Args:
        address: of this machine; pods of a cluster cannot reach the loopback.

    ``answer`` is what it says to the next message: set it to ``"451 later"`` or ``"550 no"`` to be refused.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address, self.port = address, free_port()
        self.received: list[Received] = []
        self.answer = "250 taken"
        self._controller = Controller(self, hostname=address, port=self.port)

    @property
    def url(self) -> str:
        """Its address."""
        return f"smtp://{self.address}:{self.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each message."""
        if self.answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
            message = message_from_bytes(content, policy=policy.default)
            self.received.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        return self.answer

    def wait_for(self, count: int, seconds: float = 10) -> list[Received]:
        """The messages, as soon as there are so many."""
        until(lambda: len(self.received) >= count, seconds, f"{count} messages did not come")
        return self.received

    def start(self) -> None:
        """Begin to listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    """A running mail server of this test's own."""
    server = MailServer()
    server.start()
    yield server
    server.stop()
