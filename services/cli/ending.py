"""How a process ends that cannot start: one line on standard error, in the form of its log, and its exit code."""

from __future__ import annotations

import json
import os
import sys
from typing import NoReturn

from services.chassis.clock import SystemClock
from services.chassis.errors import StartError


def say(error: StartError) -> None:
    """Write the line; nothing when another process of ours has written it already."""
    if not str(error):
        return
    # As it is in the environment: the settings may be what is wrong.
    if os.environ.get("WENZHENG_LOG_FORMAT") == "json":
        entry = {
            "event": " ".join(str(error).split()),
            "exit_code": error.code,
            "level": "critical",
            "timestamp": SystemClock().now().isoformat().replace("+00:00", "Z"),
        }
        print(json.dumps(entry, ensure_ascii=False), file=sys.stderr, flush=True)
    else:
        print(f"wenzheng: {error}", file=sys.stderr, flush=True)


def end(error: StartError) -> NoReturn:
    """Write the line and end with its code."""
    say(error)
    sys.exit(error.code)
