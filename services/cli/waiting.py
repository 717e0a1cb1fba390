"""Says at once what a command waits for, where somebody looks; what it found follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def waiting(for_what: str) -> Iterator[Callable[[], None]]:
    """A line on the terminal's error side until the block ends, or until the function it gives is called."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    # Slowly: the same thread loads what the command needs.
    with console.status(for_what, refresh_per_second=4) as status:
        yield status.stop
