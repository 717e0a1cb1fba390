"""Ends a process that is asked to end before it is up; imported first by whatever runs in a container.

A container's first process is deaf to SIGTERM until it listens, whatever the default is elsewhere (pid_namespaces(7)):
a pod that was deleted while it was still loading went on, became ready and was killed at the end of its grace period.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType


def _end(number: int, frame: FrameType | None) -> None:
    # Nothing was taken, so there is nothing to finish; a role that takes something listens in our place. The code is
    # that of a process which the signal ended, so that half a migration does not look like a whole one.
    sys.exit(128 + number)


signal.signal(signal.SIGTERM, _end)
