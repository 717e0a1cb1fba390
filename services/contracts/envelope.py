"""The envelope of every event: CloudEvents 1.0 attributes around one typed payload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

import msgspec

#: Attribute value of ``specversion`` (CloudEvents 1.0.2).
SPEC_VERSION = "1.0"
#: The only content type that is read from the wire.
CONTENT_TYPE = "application/json"
#: A body above this is refused unread (bytes); attachments travel by reference only.
MAX_BODY_BYTES = 1024 * 1024
#: Years in which something may have happened: a clock that stands at 1970 or 9999 is a broken one.
YEARS = range(2000, 2200)
#: An escaped NUL, which no database takes; not a backslash that somebody wrote before the letters.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every payload. A subclass names its wire type and the source that publishes it.

    Unknown fields are ignored on reading and a new optional field is fine; anything else is a new
    class with a ``.v2`` type beside the old one.
    """

    #: Wire name with its major version, for example ``petition.submitted.v1``.
    type: ClassVar[str]
    #: Who publishes it; the sequence counts per (source, subject).
    source: ClassVar[str]
    #: Chinese term and the moment it is published, for the generated reference.
    meaning: ClassVar[str] = ""
    #: True when the payload holds the publisher's full public state of the subject,
    #: so that a later one makes an earlier one unnecessary.
    full_state: ClassVar[bool] = False
    #: True when the payload holds what may not lie about: the outbox forgets it once it is published.
    confidential: ClassVar[bool] = False

    @property
    def subject(self) -> str:
        """Id of the thing the event is about (for a petition event its petition id)."""
        raise NotImplementedError

    @property
    def lane(self) -> str:
        """Lane it travels in, "" for the common one. A queue is bound to one lane only."""
        return ""

    @property
    def routing_key(self) -> str:
        """Routing key on the wire: the type, then the lane."""
        return f"{self.type}.{self.lane}" if self.lane else self.type


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it travels: the CloudEvents attributes and the decoded payload."""

    #: Unique id of the event (UUIDv7); the message id on the wire and the key of every inbox.
    id: str
    #: CloudEvents ``source``.
    source: str
    #: CloudEvents ``type``.
    type: str
    #: CloudEvents ``subject``: the petition id, or the unit's, the account's.
    subject: str
    #: When it happened, UTC.
    time: datetime
    #: Counts 1, 2, 3 … per (source, subject); 0 when the publisher does not count.
    sequence: int
    data: Event
    #: Id of the event that led to this one.
    cause: str | None = None
    #: W3C Trace Context.
    traceparent: str | None = None


class Rejected(Exception):
    """A message that is not an event of this house. ``code`` is stable, ``field`` names the culprit."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Registry:
    """Every known event class by its wire type.

    Args:
        classes: the event classes; two of one wire type are a programming error.
    """

    def __init__(self, *classes: type[Event]) -> None:
        self._classes = {cls.type: cls for cls in classes}
        if len(self._classes) != len(classes):
            raise ValueError("two event classes share a wire type")
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            name: msgspec.json.Decoder(cls) for name, cls in self._classes.items()
        }

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._classes.values())

    def __contains__(self, wire_type: object) -> bool:
        return wire_type in self._classes

    def __getitem__(self, wire_type: str) -> type[Event]:
        return self._classes[wire_type]

    def decode(self, wire_type: str, body: bytes) -> Event:
        """Read one payload.

        Raises:
            Rejected: ``unknown_type``, ``unsupported_version`` (the name is known in another major
                version) or ``invalid_payload`` with the field that is wrong.
        """
        decoder = self._decoders.get(wire_type)
        if decoder is None:
            stem, _, version = wire_type.rpartition(".v")
            if version.isdigit() and any(known.rpartition(".v")[0] == stem for known in self._classes):
                raise Rejected("unsupported_version", f"{stem} is not known in version {version}", "type")
            raise Rejected("unknown_type", "no such event type", "type")
        if b"u0000" in body and _NUL.search(body):
            raise Rejected("invalid_payload", "a text holds a NUL")
        try:
            event: Event = decoder.decode(body)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `")
            raise Rejected("invalid_payload", reason, path.rstrip("`").removeprefix("$.")) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Rejected("malformed_json", f"the body is not JSON: {type(error).__name__}") from None
        return event


def encode(event: Event) -> bytes:
    """The payload as it goes on the wire: compact UTF-8 JSON."""
    return msgspec.json.encode(event)


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A name in the languages it has; ``zh`` is always there."""

    zh: str
    en: str | None = None

    def pick(self, language: str) -> str:
        """The name in ``language`` ("en", "zh-Hans", …), Chinese when there is none."""
        return self.en if self.en and language.startswith("en") else self.zh
