"""CloudEvents of portals, whichever way they come, to a filing or a refusal with code and field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from services.chassis import wire
from services.chassis.portals import Portal
from services.contracts.envelope import CONTENT_TYPE, MAX_BODY_BYTES, Envelope, Registry, Rejected
from services.contracts.portals import PortalPetitionFiled
from services.intake.domain.petition import REFERENCE_LENGTH, Filing
from services.intake.handlers.portal import Refused
from services.intake.reading import Handed, Way, Wrong, read

#: Content types of CloudEvents in structured mode (CloudEvents JSON format 1.0.2 §3, §4).
STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
#: What a portal may send us.
_TAKEN: Final = Registry(PortalPetitionFiled)


class _Structured(msgspec.Struct, kw_only=True):
    """One event in structured mode; ``data`` stays as it is until its type is known."""

    specversion: str = ""
    id: str = ""
    source: str = ""
    type: str = ""
    subject: str = ""
    time: str = ""
    datacontenttype: str = CONTENT_TYPE
    traceparent: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


_ONE: Final = msgspec.json.Decoder(_Structured)


def read_amqp(
    portal: Portal,
    *,
    user_id: str | None,
    content_type: str,
    headers: Mapping[str, Any],
    body: bytes,
    message_id: str,
    region: str,
    now: datetime,
) -> Filing | Refused:
    """A message from a portal's own virtual host, in binary or structured mode.

    ``user_id`` must be the portal's own user: RabbitMQ lets nobody set another's, so a message that names
    another, or none, is not from this portal.
    """
    known = _reference_hint(headers, message_id)
    if portal.user is None or user_id != portal.user:
        return Refused(
            portal.id, known, "wrong_user", "user_id", "Send the message as this portal's own user, named in user_id."
        )
    media = content_type.partition(";")[0].strip().lower()
    try:
        if len(body) > MAX_BODY_BYTES:
            raise Rejected("body_too_large", f"the body is larger than {MAX_BODY_BYTES} bytes")
        if media == STRUCTURED:
            envelope = structured(body)
        elif media == CONTENT_TYPE:
            envelope = wire.envelope_of(wire.attributes(headers), body, _TAKEN)
        else:
            raise Rejected(
                "wrong_content_type", f"the content type must be {CONTENT_TYPE} or {STRUCTURED}", "content_type"
            )
        return filing_of(portal, envelope, region=region, now=now)
    except Rejected as error:
        return Refused(portal.id, known, error.code, error.field, _sentence(error))


def read_structured(portal: Portal, body: bytes, *, region: str, now: datetime) -> Filing | Refused:
    """One event in structured mode, as a webhook brings it."""
    try:
        return filing_of(portal, structured(body), region=region, now=now)
    except Rejected as error:
        return Refused(portal.id, "", error.code, error.field, _sentence(error))


def structured(body: bytes) -> Envelope:
    """The event of a structured-mode body.

    Raises:
        Rejected: what is missing or wrong.
    """
    try:
        event = _ONE.decode(body)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        raise Rejected("invalid_attribute", reason, path.rstrip("`").removeprefix("$.")) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Rejected("malformed_json", "the body is not JSON") from None
    if not event.specversion:
        raise Rejected("missing_attribute", "the attribute specversion is missing", "specversion")
    if event.datacontenttype.partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Rejected("wrong_content_type", f"datacontenttype must be {CONTENT_TYPE}", "datacontenttype")
    found: dict[str, str | int] = {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
    }
    for name, value in found.items():
        if len(str(value)) > wire.MAX_ATTRIBUTE:
            raise Rejected("invalid_attribute", "an attribute must be a short text", name)
    if event.traceparent:
        found["traceparent"] = event.traceparent
    data = bytes(event.data)
    if not data:
        raise Rejected("invalid_payload", "the event has no data", "data")
    return wire.envelope_of(found, data, _TAKEN)


def filing_of(portal: Portal, envelope: Envelope, *, region: str, now: datetime) -> Filing | Refused:
    """A petition that a portal hands over; only its own reference is believed, not who it says it is."""
    event = envelope.data
    assert isinstance(event, PortalPetitionFiled)
    reference = event.reference.strip()
    if not reference or len(reference) > REFERENCE_LENGTH or not reference.isprintable():
        return Refused(
            portal.id,
            printable(reference),
            "reference_missing"
            if not reference
            else "reference_too_long"
            if len(reference) > REFERENCE_LENGTH
            else "reference_invalid",
            "reference",
            f"Name the petition by your own number of at most {REFERENCE_LENGTH} printable characters.",
        )
    handed = Handed(
        kind=event.kind,
        title=event.title,
        body=event.body,
        place=event.place,
        name=event.contact.name or "",
        phone=event.contact.phone or "",
        mail=event.contact.mail or "",
        publish=event.publish,
        language=event.language,
        sealed=event.sealed,
    )
    # The portal itself passes our answers on, so a contact is welcome and not needed.
    way = Way(
        channel="portal", contact_needed=False, portal=portal.id, reference=reference, traceparent=envelope.traceparent
    )
    try:
        return read(handed, way, region=region, now=now)
    except Wrong as wrong:
        first, *more = wrong.problems
        detail = first.message % first.values if first.values else first.message
        if more:
            detail += " Also: " + ", ".join(f"{problem.code} ({problem.field})" for problem in more) + "."
        return Refused(portal.id, reference, first.code, first.field, detail)


def _sentence(error: Rejected) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _reference_hint(headers: Mapping[str, Any], message_id: str) -> str:
    """What a refused message may be known by at the portal: its subject, else the message id."""
    for prefix in wire.PREFIXES:
        subject = headers.get(f"{prefix}subject")
        if isinstance(subject, str) and printable(subject):
            return printable(subject)
    return printable(message_id)


def printable(text: str) -> str:
    """What of a text can be kept and read anywhere: no NUL and no half of a character, which no database takes."""
    return "".join(filter(str.isprintable, text[:REFERENCE_LENGTH])).strip()
