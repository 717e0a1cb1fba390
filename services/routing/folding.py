"""Folding: one form for every script and case, so that 鎮 and 镇 are the same when texts are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from opencc import OpenCC

_SPACE = re.compile(r"\s+")


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("t2s")


def fold(text: str) -> str:
    """NFKC, lower case, traditional to simplified Chinese, one space for any run of blanks."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    if not plain.isascii():
        plain = _converter().convert(plain)
    return _SPACE.sub(" ", plain).strip()
