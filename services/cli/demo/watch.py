"""Looks over search's shoulder: when does each filed petition appear there?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from services.cli.demo.officers import Officers
from services.cli.demo.story import Story

#: How long after the last filing it goes on looking (s).
PATIENCE_S = 60.0


class Watch(threading.Thread):
    """Sees in search when each filed petition appears there."""

    def __init__(self, officers: Officers, seen: Callable[[], None]) -> None:
        super().__init__(name="watch", daemon=True)
        self._officers, self._told = officers, seen
        self._waiting: dict[str, Story] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def expect(self, story: Story) -> None:
        """Begin to look for a petition that was just filed."""
        assert story.filed is not None
        with self._lock:
            self._waiting[story.filed.number] = story

    def run(self) -> None:
        """Ask for the newest petitions again and again."""
        while not self._stopping.wait(0.02):
            with self._lock:
                waiting = dict(self._waiting)
            if not waiting:
                continue
            for sealed in {story.sealed for story in waiting.values()}:
                hits = self._officers.search(sealed, sort="newest", size=100)["hits"]
                self._note({hit["number"] for hit in hits})
            # One that is older than the newest hundred is asked for by its number.
            old = [s for s in waiting.values() if s.filed and time.monotonic() - s.filed.at > 2]
            for story in old[:20]:
                assert story.filed is not None
                hits = self._officers.search(story.sealed, q=story.filed.number)["hits"]
                self._note({hit["number"] for hit in hits})

    def _note(self, numbers: Iterable[str]) -> None:
        now = time.monotonic()
        for number in numbers:
            with self._lock:
                story = self._waiting.pop(number, None)
            if story is not None and story.filed is not None:
                story.searchable_s = max(now - story.filed.at, 0.0)
                self._told()

    def finish(self) -> None:
        """Wait until everything was seen, or patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        self._stopping.set()
        self.join(10)
