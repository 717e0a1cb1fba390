"""A command of ours that runs every so often beside the processes of one machine, once at a time."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

from services.cli.up import Child

#: From the start until the first time (s).
FIRST_S = 300.0


@dataclass
class Recurring(Child):
    """A command that ends by itself; one that fails is tried again at its next time."""

    every_s: float = 1_800.0

    def start(self) -> None:
        """Nothing waits for it."""
        self.rest_until = time.monotonic() + FIRST_S

    def look(self) -> None:
        """Run it when its time has come and the time before is over."""
        if self.process is not None:
            if self.process.poll() is None:
                return
            if self.process.returncode:
                code, minutes = self.process.returncode, self.every_s / 60
                told = f"wenzheng: {self.name} failed (exit {code}), tried again in {minutes:.0f} minutes"
                print(told, file=sys.stderr, flush=True)
            self.process = None
        if time.monotonic() >= self.rest_until:
            self.rest_until = time.monotonic() + self.every_s
            # What it found is on the pages; what is wrong it says on standard error.
            self.process = subprocess.Popen(
                self.command, env=self.environ, stdout=subprocess.DEVNULL, start_new_session=True
            )
