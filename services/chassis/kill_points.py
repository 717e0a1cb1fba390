"""Ends this process at a chosen moment, for fault tests. Imported only where ``WENZHENG_KILL_AT`` is set.

``WENZHENG_KILL_AT=after_commit:137`` kills with SIGKILL at the 137th passage of the point. Production code has no
line for this: what lies around a point is wrapped from here.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from services.chassis.errors import StartError

#: What holds a function (class or module), its name, and whether the point lies before it, else after it.
Point = tuple[Any, str, bool]


def arm(points: Mapping[str, Point], setting: str) -> None:
    """Wrap what lies around a point.

    Args:
        points: by name.
        setting: ``point:passage``.

    Raises:
        StartError: there is no such point.
    """
    name, _, passage = setting.partition(":")
    if name not in points or not (passage or "1").isdigit():
        raise StartError(f"WENZHENG_KILL_AT must be one of {', '.join(points)} with the passage, like after_commit:5")
    owner, method, before = points[name]
    setattr(owner, method, _deadly(getattr(owner, method), int(passage or "1"), before))


def _deadly(method: Callable[..., Any], passage: int, before: bool) -> Callable[..., Any]:
    passed = [0]

    def pass_by() -> None:
        passed[0] += 1
        if passed[0] == passage:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before:
            pass_by()
        result = method(*args, **kwargs)
        if not before:
            pass_by()
        return result

    return wrapped


def worker_points() -> dict[str, Point]:
    """The points of every worker."""
    from services.chassis.delivery import Work
    from services.chassis.loop import ConsumeLoop
    from services.chassis.relay import Relay
    from services.chassis.sending import Sending

    return {
        # The handlers of a batch have run and all is written, not committed.
        "before_commit": (Work, "finish", False),
        # Committed, not acknowledged.
        "after_commit": (ConsumeLoop, "_acknowledge", True),
        "after_ack": (ConsumeLoop, "_acknowledge", False),
        # The broker has confirmed, the outbox is not marked.
        "after_confirm": (Relay, "_mark", True),
        # The other side has answered, the row is not marked.
        "after_send": (Sending, "_noted", True),
    }
