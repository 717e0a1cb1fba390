"""Addresses of intake's pages, as they stand in messages and answers."""

from __future__ import annotations

from urllib.parse import quote

from services.chassis.settings import ServiceSettings


def base_url(settings: ServiceSettings) -> str:
    """The address citizens see, without a slash at its end."""
    return settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"


def status_url(settings: ServiceSettings, number: str) -> str:
    """The status page of a petition; it asks for the query code."""
    return f"{base_url(settings)}/petitions/status?number={quote(number)}"
