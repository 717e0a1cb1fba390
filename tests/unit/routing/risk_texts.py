"""Sentences of our own that tell of a danger, or only sound so: what the rules for dangers are measured on.

``risk_texts.jsonl`` holds one a line. Round 1 was written before the rules. Each later round was written when the rules
stood, and measured once before anything was mended (docs/risk.md has these figures). ``level``: urgent, watch or none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Told:
    """One sentence."""

    round: int
    level: str
    #: The kind of danger; "" for what is none.
    code: str
    text: str


TEXTS: Final = tuple(
    Told(**json.loads(line))
    for line in (Path(__file__).parent / "risk_texts.jsonl").read_text(encoding="utf-8").splitlines()
)
DANGERS: Final = tuple(one for one in TEXTS if one.code)
HARMLESS: Final = tuple(one for one in TEXTS if not one.code)
