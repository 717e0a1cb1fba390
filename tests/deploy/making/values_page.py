"""The table of values in the chart's README, in the style of helm-docs: from the comments of values.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

#: The table stands between these lines of README.md.
BEGIN: Final = "<!-- values: made by `make chart` -->"
END: Final = "<!-- end of values -->"
_KEY: Final = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]\w*):(?P<rest>.*)$")


class Value(NamedTuple):
    """One documented value."""

    path: str
    default: Any
    text: str


def read(text: str) -> Iterator[Value]:
    """The values that a comment ``# -- …`` stands above; further comment lines continue it."""
    document = yaml.safe_load(text)
    path: list[tuple[int, str]] = []
    said: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# -- "):
            said = [bare[5:]]
        elif bare.startswith("# ") and said:
            said.append(bare[2:])
        elif found := _KEY.match(line):
            depth = len(found["indent"])
            path = [one for one in path if one[0] < depth] + [(depth, found["key"])]
            if said:
                names = [name for _, name in path]
                yield Value(".".join(names), _at(document, names), " ".join(said))
            said = []
        else:
            said = []


def _at(document: Any, names: list[str]) -> Any:
    for name in names:
        document = document[name]
    return document


def table(text: str) -> str:
    """The table of values.yaml in Markdown."""
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for value in read(text):
        default = json.dumps(value.default, ensure_ascii=False)
        rows.append(f"| `{value.path}` | `{default}` | {value.text.replace('|', '&#124;')} |")
    return "\n".join(rows)


def page(readme: str, values: str) -> str:
    """README.md with the table anew.

    Raises:
        ValueError: the lines that the table stands between are missing.
    """
    before, found, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (found and end):
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(values)}\n{END}{after}"
