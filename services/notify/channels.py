"""The ways out of the house: mail by SMTP (RFC 5321), with a verdict for every message."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from services.chassis.sender_rows import Away, Failed

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)

R = TypeVar("R")


class Mail(NamedTuple):
    """One mail to be sent. ``id`` becomes its Message-ID, so that a repeat can be recognised."""

    id: str
    to: str
    language: str
    subject: str
    body: str
    date: datetime


class SmtpServer(NamedTuple):
    """Where and how to hand mail in.

    Args:
        url: ``smtp://user:password@host:port?starttls=1`` or ``smtps://…``.
        sender: the From header.
        timeout_s: how long the server may take for one answer.
        ca_file: CA certificates that its own is checked with; None: those of the system.
    """

    url: str
    sender: str
    timeout_s: float = 20
    ca_file: str | None = None


class Mailer:
    """One connection to the mail server, opened when first needed and again after it broke.

    Args:
        server: the server.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None
        self._sender = parseaddr(server.sender)[1]

    def __enter__(self) -> Mailer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except OSError:
                # Everything was answered; how the server says goodbye changes nothing.
                smtp.close()

    def send(self, mail: Mail) -> None:
        """Hand one mail in.

        Raises:
            Failed: the mail was not taken; ``ambiguous`` when the connection broke after the server began to read it.
            Away: the server takes nothing now; the mail may come again as it is.
        """
        content, options = self._content(mail)
        smtp = self._connected()
        if "SMTPUTF8" in options and not smtp.has_extn("smtputf8"):
            raise Failed("address_needs_smtputf8", permanent=True)
        try:
            code, _ = smtp.mail(self._sender, options)
            if code != 250:
                # The sender is ours: a fault of the set-up must not fail every message for good.
                self._drop()
                raise Away(f"smtp_{code}_sender")
            code, _ = smtp.rcpt(mail.to)
            if code not in (250, 251):
                self._refused(smtp, code)
            code, _ = smtp.docmd("DATA")
            if code != 354:
                self._refused(smtp, code)
        except OSError:
            # Nothing of the mail was handed over yet.
            self._drop()
            raise Failed("smtp_connection_lost", pause=True) from None
        try:
            smtp.send(_LEADING_DOT.sub(b"..", _LINE_END.sub(b"\r\n", content)) + b".\r\n")
            code, _ = smtp.getreply()
        except OSError:
            # The server may have taken the mail and died before it could say so (RFC 5321 §4.5.3.2.6).
            self._drop()
            raise Failed("smtp_no_answer", ambiguous=True, pause=True) from None
        if code != 250:
            self._refused(smtp, code)

    def _refused(self, smtp: smtplib.SMTP, code: int) -> None:
        """Raise what the server's refusal of one mail means (RFC 5321 §4.2.1)."""
        if code == 421:
            self._drop()
            raise Away("smtp_421")
        try:
            smtp.rset()
        except OSError:
            self._drop()
        raise Failed(f"smtp_{code}" if 400 <= code <= 599 else "smtp_answer", permanent=500 <= code <= 599)

    def _content(self, mail: Mail) -> tuple[bytes, list[str]]:
        try:
            message = EmailMessage(policy=SMTP)
            message["From"] = self._server.sender
            local, _, host = mail.to.rpartition("@")
            message["To"] = Address(username=local, domain=host)
            message["Subject"] = mail.subject
            message["Date"] = format_datetime(mail.date)
            message["Message-ID"] = f"<{mail.id}@{self._sender.rpartition('@')[2]}>"
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
            message["Content-Language"] = mail.language
            message.set_content(mail.body, charset="utf-8", cte="base64")
            if mail.to.isascii():
                return message.as_bytes(), []
            return message.as_bytes(policy=SMTPUTF8), ["SMTPUTF8"]
        except (ValueError, IndexError, UnicodeError):
            # Line breaks in a header, an address that is none: refused here, no server need see it.
            raise Failed("bad_address", permanent=True) from None

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = self._open()
        return self._smtp

    def _open(self) -> smtplib.SMTP:
        parts = urlsplit(self._server.url)
        secure = parts.scheme == "smtps"
        starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] not in ("", "0", "false", "no")
        name, timeout = socket.gethostname(), self._server.timeout_s
        context = ssl.create_default_context(cafile=self._server.ca_file) if secure or starttls else None
        host, port = parts.hostname or "", parts.port or (465 if secure else 587 if starttls else 25)

        def connect() -> smtplib.SMTP:
            if secure:
                return smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=timeout, context=context)
            return smtplib.SMTP(host, port, local_hostname=name, timeout=timeout)

        smtp = _or_away("smtp_unreachable", connect)
        try:
            _or_away("smtp_unreachable", smtp.ehlo_or_helo_if_needed)
            if starttls:
                _or_away("smtp_tls", lambda: smtp.starttls(context=context))
            if parts.username:
                user, password = unquote(parts.username), unquote(parts.password or "")
                _or_away("smtp_login", lambda: smtp.login(user, password))
        except Away:
            smtp.close()
            raise
        return smtp

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _or_away(code: str, step: Callable[[], R]) -> R:
    """Run one step of connecting. The server's answer is not repeated: it may quote the login."""
    try:
        return step()
    except ssl.SSLCertVerificationError:
        raise Away("smtp_certificate") from None
    except OSError:  # SMTPException is one too
        raise Away(code) from None
