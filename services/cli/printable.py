"""Text that somebody else wrote, made safe to print: a terminal obeys control characters, whoever sent them."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with control characters (all but tab and line feed) and signs that turn its direction written out.

    Args:
        text: an event's attribute or body; whoever could publish it chose what is in it.
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
