"""Folding: one form for every script and case, so that 鎮 and 镇 are the same when texts are compared."""

from __future__ import annotations

import re
import unicodedata

from services.chassis.text import simplify

_SPACE = re.compile(r"\s+")


def fold(text: str) -> str:
    """NFKC, lower case, traditional to simplified Chinese, one space for any run of blanks."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return _SPACE.sub(" ", simplify(plain)).strip()
