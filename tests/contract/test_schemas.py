"""Every event that was ever released can be read by today's code, and today's events by every released reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.contracts.envelope import encode
from tests.contract import schemas
from tests.contract.instances import INSTANCES
from tests.contract.made import events

TYPES = sorted(schemas.CLASSES)
STORED = list(schemas.stored())


def test_every_event_has_an_example() -> None:
    assert sorted(event.type for event in INSTANCES) == TYPES


@pytest.mark.parametrize("wire_type", TYPES)
def test_the_present_schema_is_stored(wire_type: str) -> None:
    known = schemas.generations(wire_type)
    assert known, f"{wire_type} has no stored schema: run make schemas"
    newest = schemas.plain(schemas.read(known[-1]))
    assert newest == schemas.plain(schemas.present(wire_type)), "run make schemas, or give the event a .v2"


@pytest.mark.parametrize(("wire_type", "path"), STORED, ids=[path.stem for _, path in STORED])
def test_nothing_released_is_broken(wire_type: str, path: Path) -> None:
    assert wire_type in schemas.CLASSES, "a released event was removed"
    assert schemas.breaks(schemas.plain(schemas.read(path)), schemas.plain(schemas.present(wire_type))) == []


@pytest.mark.parametrize("path", sorted(schemas.EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_stored_example_is_read_by_todays_class(path: Path) -> None:
    kept = schemas.read(path)
    event = msgspec.json.decode(path.read_bytes(), type=schemas.CLASSES[path.stem])
    assert holds(json.loads(encode(event)), kept)


def holds(written: Any, kept: Any) -> bool:
    """Whether everything that was kept is there still, at any depth; what was added since may stand beside it."""
    if isinstance(kept, dict):
        return isinstance(written, dict) and all(name in written and holds(written[name], kept[name]) for name in kept)
    if isinstance(kept, list):
        same = isinstance(written, list) and len(written) == len(kept)
        return same and all(holds(one, other) for one, other in zip(written, kept, strict=True))
    return bool(written == kept)


@pytest.mark.parametrize(("wire_type", "path"), STORED, ids=[path.stem for _, path in STORED])
def test_what_today_writes_is_valid_for_every_released_reader(wire_type: str, path: Path) -> None:
    reader = Draft202012Validator(schemas.read(path))
    examples = [event for event in INSTANCES if event.type == wire_type]

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.sampled_from(examples), events(schemas.CLASSES[wire_type])))
    def check(event: Any) -> None:
        body = encode(event)
        reader.validate(json.loads(body))
        assert msgspec.json.decode(body, type=type(event)) == event
        assert json.loads(
            encode(msgspec.json.decode(b'{"unknown": [1, {}],' + body[1:], type=type(event)))
        ) == json.loads(body)

    check()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda fields, required: fields.pop("title"), "$.title: removed"),
        (lambda fields, required: fields.update(title={"type": "integer"}), '"string" became "integer"'),
        (
            lambda fields, required: (fields.update(more={"type": "string"}), required.append("more")),
            "$.more: is required now",
        ),
        (lambda fields, required: required.remove("title"), "$.title: is no longer required"),
        (lambda fields, required: fields["kind"]["enum"].append("praise"), "praise"),
        (lambda fields, required: fields["note"].update(default="x"), "default"),
        (lambda fields, required: fields["list"]["items"].update(type="integer"), "$.list[]"),
        (lambda fields, required: fields["either"]["anyOf"].pop(), "anyOf"),
    ],
)
def test_the_comparison_sees_a_break(change: Any, named: str) -> None:
    old = _sample()
    new = _sample()
    change(new["properties"], new["required"])
    assert any(named in line for line in schemas.breaks(old, new))


def test_a_new_optional_field_is_no_break() -> None:
    new = _sample()
    new["properties"]["more"] = {"type": "string", "default": ""}
    assert schemas.breaks(_sample(), new) == []


def _sample() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "kind": {"enum": ["a", "b"]},
            "note": {"type": "string", "default": ""},
            "list": {"type": "array", "items": {"type": "string"}},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["title", "kind"],
    }
