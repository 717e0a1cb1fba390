"""Where routing's commands print."""

from __future__ import annotations

import sys

from rich.console import Console


def terminal() -> Console:
    """As wide as the terminal; wide where nobody looks."""
    return Console() if sys.stdout.isatty() else Console(width=160)
