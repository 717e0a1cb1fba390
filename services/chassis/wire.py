"""Events as AMQP messages: CloudEvents 1.0 in binary mode, attributes as headers, JSON as body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from struct import pack
from typing import Any

import amqp

from services.chassis.transport import UNREADABLE
from services.contracts.envelope import CONTENT_TYPE, MAX_BODY_BYTES, SPEC_VERSION, YEARS, Envelope, Registry, Rejected

#: Prefix of attribute headers (CloudEvents AMQP binding §3.1.3.1); the other spelling is read as well.
PREFIX = "cloudEvents:"
PREFIXES = (PREFIX, "cloudEvents_")
#: Our own headers beside the attributes: how often it was tried, and where it first came from.
ATTEMPT = "x-attempt"
#: Attributes that are read; everything else in the headers is left alone.
ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "subject", "time", "sequence", "cause", "traceparent"})
#: Longest attribute that is read (characters).
MAX_ATTRIBUTE = 256
#: Longest id of an event: what an inbox and the cause of the next event have room for (characters).
MAX_ID = 36


class Encoded(amqp.Message):  # type: ignore[misc]
    """A message whose properties are bytes already: py-amqp's own way costs 6 % of a hop (measured)."""

    def __init__(self, body: bytes, message_id: str, headers: bytes) -> None:
        # Not the base's: it would build what is replaced here.
        self.body = body
        self.properties = {"message_id": message_id}
        self._encoded = _FLAGS + _CONTENT_TYPE + pack(">I", len(headers)) + headers + _PERSISTENT + _short(message_id)

    def _serialize_properties(self) -> bytes:
        return self._encoded


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes((len(data),)) + data


def _long(text: str) -> bytes:
    data = text.encode()
    return b"S" + pack(">I", len(data)) + data


#: Flags of the properties that are there: content type, headers, delivery mode, message id (AMQP 0-9-1 §4.2.6.1).
_FLAGS = pack(">H", 1 << 15 | 1 << 13 | 1 << 12 | 1 << 7)
_CONTENT_TYPE = _short(CONTENT_TYPE)
_PERSISTENT = b"\x02"
_KEYS = {
    name: _short(PREFIX + name)
    for name in ("specversion", "id", "source", "type", "subject", "time", "sequence", "cause", "traceparent")
}


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
    texts = {
        "specversion": SPEC_VERSION,
        "id": event_id,
        "source": source,
        "type": type_,
        "subject": subject,
        "time": time.astimezone(UTC).isoformat(),
        "cause": cause,
        "traceparent": traceparent,
    }
    headers = b"".join(_KEYS[name] + _long(text) for name, text in texts.items() if text)
    return Encoded(body, event_id, headers + _KEYS["sequence"] + b"l" + pack(">q", sequence))


def is_attribute(key: object) -> bool:
    """Whether a header is one of the attributes that are read."""
    return isinstance(key, str) and key.startswith(PREFIXES) and key[len(PREFIX) :] in ATTRIBUTES


def attributes(headers: Mapping[str, Any]) -> dict[str, str | int]:
    """The CloudEvents attributes among a message's headers: known names, short texts and integers only.

    Raises:
        Rejected: ``invalid_attribute`` when one of a known name is of another kind.
    """
    found: dict[str, str | int] = {}
    for key, value in headers.items():
        if not is_attribute(key):
            continue
        name = key[len(PREFIX) :]
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
    if UNREADABLE in properties:
        raise Rejected("unreadable", f"the properties cannot be read: {properties[UNREADABLE]}")
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    if len(body) > MAX_BODY_BYTES:
        raise Rejected("body_too_large", f"the body is larger than {MAX_BODY_BYTES} bytes")
    media = str(properties.get("content_type", "")).partition(";")[0].strip().lower()
    if media != CONTENT_TYPE:
        raise Rejected("wrong_content_type", f"the content type must be {CONTENT_TYPE}", "content_type")
    headers = properties.get("application_headers") or {}
    encoding = properties.get("content_encoding") or "identity"
    # kombu names a compression in a header; what is compressed is never inflated.
    if str(encoding).lower() not in ("utf-8", "identity") or headers.get("compression"):
        raise Rejected("encoded_body", "a compressed body is not read", "content_encoding")
    found = attributes(headers)
    if len(str(found.get("id", ""))) > MAX_ID:
        raise Rejected("invalid_attribute", f"an id has {MAX_ID} characters at most", "id")
    return envelope_of(found, body, registry)


def envelope_of(found: Mapping[str, str | int], body: bytes, registry: Registry) -> Envelope:
    """Attributes and body to a typed envelope.

    Raises:
        Rejected: what is missing or wrong, with its name.
    """
    for name in ("id", "source", "type", "subject", "time"):
        if not found.get(name):
            raise Rejected("missing_attribute", f"the attribute {name} is missing", name)
        if "\0" in str(found[name]):
            raise Rejected("invalid_attribute", "an attribute holds a NUL", name)
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
    if moment.year not in YEARS:
        raise Rejected("invalid_attribute", f"time must lie between {YEARS.start} and {YEARS.stop}", "time")
    return moment


def deliveries(message: amqp.Message) -> int:
    """How often the broker delivered it before (quorum queues count); 0 at the first time, whatever a sender wrote.

    The broker replaces a header that the sender made up as soon as it counts itself, which is at the second delivery.
    """
    if not message.delivery_info.get("redelivered"):
        return 0
    headers = message.properties.get("application_headers") or {}
    count = headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0
