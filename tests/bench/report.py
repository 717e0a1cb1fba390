"""What benches get and give: the wish for a full run, progress while they run, figures, and notes on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

#: Load average (last minute) per core above which a measurement is not worth much.
BUSY = 0.35


@dataclass
class Report:
    """Filled by the benches of one run.

    Args:
        full: real lengths instead of shortened ones.
        quick: a tenth of everything, once: shows that it works, its figures mean nothing.
        say: shows one line of progress.
    """

    full: bool
    quick: bool
    say: Callable[[str], None]
    figures: dict[str, float] = field(default_factory=dict)
    #: What a reader must know beside a figure.
    notes: list[str] = field(default_factory=list)
    #: Figures whose goal this machine leaves no room for, with the reason.
    waived: dict[str, str] = field(default_factory=dict)
    #: Every round behind a median.
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Add a note and show it."""
        self.notes.append(text)
        self.say(text)

    def few(self, number: int) -> int:
        """That number, or a tenth of it in a quick run."""
        return max(number // 10, 1) if self.quick else number

    def rounds_of(self, number: int) -> int:
        """So many rounds, or one in a quick run."""
        return 1 if self.quick else number


def load() -> float:
    """Load average of the last minute per core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
