"""Sentences and stories of our own that tell of a danger, or only sound so: what the rules are measured on.

``risk_texts.jsonl`` holds one sentence a line, rounds 1 to 4; ``risk_stories.jsonl`` one longer text a line, rounds
5 to 7, with the danger somewhere in the middle. Round 1 was written before the rules, each later one when they stood,
and measured once before anything was mended (docs/risk.md has the figures). ``level``: urgent, watch or none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Told:
    """One text."""

    round: int
    level: str
    #: The kind of danger; "" for what is none.
    code: str
    text: str


def _read(name: str) -> tuple[Told, ...]:
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return tuple(Told(**json.loads(line)) for line in lines)


TEXTS: Final = _read("risk_texts.jsonl")
DANGERS: Final = tuple(one for one in TEXTS if one.code)
HARMLESS: Final = tuple(one for one in TEXTS if not one.code)
STORIES: Final = _read("risk_stories.jsonl")
