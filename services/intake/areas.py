"""The areas that the form offers, read from a file of the operator's."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from services.chassis.errors import StartError
from services.contracts.envelope import Text


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area: its division code (GB/T 2260), its name and the area it lies in."""

    id: str
    name: Text
    parent: str | None = None


def load_areas(path: str) -> list[Area]:
    """Read the list ``areas`` of a YAML file, each followed by those within it; none when ``path`` is empty.

    Raises:
        StartError: the file cannot be read or an entry is wrong.
    """
    if not path:
        return []
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        areas = msgspec.convert(data.get("areas", []), list[Area])
    except OSError as error:
        raise StartError(f"areas file {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, msgspec.ValidationError, AttributeError) as error:
        raise StartError(f"areas file {path}: {str(error).splitlines()[0]}") from None
    # Codes of divisions begin with the code of what they lie in, so their order is the order of the tree.
    return sorted(areas, key=lambda area: area.id.rstrip("0"))


def depth(area: Area, areas: list[Area]) -> int:
    """How many of ``areas`` this one lies in."""
    parents = {one.id: one.parent for one in areas}
    count, parent = 0, area.parent
    while parent is not None and parent in parents and count < 8:
        count, parent = count + 1, parents[parent]
    return count
