"""Chinese text made comparable: traditional characters become simplified ones, once for the whole house."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _converter() -> Any:
    """OpenCC's ``tw2s``, which knows Taiwan's forms too; loaded at the first use, safe for several threads."""
    from opencc import OpenCC

    return OpenCC("tw2s")


def simplify(text: str) -> str:
    """Traditional characters become simplified ones, one for one."""
    if text.isascii():
        return text.replace("\0", " ")
    # OpenCC stops reading at a NUL.
    simplified: str = _converter().convert(text.replace("\0", " "))
    # Two forms that OpenCC leaves apart where no phrase decides: 睡不著 is 睡不着, 衞生 is 卫生.
    return simplified.replace("著", "着").replace("衞", "卫")
