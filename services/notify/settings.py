"""Notify's settings, and the manner of speaking that follows from them."""

from __future__ import annotations

from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator

from services.chassis.portals import Portal, load_portals
from services.chassis.settings import ServiceSettings
from services.notify.domain import Channel, Manner


class Settings(ServiceSettings):
    """What notify needs beside the common settings."""

    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server, smtp://user:password@host:port?starttls=1 or smtps://…; empty: a local mailbox.",
    )
    smtp_ca_file: str = Field(
        "", description="CA certificates (PEM) that the mail server's is checked with; empty: those of the system."
    )
    smtp_timeout_s: int = Field(20, ge=1, le=120, description="How long the mail server may take to answer, in s.")
    mail_from: str = Field("Wenzheng <no-reply@localhost>", description="Sender of every mail.")
    portals_file: str = Field("", description="YAML file of the external portals; empty: none.")
    webhook_timeout_s: float = Field(
        10, ge=0.1, le=60, description="How long a portal's webhook may take, from connecting to the answer, in s."
    )
    webhook_allow_http: bool = Field(False, description="Portals' webhooks may be plain http too.")
    webhook_allow_private: bool = Field(
        False, description="Portals' webhooks may lie inside the house: loopback, private, link-local addresses."
    )
    office_unit: str = Field(
        "",
        max_length=80,
        description="Unit that is mailed when a hot topic comes up; empty: the mailbox alone.",
    )
    contact_grace_s: int = Field(
        120, ge=0, description="How long a petitioner's contact may be on its way before the page points it out, in s."
    )

    @field_validator("smtp_url")
    @classmethod
    def _smtp_has_host(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if not url:
            return value
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == -1:
            raise ValueError("must be smtp://host:port or smtps://host:port")
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender_is_address(cls, value: str) -> str:
        address = parseaddr(value)[1]
        if "@" not in address or not address.isascii() or "\n" in value or "\r" in value:
            raise ValueError("must be an address, for example Petition Office <office@example.org>")
        return value


@lru_cache(maxsize=8)
def portals_of(settings: Settings) -> dict[str, Portal]:
    """The portals of the operator's file, read once."""
    return load_portals(settings.portals_file)


@lru_cache(maxsize=8)
def manner_of(settings: Settings) -> Manner:
    """How a house with these settings speaks."""
    return Manner(
        public_url=(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/"),
        mail=bool(settings.smtp_url.get_secret_value()),
        zone=ZoneInfo(settings.time_zone),
        language=settings.default_language,
        signature=settings.site_name,
        portals={portal.id: _channel_of(portal) for portal in portals_of(settings).values()},
        office=settings.office_unit,
    )


def _channel_of(portal: Portal) -> Channel | None:
    if portal.vhost is not None:
        return "portal"
    return "webhook" if portal.webhook_url is not None else None
