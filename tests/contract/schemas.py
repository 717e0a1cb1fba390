"""The stored schemas of released events, and what may change between two of them.

``python -m tests.contract.schemas`` (``make schemas``) stores what is new: the schema and an example of a new event,
and the next generation (``<type>+2.json``) of one that got a new optional field. It never writes over a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from services.contracts.envelope import Event
from services.contracts.registry import EVENTS, PORTAL_EVENTS
from tests.contract.instances import INSTANCES

HERE = Path(__file__).resolve().parent
SCHEMAS = HERE / "schemas"
EXAMPLES = HERE / "examples"
#: What a reader never acts on.
_WORDS = {"title", "description"}

CLASSES: dict[str, type[Event]] = {event.type: event for event in [*EVENTS, *PORTAL_EVENTS]}


def present(wire_type: str) -> dict[str, Any]:
    """The schema of an event as its class is now."""
    schema: dict[str, Any] = msgspec.json.schema(CLASSES[wire_type])
    return schema


def generations(wire_type: str) -> list[Path]:
    """Files of the stored schemas of an event, oldest first."""
    first = SCHEMAS / f"{wire_type}.json"
    later = sorted(SCHEMAS.glob(f"{wire_type}+*.json"), key=lambda path: int(path.stem.rpartition("+")[2]))
    return [*([first] if first.exists() else []), *later]


def stored() -> Iterator[tuple[str, Path]]:
    """(wire type, file) of every stored schema."""
    for path in sorted(SCHEMAS.glob("*.json")):
        yield path.stem.partition("+")[0], path


def read(path: Path) -> Any:
    """A stored JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def plain(schema: Any, definitions: Mapping[str, Any] | None = None) -> Any:
    """A schema with its references put in place and its words left out, so that two can be compared."""
    if isinstance(schema, list):
        return [plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    known = schema.get("$defs", definitions or {})
    if "$ref" in schema:
        return plain(known[schema["$ref"].rpartition("/")[2]], known)
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: plain(item, known) for name, item in value.items()}
        elif key not in _WORDS and key != "$defs":
            result[key] = sorted(value) if key == "required" else plain(value, known)
    return result


def breaks(old: Any, new: Any, at: str = "$") -> list[str]:
    """What makes ``new`` a break of ``old``: both must be made ``plain`` first. A new optional field is none.

    Anything else is, in one direction or the other: an old reader meets what it does not know, or a new reader
    misses what old events do not have.
    """
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [f"{at}: {json.dumps(old)} became {json.dumps(new)}"]
    found = []
    was, now = old.get("properties", {}), new.get("properties", {})
    for name in was:
        where = f"{at}.{name}"
        found += breaks(was[name], now[name], where) if name in now else [f"{where}: removed"]
    had, has = set(old.get("required", ())), set(new.get("required", ()))
    found += [f"{at}.{name}: is required now" for name in sorted(has - had)]
    found += [f"{at}.{name}: is no longer required" for name in sorted(had - has) if name in now]
    for key in sorted({*old, *new} - {"properties", "required"}):
        if key in {"anyOf", "prefixItems"}:
            parts = list(zip(old.get(key, []), new.get(key, []), strict=False))
            if len(old.get(key, [])) != len(new.get(key, [])):
                found.append(f"{at}: {key} has {len(new.get(key, []))} members, had {len(old.get(key, []))}")
            for first, second in parts:
                found += breaks(first, second, at)
        elif key == "items":
            found += breaks(old.get(key), new.get(key), f"{at}[]")
        elif key == "default" and isinstance(old.get(key), dict):
            continue  # the defaults inside a struct are compared field by field
        elif old.get(key) != new.get(key):
            found.append(f"{at}: {key} {json.dumps(old.get(key))} became {json.dumps(new.get(key))}")
    return found


def write_new() -> list[str]:
    """Store what is not stored yet; returns the names of the files."""
    written = []
    examples = {event.type: event for event in INSTANCES}
    for wire_type in CLASSES:
        known = generations(wire_type)
        if not known or read(known[-1]) != present(wire_type):
            if known and plain(read(known[-1])) == plain(present(wire_type)):
                continue  # only its words changed
            if known and breaks(plain(read(known[-1])), plain(present(wire_type))):
                continue  # the tests say what is wrong
            name = f"{wire_type}+{len(known) + 1}" if known else wire_type
            written += _write(SCHEMAS / f"{name}.json", present(wire_type))
        example = EXAMPLES / f"{wire_type}.json"
        if not example.exists() and wire_type in examples:
            written += _write(example, msgspec.to_builtins(examples[wire_type], builtin_types=()))
    return written


def _write(path: Path, content: Any) -> list[str]:
    path.parent.mkdir(exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
    return [path.name]


if __name__ == "__main__":
    names = write_new()
    sys.stdout.write("".join(f"stored {name}\n" for name in names) or "nothing new\n")
