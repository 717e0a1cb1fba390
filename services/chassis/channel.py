"""A way out of the house: what a sender loop has to know of its rows and of the other side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

from services.chassis.delivery import Work
from services.chassis.sender_rows import LADDER, Failed

Row = TypeVar("Row", bound=Any)


class Channel(Generic[Row]):
    """What a loop knows of its rows and of the other side; one class per way out of the house.

    A failure is told by raising: ``Failed`` of the one row, ``Away`` of the other side. Everything else is a mistake of
    ours: the row counts as failed, in doubt where the other side knows no repeat.
    """

    #: Name of the loop, for metrics and logs.
    name: ClassVar[str]
    #: The rows it sends.
    model: type[Row]
    #: Rows claimed at once. If the sender dies, so many may be in doubt.
    page: int = 20
    #: The other side knows a repeat by its id: what is in doubt is simply sent again.
    repeats: bool = False
    #: Waits between tries (s).
    ladder: Sequence[int] = LADDER
    #: Longest that one hand-over can take (s).
    longest_s: float = 60.0
    #: Attribute that names the line a row goes by, where there are several and one may be away alone.
    line: str = ""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Around one call of the loop: a connection may be kept for it."""
        yield

    def close(self) -> None:
        """The process ends: give back what is held open."""

    def hand_over(self, row: Row) -> None:
        """Hand one row over; returns when the other side has taken it. Raises ``Failed`` or ``Away``."""
        raise NotImplementedError

    def hand_over_all(self, rows: Sequence[Row]) -> Mapping[str, Failed | None] | None:
        """Hand over rows of one line together: the outcome by id. None: one by one. Raises ``Away``."""
        return None

    def ids_of(self, row: Row) -> Mapping[str, str]:
        """What names a row in log and traces, beside its own id; ids only."""
        return {}

    def lock(self, work: Work, rows: Sequence[Row]) -> None:
        """Lock what ``ended`` will change, before the rows themselves are locked."""

    def ended(self, row: Row, failure: Failed | None, work: Work) -> None:
        """In the marking transaction: this row is ``sent``, ``failed`` or ``ambiguous`` now."""
