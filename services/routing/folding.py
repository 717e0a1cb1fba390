"""Folding: one form for every script and case, so that 鎮 and 镇 are the same when texts are compared."""

from __future__ import annotations

import re
import unicodedata

from services.chassis.text import simplify

_SPACE = re.compile(r"\s+")


def sound(text: str) -> str:
    """Without halves of characters, which JSON may name and no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def printable(text: str) -> str:
    """Somebody else's text without signs that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def fold(text: str) -> str:
    """NFKC, lower case, traditional to simplified Chinese, one space for any run of blanks."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return _SPACE.sub(" ", simplify(plain)).strip()
