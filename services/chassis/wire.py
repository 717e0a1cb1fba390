"""Events as AMQP messages: CloudEvents 1.0 in binary mode, attributes as headers, JSON as body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import amqp

from services.contracts.envelope import CONTENT_TYPE, MAX_BODY_BYTES, SPEC_VERSION, Envelope, Registry, Rejected

#: Prefix of attribute headers (CloudEvents AMQP binding §3.1.3.1); the other spelling is read as well.
PREFIX = "cloudEvents:"
PREFIXES = (PREFIX, "cloudEvents_")
#: Our own headers beside the attributes: how often it was tried, and where it first came from.
ATTEMPT = "x-attempt"
#: Attributes that are read; everything else in the headers is left alone.
ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "subject", "time", "sequence", "cause", "traceparent"})
#: Longest attribute that is read (characters).
MAX_ATTRIBUTE = 256


def message(
    *,
    event_id: str,
    source: str,
    type_: str,
    subject: str,
    time: datetime,
    sequence: int,
    body: bytes,
    cause: str | None = None,
    traceparent: str | None = None,
) -> amqp.Message:
    """A persistent message that carries one event; the message id is the event's id."""
    headers = {
        f"{PREFIX}specversion": SPEC_VERSION,
        f"{PREFIX}id": event_id,
        f"{PREFIX}source": source,
        f"{PREFIX}type": type_,
        f"{PREFIX}subject": subject,
        f"{PREFIX}time": time.astimezone(UTC).isoformat(),
        f"{PREFIX}sequence": sequence,
    }
    if cause:
        headers[f"{PREFIX}cause"] = cause
    if traceparent:
        headers[f"{PREFIX}traceparent"] = traceparent
    return amqp.Message(
        body, content_type=CONTENT_TYPE, delivery_mode=2, message_id=event_id, application_headers=headers
    )


def attributes(headers: Mapping[str, Any]) -> dict[str, str | int]:
    """The CloudEvents attributes among a message's headers: known names, short texts and integers only.

    Raises:
        Rejected: ``invalid_attribute`` when one of a known name is of another kind.
    """
    found: dict[str, str | int] = {}
    for key, value in headers.items():
        if not isinstance(key, str) or not key.startswith(PREFIXES):
            continue
        name = key[len(PREFIX) :]
        if name not in ATTRIBUTES:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_ATTRIBUTE:
            raise Rejected("invalid_attribute", "an attribute must be a short text", name)
        found[name] = value
    return found


def read(message: amqp.Message, registry: Registry) -> Envelope:
    """The event that a message carries.

    Raises:
        Rejected: with a stable code: ``body_too_large``, ``wrong_content_type``, ``encoded_body``,
            ``missing_attribute``, ``invalid_attribute``, ``unknown_type``, ``unsupported_version`` …
    """
    properties = message.properties
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    if len(body) > MAX_BODY_BYTES:
        raise Rejected("body_too_large", f"the body is larger than {MAX_BODY_BYTES} bytes")
    media = str(properties.get("content_type", "")).partition(";")[0].strip().lower()
    if media != CONTENT_TYPE:
        raise Rejected("wrong_content_type", f"the content type must be {CONTENT_TYPE}", "content_type")
    if properties.get("content_encoding") not in (None, "", "utf-8", "UTF-8", "identity"):
        raise Rejected("encoded_body", "a compressed body is not read", "content_encoding")
    found = attributes(properties.get("application_headers") or {})
    return envelope_of(found, body, registry)


def envelope_of(found: Mapping[str, str | int], body: bytes, registry: Registry) -> Envelope:
    """Attributes and body to a typed envelope.

    Raises:
        Rejected: what is missing or wrong, with its name.
    """
    for name in ("id", "source", "type", "subject", "time"):
        if not found.get(name):
            raise Rejected("missing_attribute", f"the attribute {name} is missing", name)
    if str(found.get("specversion", SPEC_VERSION)) != SPEC_VERSION:
        raise Rejected("unsupported_specversion", f"only CloudEvents {SPEC_VERSION} is read", "specversion")
    sequence = found.get("sequence", 0)
    if not isinstance(sequence, int):
        # Not isdigit alone: it is true for ², which is no number to int().
        if not (sequence.isascii() and sequence.isdigit()):
            raise Rejected("invalid_attribute", "sequence must be a number", "sequence")
        sequence = int(sequence)
    if not 0 <= sequence < 2**62:
        raise Rejected("invalid_attribute", "sequence is out of range", "sequence")
    return Envelope(
        id=str(found["id"]),
        source=str(found["source"]),
        type=str(found["type"]),
        subject=str(found["subject"]),
        time=_moment(str(found["time"])),
        sequence=sequence,
        data=registry.decode(str(found["type"]), body),
        cause=_text(found.get("cause")),
        traceparent=_text(found.get("traceparent")),
    )


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected("invalid_attribute", "time must be an RFC 3339 date and time", "time") from None
    if moment.tzinfo is None:
        raise Rejected("invalid_attribute", "time must name its offset from UTC", "time")
    return moment
