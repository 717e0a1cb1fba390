"""Log lines that would else come once an event: one a minute for each kind, with how many there were."""

from __future__ import annotations

import time
from typing import Any

#: Between two lines of one kind (s).
EVERY_S = 60.0


class Tally:
    """Counts what is not worth a line each. The first of a kind is told at once, the rest once a minute.

    Args:
        log: a bound logger.
        text: the constant text of the line.
        every_s: seconds between two lines of one kind.
    """

    def __init__(self, log: Any, text: str, every_s: float = EVERY_S) -> None:
        self._log, self._text, self._every_s = log, text, every_s
        #: By kind: how many were not told yet, the id of the last of them, when the last line was written.
        self._kinds: dict[tuple[tuple[str, str], ...], tuple[int, str, float]] = {}

    def add(self, event_id: str, **kind: str) -> None:
        """Count one.

        Args:
            event_id: an example, for the line.
            kind: what lines are told apart by: a code, a type; never an id.
        """
        key = tuple(kind.items())
        number, _, told = self._kinds.get(key, (0, "", -self._every_s))
        self._kinds[key] = (number + 1, event_id, told)

    def tell(self, *, everything: bool = False) -> None:
        """Write the lines that are due; called now and then.

        Args:
            everything: also what was told of less than a minute ago: nobody will come back to it.
        """
        now = time.monotonic()
        for key, (number, event_id, told) in list(self._kinds.items()):
            if now - told < self._every_s and not everything:
                continue
            if number:
                self._log.warning(self._text, events=number, event_id=event_id, **dict(key))
                self._kinds[key] = (0, "", now)
            else:
                # Nothing more of it for a whole round.
                del self._kinds[key]
