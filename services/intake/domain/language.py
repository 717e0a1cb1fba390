"""Which language a text is written in, from the share of its characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: As much of a text as decides.
SAMPLE: Final = 600
#: A text with fewer Chinese characters per letter is taken as English.
_CHINESE_FROM: Final = 0.15
#: Simplified text holds about 1 % characters that the conversion would change, traditional text 25–40 %.
_TRADITIONAL_FROM: Final = 0.06


def is_chinese(character: str) -> bool:
    """Whether a character is a Chinese one (unified ideographs and extension A)."""
    return "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf"


def detect(text: str, simplify: Callable[[str], str]) -> str | None:
    """``zh-Hans``, ``zh-Hant`` or ``en``; None when the text has no letters at all.

    Args:
        text: what the petitioner wrote.
        simplify: turns traditional characters into simplified ones, one for one in most places.
    """
    sample = text[:SAMPLE]
    letters = [c for c in sample if c.isalpha()]
    if not letters:
        return None
    chinese = [c for c in letters if is_chinese(c)]
    if len(chinese) < len(letters) * _CHINESE_FROM:
        return "en"
    joined = "".join(chinese)
    changed = sum(1 for before, after in zip(joined, simplify(joined), strict=False) if before != after)
    return "zh-Hant" if changed >= max(1, len(chinese) * _TRADITIONAL_FROM) else "zh-Hans"


def of_ours(tag: str) -> str | None:
    """The language of ours that a BCP 47 tag names; None for any other."""
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] == "en":
        return "en"
    if parts[0] != "zh":
        return None
    return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(parts) and "hans" not in parts else "zh-Hans"
