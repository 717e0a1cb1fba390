"""Writes the published language down: AsyncAPI 3, one JSON Schema an event, and a page to read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from services.chassis import topology, wire
from services.chassis.portals import ANSWERS, EXCHANGE
from services.contracts.envelope import CONTENT_TYPE, Event
from services.contracts.registry import EVENTS, PORTAL_EVENTS

_REF = "#/components/schemas/{name}"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema (2020-12) of one event's payload."""
    schema: dict[str, Any] = msgspec.json.schema(event)
    return schema


def asyncapi(version: str = "1.0.0") -> dict[str, Any]:
    """The AsyncAPI 3.0 document of every event."""
    events = [*EVENTS, *PORTAL_EVENTS]
    _, schemas = msgspec.json.schema_components(events, ref_template=_REF)
    channels, operations, messages = {}, {}, {}
    for event in events:
        key = _key(event)
        messages[key] = _message(event)
        address = event.type
        exchange = topology.exchange_of(event.source)
        if event in list(PORTAL_EVENTS):
            exchange = EXCHANGE if event.source == "portal" else ANSWERS
        channels[key] = {
            "address": address,
            "description": f"Exchange `{exchange}`, routing key `{address}`.",
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
        }
        operations[key] = {
            "action": "receive" if event.source == "portal" else "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "summary": event.meaning,
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Wenzheng 问政",
            "version": version,
            "description": "Events of the petition platform: CloudEvents 1.0 over AMQP 0-9-1, binary mode.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _key(event: type[Event]) -> str:
    return event.type.replace(".", "_")


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": event.meaning,
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "required": [f"{wire.PREFIX}{name}" for name in ("id", "source", "type", "subject", "time")],
            "properties": {
                f"{wire.PREFIX}{name}": {"type": "integer" if name == "sequence" else "string"}
                for name in sorted(wire.ATTRIBUTES)
            },
        },
        "payload": {"$ref": _REF.format(name=event.__name__)},
    }


def page(events: Iterable[type[Event]]) -> str:
    """The events as a Markdown table."""
    lines = [
        "# Events",
        "",
        "Made from the contracts by `wenzheng contracts export`.",
        "",
        "| type | published by | full state | meaning | fields |",
        "|---|---|---|---|---|",
    ]
    for event in events:
        fields = ", ".join(
            f"`{field.name}`" + ("" if field.required else "?") for field in msgspec.structs.fields(event)
        )
        full = "yes" if event.full_state else ""
        lines.append(f"| `{event.type}` | {event.source} | {full} | {event.meaning} | {fields} |")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write everything into a folder; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    events = [*EVENTS, *PORTAL_EVENTS]
    files = {"asyncapi.json": _json(asyncapi()), "events.md": page(events)}
    files |= {f"{event.type}.schema.json": _json(schema_of(event)) for event in events}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
